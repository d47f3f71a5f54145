"""Experiment: all that a run depends on, read from TOML and checked: circuit, data, training, solver."""

import difflib
import functools
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from circuits import zoo
from circuits.network import Network
from circuits.quoting import REASON, quote, quote_path
from circuits.regular_file import open_regular
from hwsim.experiment.netlist_circuit import SHOWN, SUFFIXES, Netlist, suitable_training
from hwsim.files import stored_conductances
from hwsim.formatting import counted
from hwsim.settings import flat_training
from hwsim.settings.durations import spelled
from hwsim.settings.keys import known_keys
from hwsim.settings.sections import DataSettings, DeviceSettings, Reached, Section, SolverSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.validation_errors import FORMS, dotted, explain, instead, too_large
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from netlists import examples
from netlists.text.findings import NetlistError

__all__ = ["DataSettings", "DeviceSettings", "Experiment", "ExperimentError", "Reached", "SolverSettings", "TrainingSettings"]

_LONGEST = 1 << 20
"""Bytes of an experiment file."""

_DATABASE = b"SQLite format 3\0"
"""How a file of SQLite begins."""

KEYS = "hwsim keys"
"""The command that lists the keys of a section."""

WHATS = "a name in the zoo, an experiment file (.toml), a netlist (.cir, .net, .sp, .spice) or a run folder"
"""What a command takes as WHAT."""

RUN_FILE = "experiment.toml"
"""The experiment of a run, in its folder."""

BUILT_IN = {
    "xor": (2, 2),
    "iris": (4, 3),
    "wine": (13, 3),
    "breast-cancer": (30, 2),
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
    "diabetes": (10, 1),
    "friedman": (10, 1),
    "linear-map": (5, 3),
}
"""Features of the data sets that have a name, and their classes or targets."""

REAL_TARGETS = {"diabetes", "friedman", "linear-map"}
"""Those of them that have real targets."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or is wrong; the message names file, key, value and remedy."""


def _form(given: Any) -> str:
    return FORMS[isinstance(given, Netlist) or (isinstance(given, dict) and "netlist" in given)]


class Experiment(Section):
    """One experiment, complete: the same experiment gives the same numbers.

    Parameters
    ----------
    name
        What the run's folder and the netlist are called; by default the file's name.
    about
        A line for people.
    circuit
        The network that is compiled to a circuit, or the netlist that is one.
    data, training, device, variation, noise, solver
        What it learns, how it learns, on which devices, on which chip, what is noisy there, and how it is solved.
    reached
        What it is known to reach; nothing is computed from it.

    """

    name: str = Field(default="experiment", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    about: str = ""
    circuit: Annotated[Annotated[Network, Tag(FORMS[0])] | Annotated[Netlist, Tag(FORMS[1])], Discriminator(_form)]
    data: DataSettings
    training: TrainingSettings = TrainingSettings()
    device: DeviceSettings = DeviceSettings()
    variation: VariationSettings = VariationSettings()
    noise: NoiseSettings = NoiseSettings()
    solver: SolverSettings = SolverSettings()
    reached: Reached | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.circuit, Netlist):
            circuit = self.circuit.deck.circuit
            crossbars, outputs = len(circuit.trainable), len(circuit.outputs)
        else:
            crossbars, outputs = len(self.circuit.layers) + 1, self.circuit.outputs
            if self.training.init == "netlist":
                msg = "training.init = 'netlist' begins with what a netlist says, and circuit is none; use 'uniform' or 'log-uniform'"
                raise ValueError(msg)
        for key, given in (("rate", self.training.rates(crossbars)), ("g_init", self.training.initial_ranges(crossbars))):
            if len(given) != crossbars:
                msg = f"training.{key} has {len(given)} entries for {crossbars} crossbars; give one, or one a crossbar"
                raise ValueError(msg)
        if self.training.loss.kind == "cross-entropy" and outputs == 1 and self.data.task == "classification":
            msg = "training.loss.kind = 'cross-entropy' compares outputs and circuit.outputs is 1; use 'squared-error', or one a class"
            raise ValueError(msg)
        for key in ("step", "asymmetry"):
            if getattr(self.variation, key) and self.device.preset is None:
                msg = (
                    f"variation.{key} spreads the steps of pulses, and without device.preset none are sent; name a preset, or leave it out"
                )
                raise ValueError(msg)
        if self.variation.after and self.device.preset is None:
            msg = (
                f"variation.after = {spelled(self.variation.after)} lets the memristors of device.preset drift, and there is none; "
                "name one, or leave it out"
            )
            raise ValueError(msg)
        self._check_task()
        if self.reached is not None and self.reached.test_error > (most := self.data.measure.most):
            msg = f"reached.test_error = {self.reached.test_error:g}: the share of wrong answers is at most {most:g}"
            raise ValueError(msg)
        return self

    def _check_task(self) -> None:
        """Refuse a loss that the task does not have, and a task that named data or the circuit do not fit."""
        if self.training.loss.kind == "cross-entropy" and self.data.task != "classification":
            msg = f"training.loss.kind = 'cross-entropy' needs classes, and targets of a {self.data.task} are real; use 'squared-error'"
            raise ValueError(msg)
        if self.data.name not in BUILT_IN:
            return
        name, task, real = self.data.name, self.data.task, self.data.name in REAL_TARGETS
        if real and task == "classification":
            msg = f"data.task = 'classification', and data {name} have real targets, not classes; set data.task to 'regression'"
            raise ValueError(msg)
        if not real and task == "regression":
            msg = f"data.task = 'regression', and data {name} have classes, not real targets; set data.task to 'classification'"
            raise ValueError(msg)
        if self.data.targets is not None:
            msg = f"data.targets names columns of a file, and data {name} have targets of their own; omit it"
            raise ValueError(msg)
        self.check_sizes(*BUILT_IN[name])

    @property
    def shown(self) -> Mapping[str, Any] | None:
        """The conductances that another training left, or that a netlist shows [S], by trainable element array; None where neither is.

        Raises
        ------
        WeightsError
            When those of `training.start` cannot be read.

        """
        if self.training.start is not None:
            return self._started(self.training.start)
        return self.circuit.deck.g if isinstance(self.circuit, Netlist) else None

    @property
    def fresh(self) -> Self:
        """The same experiment with memristors that have just been programmed."""
        return self.model_copy(update={"variation": self.variation.model_copy(update={"after": 0.0})})

    def refuse_age(self) -> None:
        """Refuse to train where memristors are to drift: drift comes after training.

        Raises
        ------
        ExperimentError
            Saying how a drifted chip is evaluated.

        """
        if self.variation.after:
            msg = (
                f"variation.after = {spelled(self.variation.after)}: a chip drifts after training, not before; leave it out, then "
                "hwsim evaluate RUN --after TIME"
            )
            raise ExperimentError(msg)

    def _started(self, start: str) -> Mapping[str, Any]:
        """Return the conductances at 27 °C [S] that learning starts from; those of a run are those at its own temperature."""
        from hwsim.devices.temperature import at_temperature  # noqa: PLC0415 - only for those who start from learned conductances

        g, run = stored_conductances.read(start), stored_conductances.run_of(start)
        known = load(run).variation if run and (run / RUN_FILE).is_file() else VariationSettings()
        return at_temperature(g, self.device, known, VariationSettings())

    def check_sizes(self, features: int, answers: int) -> None:
        """Refuse data that do not fit the circuit's inputs and outputs; `answers` are their classes, or real targets.

        Raises
        ------
        ExperimentError
            Naming the key to change.

        """
        data = quote_path(self.data.name)
        if self.data.shift and features != math.isqrt(features) ** 2:
            msg = f"data.shift = {self.data.shift} moves square images, and data {data} have {features} features; leave it out"
            raise ExperimentError(msg)
        if isinstance(self.circuit, Netlist):
            self._check_netlist(self.circuit, features, answers)
            return
        if self.circuit.inputs != features:
            msg = f"circuit.inputs = {self.circuit.inputs}, but data {data} have {features} features; set it to {features}"
            raise ExperimentError(msg)
        if not self._fits(self.circuit.outputs, features, answers):
            pair = answers == 2 and self.data.task == "classification"  # noqa: PLR2004 - a pair of classes also fits on one output
            right = "2, or 1" if pair else str(features if self.data.task == "reconstruction" else answers)
            msg = f"circuit.outputs = {self.circuit.outputs}, but data {data} have {self._counted(features, answers)}; set it to {right}"
            raise ExperimentError(msg)

    def _fits(self, outputs: int, features: int, answers: int) -> bool:
        """Whether there is an output for each class, target or feature to reconstruct; one also holds two classes."""
        if self.data.task == "reconstruction":
            return outputs == features
        return outputs == answers or (self.data.task == "classification" and (outputs, answers) == (1, 2))

    def _counted(self, features: int, answers: int) -> str:
        """Say how many classes, targets or features there are to answer."""
        match self.data.task:
            case "classification":
                return f"{answers} classes"
            case "regression":
                return counted(answers, "target")
            case "reconstruction":
                return f"{features} features to reconstruct"

    def _check_netlist(self, netlist: Netlist, features: int, answers: int) -> None:
        circuit, file, data = netlist.deck.circuit, quote(Path(netlist.netlist).name), quote_path(self.data.name)
        if circuit.input_count != features:
            msg = (
                f"circuit: {file} has sources for {circuit.input_count} features, but data {data} have {features}; "
                f"let `*hwsim: input` (or --inputs) name a source for each"
            )
            raise ExperimentError(msg)
        outputs = len(circuit.outputs)
        if not self._fits(outputs, features, answers):
            msg = (
                f"circuit: {file} has {counted(outputs, 'output')}, but data {data} have {self._counted(features, answers)}; "
                f"let `*hwsim: output` (or --outputs) name a pair of nodes for each"
            )
            raise ExperimentError(msg)


def load(what: str | Path, settings: Sequence[str] = ()) -> Experiment:
    """Read an experiment: by its name in the zoo, from a `.toml` file, or from a run folder; or make one of a netlist. Then change keys.

    Parameters
    ----------
    what
        The name or the path; `examples/NAME` is also an example deck, wherever hwsim is installed.
    settings
        As for `override`.

    Raises
    ------
    ExperimentError
        When there is none, or when it is wrong; the message names file, key, value and remedy.
    NetlistError
        When a netlist cannot be read.

    """
    example = examples.find(what)
    if example is not None or (str(what) not in zoo.names() and Path(what).suffix.lower() in SUFFIXES):
        return _of_netlist(example or Path(what), settings)
    roles = next((key for key in ("trainable", "inputs", "outputs") if any(s.startswith(f"circuit.{key}=[") for s in settings)), None)
    experiment = _read(what)
    if roles and not isinstance(experiment.circuit, Netlist):
        msg = f"--{roles}: says what is what in a netlist, and {quote_path(what)} is none"
        raise ExperimentError(msg)
    return override(experiment, settings)


def _of_netlist(path: Path, settings: Sequence[str]) -> Experiment:
    """Make an experiment of a netlist: its roles first, then settings that suit it, then the deck's own, then the user's."""
    said = [setting for setting in settings if setting.startswith("circuit.")]
    table: dict[str, Any] = {"circuit": {"netlist": str(path)}}
    for setting in said:
        _put(table, *_setting(setting))
    if not path.exists():
        msg = f"{quote_path(path)}: no such file; give a netlist, an experiment file (.toml), a run folder or a name in the zoo"
        raise ExperimentError(msg)
    try:
        deck = Netlist.model_validate(table["circuit"]).deck
    except ValidationError as error:
        msg = f"{_as_typed(said)}: {explain(error, table, Experiment, KEYS)}"
        raise ExperimentError(msg) from None
    suiting = {
        "name": as_name(path.stem),
        "about": f"the netlist {path.name}",
        "data": {"name": SHOWN, "scaling": "standard", "clip": 3.0},
        "training": suitable_training(deck),
    }
    experiment = _make(suiting | table, str(path))
    for statement in deck.settings:
        try:
            experiment = override(experiment, [f"{key}={value}" for key, value in statement.options.items()])
        except ExperimentError as error:
            raise NetlistError([statement.finding(str(error))]) from None
    return override(experiment, settings)


def _read(what: str | Path) -> Experiment:
    name = str(what)
    if name in zoo.names():
        return _parse(zoo.read(name), name, default_name=name)
    path = Path(what)
    file = path / RUN_FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        msg = f"{quote_path(name)} is a folder without {RUN_FILE}; give a run folder, a name in the zoo or an experiment file (.toml)"
        raise ExperimentError(msg)
    if not file.exists():
        alike = difflib.get_close_matches(name, [*zoo.names(), *examples.names()])
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"the zoo has {', '.join(zoo.names())}"
        msg = f"{quote_path(name)}: no such file, and no such name in the zoo; {hint}"
        raise ExperimentError(msg)
    try:
        with open_regular(file) as opened:
            content = opened.read(_LONGEST + 1)
        if content.startswith(_DATABASE):
            msg = f"{quote_path(file)}: is a database, of a sweep or of folds; continue it with hwsim sweep, or read it with hwsim report"
            raise ExperimentError(msg)
        if len(content) > _LONGEST:
            msg = f"{quote_path(file)}: is longer than {_LONGEST} bytes; an experiment file is a page of TOML"
            raise ExperimentError(msg)
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        msg = f"{quote_path(file)}: is not text in UTF-8; an experiment file is TOML"
        raise ExperimentError(msg) from None
    return _parse(text, quote_path(file), default_name=as_name(path.stem), folder=file.parent)


def as_name(stem: str) -> str:
    """Give the nearest to a text that an experiment may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100] or "experiment"


def _parse(text: str, where: str, *, default_name: str, folder: Path | None = None) -> Experiment:
    try:
        table = tomllib.loads(text)
    except RecursionError:
        msg = f"{where}: is not valid TOML: its lists or tables stand in one another too deeply"
        raise ExperimentError(msg) from None
    except ValueError as error:  # tomllib's own errors, and Python's about numbers of thousands of digits
        msg = f"{where}: is not valid TOML: {quote(str(error).partition(';')[0], REASON)}"
        if folder is not None and not where.rstrip("'\"").lower().endswith(".toml"):
            msg += f"; WHAT is {WHATS}"
        raise ExperimentError(msg) from None
    circuit = table.get("circuit")
    if folder is not None and isinstance(circuit, dict) and isinstance(circuit.get("netlist"), str):
        circuit["netlist"] = str(folder / circuit["netlist"])
    training = table.get("training")
    if folder is not None and isinstance(training, dict) and isinstance(training.get("start"), str) and training["start"]:
        training["start"] = str(folder / training["start"])
    return _make({"name": default_name} | table, where)


def _make(table: dict[str, Any], where: str) -> Experiment:
    if fault := too_large(table):
        msg = f"{where}: {fault}"
        raise ExperimentError(msg)
    try:
        table = table | ({"training": flat_training.tabled(table["training"])} if "training" in table else {})
    except ValueError as error:
        msg = f"{where}: training: {error}"
        raise ExperimentError(msg) from None
    try:
        return Experiment.model_validate(table)
    except ValidationError as error:
        for detail in error.errors():
            if isinstance(detail.get("ctx", {}).get("error"), NetlistError):
                raise detail["ctx"]["error"] from None
        msg = f"{where}: {explain(error, table, Experiment, KEYS)}"
        raise ExperimentError(msg) from None


def override(experiment: Experiment, settings: Sequence[str]) -> Experiment:
    """Change keys: `["training.epochs=3", "circuit.layers[0].size=64"]`.

    Values are written as in TOML; bare words are text. Nothing after the `=` puts a key back to its default. A new `kind` of neuron starts
    from that kind's defaults.

    Raises
    ------
    ExperimentError
        When a key is unknown (the message lists the near ones) or a value wrong.

    """
    if not settings:
        return experiment
    table = experiment.model_dump()
    puts = [_setting(setting) for setting in settings]
    _let_go(table["training"], [keys for keys, _ in puts])
    for keys, value in sorted(
        puts, key=lambda put: (len(put[0]), put[0][-1] != "kind")
    ):  # tables and new kinds first: they have other keys
        _put(table, keys, value)
    return _make(table, _as_typed(settings))


def _let_go(training: dict[str, Any], changed: Sequence[Sequence[str | int]]) -> None:
    """Let a nudge that is the loss's natural one be that of another loss, where keys change the loss and do not name a nudge."""
    nudge, loss = (any(keys[:2] == ["training", table] and keys[2:] in ([], ["kind"]) for keys in changed) for table in ("nudge", "loss"))
    if loss and not nudge and training["nudge"]["kind"] == flat_training.NATURAL[training["loss"]["kind"]]:
        del training["nudge"]["kind"]


class FromOption(str):
    """A setting that an option of a command stands for, such as `--after 30d`; messages show the option."""

    __slots__ = ("typed",)
    typed: str

    def __new__(cls, setting: str, typed: str) -> Self:
        """Keep what was typed next to the setting."""
        made = super().__new__(cls, setting)
        made.typed = typed
        return made


def _as_typed(settings: Sequence[str]) -> str:
    """Return settings as they were typed, at most so much of them as a message shows."""
    return quote(" ".join(one.typed if isinstance(one, FromOption) else f"--set {one}" for one in settings), REASON)


def _setting(setting: str) -> tuple[list[str | int], Any]:
    """Split KEY=VALUE into keys and the value."""
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        msg = f"--set {quote(setting)}: should be KEY=VALUE, such as training.epochs=3"
        raise ExperimentError(msg)
    value = read_value(text.strip())
    return _keys(flat_training.canonical(key.strip(), word=not isinstance(value, dict))), value


def _keys(key: str) -> list[str | int]:
    """Split `circuit.layers[0].size`, or `circuit.layers.0.size`, into keys and indices."""
    parts = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    return [int(part) if part.isdecimal() else part for part in parts]


def read_value(text: str) -> Any:
    """Read a value as it is typed: as in TOML, bare words as text, nothing as a mark that puts a key back to its default."""
    if not text:
        return _DEFAULT
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if list(read) == ["value"] else text


_DEFAULT: Any = object()


def _put(table: dict[str, Any], keys: list[str | int], value: Any) -> None:
    """Put a value at its place in the nested tables and lists of an experiment."""
    inside: Any = table
    for k, key in enumerate(keys[:-1]):
        inside = _step(inside, keys, k)
        if inside[key] is None:
            inside[key] = {}
        elif isinstance(inside[key], tuple):
            inside[key] = list(inside[key])
        inside = inside[key]
    inside = _step(inside, keys, len(keys) - 1)
    last: Any = keys[-1]
    if last == "kind" and inside.get(last) != value:
        inside.clear()  # another kind has other keys
    if value is _DEFAULT:
        inside.pop(last, None)
    else:
        inside[last] = value


def _step(inside: Any, keys: list[str | int], k: int) -> Any:
    """Give the table or list that holds `keys[k]`, or say why there is none."""
    where, key = dotted(tuple(keys[:k])), keys[k]
    if isinstance(inside, list) and isinstance(key, int):
        if key < len(inside):
            return inside
        msg = f"--set {quote(dotted(tuple(keys)))}: {quote(where)} has {len(inside)} entries, numbered from 0"
        raise ExperimentError(msg)
    known = _known()
    if isinstance(inside, dict) and (key in inside or _generic(keys[: k + 1]) in known):
        inside.setdefault(key, None)
        return inside
    msg = f"--set {quote(dotted(tuple(keys)))}: there is no such key; {instead(dotted(tuple(keys)), known, KEYS)}"
    raise ExperimentError(msg)


@functools.cache
def _known() -> list[str]:
    return known_keys(Experiment)


def _generic(keys: Sequence[str | int]) -> str:
    return dotted(tuple(0 if isinstance(key, int) else key for key in keys))


def to_toml(experiment: Experiment) -> str:
    """Write an experiment completely, defaults too; it loads back to an equal one."""
    import tomli_w  # noqa: PLC0415 - only those who write need it

    return tomli_w.dumps(experiment.model_dump(exclude_none=True))

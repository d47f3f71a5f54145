"""Experiment: all that a run depends on, read from TOML and checked: circuit, data, training, solver."""

import difflib
import functools
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from circuits import zoo
from circuits.network import Network
from hwsim.mistakes import dotted, explain, known_keys, near
from hwsim.settings import DataSettings, DeviceSettings, EngineName, Reached, Section, SolverSettings, TrainingSettings

__all__ = ["DataSettings", "DeviceSettings", "EngineName", "Experiment", "ExperimentError", "Reached", "SolverSettings", "TrainingSettings"]

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
}
"""Features and classes of the data sets that have a name."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or is wrong; the message names file, key, value and remedy."""


class Experiment(Section):
    """One experiment, complete: the same experiment gives the same numbers.

    Parameters
    ----------
    name
        What the run's folder and the netlist are called; by default the file's name.
    about
        A line for people.
    circuit
        The network that is compiled to a circuit.
    data, training, device, solver
        What it learns, how it learns, on which devices, and how it is solved.
    reached
        What it is known to reach; nothing is computed from it.

    """

    name: str = Field(default="experiment", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    about: str = ""
    circuit: Network
    data: DataSettings
    training: TrainingSettings = TrainingSettings()
    device: DeviceSettings = DeviceSettings()
    solver: SolverSettings = SolverSettings()
    reached: Reached | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        crossbars = len(self.circuit.layers) + 1
        for key, given in (("rate", self.training.rates(crossbars)), ("g_init", self.training.initial_ranges(crossbars))):
            if len(given) != crossbars:
                msg = f"training.{key} has {len(given)} entries for {crossbars} crossbars; give one, or one a crossbar"
                raise ValueError(msg)
        if self.training.loss == "cross-entropy" and self.circuit.outputs == 1:
            msg = "training.loss = 'cross-entropy' compares outputs and circuit.outputs is 1; use 'squared-error', or an output a class"
            raise ValueError(msg)
        if self.data.name in BUILT_IN:
            self.check_sizes(*BUILT_IN[self.data.name])
        return self

    def check_sizes(self, features: int, classes: int) -> None:
        """Refuse data that do not fit the circuit's inputs and outputs.

        Raises
        ------
        ExperimentError
            Naming the key of the circuit to change.

        """
        if self.circuit.inputs != features:
            msg = f"circuit.inputs = {self.circuit.inputs}, but data {self.data.name} have {features} features; set it to {features}"
            raise ExperimentError(msg)
        if self.circuit.outputs != classes and (self.circuit.outputs, classes) != (1, 2):
            right = "2, or 1" if classes == 2 else str(classes)  # noqa: PLR2004 - a pair of classes also fits on one output
            msg = f"circuit.outputs = {self.circuit.outputs}, but data {self.data.name} have {classes} classes; set it to {right}"
            raise ExperimentError(msg)


def load(what: str | Path) -> Experiment:
    """Read an experiment: by its name in the zoo, from a `.toml` file, or from a run folder.

    Raises
    ------
    ExperimentError
        When there is none, or when it is wrong; the message names file, key, value and remedy.

    """
    name = str(what)
    if name in zoo.names():
        return _parse(zoo.read(name), name, default_name=name)
    path = Path(what)
    if path.suffix == ".cir":
        msg = f"{name}: a netlist does not say how to train; give a name in the zoo, an experiment file (.toml) or a run folder"
        raise ExperimentError(msg)
    file = path / RUN_FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        msg = f"{name} is a folder without {RUN_FILE}; give a run folder, a name in the zoo or an experiment file (.toml)"
        raise ExperimentError(msg)
    if not file.exists():
        alike = difflib.get_close_matches(name, zoo.names())
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"the zoo has {', '.join(zoo.names())}"
        msg = f"{name}: no such file, and no such name in the zoo; {hint}"
        raise ExperimentError(msg)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        msg = f"{file}: is not text in UTF-8; an experiment file is TOML"
        raise ExperimentError(msg) from None
    return _parse(text, str(file), default_name=as_name(path.stem))


def as_name(stem: str) -> str:
    """Give the nearest to a text that an experiment may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100] or "experiment"


def _parse(text: str, where: str, *, default_name: str) -> Experiment:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{where}: is not valid TOML: {error}"
        raise ExperimentError(msg) from None
    return _make({"name": default_name} | table, where)


def _make(table: dict[str, Any], where: str) -> Experiment:
    try:
        return Experiment.model_validate(table)
    except ValidationError as error:
        msg = f"{where}: {explain(error, table, Experiment)}"
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
    table = experiment.model_dump()
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            msg = f"--set {setting}: should be KEY=VALUE, such as training.epochs=3"
            raise ExperimentError(msg)
        _put(table, _keys(key.strip()), read_value(text.strip()))
    return _make(table, "--set " + " --set ".join(settings))


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
    except tomllib.TOMLDecodeError:
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
        msg = f"--set {dotted(tuple(keys))}: {where} has {len(inside)} entries, numbered from 0"
        raise ExperimentError(msg)
    known = _known()
    if isinstance(inside, dict) and (key in inside or _generic(keys[: k + 1]) in known):
        inside.setdefault(key, None)
        return inside
    alike = near(dotted(tuple(keys)), known)
    hint = f"did you mean {' or '.join(alike)}?" if alike else f"an experiment has {', '.join(Experiment.model_fields)}"
    msg = f"--set {dotted(tuple(keys))}: there is no such key; {hint}"
    raise ExperimentError(msg)


@functools.cache
def _known() -> list[str]:
    return list(known_keys(Experiment))


def _generic(keys: Sequence[str | int]) -> str:
    return dotted(tuple(0 if isinstance(key, int) else key for key in keys))


def to_toml(experiment: Experiment) -> str:
    """Write an experiment completely, defaults too; it loads back to an equal one."""
    import tomli_w  # noqa: PLC0415 - only those who write need it

    return tomli_w.dumps(experiment.model_dump(exclude_none=True))

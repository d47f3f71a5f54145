"""Loading an experiment: from the zoo, an experiment file, a run folder or a netlist."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from circuits import zoo
from circuits.neurons import KINDS
from circuits.quoting import REASON, quote, quote_path
from circuits.regular_file import open_regular
from hwsim.experiment.deck_data import suitable_data
from hwsim.experiment.experiment import KEYS, RUN_FILE, SAMPLES, Experiment, ExperimentError, make
from hwsim.experiment.netlist_circuit import SHOWN, SUFFIXES, Netlist
from hwsim.experiment.overriding import Settings, as_typed, assignments, of_section, override, put
from hwsim.settings.data_names import BUILT_IN
from hwsim.settings.validation_errors import explain
from netlists import examples
from netlists.text.findings import NetlistError

if TYPE_CHECKING:
    from netlists.deck import Deck

_LONGEST = 1 << 20
"""Bytes of an experiment file."""

_DATABASE = b"SQLite format 3\0"
"""How a file of SQLite begins."""

WHATS = "a name in the zoo, an experiment file (.toml), a netlist (.cir, .net, .sp, .spice) or a run folder"
"""What a command takes as WHAT."""


def load(what: str | Path, settings: Settings = ()) -> Experiment:
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
    listed = [keys for keys, value in assignments(settings) if isinstance(value, list | tuple) or keys == ["circuit", "dialect"]]
    roles = next((key for key in ("trainable", "inputs", "outputs", "dialect") if ["circuit", key] in listed), None)
    experiment = _read(what)
    if roles and not isinstance(experiment.circuit, Netlist):
        msg = f"--{roles}: describes a netlist, and {quote_path(what)} is none"
        raise ExperimentError(msg)
    return override(experiment, settings)


def _of_netlist(path: Path, settings: Settings) -> Experiment:
    """Make an experiment of a netlist: its roles first, then settings that suit it, then the deck's own, then the user's."""
    from hwsim.experiment.deck_training import suitable_training  # noqa: PLC0415 - most experiments have no deck

    of_circuit = of_section(settings, "circuit")
    table: dict[str, Any] = {"circuit": {"netlist": str(path)}}
    for keys, value in assignments(of_circuit):
        put(table, keys, value)
    if not path.exists():
        msg = f"{quote_path(path)}: no such file; give a netlist, an experiment file (.toml), a run folder or a name in the zoo"
        raise ExperimentError(msg)
    try:
        deck = Netlist.model_validate(table["circuit"]).deck
    except ValidationError as error:
        msg = f"{as_typed(of_circuit)}: {explain(error, table, Experiment, KEYS)}"
        raise ExperimentError(msg) from None
    asked = _asked(deck, settings)
    data = {"name": SHOWN} | suitable_data(deck, asked, built_in=asked.get("name") in BUILT_IN)
    suiting = {
        "name": as_name(path.stem),
        "about": f"the netlist {path.name}",
        "data": data,
        "training": suitable_training(deck, real="task" in data or asked.get("task") == "reconstruction"),
    }
    experiment = make(suiting | table, str(path))
    for statement in deck.settings:
        try:
            experiment = override(experiment, [f"{key}={value}" for key, value in statement.options.items()])
        except ExperimentError as error:
            raise NetlistError([statement.finding(str(error))]) from None
    return override(experiment, settings)


def _asked(deck: "Deck", settings: Settings) -> dict[str, Any]:
    """Collect the keys of the data section that the deck sets, and then the user, with their values."""
    of_deck = [f"{key}={value}" for statement in deck.settings for key, value in statement.options.items()]
    keys_of_data: dict[str, Any] = {}
    for keys, value in (*assignments(of_deck), *assignments(settings)):
        if keys[0] == "data":
            keys_of_data |= {str(keys[1]): value} if len(keys) > 1 else value if isinstance(value, dict) else {}
    return keys_of_data


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
        hint = f"did you mean {' or '.join(alike)}?" if alike else "hwsim zoo lists its names"
        is_path = path.parent != Path() and not alike
        msg = f"{quote_path(name)}: no such file or folder; WHAT is {WHATS}"
        if not is_path:
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
    """Return the nearest to a text that an experiment may be called."""
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
            msg = f"{where}: WHAT is {WHATS}, and this is none of them; a table of data goes with --data"
        raise ExperimentError(msg) from None
    reservoir = table.get("reservoir")
    for circuit in (table.get("circuit"), reservoir.get("deck") if isinstance(reservoir, dict) else None):
        if folder is not None and isinstance(circuit, dict) and isinstance(circuit.get("netlist"), str):
            circuit["netlist"] = str(folder / circuit["netlist"])
    data = table.get("data")
    if folder is not None and isinstance(data, dict) and data.get("name") == SAMPLES:
        data["name"] = str(folder / SAMPLES)
    training = table.get("training")
    if folder is not None and isinstance(training, dict) and isinstance(training.get("start"), str) and training["start"]:
        training["start"] = str(folder / training["start"])
    company = table.get("company")
    if folder is not None and isinstance(company, dict) and (teachers := company.get("teacher")):
        listed = teachers if isinstance(teachers, list) else [teachers]
        company["teacher"] = [str(folder / one) if isinstance(one, str) and one else one for one in listed]
    return make({"name": default_name} | table, where)


def to_toml(experiment: Experiment) -> str:
    """Write an experiment completely, defaults too; it loads back to an equal one.

    Raises
    ------
    ExperimentError
        When a neuron is of a class of the caller's own, which no file describes.

    """
    for k, layer in enumerate(layer for network in experiment.networks for layer in network.layers):
        if (kind := type(layer.neuron)) not in KINDS:
            msg = f"circuit.layers[{k}].neuron is of class {kind.__name__}, which no experiment file describes; keep the model in Python"
            raise ExperimentError(msg)
    import tomli_w  # noqa: PLC0415 - only those who write need it

    return tomli_w.dumps(experiment.model_dump(exclude_none=True))

"""`hwsim zoo`: the named circuits."""

import difflib
import tomllib
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any

import click

from circuits import zoo
from cli.command import command as make_command
from cli.output import Output
from cli.tables import table
from netlists import examples

if TYPE_CHECKING:
    from circuits.network import Network


@make_command("zoo", "hwsim zoo\nhwsim zoo digits > my.toml\nhwsim zoo examples/gradient > gradient.cir")
@click.argument("name", required=False)
def command(output: Output, name: str | None) -> None:
    """List the named circuits: layers, neurons, devices, data, error; and the example decks. With NAME, print its experiment file or deck.

    Errors are means over seeds, or over all folds where an interval (95 %) and the error of a linear model on the same folds follow. Those
    of regressions, RMSE in the targets' units or NRMSE, and R², are listed by themselves; linear is the inputs alone, where circuits are
    reservoirs.
    """
    example = examples.find(name) if name is not None else None
    if example is None and name not in {None, *zoo.names()}:
        every = [*zoo.names(), *examples.names()]
        alike = difflib.get_close_matches(name or "", every)
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"it has {', '.join(every)}"
        msg = f"{name}: no such name in the zoo; {hint}"
        raise click.UsageError(msg)
    if name is not None and not output.json:
        output.raw(example.read_text(encoding="utf-8") if example else zoo.read(name))
        return
    chosen = {f"examples/{example.stem}"} if example else {name} if name else {*zoo.names(), *examples.names()}
    circuits = [_entry(one) for one in zoo.names() if one in chosen]
    decks = [{"name": one, "about": examples.title(one)} for one in examples.names() if one in chosen]
    errors = [
        table(header, [row(entry) for entry in circuits if entry["measure"] == measure])
        for measure, header, row in (
            ("error", _HEADER, _errors),
            ("rmse", _real_header("RMSE"), _real_errors),
            ("nrmse", _real_header("NRMSE"), _real_errors),
        )
        if any(entry["measure"] == measure for entry in circuits)
    ]
    parts = table(("name", "about"), [(entry["name"], f"{entry['about']}\n{_parts(entry)}") for entry in circuits])
    listed = table(("example", "about"), [(deck["name"], deck["about"]) for deck in decks])
    texts = [*errors, parts] * bool(circuits) + [listed] * bool(decks)
    output.result({"circuits": circuits, "examples": decks}, "\n\n".join(texts))


_HEADER = ("name", "layers", "data", "error [%]", "95 % interval", "linear [%]")
_REAL_COLUMNS = {"test_error": ".4g", "linear": ".4g", "r2": ".3f", "linear_r2": ".3f"}


def _real_header(measure: str) -> tuple[str, ...]:
    return ("name", "layers", "data", measure, f"linear {measure}", "R²", "linear R²")


_REACHED = ("test_error", "interval", "linear", "r2", "linear_r2", "seeds", "folds", "note", "command")


def _entry(name: str) -> dict[str, Any]:
    """Describe a circuit from its file only: quick, nothing is compiled."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - help does without

    from circuits.network import Network  # noqa: PLC0415 - for this command alone

    values = tomllib.loads(zoo.read(name))
    reached = values.get("reached", {})
    blocks = values.get("blocks") or [{"kind": "circuit", "circuit": values["circuit"]}]
    reservoir = _reservoir(values)
    circuits = [block["circuit"] for block in blocks if block["kind"] == "circuit"]
    networks = [TypeAdapter(Network).validate_python(circuit) for circuit in circuits]
    layers = [layer for circuit in circuits for layer in circuit.get("layers", [])]
    return {
        "name": name,
        "about": values["about"],
        "layers": _sizes(networks[0]) if "circuit" in values else _chained(blocks, reservoir.get("layers", [])),
        "neurons": [*reservoir.get("neurons", []), *(layer["neuron"]["kind"] for layer in layers if "neuron" in layer)],
        "amplifiers": [layer.get("amplifier") for layer in layers],
        "differential": all(network.differential for network in networks),
        "memristors": reservoir.get("memristors", 0) + sum(network.memristors for network in networks),
        "data": values["data"]["name"],
        "task": values["data"].get("task", "classification"),
        "measure": values["data"].get("error", "rmse") if "task" in values["data"] else "error",
        **{key: reached.get(key) for key in _REACHED},
    }


def _reservoir(values: dict[str, Any]) -> dict[str, Any]:
    """Describe the reservoir of an experiment, if it has one: its sizes, neurons and memristors."""
    if "reservoir" not in values:
        return {}
    from hwsim.reservoir.drawn_circuit import DrawnCircuit  # noqa: PLC0415 - for reservoirs alone
    from hwsim.settings.data_names import BUILT_IN, IMAGES, SEQUENCES  # noqa: PLC0415 - as above
    from hwsim.settings.reservoir_settings import ReservoirSettings  # noqa: PLC0415 - as above

    settings, data = ReservoirSettings.model_validate(values["reservoir"]), values["data"]["name"]
    image = (IMAGES | SEQUENCES).get(data)
    inputs = BUILT_IN[data][0] if image is None else image.width * image.channels
    return {"layers": [inputs, settings.features], "neurons": ["diode-pair"], "memristors": DrawnCircuit(settings, inputs).memristors}


def _chained(blocks: list[dict[str, Any]], before: list[int]) -> list[int | str]:
    """List the sizes at the ends of a chain's blocks, after those of what is before them, with bars between the blocks."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    from hwsim.settings.block_settings import BlockSettings, shapes  # noqa: PLC0415 - for chains alone

    made = shapes(TypeAdapter(tuple[BlockSettings, ...]).validate_python(blocks), (before[-1],) if before else None)
    ends = [before] * bool(before) + [[prod(shape) for shape in pair] for pair in made]
    listed: list[int | str] = list(ends[0])
    for pair in ends[1:]:
        listed += ["|", *pair]
    return listed


def _sizes(network: "Network") -> list[int | str]:
    """List the sizes of a network's layers; maps as height×width×channels."""
    return [network.inputs, *(one.channels if one[:2] == (1, 1) else str(one) for one in network.maps[1:]), network.outputs]


def _errors(entry: dict[str, Any]) -> tuple[str, ...]:
    low, high = entry["interval"] or (None, None)
    return (
        entry["name"],
        _layers(entry["layers"]),
        entry["data"],
        _percent(entry["test_error"]),
        "" if low is None else f"{_percent(low, 1)} to {_percent(high, 1)}",
        _percent(entry["linear"]),
    )


def _real_errors(entry: dict[str, Any]) -> tuple[str, ...]:
    numbers = ("–" if entry[key] is None else f"{entry[key]:{form}}" for key, form in _REAL_COLUMNS.items())
    return (entry["name"], _layers(entry["layers"]), entry["data"], *numbers)


def _layers(sizes: list[int | str]) -> str:
    """Format 784, 1024, 1024, 10 as 784-1024×2-10; a chain by its ends, 784-chain-10."""
    if "|" in sizes:
        return f"{sizes[0]}-chain-{sizes[-1]}"
    equal = [(size, len(list(some))) for size, some in groupby(sizes)]
    return "-".join(f"{size}×{count}" if count > 1 else f"{size}" for size, count in equal)


def _parts(entry: dict[str, Any]) -> str:
    amplifiers = dict.fromkeys(f"gain {a['gain']:g}, back {a['back']:.3g}" if a else "no amplifiers" for a in entry["amplifiers"])
    parts = ["; ".join(dict.fromkeys(entry["neurons"])) or "no neurons", "; ".join(amplifiers), f"{entry['memristors']:,} memristors"]
    return "; ".join(part for part in parts if part)


def _percent(error: float | None, digits: int = 2) -> str:
    return "–" if error is None else f"{100 * error:.{digits}f}"

"""Subcircuits of the library: which elements one stands for, and a line an instance with the chip's own parameters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import is_silicon
from circuits.elements import Amplifiers, Diodes, Elements, Nudges, VoltageSources
from circuits.nodes import Nodes
from circuits.topology import Block
from netlists.text.numbers import plain

_GROUND = "0"


@dataclass(frozen=True, slots=True)
class SubcircuitElement:
    """One element inside a subcircuit: its terminals' pins ("0" is ground) and the subcircuit's names of its parameters."""

    kind: type[Elements]
    pins: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)


def _diode(anode: str, cathode: str, suffix: str = "") -> SubcircuitElement:
    return SubcircuitElement(Diodes, {"anode": anode, "cathode": cathode}, {name: f"{name}{suffix}" for name in ("i_sat", "n")})


def _rail(pin: str) -> SubcircuitElement:
    return SubcircuitElement(VoltageSources, {"plus": pin, "minus": _GROUND}, {"v": f"v_{pin}"})


def _amplifier(**more: str) -> SubcircuitElement:
    return SubcircuitElement(
        Amplifiers, {"input": "input", "output": "output"}, {"gain": "gain", "back": "back", "offset": "offset"} | more
    )


LIBRARY: dict[str, tuple[SubcircuitElement, ...]] = {
    "diode_pair": (_diode("column", "high", "_high"), _rail("high"), _diode("low", "column", "_low"), _rail("low")),
    "clamp_low": (_diode("low", "column"), _rail("low")),
    "clamp_high": (_diode("column", "high"), _rail("high")),
    "dead_zone": (_diode("column", "core", "_forward"), _diode("core", "column", "_backward")),
    "amplifier": (_amplifier(),),
    "resistive_amplifier": (_amplifier(output_resistance="r_out"),),
    "nudge": (SubcircuitElement(Nudges, {"plus": "plus", "minus": "minus"}),),
    "skewed_nudge": (SubcircuitElement(Nudges, {"plus": "plus", "minus": "minus"}, {"gain": "gain"}),),
}
"""The elements of each subcircuit, in the order of a block's; pins come in the order in which the parts name them."""

_HEATED = "_eg"
"""What the name of a subcircuit ends with whose diodes have energy gaps and exponents of their own; without it these are silicon's."""


def _heated(part: SubcircuitElement) -> SubcircuitElement:
    """Return a part whose diode has all of its parameters."""
    if part.kind is not Diodes:
        return part
    suffix = part.parameters["n"][1:]
    return replace(part, parameters={name: f"{name}{suffix}" for name in Diodes.parameters})


LIBRARY |= {f"{kind}{_HEATED}": tuple(map(_heated, parts)) for kind, parts in LIBRARY.items() if any(part.kind is Diodes for part in parts)}


def plain_kind(kind: str) -> str:
    """Return the kind of block that a subcircuit stands for."""
    return kind.removesuffix(_HEATED)


def of_chip(block: Block, circuit: Circuit, chip: Chip) -> Block:
    """Return the block as the plainest subcircuit that holds its diodes' parameters on a chip."""
    diodes = [name for name in block.elements if isinstance(circuit[name], Diodes)]
    silicon = all(is_silicon(chip.reference(name, "eg"), chip.reference(name, "xti")) for name in diodes)
    return block if silicon or block.kind not in LIBRARY else replace(block, kind=f"{block.kind}{_HEATED}")


AMPLIFIERS = ("amplifier", "resistive_amplifier")
"""The subcircuits that stay whole wherever a deck has them."""


def text(kind: str) -> str:
    """Return the text of a subcircuit of the library."""
    return (Path(__file__).parent.with_name("library") / f"{kind}.lib").read_text(encoding="utf-8").rstrip()


def _pins(parts: Iterable[SubcircuitElement], elements: Sequence[Elements]) -> dict[str, Nodes] | None:
    """Return the nodes of each pin, or nothing when the elements are not joined as the parts are."""
    pins: dict[str, Nodes] = {_GROUND: np.zeros(len(elements[0]), dtype=np.intp)}
    for part, element in zip(parts, elements, strict=True):
        for terminal, pin in part.pins.items():
            nodes = getattr(element, terminal)
            if not np.array_equal(pins.setdefault(pin, nodes), nodes):
                return None
    del pins[_GROUND]
    return pins


def fits(block: Block, circuit: Circuit) -> bool:
    """Whether the library has a subcircuit for a block, made of the same elements joined in the same way."""
    parts, elements = LIBRARY.get(block.kind, ()), [circuit[name] for name in block.elements]
    if len({len(element) for element in elements}) != 1 or [type(e) for e in elements] != [part.kind for part in parts]:
        return False
    return _pins(parts, elements) is not None


def instances(block: Block, circuit: Circuit, chip: Chip, extra: Sequence[Sequence[str]] = ()) -> Iterator[str]:
    """Write one line an instance: its pins, `extra` nodes, the subcircuit's name and its parameters.

    Parameters
    ----------
    block
        Elements that `fits` the library; amplifiers and nudges make a block of their own.
    circuit, chip
        Whose nodes and values are written.
    extra
        Names of further nodes, one sequence an instance.

    """
    parts, elements = LIBRARY[block.kind], [circuit[name] for name in block.elements]
    pins, names = _pins(parts, elements) or {}, circuit.node_names
    columns = [pin.tolist() for pin in pins.values()]
    parameters = [
        (called, plain(chip.reference(name, parameter), f"{name}: {parameter}"))
        for part, name in zip(parts, block.elements, strict=True)
        for parameter, called in part.parameters.items()
    ]
    for k in range(len(elements[0])):
        nodes = [*(names[column[k]] for column in columns), *(extra[k] if extra else ())]
        values = (f"{called}={value[k]}" for called, value in parameters)
        yield " ".join([f"X_{block.name}_{k}", *nodes, block.kind, *values])

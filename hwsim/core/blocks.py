"""Conductances by blocks: the rows of a crossbar, or taps of a convolution, that one array of sources drives, or the layer before does.

Nothing that is done to conductances while a circuit learns crosses the blocks, so that training keeps them apart: an update neither
cuts nor joins large arrays. A block is called by its place along the first axis, "w1[0:784]"; an array that is not divisible is one block.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.rows import row_parts
from hwsim.typing import Array

Blocks = Mapping[str, Array]
"""One array a block, by its name."""


def name(element: str, of_g: slice) -> str:
    """Return the name of a block: its place along the first axis of the array's conductances."""
    return f"{element}[{of_g.start}:{of_g.stop}]"


def element_of(block: str) -> str:
    """Return the element array that a block, or an element array itself, belongs to."""
    return block.partition("[")[0]


def place(block: str) -> slice:
    """Return what of the first axis of its element array's conductances a block is."""
    start, _, stop = block.partition("[")[2].rstrip("]").partition(":")
    return slice(int(start), int(stop)) if stop else slice(None)


def names(circuit: Circuit) -> list[str]:
    """List the names of all blocks of trainable devices."""
    return list(_places(circuit))


def of_memristors(circuit: Circuit) -> list[str]:
    """List the names of the blocks that are programmed as memristors."""
    memristive = {element.name for element in circuit.memristive}
    return [block for block in _places(circuit) if element_of(block) in memristive]


def parts(circuit: Circuit) -> list[tuple[str, Trainable]]:
    """List the arrays of devices, one a run of rows, each after the block that its conductances are; several may share one."""
    arrays = list[tuple[str, Trainable]]()
    for element in circuit.trainable:
        if isinstance(element, Divisible):
            arrays += [(name(element.name, run.of_g), part) for run, part in row_parts(circuit, element)]
        else:
            arrays.append((element.name, element))
    return arrays


@lru_cache(maxsize=16)  # every epoch asks
def _places(circuit: Circuit) -> dict[str, tuple[str, slice]]:
    places: dict[str, tuple[str, slice]] = {}
    for member in circuit.members:
        for element in member.trainable:
            if isinstance(element, Divisible):
                places |= {name(element.name, run.of_g): (element.name, run.of_g) for run, _ in row_parts(member, element)}
            else:
                places[element.name] = (element.name, slice(None))
    return places


def split(circuit: Circuit, g: Mapping[str, Array], *, some: bool = False) -> dict[str, Array]:
    """Cut arrays, one a trainable element array, into blocks; blocks stay what they are. `some`: not all element arrays are there."""
    places = {block: place for block, place in _places(circuit).items() if not some or place[0] in g}
    return {block: g[block] if block in g else g[element][of_g] for block, (element, of_g) in places.items()}


def join(blocks: Blocks) -> dict[str, Array]:
    """Put blocks together again, one array an element array."""
    names_of_element: dict[str, list[str]] = {}
    for block in sorted(blocks, key=lambda block: place(block).start or 0):
        names_of_element.setdefault(element_of(block), []).append(block)
    return {element: _joined([blocks[block] for block in parts]) for element, parts in names_of_element.items()}


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else parts[0].__array_namespace__().concatenate(parts, axis=0)


def parameter(chip: AnyChip, block: str, what: str) -> Any:
    """Return a parameter of a block's devices on a chip: one number, or one a device."""
    values = chip(element_of(block), what)
    return values if np.ndim(values) == 0 else values[place(block)]

"""Statements: the structured comments of a deck that hwsim writes, so that reading it gives the same circuit; roles.py explains them."""

import textwrap
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Elements, InputCurrents, InputSources, Nudges, VoltageSources
from circuits.topology import Block
from netlists.read.roles import stem
from netlists.text.lines import ROLE
from netlists.write.cards import letter
from netlists.write.node_roles import what_they_are

_WIDTH = 120

_BOUNDS = "g_min", "g_max"


def _wrapped(text: str) -> Iterator[str]:
    """Write a statement, long lists of numbers on lines of their own."""
    first, *rest = textwrap.wrap(text.replace(",", ", "), _WIDTH, break_long_words=False, break_on_hyphens=False)
    yield f"{ROLE} {first}".replace(", ", ",")
    yield from (f"{ROLE}+ {line}".replace(", ", ",") for line in rest)


def _numbers(values: Any, *, spread: bool = True) -> str:
    """Write numbers; with `spread`, one where all are equal."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return ",".join(map(repr, flat[:1].tolist() if spread and (flat == flat[0]).all() else flat.tolist()))


def header(circuit: Circuit, written: Sequence[str], subcircuits: Collection[str]) -> Iterator[str]:
    """State what the circuit is called, and what the cards do not show of it.

    Parameters
    ----------
    circuit
        What is written.
    written
        The names of its elements in the order of the cards.
    subcircuits
        The names of its blocks that stand as subcircuits, in the order of the cards.

    """
    yield from _wrapped(f"circuit {' '.join(circuit.name.split())}")
    names = [element.name for element in circuit.elements]
    if names != list(written):
        yield from _wrapped(f"order {' '.join(names)}")
    yield from (line for block in circuit.blocks if block.name not in subcircuits for line in _block(block, ()))
    blocks = [block.name for block in circuit.blocks]
    if blocks != list(subcircuits):
        yield from _wrapped(f"blocks {' '.join(blocks)}")


def nodes(circuit: Circuit) -> Iterator[str]:
    """State which nodes there are, in order, and what each group is."""
    for group in circuit.groups:
        yield f"{ROLE} nodes {group.name if group.size is None else f'{group.names[0]} to {group.names[-1]}'}"
        if meaning := what_they_are(circuit, group.nodes):
            yield f"*   {meaning}"


def _block(block: Block, ideal: Collection[str]) -> Iterator[str]:
    soft = ",".join(name for name in block.elements if name in ideal)
    yield from _wrapped(f"block {block.name} {block.kind} {' '.join(block.elements)}{f' ideal={soft}' if soft else ''}")


def block(block: Block, circuit: Circuit, ideal: Collection[str]) -> Iterator[str]:
    """State what a section of subcircuits is; `ideal` names the diodes that stand for ideal ones."""
    if block not in circuit.blocks:  # amplifiers, which make a block of their own
        yield f"{ROLE} array {_pattern('X', block.name)}"
    else:
        yield from _block(block, ideal)


def _pattern(begins: str, name: str, numbers: int = 1) -> str:
    pattern = f"{begins}_{name}{'_#' * numbers}"
    return pattern if stem(pattern) == name else f"{pattern} name={name}"


def outputs(circuit: Circuit, chip: Chip, sources: Sequence[str]) -> Iterator[str]:
    """State which pairs are outputs, and which cards nudge them: `sources` besides the subcircuits."""
    element: Nudges = circuit.outputs
    names = circuit.node_names
    options = (
        [[] for _ in element.plus]
        if all((chip(element.name, p) == usual).all() for p, usual in (("gain", 1), ("offset", 0)))
        else [
            [f"gain={gain!r}", f"offset={offset!r}"]
            for gain, offset in zip(chip(element.name, "gain").tolist(), chip(element.name, "offset").tolist(), strict=True)
        ]
    )
    pairs = zip(element.plus.tolist(), element.minus.tolist(), options, strict=True)
    yield from (" ".join([ROLE, "output", names[plus], names[minus], *extra]) for plus, minus, extra in pairs)
    yield f"{ROLE} nudge {' '.join([_pattern('X', element.name), *sources])}"


def _of_cards(element: Trainable, values: Any) -> Any:
    """Return a parameter of conductances in the order of the cards; those of a crossbar, and one for all, stay as they are."""
    return values if element.grid or np.ndim(values) == 0 else element.expand(values).g[element.order]


def array(element: Elements, chip: Chip, ideal: Collection[str]) -> Iterator[str]:
    """State what an array of single cards is."""
    pattern = _pattern(letter(element), element.name, element.numbers.shape[1] if isinstance(element, Trainable) else 1)
    match element:
        case InputSources(feature=feature) | InputCurrents(feature=feature):
            run = np.array_equal(feature, feature[0] + np.arange(len(feature)))
            features = str(feature[0]) if run else ",".join(map(str, feature.tolist()))
            offset = chip(element.name, "offset")
            also = f" offset={_numbers(offset)}" if offset.any() else ""
            yield from _wrapped(f"input {pattern} feature={features} scale={_numbers(chip(element.name, 'scale'))}{also}")
        case Trainable():
            bounds = [f"{bound}={_numbers(_of_cards(element, chip(element.name, bound)), spread=not element.grid)}" for bound in _BOUNDS]
            yield from _wrapped(f"trainable {pattern} {' '.join(bounds)}")
        case VoltageSources():
            yield f"{ROLE} bias {pattern}"
        case _:
            yield f"{ROLE} {'ideal' if element.name in ideal else 'array'} {pattern}"

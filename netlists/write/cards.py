"""Flat cards: one line an element, for what is in no subcircuit."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.diode import is_silicon
from circuits.elements import (
    Capacitors,
    Crossbar,
    CurrentSources,
    Diodes,
    Elements,
    Inductors,
    InputSources,
    Memristors,
    Resistors,
    VoltageSources,
)
from circuits.nodes import Nodes
from circuits.passed import HOLE, Passed
from netlists.text.numbers import plain, resistances

LETTERS: dict[type[Elements], str] = {
    Capacitors: "C",
    Crossbar: "R",
    CurrentControlledCurrentSources: "F",
    CurrentControlledVoltageSources: "H",
    CurrentSources: "I",
    Diodes: "D",
    Inductors: "L",
    InputSources: "V",
    Memristors: "R",
    Resistors: "R",
    VoltageControlledCurrentSources: "G",
    VoltageControlledVoltageSources: "E",
    VoltageSources: "V",
}
"""What the name of a card begins with: SPICE tells the kind of an element by it."""


def letter(element: Elements) -> str:
    """Give what the names of an array's cards begin with; X when it is written as subcircuits."""
    return element.letter.upper() if isinstance(element, Passed) else LETTERS.get(type(element), "X")


def crossbar(element: Crossbar, g: Any, names: Sequence[str]) -> Iterator[str]:
    """Write a memristor between each row and column, the last column first.

    SPICE numbers nodes as it meets them and eliminates in that order: a large crossbar listed so solves several times faster.
    """
    r = np.asarray(resistances(g, element.name), dtype=object).reshape(element.shape)
    rows = [(f"R_{element.name}_{k}_", names[row]) for k, row in enumerate(element.rows.tolist())]
    for j, column in reversed(list(enumerate(element.columns.tolist()))):
        to = names[column]
        yield from [f"{head}{j} {row} {to} {value}" for (head, row), value in zip(rows, r[:, j], strict=True)]


def norton(element: Crossbar, g: Any, names: Sequence[str], word: str) -> Iterator[str]:
    """Write what the columns of a crossbar see of it when ideal sources hold its rows: the sum of their conductances, and a current.

    `word` is what the current sources say, which push into the columns: the rows' voltages times their conductances.
    """
    r = resistances(np.asarray(g, dtype=np.float64).sum(axis=0), element.name)
    for j, column in reversed(list(enumerate(element.columns.tolist()))):
        yield f"R_{element.name}_{j} {names[column]} 0 {r[j]}"
        yield f"I_{element.name}_{j} 0 {names[column]} {word}"


def _diodes(element: Diodes, chip: Chip, names: Sequence[str]) -> Iterator[str]:
    """Write one model for each set of parameters that occurs, then the diodes; `eg` and `xti` where they are not silicon's."""
    sets = np.stack([chip.reference(element.name, name) for name in element.parameters], axis=1)
    models, of = np.unique(sets, axis=0, return_inverse=True)
    written = [plain(models[:, k], f"{element.name}: {name}") for k, name in enumerate(element.parameters)]
    for k, (i_sat, n, eg, xti) in enumerate(zip(*written, strict=True)):
        heat = "" if is_silicon(*models[k, 2:]) else f" eg={eg} xti={xti}"
        yield f".model {element.name}_{k} D(is={i_sat} n={n}{heat})"
    ends = zip(element.anode.tolist(), element.cathode.tolist(), of.ravel().tolist(), strict=True)
    for k, (anode, cathode, model) in enumerate(ends):
        yield f"D_{element.name}_{k} {names[anode]} {names[cathode]} {element.name}_{model}"


def _controlled(element: Any, chip: Chip, names: Sequence[str]) -> Iterator[str]:
    """Write sources that follow a voltage, or the current of a source that stands elsewhere."""
    (parameter,) = element.parameters
    values = plain(chip(element.name, parameter), f"{element.name}: {parameter}")
    ends = np.stack([getattr(element, terminal) for terminal in element.terminals], axis=1).tolist()
    for k, (nodes, value) in enumerate(zip(ends, values, strict=True)):
        joined = [names[node] for node in nodes]
        if isinstance(element, CurrentControlledCurrentSources | CurrentControlledVoltageSources):
            joined.append(source_card(chip.circuit, element.source, int(element.place[k])))
        yield f"{LETTERS[type(element)]}_{element.name}_{k} {' '.join(joined)} {value}"


def source_card(circuit: Circuit, name: str, place: int) -> str:
    """Give the name of the card of one source of voltage."""
    return f"{letter(circuit[name])}_{name}_{place}"


def _passed(element: Passed, circuit: Circuit, names: Sequence[str]) -> Iterator[str]:
    """Write what is passed on: its models, and its cards with nodes and sources put in."""
    yield from element.models
    for k, card in enumerate(element.cards):
        text = HOLE.sub(lambda hole: _filled(element, circuit, names, *hole.groups()), card)
        yield f"{letter(element)}_{element.name}_{k} {text}"


def _filled(element: Passed, circuit: Circuit, names: Sequence[str], what: str, place: str | None) -> str:
    return names[element.nodes[int(what)]] if place is None else source_card(circuit, what, int(place))


def flat(element: Elements, chip: Chip, g: Any, names: Sequence[str], words: Sequence[str | None] | None = None) -> Iterator[str]:
    """Write an array of elements.

    Parameters
    ----------
    element
        Any element array but Amplifiers and Nudges, which are subcircuits, and IdealDiodes, which are to be sharpened first.
    chip
        Whose values are written.
    g
        Conductances [S] of all trainable element arrays, by name.
    names
        Node names by node number.
    words
        For InputSources: what each of them says, a voltage or `external`; None leaves it out.

    """
    match element:
        case Crossbar():
            yield from crossbar(element, g[element.name], names)
        case Diodes():
            yield from _diodes(element, chip, names)
        case InputSources(plus=plus):
            yield from _two_terminals(element, plus, np.zeros_like(plus), words or (), names)
        case Memristors(a=a, b=b):
            yield from _two_terminals(element, a, b, resistances(g[element.name], element.name), names)
        case Passed():
            yield from _passed(element, chip.circuit, names)
        case (
            VoltageControlledVoltageSources()
            | VoltageControlledCurrentSources()
            | CurrentControlledCurrentSources()
            | CurrentControlledVoltageSources()
        ):
            yield from _controlled(element, chip, names)
        case VoltageSources() | CurrentSources() | Resistors() | Capacitors() | Inductors():
            (a, b), (parameter,) = (getattr(element, terminal) for terminal in element.terminals), element.parameters
            yield from _two_terminals(element, a, b, plain(chip(element.name, parameter), f"{element.name}: {parameter}"), names)
        case _:
            msg = f"{element.name}: a netlist has no card for {type(element).__name__}"
            raise TypeError(msg)


def _two_terminals(element: Elements, a: Nodes, b: Nodes, values: Sequence[str | None], names: Sequence[str]) -> Iterator[str]:
    head = f"{LETTERS[type(element)]}_{element.name}"
    for k, (plus, minus, value) in enumerate(zip(a.tolist(), b.tolist(), values, strict=True)):
        if value is not None:
            yield f"{head}_{k} {names[plus]} {names[minus]} {value}"

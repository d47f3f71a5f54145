"""Flat cards: one line an element, for what is in no subcircuit."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuits.arrays import Trainable
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
    CurrentSources,
    Diodes,
    Elements,
    Inductors,
    InputCurrents,
    InputSources,
    Resistors,
    VoltageSources,
)
from circuits.passed import Passed
from netlists.foreign.expansion import first_word
from netlists.text.numbers import plain, resistances
from netlists.write.switched import DeckElements

LETTERS: dict[type[Elements], str] = {
    Capacitors: "C",
    CurrentControlledCurrentSources: "F",
    CurrentControlledVoltageSources: "H",
    CurrentSources: "I",
    Diodes: "D",
    Inductors: "L",
    InputCurrents: "I",
    InputSources: "V",
    Resistors: "R",
    VoltageControlledCurrentSources: "G",
    VoltageControlledVoltageSources: "E",
    VoltageSources: "V",
}
"""What the name of a card begins with: SPICE takes the kind of an element from it."""


def letter(element: Elements) -> str:
    """Return what the names of an array's cards begin with; X when it is written as subcircuits."""
    if isinstance(element, Passed | DeckElements):
        return element.letter.upper()
    if isinstance(element, Trainable):
        return "R"
    return next((LETTERS[kind] for kind in type(element).__mro__ if kind in LETTERS), "X")


def heads(element: Trainable, names: Sequence[str]) -> list[str]:
    """Begin the cards of an array's single devices, in its order; behind them go resistances."""
    numbers = element.numbers[element.order].T.tolist()
    a, b = (map(names.__getitem__, end[element.order].tolist()) for end in element.ends)
    head = f"R_{element.name}{'_{}' * len(numbers)} {{}} {{}} "
    return list(map(head.format, *numbers, a, b))


def ohms(element: Trainable, g: Any) -> list[str]:
    """Write the resistances of an array's single devices [ohm], in its order, for conductances g [S]."""
    r = resistances(g, element.name)
    of_device = element.expand(np.arange(len(r)).reshape(element.shape)).g
    return [r[k] for k in of_device[element.order].tolist()]


def norton(element: Trainable, g: Any, names: Sequence[str], word: str) -> Iterator[str]:
    """Write what the columns of an array see of it when ideal sources hold its rows: the sum of their conductances, and a current.

    `word` is what the current sources state, which push into the columns: the rows' voltages times their conductances.
    """
    r = resistances(element.column_sum(np.asarray(g, dtype=np.float64)), element.name)
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
    parameter, *_ = element.parameters
    values = plain(chip(element.name, parameter), f"{element.name}: {parameter}")
    ends = np.stack([getattr(element, terminal) for terminal in element.terminals], axis=1).tolist()
    for k, (nodes, value) in enumerate(zip(ends, values, strict=True)):
        joined = [names[node] for node in nodes]
        if isinstance(element, CurrentControlledCurrentSources | CurrentControlledVoltageSources):
            joined.append(source_card(chip.circuit, element.source, int(element.place[k])))
        yield f"{letter(element)}_{element.name}_{k} {' '.join(joined)} {value}"


def source_card(circuit: Circuit, name: str, place: int) -> str:
    """Return the name of the card of one source of voltage: the user's own, where the circuit has such a text."""
    if circuit.text is not None and name in circuit.text.inputs:
        return first_word(circuit.text.cards[circuit.text.inputs[name][place]])
    return f"{letter(circuit[name])}_{name}_{place}"


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
        For sources of the data: what each of them states, a voltage, a current or `external`; None leaves it out.

    """
    match element:
        case Trainable():
            yield from map(str.__add__, heads(element, names), ohms(element, g[element.name]))
        case Diodes():
            yield from _diodes(element, chip, names)
        case DeckElements():
            yield from element.cards(names)
        case InputSources() | InputCurrents():
            yield from _two_terminals(element, words or (), names)
        case (
            VoltageControlledVoltageSources()
            | VoltageControlledCurrentSources()
            | CurrentControlledCurrentSources()
            | CurrentControlledVoltageSources()
        ):
            yield from _controlled(element, chip, names)
        case VoltageSources() | CurrentSources() | Resistors() | Capacitors() | Inductors():
            (parameter,) = element.parameters
            yield from _two_terminals(element, plain(chip(element.name, parameter), f"{element.name}: {parameter}"), names)
        case _:
            msg = f"{element.name}: a netlist has no card for {type(element).__name__}"
            raise TypeError(msg)


def _two_terminals(element: Elements, values: Sequence[str | None], names: Sequence[str]) -> Iterator[str]:
    head = f"{letter(element)}_{element.name}"
    for k, (plus, minus, value) in enumerate(zip(*(end.tolist() for end in element.ends), values, strict=True)):
        if value is not None:
            yield f"{head}_{k} {names[plus]} {names[minus]} {value}"

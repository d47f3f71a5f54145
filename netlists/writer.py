"""Circuit + chip + conductances to a deck that a person can read and that ngspice runs as it is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from netlists import subcircuits
from netlists.control import control
from netlists.names import check_names
from netlists.numbers import plain
from netlists.options import Tolerances, fitting, options
from netlists.sections import Words, blocks, sections
from netlists.sharp import sharpened


def write_deck(
    circuit: Circuit, chip: Chip, g: Mapping[str, Any], *, x: Any, pushes: Sequence[tuple[Any, Any, Any]] = (), notes: Sequence[str] = ()
) -> str:
    """Write a deck: one file, complete, the same bytes for the same arguments.

    Parameters
    ----------
    circuit
        What to write. Ideal diodes, which SPICE has not, become sharp ones.
    chip
        Whose parameters the elements have.
    g
        Conductances [S], one array a trainable element.
    x
        Features of the sample that the deck shows, shape (I,).
    pushes
        What the nudges do after the free phase: one (beta [S], targets, shape (K,) [V], currents, shape (K,) [A]) a nudged phase.
    notes
        Lines to say on top, for instance where the conductances come from.

    Returns
    -------
    str
        The deck's text.

    Raises
    ------
    CircuitError
        When conductances, features or names do not fit.
    ValueError
        When a number is not finite.

    """
    circuit.check_conductances(g)
    features = np.asarray(x, dtype=np.float64)
    if features.shape != (circuit.input_count,):
        msg = f"{circuit.name}: the sample has shape {features.shape}; the circuit takes {circuit.input_count} features"
        raise CircuitError(msg)
    plain(features, "feature")
    inputs = {e.name: plain(features[e.feature] * chip(e.name, "scale"), f"{e.name}: volts") for e in circuit.inputs}
    zeros = ["0"] * len(circuit.outputs)
    words = Words(inputs=inputs, beta="0", targets=zeros, currents=zeros)
    lines = [
        *_header(circuit, chip, len(pushes), notes),
        *body(circuit, chip, g, words, fitting(circuit)),
        *control(circuit, pushes),
        ".end",
    ]
    return "\n".join(lines) + "\n"


def body(circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words, tolerances: Tolerances) -> Iterator[str]:
    """Write the settings, the subcircuits that are used and all elements: what decks for people and for engines share.

    Parameters
    ----------
    circuit, chip, g
        As for `write_deck`.
    words
        What the sources say that carry the data.
    tolerances
        When ngspice stops.

    Yields
    ------
    str
        The lines.

    """
    check_names(circuit)
    sharp = sharpened(circuit)
    yield from options(tolerances)
    for kind in dict.fromkeys(block.kind for block in blocks(sharp).values()):
        yield from ("*", *subcircuits.text(kind).splitlines())
    yield from sections(sharp, Chip(sharp, chip.values), g, words)


def _header(circuit: Circuit, chip: Chip, phases: int, notes: Sequence[str]) -> Iterator[str]:
    """Say what the deck is, what it holds, how to run it, and what names mean."""
    yield f"* {circuit.name}: an analog network that learns, written by hwsim for ngspice"
    yield from (f"* {line}" for note in notes for line in note.splitlines())
    yield "*"
    yield "* Run it:    ngspice -b FILE"
    yield f"* It prints the outputs of one sample in the free phase{_and(phases)} and ends; without `quit` below it waits for commands."
    yield "*"
    yield f"* Nodes:     {', '.join(_group(group.name, group.size) for group in circuit.groups)}"
    yield f"* Elements:  {', '.join(f'{len(e)} {type(e).__name__} {e.name}' for e in circuit.elements)}"
    drawn = ", ".join(f"{name} {parameter}" for name, values in chip.values.items() for parameter in values)
    yield f"* Chip:      {f'its own values of {drawn}' if drawn else 'nominal'}"
    yield "*"
    yield "* Names:     R, V, I, D, C or X, the name of the array, the number of the element in it from 0; of a crossbar, row and column."
    yield "*            The k-th output is the voltage between the first two nodes of the k-th nudge."
    yield "*            A conductance g stands as the resistance 1/g in ohm; all numbers are SI, without suffixes."
    yield "*"


def _and(phases: int) -> str:
    return {0: "", 1: " and in the nudged phase"}.get(phases, f" and in {phases} nudged phases")


def _group(name: str, size: int | None) -> str:
    return name if size is None else f"{name}_0" if size == 1 else f"{name}_0 to {name}_{size - 1}"

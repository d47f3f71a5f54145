"""A user's deck with one sample at its inputs, learned values and nudges: what a person gives ngspice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.user_text import from_elsewhere
from netlists.foreign.simulated import Added, check_chip, directions, sample_cards, user_text, with_sources
from netlists.measure.control import DeckMeasure, Pushes
from netlists.text.lines import ROLE
from netlists.text.numbers import plain
from netlists.write.cards import flat
from netlists.write.options import FALLBACK
from netlists.write.sections import NudgeNodes

_TOLERANCES = (f".options reltol={FALLBACK.relative!r} vntol={FALLBACK.voltage!r} abstol={FALLBACK.current!r}",)
"""ngspice's own leave errors as large as what a nudge moves."""


def write_user_deck(  # noqa: PLR0913 - as write_deck
    circuit: Circuit,
    chip: Chip,
    g: Mapping[str, Any],
    *,
    x: NDArray[np.float64],
    pushes: Pushes,
    notes: Sequence[str],
    measure: DeckMeasure,
) -> str:
    """Write the deck of a circuit that has a text; the arguments are those of `write_deck`.

    Raises
    ------
    CircuitError
        When it is to measure what only decks of our own can, or a chip has other values than the text.

    """
    if measure.unfit:
        msg = f"{circuit.name}: {measure.unfit}, and a user's deck is written as it stands; omit --measure, or measure in ngspice"
        raise CircuitError(msg)
    check_chip(circuit, chip)
    measured, _ = measure.extended(circuit, chip)
    added = measured.elements[len(circuit.elements) :]
    waves = measure.waves
    if waves is None:
        measure.driven(circuit, chip, {})
        cards = sample_cards(circuit, chip, g, x)
    else:
        words = {name: list(map(str, each)) for name, each in waves.words(circuit, chip, directions(circuit)).items()}
        cards = from_elsewhere(with_sources(circuit, chip, words, g))
    name = " ".join(circuit.name.split())
    lines = [
        f"* {name}: a user's deck with the conductances and the sample below, written by hwsim for ngspice",
        *(f"* {line}" for note in notes for line in note.splitlines()),
        "*",
        f"* Run it: ngspice -b FILE. {measure.describe(len(pushes))}, and ends.",
        "*",
        *user_text(circuit).roles,
        "*",
        *cards,
        *measure.beginning(circuit, chip),
        "*",
        "* What hwsim adds: tolerances, where the deck has none, and nudges of the outputs: beta in S, the targets in V and currents in A.",
        *(() if any("reltol" in card.lower() for card in user_text(circuit).cards) else _TOLERANCES),
        *_nudges(circuit, chip),
        *(card for element in added for card in flat(element, chip.of(measured), g, measured.node_names)),
        *measure.control(circuit, chip, [], pushes),
        ".end",
    ]
    return "\n".join(lines) + "\n"


def _nudges(circuit: Circuit, chip: Chip) -> Iterator[str]:
    """Write what pushes each output: gain·(beta·(target − output) + current); no user's name stands in an expression."""
    nodes, names, outputs, stem = NudgeNodes.of(circuit), circuit.node_names, circuit.outputs, Added.of(circuit).stem
    gains = plain(chip(outputs.name, "gain"), f"{outputs.name}: gain")
    rows = " ".join(f"V_{names_of[0].rpartition('_')[0]}_#" for names_of in (nodes.targets, nodes.currents))
    yield f"{ROLE} nudge V_{nodes.beta} {rows} E_{stem}_# B_{stem}_# name={outputs.name}"
    yield f"V_{nodes.beta} {nodes.beta} 0 0"
    for k, (plus, minus) in enumerate(zip(outputs.plus.tolist(), outputs.minus.tolist(), strict=True)):
        yield from (f"V_{node} {node} 0 0" for node in (nodes.targets[k], nodes.currents[k]))
        yield f"E_{stem}_{k} {stem}_drop_{k} 0 {names[plus]} {names[minus]} 1"
        pushed = f"V({nodes.beta}) * (V({nodes.targets[k]}) - V({stem}_drop_{k})) + V({nodes.currents[k]})"
        yield f"B_{stem}_{k} {names[minus]} {names[plus]} I = {gains[k]} * ({pushed})"

"""Sweep: a deck that moves one input through its range, and prints a table of the outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import InputCurrents
from circuits.errors import CircuitError
from netlists.foreign.simulated import directions
from netlists.measure.control import BEGIN, SILENT, DeckMeasure, Inputs, Pushes, ending, output_voltages, voltage
from netlists.text.numbers import plain
from netlists.write.cards import source_card
from netlists.write.sections import DeckSection

_PLOTTED = 12
"""Most outputs that are plotted."""

_COLUMN = 17
"""Characters of one column of ngspice's tables, next to which two more stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep(DeckMeasure):
    """The outputs of the free phase while one feature goes from `start` to `stop`; all sources that carry it go along.

    Raises
    ------
    CircuitError
        When the circuit has no such feature, its sources are 0 V whatever it is, or the current of one that goes along is sensed.

    """

    feature: int
    start: float
    stop: float
    points: int = 101

    def describe(self, phases: int) -> str:  # noqa: ARG002 - the free phase is all
        """Describe it in a line."""
        return f"It prints a table of the outputs while input {self.feature} of one sample moves from {self.start:g} to {self.stop:g}"

    def driven(self, circuit: Circuit, chip: Chip, inputs: Inputs) -> tuple[Inputs, list[str]]:
        """Let sources of the same feature follow the first one."""
        (first, place, scale, offset), *others = self._sources(circuit, chip)
        names = circuit.node_names
        lead = names[circuit[first].plus[place]]
        if others and circuit.text is not None:
            msg = (
                f"input {self.feature} of {circuit.name} has several sources in a user's deck, and ngspice sweeps one; choose another input"
            )
            raise CircuitError(msg)
        cards = ["*", f"* What carries input {self.feature} too follows {lead}"] if others else []
        left: Inputs = {name: list(words) for name, words in inputs.items()}
        for name, k, other, added in others:
            if name in _sensed(circuit):
                msg = f"{name}[{k}] carries input {self.feature} and its current is sensed, so it cannot be swept; choose another input"
                raise CircuitError(msg)
            left[name][k] = None
            gain, shift = plain([other / scale, added - offset * other / scale], f"{name}: scale and offset")
            follower = names[circuit[name].plus[k]]
            if float(shift):
                cards.append(f"B_{name}_{k} {follower} 0 V = {gain} * {voltage(lead)} + {shift}")
            else:
                cards.append(f"E_{name}_{k} {follower} 0 {lead} 0 {gain}")
        return left, cards

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - as above
        """Sweep and print the table."""
        (name, place, scale, offset), *_ = self._sources(circuit, chip)
        source, lead = source_card(circuit, name, place), voltage(circuit.node_names[circuit[name].plus[place]])
        way = 1.0 if circuit.text is None else float(directions(circuit)[name][place])
        start, stop = sorted((way * (self.start * scale + offset), way * (self.stop * scale + offset)))
        step = (stop - start) / (self.points - 1)
        columns, commands = output_voltages(circuit)
        yield from (*BEGIN, SILENT, "set numdgt=9", f"set width={_COLUMN * (len(columns) + 3)}", "set nobreak", "unset moremode")
        more = f" and {offset:g} V more" if offset else ""
        yield from ("echo", f"echo free phase: the outputs in volts over {lead}: input {self.feature} times {scale:g} V{more}")
        # half a step more, so that rounding leaves no point out
        yield f"dc {source} {' '.join(plain([start, stop + step / 2, step], 'sweep'))}"
        plot = f"plot {' '.join(columns[:_PLOTTED])} vs {lead} xlabel input ylabel V"
        yield from (*commands, f"print {' '.join([lead, *columns])}", *ending([plot]))

    def _sources(self, circuit: Circuit, chip: Chip) -> list[tuple[str, int, float, float]]:
        """List the sources that carry the feature: array, place, scale and offset; the first scale is not 0."""
        if not 0 <= self.feature < circuit.input_count:
            msg = f"input {self.feature}: {circuit.name} has {circuit.input_count} inputs, numbered from 0"
            raise CircuitError(msg)
        currents = [e.name for e in circuit.of(InputCurrents) if (e.feature == self.feature).any()]
        if currents:
            msg = f"input {self.feature} of {circuit.name} is a current ({currents[0]}), and sweeps are of voltages; choose another input"
            raise CircuitError(msg)
        sources = [
            (e.name, int(k), float(chip(e.name, "scale")[k]), float(chip(e.name, "offset")[k]))
            for e in circuit.inputs
            for k in np.flatnonzero(e.feature == self.feature)
        ]
        sources.sort(key=lambda source: source[2] == 0)
        if not sources[0][2]:
            msg = f"input {self.feature} of {circuit.name}: its sources have scale 0 and show nothing of it; choose another input"
            raise CircuitError(msg)
        return sources


def _sensed(circuit: Circuit) -> set[str]:
    controlled = [cast("str", e.source) for e in circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources)]
    return set(controlled)

"""Transient: a deck whose inputs change in time, and that prints the outputs at the end of each period."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from netlists.measure.control import BEGIN, SILENT, DeckMeasure, Inputs, Pushes, ending, output_voltages
from netlists.text.numbers import plain
from netlists.write.sections import DeckSection
from netlists.write.switched import switched
from netlists.write.waveforms import TIGHT, Waveforms, fixed_at_capacitors, initial

_PLOTTED = 12
"""Most outputs that are plotted."""

_POINTS = 200
"""Steps of a period, at least."""

_COLUMN = 17
"""Characters of one column of ngspice's tables, next to which two more stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientMeasure(DeckMeasure):
    """The outputs of the free phase while inputs are held for a period each, from 0 V on; the circuit has its capacitors already.

    Parameters
    ----------
    x
        Inputs, one row a period, shape (T, I).
    times
        Ends of the periods, which are equally long, shape (T,) [s].
    rise
        Share of each in which the inputs change.
    begin
        Inputs at 0 s, shape (I,).

    """

    x: NDArray[np.float64]
    times: NDArray[np.float64]
    rise: float
    begin: NDArray[np.float64]

    def describe(self, phases: int) -> str:  # noqa: ARG002 - the free phase is all
        """Describe it in a line."""
        return f"It prints a table of the outputs while its inputs are held for {self.times[0]:.6g} s each, {len(self.times)} times"

    def extended(self, circuit: Circuit, chip: Chip) -> tuple[Circuit, Chip]:
        """Let switches make the states of a clocked circuit."""
        return switched(circuit, chip, float(self.times[0]))[:2] if is_clocked(circuit) else (circuit, chip)

    def driven(self, circuit: Circuit, chip: Chip, inputs: Inputs) -> tuple[Inputs, list[str]]:  # noqa: ARG002 - as every measure
        """Let the sources follow the inputs."""
        cards = ["*", "* Sources of inputs are piecewise linear: they hold each sample for one period"]
        return self.waves.words(circuit, chip), [*cards, *self.beginning(circuit, chip)]

    @property
    def waves(self) -> Waveforms:
        """What the sources of the data do."""
        return Waveforms(x=self.x, times=self.times, rise=self.rise, begin=self.begin)

    def beginning(self, circuit: Circuit, chip: Chip) -> list[str]:
        """Write what capacitors begin with at sources."""
        return list(initial(circuit, *fixed_at_capacitors(circuit, chip, self.begin)))

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - every measure takes them
        """Follow the voltages from 0 V on, then print the outputs at the end of each period."""
        period, stop, longest = plain([self.times[0], self.times[-1], self.times[0] / _POINTS], "transient: times")
        columns, commands = output_voltages(circuit)
        yield from (*BEGIN, SILENT, f"option {TIGHT}", "set numdgt=9")
        yield from (f"set width={_COLUMN * (len(columns) + 3)}", "set nobreak", "unset moremode")
        yield f"echo free phase: the outputs in volts over the time in seconds, every {period} s"
        yield from (f"tran {period} {stop} 0 {longest} uic", *commands, "set course = $curplot")
        yield from ("linearize", *commands, f"print {' '.join(columns)}")
        yield from ending(["setplot $course", f"plot {' '.join(columns[:_PLOTTED])} ylabel V"])

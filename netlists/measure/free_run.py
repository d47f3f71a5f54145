"""FreeRun: a deck of a circuit that drives itself, from given states on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from netlists.measure.control import Inputs, Pushes
from netlists.measure.transient import TransientMeasure
from netlists.write.sections import DeckSection
from netlists.write.switched import switched
from netlists.write.waveforms import initial


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRunMeasure(TransientMeasure):
    """The outputs at the end of each clock of a clocked circuit without inputs.

    Parameters
    ----------
    start
        The states that it begins with, in order of their nodes, shape (n,) [V].
    nodes
        Their nodes in the circuit, shape (n,).

    """

    start: NDArray[np.float64]
    nodes: NDArray[np.intp]

    def describe(self, phases: int) -> str:  # noqa: ARG002 - the free phase is all
        """Describe it in a line."""
        return f"It prints a table of the outputs while it runs free for {len(self.times)} clocks of {self.times[0]:.6g} s"

    def driven(self, circuit: Circuit, chip: Chip, inputs: Inputs) -> tuple[Inputs, list[str]]:  # noqa: ARG002 - as every measure
        """Leave out sources of data, of which there are none."""
        return inputs, ["*", "* No source carries data: the outputs drive the lines of the inputs"]

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:
        """Begin with the states, then follow the voltages."""
        yield from ("*", "* The states that it begins with, on the capacitors that hold them", *initial(circuit, self.nodes, self.start))
        yield from TransientMeasure.control(self, circuit, chip, sections, pushes)


def free_run_measure(
    circuit: Circuit, chip: Chip, nodes: NDArray[np.intp], start: NDArray[np.float64], rows: int, clock: float
) -> FreeRunMeasure:
    """Measure so many clocks [s] of a closed circuit from states `start` (n,) [V] at `nodes` on."""
    capacitors = switched(circuit, chip, clock)[2]
    times = np.asarray(clock * np.arange(1, rows + 1), dtype=np.float64)
    return FreeRunMeasure(
        x=np.zeros((rows, 0)),
        times=times,
        rise=1.0,
        begin=np.zeros(0),
        start=start,
        nodes=np.array([capacitors[node] for node in nodes.tolist()], dtype=np.intp),
    )

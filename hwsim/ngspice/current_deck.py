"""CurrentDeck: the deck that solves a circuit with its present conductances, with sources of noise once there was any."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes
from hwsim.ngspice.messages import WorkerDeck
from hwsim.ngspice.plan import Plan
from hwsim.ngspice.user_plan import UserPlan
from hwsim.typing import Conductances, Floats
from netlists.write.options import Tolerances, fitting

SHARP_TIMES = 3
"""Times that a point of a circuit with sharp diodes is gone through; see `WorkerDeck.times`."""


class CurrentDeck:
    """What workers load; it stays the same object while nothing in it changes.

    Parameters
    ----------
    circuit, chip
        What to solve. Ideal diodes become sharp ones.
    full
        Reduce nothing.
    tolerances
        When ngspice takes an iteration for the solution; None is what the circuit needs.

    """

    def __init__(self, circuit: Circuit, chip: Chip, *, full: bool, tolerances: Tolerances | None) -> None:
        self.circuit, self._chip, self._full = circuit, chip, full
        self.plan = self._planned(noise=False)
        self.g: dict[str, Floats] = {}
        self._tolerances = tolerances or fitting(circuit)
        self._times = SHARP_TIMES if circuit.of(IdealDiodes) else 1
        self.written: WorkerDeck | None = None

    def of(self, g: Conductances) -> WorkerDeck:
        """Return the deck for conductances [S], which `g` then holds; the last one if they are the same.

        Raises
        ------
        CircuitError
            When they do not fit the circuit.

        """
        self.circuit.check_conductances(g)
        arrays = {name: np.array(values, dtype=np.float64) for name, values in g.items()}
        if self.written is None or any(not np.array_equal(arrays[name], self.g[name]) for name in arrays):
            self.written = WorkerDeck(
                text=self.plan.deck(arrays, self._tolerances),
                layout=self.plan.layout,
                tolerances=self._tolerances,
                times=self._times,
                altered=self.plan.altered(arrays),
            )
            self.g = arrays
        return self.written

    def noise_sources(self, noise: Sequence[Mapping[str, Any]] | None, batch: int, phases: int) -> Floats | None:
        """Return the values of the sources of noise, (B, phases, nodes) [A], for currents into groups (B, n) [A], phase by phase.

        With the first noise the deck is planned again, with sources of it; None: it has none.
        """
        if noise is not None and not len(self.plan.noisy):
            self.plan, self.written = self._planned(noise=True), None
        if not len(self.plan.noisy):
            return None
        i = np.zeros((phases, batch, self.circuit.size + 1))
        for phase, by_group in enumerate(noise or ()):
            for name, values in by_group.items():
                i[phase][:, self.circuit.nodes(name)] = values
        return np.swapaxes(i[:, :, self.plan.noisy], 0, 1)

    def _planned(self, *, noise: bool) -> Plan | UserPlan:
        if self.circuit.text is not None:
            return UserPlan.of(self.circuit, self._chip, noise=noise)
        return Plan.of(self.circuit, self._chip, full=self._full, noise=noise)

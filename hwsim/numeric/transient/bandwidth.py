"""The bandwidth of learning: how fast a nudge may oscillate, by the circuit linearised at an equilibrium, as `.ac` does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.units import Hertz
from hwsim.core.protocol import ConvergenceError, Drive, Equilibrium
from hwsim.core.transient import state_nodes
from hwsim.numeric.transient.state_form import StateForm
from hwsim.typing import Array, Conductances, Floats

_BEYOND = 1e-2
"""Times the slowest rate, where nothing lags; and the share of the fastest, of which a hundred times moves nothing."""

_A_DECADE = 8
"""Frequencies of a decade between which the first is looked for that a nudge does not reach."""

_HALVINGS = 20
"""Of the distance between the last frequency that it reaches and the first that it does not."""

MOST = 300
"""States; of more, the frequencies that it takes cost minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearisedCircuit:
    """What small currents into the outputs do to a circuit in time, at an equilibrium.

    Parameters
    ----------
    form
        The circuit's state form.
    slope
        Of its diodes there (P,) [S].

    """

    form: StateForm
    slope: Floats

    @classmethod
    def at(cls, circuit: Circuit, chip: Chip, g: Conductances, x: Array, free: Equilibrium) -> Self:
        """Linearise a circuit at an equilibrium of one sample, x (1, I).

        Raises
        ------
        UnsupportedCircuitError, CircuitError
            As `StateForm.of`.

        """
        form = StateForm.of(circuit, chip, g)
        states = np.asarray(free.at(circuit, form.nodes), np.float64)
        nothing = np.zeros((1, form.ports.of_q.shape[1]))
        _, slope = diode_current(form.ports(states, np.asarray(x, np.float64), nothing), form.i_sat, form.n)
        return cls(form, slope[0])

    def respond(self, frequency: Hertz) -> NDArray[np.complex128]:
        """Return the voltages of all nodes, (K, N + 1) [V], ground first, in answer to a current of 1 A into each of the outputs."""
        form, outputs = self.form, self.form.ports.of_q.shape[1]
        pushed = (form.charging.of_q - (form.drawn * self.slope) @ form.ports.of_q) / form.c[:, None]
        turning = 2j * np.pi * frequency * np.eye(len(form.c))
        states = np.linalg.solve(turning - form.rates(self.slope), pushed.astype(complex)).T
        real = self._everywhere(np.asarray(states.real, np.float64), np.eye(outputs))
        quarter = self._everywhere(np.asarray(states.imag, np.float64), np.zeros((outputs, outputs)))
        return np.asarray(real + 1j * quarter, np.complex128)

    def _everywhere(self, v: Floats, q: Floats) -> Floats:
        """Return the voltages of all nodes, (B, N + 1) [V], at small states (B, n) and pushes (B, K); the sources are still."""
        form = self.form
        inputs = np.zeros((len(v), form.ports.of_x.shape[1]))
        i = self.slope * (v @ form.ports.of_v.T + q @ form.ports.of_q.T)
        features = np.concatenate([inputs, v, q], axis=1)
        u = form.system.voltages(-i, features) - form.system.voltages(np.zeros_like(i), np.zeros_like(features))
        return np.concatenate([np.zeros((len(v), 1)), u[: form.size].T], axis=1)

    def swings(self, arrays: Sequence[Trainable], frequency: Hertz) -> Floats:
        """Return how far nudges of 1 A move the voltages across the devices of arrays: of each the root of the sum of squares [V]."""
        v = self.respond(frequency)
        ends = ((np.asarray(end) for end in element.ends) for element in arrays)
        return np.array([np.sqrt((np.abs(v[:, first] - v[:, second]) ** 2).sum()) for first, second in ends])

    def bandwidth(self, arrays: Sequence[Trainable]) -> tuple[Hertz, ...]:
        """Return from which frequency on a nudge moves the devices of arrays by less than 1/√2 of what a slow one does [Hz]."""
        rates = np.abs(np.linalg.eigvals(self.form.rates(self.slope)))
        low, high = _BEYOND * rates.min() / (2 * np.pi), rates.max() / _BEYOND / (2 * np.pi)
        grid = np.geomspace(low, high, 2 + int(_A_DECADE * np.log10(high / low)))
        each = np.array([self.swings(arrays, frequency) for frequency in grid])
        reached = each >= each[0] / np.sqrt(2)
        return tuple(self._edge(element, grid, each[0, k], reached[:, k]) for k, element in enumerate(arrays))

    def _edge(self, element: Trainable, grid: Floats, slow: float, reached: NDArray[np.bool_]) -> Hertz:
        """Halve the distance between the last frequency that a nudge reaches and the first that it does not."""
        if not slow or reached.all():  # it moves none of these devices at all, or all at once
            return np.inf
        first = int(np.argmin(reached))
        low, high = grid[first - 1], grid[first]
        for _ in range(_HALVINGS):
            middle = float(np.sqrt(low * high))
            low, high = (middle, high) if self.swings([element], middle)[0] >= slow / np.sqrt(2) else (low, middle)
        return float(high)


def bandwidths(circuit: Circuit, chip: Chip, g: Conductances) -> Mapping[str, Hertz] | None:
    """Return the bandwidth of learning of each trainable array that nudges move [Hz], where all features are 0.

    None: the circuit has no equilibrium there, or many states.

    Raises
    ------
    UnsupportedCircuitError, CircuitError
        As `StateForm.of`.

    """
    from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - it imports what integrates

    if len(state_nodes(circuit)) > MOST:
        return None
    x = np.zeros((1, circuit.input_count))
    with NumericEngine().prepare(circuit, chip) as solver:
        try:
            free = solver.solve(g, Drive(x))
        except ConvergenceError:
            return None
    linear = LinearisedCircuit.at(circuit, chip, g, x, free)
    each = dict(zip((e.name for e in circuit.trainable), linear.bandwidth(circuit.trainable), strict=True))
    return {name: frequency for name, frequency in each.items() if np.isfinite(frequency)}

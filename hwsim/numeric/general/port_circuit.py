"""A circuit seen from its ports: factorized for conductances, once while these stay, and what is solved at the ports of a batch."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.branch_currents import columns
from hwsim.core.protocol import Equilibrium, Push
from hwsim.core.stiff_resistors import StiffResistors, limit
from hwsim.numeric.general.fixed_parts import FixedParts
from hwsim.numeric.general.linear_system import MNASystem, conductance
from hwsim.numeric.general.port_batch import PortBatch
from hwsim.numeric.general.port_newton import HARD, Ports, Problem
from hwsim.numeric.general.sums import load
from hwsim.numeric.general.wired_linear import WiredLinear, grids_of
from hwsim.typing import Array, Conductances, Floats

_FIXED = 1e-4
"""S; what bridges the ports of a circuit in which nothing learns. It is taken away again: the answer does not depend on it."""


class _Factors(NamedTuple):
    """A circuit factorized for conductances.

    Parameters
    ----------
    g, shunt
        The conductances, and those across the ports, (P,) [S].
    stiff
        How many resistors are.
    fixed, linear
        What does not learn, and all of the linear part; None where it is singular.

    """

    g: dict[str, Floats]
    shunt: Floats
    stiff: int
    fixed: FixedParts
    linear: MNASystem | WiredLinear | None


class PortCircuit:
    """A circuit on a chip; `ports` are all that is not linear, and the outputs."""

    def __init__(self, circuit: Circuit, chip: Chip) -> None:
        self.circuit, self.chip = circuit, chip
        self._grids = grids_of(circuit)
        self._wires = {wire.name for grid in self._grids for wire in (grid.inner, grid.outer)}
        self.ports = Ports.of(circuit, chip)
        resistors = StiffResistors.above(circuit, chip, 0.0, self._wires)
        self._conducting = np.sort(1.0 / resistors.r)
        load(circuit.size + columns(circuit, chip).total + self._stiff(limit(circuit, chip)))
        self._kept: _Factors | None = None

    def _stiff(self, above: float) -> int:
        """Return how many resistors conduct more than that [S]."""
        return len(self._conducting) - int(np.searchsorted(self._conducting, above, side="right"))

    def batch(self, g: Conductances, x: Array) -> PortBatch:
        """Factorize, unless these conductances are those of the last call."""
        values = {name: np.asarray(array, dtype=np.float64) for name, array in g.items()}
        self.circuit.check_conductances(values)
        features = self.rows_of(x, self.circuit.input_count, "x")
        kept = self._kept
        if kept is None or any(not np.array_equal(values[name], kept.g[name]) for name in values):
            typical = float(np.exp(np.mean([np.log(array).mean() for array in values.values()] or np.log(_FIXED))))
            shunt = np.full(len(self.ports.a), typical)
            shunt[self.ports.outputs :] = 0.0
            kept = self._factorized(values, shunt, kept)
            self._kept = kept  # at once: where that is interrupted, the last call's remain
        return PortBatch(self.circuit, self.chip, kept.fixed.rows, values, features, kept.linear)

    def _factorized(self, g: dict[str, Floats], shunt: Floats, last: _Factors | None) -> _Factors:
        """Factorize, with what the last factors have of parts that do not learn if as many resistors are stiff."""
        above = limit(self.circuit, self.chip, g)
        count = self._stiff(above)
        if last is not None and last.stiff == count:
            fixed = last.fixed
        else:
            stiff = StiffResistors.above(self.circuit, self.chip, above, self._wires)
            fixed = FixedParts.of(self.circuit, self.chip, self._grids, stiff)
        ends, linear = (self.ports.a, self.ports.b), None
        with suppress(RuntimeError, np.linalg.LinAlgError):  # exactly singular, to SuperLU and to LAPACK
            linear = fixed.factorized(self.circuit, self.chip, g, ends, list(conductance(*ends, shunt)))
        return _Factors({name: array.copy() for name, array in g.items()}, shunt, count, fixed, linear)

    def problem(self, batch: PortBatch, push: Push) -> Problem:
        """Return what Newton's method solves at the ports of a batch under a push."""
        kept = self._kept
        assert kept is not None  # noqa: S101 - the batch is of them
        assert batch.linear is not None  # noqa: S101 - the caller has looked
        p0, across = batch.open(), batch.linear.across
        one_each = (len(p0), len(self.circuit.outputs))
        beta, target, current = (np.asarray(part, dtype=np.float64) for part in push)
        gain = self.chip(self.circuit.outputs.name, "gain")
        beta, current = np.broadcast_to(gain * beta, one_each), np.broadcast_to(gain * current, one_each)
        sees = np.maximum(np.abs(np.diagonal(across))[: self.ports.outputs], 1e-12)
        return Problem(self.ports, p0, self.ports.shared.between(across), kept.shunt, HARD / sees, beta, beta * target + current)

    def across(self, start: Equilibrium) -> Floats:
        """Return the port voltages of an equilibrium, (B, P) [V]; 0 where one is not finite."""
        at = start.at(self.circuit, self.ports.a) - start.at(self.circuit, self.ports.b)
        voltages: Floats = np.nan_to_num(np.asarray(at, dtype=np.float64))
        return voltages

    def rows_of(self, rows: Array, count: int, what: str) -> Floats:
        """Return what samples have, (B, count).

        Raises
        ------
        ValueError
            When the shape is another.

        """
        values: Floats = np.asarray(rows, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != count:  # noqa: PLR2004 - (B, count)
            msg = f"{what} has shape {values.shape}; {self.circuit.name} takes (samples, {count})"
            raise ValueError(msg)
        return values

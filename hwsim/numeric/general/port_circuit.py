"""A circuit seen from its ports: factorized for conductances, once while these stay, and what is solved at the ports of a batch."""

from typing import NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.protocol import Equilibrium, Push
from hwsim.numeric.general.linear_system import MNASystem, SourceTerms, conductance, given, learned
from hwsim.numeric.general.port_batch import PortBatch
from hwsim.numeric.general.port_newton import HARD, Ports, Problem
from hwsim.numeric.general.sums import load
from hwsim.numeric.general.wired_linear import Frame, WiredLinear, grids_of
from hwsim.typing import Array, Conductances, Floats

_FIXED = 1e-4
"""S; what bridges the ports of a circuit in which nothing learns. It is taken away again: the answer does not depend on it."""


class _Factors(NamedTuple):
    """A circuit factorized for conductances g [S], with `shunt` across its ports (P,) [S]; `linear` is None where it is singular."""

    g: dict[str, Floats]
    shunt: Floats
    linear: MNASystem | WiredLinear | None


class PortCircuit:
    """A circuit on a chip; `ports` are all that is not linear, and the outputs."""

    def __init__(self, circuit: Circuit, chip: Chip) -> None:
        self.circuit, self.chip = circuit, chip
        grids = grids_of(circuit)
        wires = {wire.name for grid in grids for wire in (grid.inner, grid.outer)}
        self.ports, self._sources = Ports.of(circuit, chip), SourceTerms.of(circuit, chip, wires)
        self._given = list(given(circuit, chip, wires))
        load(len(self._sources.fixed))
        self._frame = Frame.of(circuit, chip, grids, self._given, self._sources) if grids else None
        self._kept: _Factors | None = None

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
            kept = _Factors({name: array.copy() for name, array in values.items()}, shunt, self._factorized(values, shunt))
            self._kept = kept  # at once: where that is interrupted, the last call's remain
        return PortBatch(self.circuit, self.chip, len(self._sources.fixed), values, features, kept.linear)

    def _factorized(self, g: dict[str, Floats], shunt: Floats) -> MNASystem | WiredLinear | None:
        """Factorize; None where the circuit is singular."""
        ends = self.ports.a, self.ports.b
        shunts = list(conductance(*ends, shunt))
        try:
            if self._frame is not None:
                return WiredLinear.of(self._frame, g, self.chip, ends, shunts)
            return MNASystem.of(
                [*self._given, *(part for e in self.circuit.trainable for part in learned(e, g)), *shunts], ends, self._sources
            )
        except (RuntimeError, np.linalg.LinAlgError):  # exactly singular, to SuperLU and to LAPACK
            return None

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

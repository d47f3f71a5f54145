"""Verified equilibria: before a number is reported, the currents into each node are recomputed from the elements, for any engine."""

from typing import Any

import numpy as np

from circuits.arrays import Divisible
from circuits.chip import Chip
from circuits.constants import V_T
from circuits.elements import Amplifiers, Diodes
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import Capability, Drive, Equilibrium, Result, Solver
from hwsim.core.wrapper import SolverWrapper
from hwsim.typing import Conductances

SHARE = 1e-9
"""Of the largest branch current: what may be left unbalanced at a node."""

TOLERANCE = 1e-13
"""Of the largest voltage: how finely 64 bits are asked to settle, unless solver.tolerance is set."""

DOUBT = 1e3
"""Tolerances that a voltage may be off after all."""

_ROUNDINGS = 4.0
"""How many times a voltage may be rounded; the current of a diode changes by V/(n·v_t) as much as the voltage V across it, in shares."""

AUDITED = 16
"""Equilibria of a batch that are verified where verifying all would take longer than solving them."""


def certified(chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium, tolerance: float | None = None) -> Equilibrium:
    """Return equilibria with residuals recomputed from the elements, in 64 bits; those that do not balance fail, `Result.UNBALANCED`.

    Parameters
    ----------
    chip
        The chip that they were found on.
    g
        Conductances [S].
    drive
        What was applied.
    equilibrium
        The equilibria.
    tolerance
        To which they were settled, as a share of the largest voltage; None: 1e-13.

    """
    balanced = balance(chip.circuit, chip, g, drive, equilibrium)
    volts = np.max([np.abs(v).max(axis=1, initial=0.0) for v in equilibrium.v.values()], axis=0)
    settled = DOUBT * (tolerance or TOLERANCE) * volts * _most(chip, g)
    share = SHARE + _ROUNDINGS * max(float(np.finfo(np.asarray(v).dtype).eps) for v in equilibrium.v.values()) * volts * _steepest(chip)
    with np.errstate(over="ignore"):  # of volts beyond 1e150 rounding may leave more than any number states
        bound = share * balanced.largest + settled
    unbalanced = ~(balanced.residual <= bound) & (np.asarray(equilibrium.result) == Result.CONVERGED)
    return equilibrium._replace(residual=balanced.residual, result=np.where(unbalanced, int(Result.UNBALANCED), equilibrium.result))


def _steepest(chip: Chip) -> float:
    """Return the largest 1/(n·v_t) of a diode [1/V]."""
    return max((1 / (V_T * float(np.min(chip(diodes.name, "n")))) for diodes in chip.circuit.of(Diodes)), default=0.0)


def audited(chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium, tolerance: float) -> Equilibrium:
    """Certify the first few samples of a batch; the others are left out."""
    few = slice(0, AUDITED)
    return certified(chip, g, drive.some(few), equilibrium.some(few), tolerance)


def _most(chip: Chip, g: Conductances) -> float:
    """Return the largest sum of trainable conductances at a node [S]; what hangs behind amplifiers counts gain·back times."""
    sums = [0.0]
    for element in chip.circuit.trainable:
        values = np.asarray(g[element.name], float)
        sums += [element.column_sum(values).max(), element.row_sum(values).max()] if isinstance(element, Divisible) else [values.sum()]
    factors = [1.0, *(float(np.max(chip(a.name, "gain") * chip(a.name, "back"))) for a in chip.circuit.of(Amplifiers))]
    return float(max(sums) * max(factors))


class CertifiedSolver(SolverWrapper):
    """A solver whose free equilibria leave with certificates; `worst` is the largest residual so far [A]."""

    def __init__(self, solver: Solver, tolerance: float | None = None) -> None:
        super().__init__(solver)
        self._tolerance, self.worst = tolerance, 0.0

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the solver declares, and that its free equilibria are verified; what compiles is not."""
        return super().capabilities - {Capability.TRACEABLE} | {Capability.VERIFIED}

    def solve(self, g: Conductances, drive: Drive, *, throw: bool = True, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch.

        Raises
        ------
        ConvergenceError
            When a sample does not settle, or not to where Kirchhoff's law holds, and `throw` is set.

        """
        equilibrium = certified(self.solver.chip, g, drive, super().solve(g, drive, throw=throw, **how), self._tolerance)
        self.worst = max(self.worst, float(np.max(equilibrium.residual, initial=0.0)))
        return equilibrium.check(self.circuit) if throw else equilibrium

"""Witnesses: now and then some equilibria of learning, free and nudged, are found again and held against Kirchhoff's law anew.

Within an epoch the solver's own residual stands: summing up every step's currents a second time would take longer than the steps.
"""

from typing import Any, NamedTuple

import numpy as np

from hwsim.core.protocol import Drive, Equilibrium, Nudge, Result
from hwsim.core.verified import witnesses
from hwsim.learning.rules import LearningRule
from hwsim.typing import Array, Conductances


class Witnessed(NamedTuple):
    """The largest sum of currents into a node [A], how many equilibria did not balance or settle, and their worst `Result`."""

    residual: float
    failed: int
    code: int


class PhaseByPhase:
    """Solves every phase by itself, from nothing, by the program that also evaluates."""

    def __init__(self, solver: Any) -> None:
        self.circuit, self.chip, self.solver = solver.circuit, solver.chip, solver

    def solve(self, g: Conductances, drive: Drive) -> Equilibrium:
        """Find the equilibria of a batch."""
        equilibrium: Equilibrium = self.solver.solve(g, drive, throw=False)
        return equilibrium

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, noise: Any = None) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one."""
        currents = iter(noise or ())
        free = self.solve(g, Drive(x, noise=next(currents, None)))
        pushes = nudge.pushes(free.outputs(self.circuit), y)
        return free, *(self.solve(g, Drive(x, push, next(currents, None))) for push in pushes)


class Witness(PhaseByPhase):
    """Solves as training does, and judges some samples of each phase by the elements alone."""

    def __init__(self, solver: Any) -> None:
        super().__init__(solver)
        self.found = Witnessed(0.0, 0, int(Result.CONVERGED))

    def solve(self, g: Conductances, drive: Drive) -> Equilibrium:
        """Find the equilibria of a batch."""
        found = super().solve(g, drive)
        told = witnesses(self.chip, g, drive, found, self.solver.share)
        failed = told.result != Result.CONVERGED
        residual = float(np.max(told.residual[~failed], initial=0.0))
        worst, before, code = self.found
        self.found = Witnessed(max(worst, residual), before + int(failed.sum()), max(code, int(told.result.max(initial=0))))
        return found

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> Equilibrium:  # noqa: ARG002 - nothing is solved
        """Give the free equilibria again: what is learnt here is thrown away."""
        return free


def witnessed(solver: Any, rule: LearningRule, g: Conductances, x: Array, y: Array, seed: int) -> Witnessed:
    """Judge the phases that a rule asks for at samples x (B, I) with targets y (B, K)."""
    witness = Witness(solver)
    rule.gradient(witness, g, x, y, seed=seed)
    return witness.found

"""Residual audit: some training samples are solved again from time to time, free and nudged, and their residuals verified.

Within an epoch the solver's own residual counts: recomputing the currents of every step would take longer than the steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from circuits.units import Hertz
from hwsim.core.lock_in import LockedIn
from hwsim.core.protocol import Drive, Equilibrium, Nudge, Push, Result, displacements, free_and_nudged
from hwsim.core.verified import audited
from hwsim.core.wrapper import SolverWrapper
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import Draw, LearningRule
from hwsim.learning.sparsity import conducting
from hwsim.typing import Array, Conductances


class AuditResult(NamedTuple):
    """The largest sum of currents into a node [A], how many equilibria did not balance or settle, and their worst `Result`.

    `conducting` is the share of columns that conduct through their diodes in the free phase, by node group.
    """

    residual: float
    failed: int
    code: int
    conducting: Mapping[str, float] | None = None


class PhaseByPhase(SolverWrapper):
    """Solves every phase by itself, from nothing, by the program that also evaluates."""

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch."""
        return super().solve(g, drive, **how | {"throw": False})

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, noise: Any = None, **how: Any) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one."""

        def find(push: Push, currents: Any, _: bool) -> Equilibrium:  # noqa: FBT001 - as free_and_nudged calls it
            return self.solve(g, Drive(x, push, currents), **how)

        return free_and_nudged(self.circuit, y, nudge, noise, find)

    def nudged(
        self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], *, noise: Any = None, **how: Any
    ) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and the nudged ones."""
        each = zip(pushes, noise or [None] * len(pushes), strict=True)
        return free, *(self.solve(g, Drive(x, push, currents), **how) for push, currents in each)

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and the displacements from there."""
        return displacements(self.nudged(g, x, free, pushes, **how))


class AuditingSolver(PhaseByPhase):
    """Solves as training does, and verifies some samples of each phase by the elements alone."""

    def __init__(self, solver: Any) -> None:
        super().__init__(solver)
        self.result = AuditResult(0.0, 0, int(Result.CONVERGED))

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch."""
        equilibrium = super().solve(g, drive, **how)
        verified = audited(self.solver.chip, g, drive, equilibrium, self.solver.share)
        failed = verified.result != Result.CONVERGED
        residual = float(np.max(verified.residual[~failed], initial=0.0))
        worst, before, code, shares = self.result
        if shares is None:  # the free phase comes first
            shares = conducting(self.circuit, self.solver.chip, g, equilibrium)
        self.result = AuditResult(max(worst, residual), before + int(failed.sum()), max(code, int(verified.result.max(initial=0))), shares)
        return equilibrium

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, **how: Any) -> Equilibrium:  # noqa: ARG002 - nothing is solved
        """Return the free equilibria: what is learned here is thrown away."""
        return free

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, **how: Any) -> Equilibrium:  # noqa: ARG002 - nothing is solved
        """Return the free equilibria: what is learned here is thrown away."""
        return free

    def oscillating(self, g: Conductances, x: Array, free: Equilibrium, current: Array, *frequencies: Hertz) -> LockedIn:  # noqa: ARG002 - nothing is integrated
        """Return the free equilibria: what is learned here is thrown away."""
        voltages = {name: np.asarray(v) for name, v in free.v.items()}
        return LockedIn(voltages, voltages, 0)


def audit_phases(solver: Any, rule: LearningRule, loss: Loss, g: Conductances, x: Array, y: Array, seed: int) -> AuditResult:  # noqa: PLR0913, PLR0917 - what an update takes
    """Verify the phases that a rule asks for at samples x (B, I) with targets y (B, K)."""
    made = list[AuditingSolver]()

    def auditing(one: Any) -> AuditingSolver:
        made.append(AuditingSolver(one))
        return made[-1]

    rule.gradient(solver.wrapped(auditing), g, x, y, loss, Draw(seed=seed))
    residuals, failed, codes, shares = zip(AuditResult(0.0, 0, int(Result.CONVERGED), {}), *(one.result for one in made), strict=True)
    return AuditResult(max(residuals), sum(failed), max(codes), {name: share for of in shares if of for name, share in of.items()})

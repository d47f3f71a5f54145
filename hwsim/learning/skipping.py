"""Skipping: training that goes on without the samples that do not settle: nothing is learnt from them, and they are counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hwsim.core.protocol import ConvergenceError, Drive, Equilibrium, Nudge, Result
from hwsim.typing import Array, Conductances

OR_SKIP = "; or learn without such samples: --skip-failed"
"""The remedy that a training has besides those of one equilibrium."""


@contextmanager
def or_skip(*, skipping: bool) -> Iterator[None]:
    """Add that remedy to an error about an equilibrium, unless samples are skipped already."""
    try:
        yield
    except ConvergenceError as error:
        if skipping:
            raise
        raise type(error)(f"{error}{OR_SKIP}") from error


class Skipping:
    """Hands a solver's equilibria on with 0 V everywhere in samples of which a phase failed: no device sees a drop in them.

    Their codes stay. A traced solver never `raises`, others are told not to.
    """

    def __init__(self, solver: Any, *, raises: bool = True) -> None:
        self.circuit, self.chip, self.solver = solver.circuit, solver.chip, solver
        self._quietly: dict[str, Any] = {"throw": False} if raises else {}

    def __getattr__(self, name: str) -> Any:
        """Have an adjoint where the solver has one, in which samples that failed before fail too."""
        if name != "adjoint":
            raise AttributeError(name)
        solve = self.solver.adjoint
        return lambda g, free, error: _kept((solve(g, free, error), free))[0]

    def solve(self, g: Conductances, drive: Drive) -> Equilibrium:
        """Find the equilibria of a batch."""
        return _kept((self.solver.solve(g, drive, **self._quietly),))[0]

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, noise: Any = None) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one."""
        return _kept(self.solver.phases(g, x, y, nudge, noise=noise, **self._quietly))


def _kept(phases: tuple[Equilibrium, ...]) -> tuple[Equilibrium, ...]:
    xp = phases[0].residual.__array_namespace__()
    good = xp.stack([phase.result for phase in phases]).max(axis=0) == Result.CONVERGED
    return tuple(
        phase._replace(
            v={name: xp.where(good[:, None], v, xp.zeros_like(v)) for name, v in phase.v.items()},
            residual=xp.where(good, phase.residual, xp.zeros_like(phase.residual)),
        )
        for phase in phases
    )

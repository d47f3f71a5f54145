"""Skipping: training without the samples that do not settle: each update is that of the others, and they are counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from hwsim.core.protocol import ConvergenceError, Drive, Equilibrium, Nudge, Push, Result
from hwsim.core.wrapper import SolverWrapper
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


class Skipping(SolverWrapper):
    """Hands a solver's equilibria on with 0 V everywhere in samples of which a phase failed: no device sees a drop in them.

    Their codes stay. A traced solver never `raises`; for others it is switched off.
    """

    def __init__(self, solver: Any, *, raises: bool = True) -> None:
        super().__init__(solver)
        self._quietly: dict[str, Any] = {"throw": False} if raises else {}

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array, **how: Any) -> Equilibrium:
        """Solve the adjoint circuit; samples that failed before fail in it too."""
        return _kept((super().adjoint(g, free, error, **how | self._quietly), free))[0]

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch."""
        return _kept((super().solve(g, drive, **how | self._quietly),))[0]

    def phases(self, g: Conductances, x: Array, y: Array, nudge: Nudge, **how: Any) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one."""
        return _kept(super().phases(g, x, y, nudge, **how | self._quietly))

    def small_signal(self, g: Conductances, free: Equilibrium, current: Array, **how: Any) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium; samples that failed before fail in it too."""
        return _kept((super().small_signal(g, free, current, **how | self._quietly), free))[0]

    def holomorphic(self, g: Conductances, x: Array, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and those under complex nudges."""
        return _kept(super().holomorphic(g, x, pushes, **how | self._quietly))

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and how far nudges displace each node from there."""
        return _kept(super().displaced(g, x, free, pushes, **how | self._quietly))

    def nudged(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones."""
        return _kept(super().nudged(g, x, free, pushes, **how | self._quietly))


QUIETLY = partial(Skipping, raises=False)
"""The wrapper of solvers inside of compiled functions, which raise nothing."""


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

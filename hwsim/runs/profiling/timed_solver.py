"""A solver that tells a stopwatch what it works for: samples by themselves are evaluation, phases are updates."""

import time
from typing import Any

from hwsim.core.protocol import Closing, Drive, Equilibrium, Nudge, Solver
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.typing import Conductances

LOADING = "loading Python, JAX and hwsim"
DATA = "data"
CIRCUIT = "circuit"
COMPILING = "compiling"
UPDATES = "updates"
PHASES = "phases"
EVALUATION = "evaluation on the test part"
FILES = "files"


class WatchedSolver(Closing):
    """Hands everything on to a solver.

    `own` is what this process computed for phases [s]; `last` is what it last found them for, and what they were.

    Parameters
    ----------
    solver
        The solver.
    watch
        Hears when it is at work.

    """

    def __init__(self, solver: Solver, watch: Stopwatch) -> None:
        self.circuit, self.chip, self.solver, self.watch = solver.circuit, solver.chip, solver, watch
        self.own = 0.0
        self.last: tuple[Conductances, Any, Any, tuple[Equilibrium, ...]] | None = None

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:
        """Find the equilibria of a batch."""
        with self.watch.on(EVALUATION):
            return self.solver.solve(g, drive, start=start, throw=throw)

    def phases(self, g: Conductances, x: Any, y: Any, nudge: Nudge, *, throw: bool = True, noise: Any = None) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there."""
        began = time.thread_time()
        with self.watch.on(PHASES):
            found = self.solver.phases(g, x, y, nudge, throw=throw, noise=noise)
        self.own += time.thread_time() - began
        self.last = g, x, y, found
        return found

    def close(self) -> None:
        """Give back what the solver holds."""
        self.solver.close()


class WatchedTraceable(WatchedSolver):
    """Hands on too what compiles into the training step."""

    solver: Any

    @property
    def share(self) -> float:
        """The tolerance as a share of the largest voltage."""
        return float(self.solver.share)

    def needs_newton(self, g: Conductances, beta: float = 0.0) -> bool:
        """Whether a circuit of these conductances needs the slower program."""
        return bool(self.solver.needs_newton(g, beta))

    def traced(self, **settings: Any) -> Any:
        """Give the solver for use inside of compiled functions."""
        return self.solver.traced(**settings)


class WatchedAdjoint(WatchedSolver):
    """Hands on the adjoint circuit too."""

    solver: Any

    def adjoint(self, g: Conductances, free: Equilibrium, error: Any) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium."""
        with self.watch.on(PHASES):
            found: Equilibrium = self.solver.adjoint(g, free, error)
        return found


def watched(solver: Solver, watch: Stopwatch) -> WatchedSolver:
    """Give a solver that a stopwatch follows."""
    if hasattr(solver, "traced"):
        return WatchedTraceable(solver, watch)
    return WatchedAdjoint(solver, watch) if hasattr(solver, "adjoint") else WatchedSolver(solver, watch)

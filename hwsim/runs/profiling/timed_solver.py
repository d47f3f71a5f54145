"""A solver that records its time by purpose: separate samples are evaluation, phases are updates."""

import time
from collections.abc import Sequence
from typing import Any

from hwsim.core.protocol import Drive, Equilibrium, Nudge, Push, Solver
from hwsim.core.wrapper import SolverWrapper
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.typing import Conductances

LOADING = "loading Python, JAX and hwsim"
DATA = "data"
CIRCUIT = "circuit"
COMPILING = "compiling"
UPDATES = "updates"
PHASES = "phases"
EVALUATION = "evaluation on the test set"
FILES = "files"


class TimedSolver(SolverWrapper):
    """Forwards everything to a solver.

    `process_time` is the processor time of this process for phases [s]; `last` is the arguments and equilibria of its last phases.

    Parameters
    ----------
    solver
        The solver.
    watch
        The stopwatch for its time.

    """

    def __init__(self, solver: Solver, watch: Stopwatch) -> None:
        super().__init__(solver)
        self.watch, self.process_time = watch, 0.0
        self.last: tuple[Conductances, Any, Any, tuple[Equilibrium, ...]] | None = None

    def solve(self, g: Conductances, drive: Drive, **how: Any) -> Equilibrium:
        """Solve for the equilibria of a batch."""
        with self.watch.on(EVALUATION):
            return super().solve(g, drive, **how)

    def phases(self, g: Conductances, x: Any, y: Any, nudge: Nudge, **how: Any) -> tuple[Equilibrium, ...]:
        """Solve for the free equilibria, then each nudged one from there."""
        began = time.thread_time()
        with self.watch.on(PHASES):
            equilibria = super().phases(g, x, y, nudge, **how)
        self.process_time += time.thread_time() - began
        self.last = g, x, y, equilibria
        return equilibria

    def nudged(self, g: Conductances, x: Any, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones."""
        with self.watch.on(PHASES):
            return super().nudged(g, x, free, pushes, **how)

    def displaced(self, g: Conductances, x: Any, free: Equilibrium, pushes: Sequence[Push], **how: Any) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and how far nudges displace each node from there."""
        with self.watch.on(PHASES):
            return super().displaced(g, x, free, pushes, **how)

    def small_signal(self, g: Conductances, free: Equilibrium, current: Any, **how: Any) -> Equilibrium:
        """Solve the circuit linearised at an equilibrium."""
        with self.watch.on(PHASES):
            return super().small_signal(g, free, current, **how)

    def adjoint(self, g: Conductances, free: Equilibrium, error: Any, **how: Any) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium."""
        with self.watch.on(PHASES):
            return super().adjoint(g, free, error, **how)

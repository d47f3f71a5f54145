"""A solver whose failures another one tries again."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from hwsim.core.protocol import Drive, Equilibrium, Result, Solver
from hwsim.core.wrapper import SolverWrapper
from hwsim.typing import Conductances


class BackedUpSolver(SolverWrapper):
    """Finds free equilibria by a solver, and by another one where the first finds some not.

    Parameters
    ----------
    solver
        Which comes first.
    prepare
        Makes the other one, when it is needed.

    """

    def __init__(self, solver: Solver, prepare: Callable[[], Solver]) -> None:
        super().__init__(solver)
        self._prepare = prepare

    @cached_property
    def _other(self) -> Solver:
        return self._prepare()

    def solve(self, g: Conductances, drive: Drive, *, throw: bool = True, **how: Any) -> Equilibrium:
        """Find the equilibria of a batch.

        Raises
        ------
        ConvergenceError
            When a sample does not settle in the other solver either, and `throw` is set.

        """
        equilibrium = super().solve(g, drive, throw=False, **how)
        settled = (np.asarray(equilibrium.result) == Result.CONVERGED).all()
        return equilibrium if settled else self._other.solve(g, drive, throw=throw, **how)

    def close(self) -> None:
        """Release what the solvers hold."""
        super().close()
        if "_other" in self.__dict__:
            self._other.close()

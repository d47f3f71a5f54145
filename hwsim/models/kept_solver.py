"""The solver of a model, kept as long as the model is: what ngspice runs in starts once, not for each prediction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Self

from hwsim.core.protocol import Solver


class KeptSolver:
    """Prepares a solver when it is first needed, and lends it to one after another; a copy, also a pickled one, prepares its own.

    Its processes end with the object, or with this process.

    Parameters
    ----------
    prepare
        Makes it.

    """

    def __init__(self, prepare: Callable[[], Solver]) -> None:
        self._prepare, self._lock = prepare, Lock()
        self._solver: Solver | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Leave the solver behind."""
        return type(self), (self._prepare,)

    @contextmanager
    def lent(self) -> Iterator[Solver]:
        """Lend the solver to one thread at a time."""
        with self._lock:
            if self._solver is None:
                self._solver = self._prepare()
            try:
                yield self._solver
            finally:
                self._solver.pause()

"""Who computes the chips of a company one by one: this process, or workers elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress
from hwsim.company.chip_work import Compute, computed

Refusal = Callable[[ChipJob, ChipAnswer], str]
"""Returns why an answer is refused; empty where it is good."""


class WorkersError(RuntimeError):
    """Workers that cannot continue; the last checkpoint stays."""


class ChipWorkers(Protocol):
    """Computes jobs, in any order."""

    def compute(self, jobs: Sequence[ChipJob], refusal: Refusal) -> Iterator[ChipAnswer | ChipProgress | None]:
        """Compute all jobs: how far chips are, each answer once, and None now and then where nothing happens.

        Raises
        ------
        WorkersError
            When the workers cannot continue.
        ConvergenceError
            When a sample has no equilibrium.
        DataError, CircuitError
            When a chip's samples or circuit cannot be made.

        """
        ...


class ThisProcess:
    """One chip after the other, here: nobody who could be refused."""

    def __init__(self, compute: Compute = computed) -> None:
        self._compute = compute

    def compute(self, jobs: Sequence[ChipJob], refusal: Refusal) -> Iterator[ChipAnswer | ChipProgress | None]:  # noqa: ARG002 - its own answers
        """Compute all jobs."""
        for job in jobs:
            yield from self._compute(job)

"""Turns: contestants work one after the other, round after round, so that a busy machine slows all of them equally."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.units import Second

Clock = Callable[[], Second]

CLOCK: Clock = time.perf_counter

PHASES = 3
"""Equilibria a sample: free, nudged to the target, nudged away from it."""

_SURE = 0.1
"""Share of a turn that a trial must take before the number of repetitions in a turn is computed from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, least and most of repeated measurements."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize measurements."""
        return cls(median=float(np.median(values)), least=min(values), most=max(values))

    @property
    def single(self) -> bool:
        """Whether it has no width, as of a single round: nothing is known then about how far rounds differ."""
        return self.least == self.most


def take_turns(
    contestants: Sequence[Callable[[int], object]], rounds: int, clock: Clock, observe: Callable[[int], None] = lambda _: None
) -> NDArray[np.float64]:
    """Time each contestant in each round, shape (rounds, contestants) [s].

    Parameters
    ----------
    contestants
        Each is called with the number of the round, and returns when its work is done. Every other round has the reverse order.
    rounds
        Turns of each; warming up is the caller's.
    clock
        Returns the time [s].
    observe
        Called after every round with the number of completed ones.

    """
    seconds = np.zeros((rounds, len(contestants)))
    for k in range(rounds):
        observe(k)
        for place in range(len(contestants))[:: -1 if k % 2 else 1]:
            begun = clock()
            contestants[place](k)
            seconds[k, place] = clock() - begun
    observe(rounds)
    return seconds


def quicker(took: NDArray[np.float64], one: int, other: int) -> int:
    """Return which of two contestants' columns has the smaller median."""
    return min(one, other, key=lambda column: float(np.median(took[:, column])))


def repetitions(work: Callable[[int], object], seconds: Second, most: int, clock: Clock) -> int:
    """Choose the number of repetitions for a turn of about this time: try 1, 2, 4 … until a trial is long enough. 1 to `most`."""
    count = 1
    while True:
        begun = clock()
        work(count)
        took = clock() - begun
        if took >= _SURE * seconds or count >= most:
            return max(1, min(most, round(count * seconds / max(took, 1e-9))))
        count = min(2 * count, most)

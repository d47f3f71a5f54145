"""How far trainings of many instances are, and what follows them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hwsim.learning.epochs import Progress
from hwsim.learning.state import State


class TrainingProgress(NamedTuple):
    """How far trainings of many instances are: the share that is done, and the epoch that just ended of how many of a training."""

    share: float
    epoch: int
    epochs: int

    @classmethod
    def after(cls, epoch: int, epochs: int) -> "TrainingProgress":
        """Return how far one training is after an epoch; tests count as another epoch, so that not all is done before them."""
        return cls(epoch / (epochs + 1), epoch, epochs)


Follow = Callable[[TrainingProgress], None]
"""Is called after each epoch."""


def unseen(_: TrainingProgress) -> None:
    """Follow nothing."""


def part_of(follow: Follow, begin: int, width: int, total: int) -> Follow:
    """Return what follows `width` of `total` instances, when `begin` others are done, for what follows all."""
    return lambda reached: follow(reached._replace(share=(begin + reached.share * width) / total))


def to_the_end(run: Iterator[Progress], follow: Follow) -> tuple[State, list[dict[str, Any]]]:
    """Go through a training from its first epoch to the last, and return its last state and each epoch's record."""
    records = []
    for progress in run:
        if progress.record is not None:
            state = progress.state
            records.append(progress.record)
            follow(TrainingProgress.after(state.epoch, progress.epochs))
    return state, records

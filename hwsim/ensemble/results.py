"""What a training of an ensemble came to, what a test of one of its chips did, and how far such work is."""

from collections.abc import Callable
from typing import NamedTuple

from hwsim.typing import Weights


class Reached(NamedTuple):
    """How far trainings of many instances are: the share that is done, and the epoch that just ended of how many of a training."""

    share: float
    epoch: int
    epochs: int

    @classmethod
    def after(cls, epoch: int, epochs: int) -> "Reached":
        """Return how far one training is after an epoch; tests count as another epoch, so that not all is done before them."""
        return cls(epoch / (epochs + 1), epoch, epochs)


Follow = Callable[[Reached], None]
"""Is called after each epoch."""


def unseen(_: Reached) -> None:
    """Follow nothing."""


def part_of(follow: Follow, begin: int, width: int, total: int) -> Follow:
    """Return what follows `width` of `total` instances, when `begin` others are done, for what follows all."""
    return lambda reached: follow(reached._replace(share=(begin + reached.share * width) / total))


class Learnt(NamedTuple):
    """What a training came to.

    Parameters
    ----------
    g
        Conductances [S].
    train_error
        Share of wrong answers in the last epoch, or another task's error.
    pulses, energy
        Programming pulses of all epochs, and what they took [J].
    residual
        Largest sum of currents into a node in any free equilibrium [A].
    failed
        What went wrong, where something did; the numbers then mean nothing.

    """

    g: Weights
    train_error: float
    pulses: float
    energy: float
    residual: float
    failed: str | None = None


class Tested(NamedTuple):
    """A chip's share of wrong answers, or another task's error, its largest sum of currents into a node [A], and what went wrong."""

    error: float
    residual: float
    failed: str | None = None

"""Sums of states and targets, from which ridge regression is solved without the samples: those of several chips simply add up."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from circuits.errors import CircuitError
from hwsim.reservoir.ridge import PENALTIES, VALIDATED, RidgeReadout, StateMoments
from hwsim.typing import Floats

_ROUNDING = 1e-13
"""A variance below this share of its mean square is what rounding leaves of a state that does not move."""


@dataclass(frozen=True, slots=True)
class StateSums:
    """Sums over samples of states h (n,) [V] and targets y (K,).

    Parameters
    ----------
    count
        Number of samples, shape ().
    h, y
        Sums of states and of targets, shapes (n,) and (K,).
    hh, hy
        Sums of products h·hᵀ and h·yᵀ, shapes (n, n) and (n, K).
    yy
        Sums of squared targets, shape (K,).

    """

    count: Floats
    h: Floats
    y: Floats
    hh: Floats
    hy: Floats
    yy: Floats

    @classmethod
    def of(cls, states: Floats, y: Floats) -> Self:
        """Sum up samples of states (samples, n) [V] and targets (samples, K)."""
        count = np.asarray(float(len(states)))
        return cls(count, states.sum(axis=0), y.sum(axis=0), states.T @ states, states.T @ y, (y**2).sum(axis=0))

    @classmethod
    def none(cls, states: int, targets: int) -> Self:
        """Return the sums of no sample."""
        return cls.of(np.zeros((0, states)), np.zeros((0, targets)))

    def __add__(self, other: Self) -> Self:
        """Return the sums of the samples of both."""
        return type(self)(*(a + b for a, b in zip(self.arrays().values(), other.arrays().values(), strict=True)))

    @property
    def numbers(self) -> int:
        """How many numbers these are: of the products of states with states, half and the diagonal."""
        states, targets = map(int, self.hy.shape)
        return 1 + states + 2 * targets + states * (states + 1) // 2 + states * targets

    def arrays(self) -> dict[str, Floats]:
        """Lay them out by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def moments(self) -> StateMoments:
        """Return means, spreads and products of scaled states."""
        mean, offset = self.h / self.count, self.y / self.count
        products = self.hh / self.count
        covariance = products - np.outer(mean, mean)
        square, variance = np.diagonal(products), np.diagonal(covariance)
        moving = variance > _ROUNDING * square
        spread = np.sqrt(np.where(moving, variance, 1.0))
        cross = (self.hy / self.count - np.outer(mean, offset)) / spread[:, None]
        scaled = np.where(np.outer(moving, moving), covariance / np.outer(spread, spread), 0.0)  # what does not move has no share
        return StateMoments(mean, spread, offset, scaled, np.where(moving[:, None], cross, 0.0))

    def squared_error(self, read: RidgeReadout) -> float:
        """Return the squared error of a read-out, summed over these samples and over targets."""
        h, y = self.h - self.count * read.mean, self.y - self.count * read.offset
        hh = self.hh - np.outer(read.mean, self.h) - np.outer(h, read.mean)
        hy = self.hy - np.outer(read.mean, self.y) - np.outer(h, read.offset)
        yy = self.yy - read.offset * (self.y + y)
        weights = read.weights / read.spread[:, None]
        return float((yy - 2 * (weights * hy).sum(axis=0) + (weights * (hh @ weights)).sum(axis=0)).sum())


def parted(states: Floats, y: Floats, penalty: float | None) -> tuple[StateSums, StateSums]:
    """Return the sums to learn from, and those of the last fifth of the samples, on which a penalty is chosen unless it is given."""
    first = len(states) - (int(VALIDATED * len(states)) if penalty is None else 0)
    return StateSums.of(states[:first], y[:first]), StateSums.of(states[first:], y[first:])


def added(sums: Sequence[StateSums]) -> StateSums:
    """Add up sums, one behind the other, so that the same order has the same bits."""
    total, *others = sums
    for one in others:
        total += one
    return total


def solved(learnt: StateSums, validated: StateSums, penalty: float | None) -> RidgeReadout:
    """Return the read-out of both sums; without a penalty, that is chosen by the error on the second of one learnt from the first.

    Raises
    ------
    CircuitError
        When there are too few samples.

    """
    if penalty is None:
        if not (learnt.count and validated.count):
            count = int(learnt.count + validated.count)
            msg = f"read-out: {count} samples are too few to choose a penalty on a fifth of them; give more, or the penalty"
            raise CircuitError(msg)
        part = learnt.moments()
        tried = {one: part.readout(one) for one in PENALTIES.tolist()}
        penalty = min(tried, key=lambda one: validated.squared_error(tried[one]))
    return (learnt + validated).moments().readout(penalty)

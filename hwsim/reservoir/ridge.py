"""Ridge regression from states to targets; its strength is chosen on the last part of what it may learn from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from circuits.errors import CircuitError
from hwsim.typing import Floats

if TYPE_CHECKING:
    from collections.abc import Callable

PENALTIES = 10.0 ** np.arange(-13, 1)
"""Strengths that are tried, for states of unit variance."""

STRONGER = 10.0 ** np.arange(1, 5)
"""Strengths beyond, for read-outs that cannot be made exactly."""

VALIDATED = 0.2
"""Share of the samples, the last, on which the strength is chosen."""


@dataclass(frozen=True, slots=True)
class RidgeReadout:
    """y = (states − mean)/spread·weights + offset.

    Parameters
    ----------
    mean, spread
        Of each state while it learned, shape (n,) [V]; a state that does not move has spread 1.
    weights
        Shape (n, K).
    offset
        Mean targets, shape (K,).
    penalty
        The strength that was chosen, a share of the states' variance.

    """

    mean: Floats
    spread: Floats
    weights: Floats
    offset: Floats
    penalty: float

    @classmethod
    def fit(
        cls, states: Floats, y: Floats, penalty: float | None = None, made: "Callable[[RidgeReadout], RidgeReadout] | None" = None
    ) -> Self:
        """Learn from states (samples, n) [V] and targets (samples, K); without a penalty, it is chosen on the last fifth.

        It is chosen by the errors of what is `made` of each read-out, if that is another one: then the one that was so chosen stays, which
        the last fifth has not taught.

        Raises
        ------
        CircuitError
            When there are too few samples, or numbers of samples differ.

        """
        if len(states) != len(y):
            msg = f"read-out: {len(states)} samples of states and {len(y)} of targets; give one target a sample"
            raise CircuitError(msg)
        first = len(states) - int(VALIDATED * len(states))
        if penalty is None:
            if first in {len(states), 0}:
                msg = f"read-out: {len(states)} samples are too few to choose a penalty on a fifth of them; give more, or the penalty"
                raise CircuitError(msg)
            part = StateMoments.of(states[:first], y[:first])
            each = {one: part.readout(one) for one in PENALTIES.tolist()}
            if made is not None:
                each |= {one: part.readout(one) for one in STRONGER.tolist()}
            tried = each if made is None else {one: made(read) for one, read in each.items()}
            penalty = min(tried, key=lambda one: float(np.mean((tried[one](states[first:]) - y[first:]) ** 2)))
            if made is not None:  # another one would be made with other errors
                chosen = each[penalty]
                return cls(chosen.mean, chosen.spread, chosen.weights, chosen.offset, penalty)
        learned = StateMoments.of(states, y).readout(penalty)
        return cls(learned.mean, learned.spread, learned.weights, learned.offset, penalty)

    def __call__(self, states: Floats) -> Floats:
        """Return what it makes of states (samples, n) [V], (samples, K)."""
        read: Floats = (states - self.mean) / self.spread @ self.weights + self.offset
        return read


class StateMoments(NamedTuple):
    """What ridge regression takes of samples, computed once for all strengths: means, spreads, and products of scaled states."""

    mean: Floats
    spread: Floats
    offset: Floats
    square: Floats
    cross: Floats

    @classmethod
    def of(cls, states: Floats, y: Floats) -> Self:
        """Sum up states (samples, n) [V] and targets (samples, K)."""
        mean, offset = states.mean(axis=0), y.mean(axis=0)
        spread = states.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        scaled = (states - mean) / spread
        return cls(mean, spread, offset, scaled.T @ scaled / len(scaled), scaled.T @ (y - offset) / len(scaled))

    def readout(self, penalty: float) -> RidgeReadout:
        """Return the read-out of a strength."""
        weights: Floats = np.asarray(np.linalg.solve(self.square + penalty * np.eye(len(self.square)), self.cross), np.float64)
        return RidgeReadout(self.mean, self.spread, weights, self.offset, penalty)


def nrmse(read: Floats, y: Floats) -> Floats:
    """Return the root mean square error as a share of the targets' standard deviation, a target each, shape (K,)."""
    error: Floats = np.sqrt(np.mean((read - y) ** 2, axis=0)) / y.std(axis=0)
    return error

"""Recursive least squares: a read-out that learns sample after sample, and ends where ridge regression does."""

import numpy as np

from hwsim.reservoir.ridge import RidgeReadout
from hwsim.typing import Floats


class RecursiveLeastSquares:
    """Weights that minimise the squared error of all samples so far, each weighed `forgetting` times as much as the next.

    k = P·h/(λ + h·P·h),  w ← w + k·(d − w·h),  P ← (P − k·h·P)/λ, from P = 1/penalty on.

    Parameters
    ----------
    inputs, outputs
        Sizes of h and of d.
    penalty
        Strength of the regularisation that it begins with.
    forgetting
        λ, above 0 and at most 1.

    References
    ----------
    S. Haykin 2002, Adaptive Filter Theory, chapter 9.

    """

    def __init__(self, inputs: int, outputs: int, penalty: float, forgetting: float = 1.0) -> None:
        self.weights = np.zeros((inputs, outputs))
        self.covariance = np.eye(inputs) / penalty
        self.forgetting = forgetting

    def learn(self, h: Floats, d: Floats) -> Floats:
        """Take one sample h (inputs,) with its target d (outputs,), and return the error before, (outputs,)."""
        error: Floats = d - h @ self.weights
        reached = self.covariance @ h
        gain = reached / (self.forgetting + h @ reached)
        self.weights += np.outer(gain, error)
        self.covariance -= np.outer(gain, reached)
        self.covariance = (self.covariance + self.covariance.T) / (2 * self.forgetting)
        return error


def rls(x: Floats, y: Floats, penalty: float, forgetting: float = 1.0) -> RidgeReadout:
    """Learn from states x (samples, n) and targets y (samples, K), one after the other.

    The penalty is for states of zero mean and unit variance, as that of ridge regression, and times the number of samples.
    """
    mean, offset, spread = x.mean(axis=0), y.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    learner = RecursiveLeastSquares(x.shape[1], y.shape[1], penalty * len(x), forgetting)
    for h, d in zip((x - mean) / spread, y - offset, strict=True):
        learner.learn(h, d)
    return RidgeReadout(mean, spread, learner.weights, offset, penalty)

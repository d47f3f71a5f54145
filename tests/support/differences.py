"""Central finite differences of a loss by every conductance: what a gradient is, without any theory of how it comes about."""

import numpy as np

from hwsim.core.protocol import Drive, Solver
from hwsim.learning.losses import Loss

SHARE = 1e-4
"""Step, as a share of each conductance: the error of the difference is about its square, that of rounding 1e-13 over it."""


def finite_differences(solver: Solver, g: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, loss: Loss) -> dict[str, np.ndarray]:
    """Return dC/dg of the mean loss, one entry after the other, in the shapes of `g` [V²/S]."""

    def mean_loss(name: str, changed: np.ndarray) -> float:
        outputs = solver.solve(g | {name: changed}, Drive(x)).outputs(solver.circuit)
        return float(np.mean(loss.value(outputs, y)))

    result = {}
    for name, values in g.items():
        result[name] = np.empty_like(values)
        for at in np.ndindex(values.shape):
            step = np.zeros_like(values)
            step[at] = SHARE * values[at]
            result[name][at] = (mean_loss(name, values + step) - mean_loss(name, values - step)) / (2 * step[at])
    return result


def apart(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """Return the largest difference of two gradients, as a share of the second's largest entry in the same crossbar."""
    return max(float(np.abs(a[name] - b[name]).max() / np.abs(b[name]).max()) for name in b)

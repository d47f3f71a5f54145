"""Chaotic systems, as sequences to foretell: Mackey–Glass, Lorenz and Hénon."""

from collections.abc import Callable

import numpy as np

from hwsim.typing import Floats

_SETTLING = 500
"""Steps that are thrown away, until a system has reached its attractor."""

_DELAY, _HALVES = 17, 10
"""Of Mackey–Glass: the delay, and Runge–Kutta steps in a unit of time."""


def mackey_glass(samples: int, seed: int = 0) -> Floats:
    """Return dx/dt = 0.2·x(t − 17)/(1 + x(t − 17)¹⁰) − 0.1·x(t), unit after unit of time, shape (samples, 1).

    It begins at 1.2 with 1 % noise in its past. The delayed value within a step is the mean of its ends.

    References
    ----------
    M. C. Mackey, L. Glass 1977, Science 197, 287.

    """
    h, back = 1 / _HALVES, _DELAY * _HALVES
    steps = (samples + _SETTLING) * _HALVES
    x = np.empty(back + 1 + steps)
    x[: back + 1] = 1.2 + 0.01 * np.random.default_rng(seed).standard_normal(back + 1)

    def slope(now: float, before: float) -> float:
        return 0.2 * before / (1 + before**10) - 0.1 * now

    for t in range(back, back + steps):
        now, old, newer = float(x[t]), float(x[t - back]), float(x[t - back + 1])
        between = (old + newer) / 2
        k1 = slope(now, old)
        k2 = slope(now + h / 2 * k1, between)
        k3 = slope(now + h / 2 * k2, between)
        k4 = slope(now + h * k3, newer)
        x[t + 1] = now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[back + 1 + _SETTLING * _HALVES :: _HALVES, None]


def lorenz(samples: int, seed: int = 0) -> Floats:
    """Return the three variables of Lorenz's system with σ = 10, ρ = 28, β = 8/3, every 0.02 units of time, shape (samples, 3).

    References
    ----------
    E. N. Lorenz 1963, J. Atmos. Sci. 20, 130.

    """

    def slope(state: Floats) -> Floats:
        x, y, z = state
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    begin = np.array([1.0, 1.0, 25.0]) + np.random.default_rng(seed).standard_normal(3)
    return _followed(slope, begin, samples, 0.02, 4)


def henon(samples: int, seed: int = 0) -> Floats:
    """Return x of Hénon's map, x ← 1 − 1.4·x² + y, y ← 0.3·x, shape (samples, 1).

    References
    ----------
    M. Hénon 1976, Commun. Math. Phys. 50, 69.

    """
    x, y = 0.1 * np.random.default_rng(seed).uniform(-1, 1, 2)
    values = np.empty((samples + _SETTLING, 1))
    for t in range(len(values)):
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
        values[t] = x
    return values[_SETTLING:]


def _followed(slope: Callable[[Floats], Floats], state: Floats, samples: int, every: float, steps: int) -> Floats:
    """Integrate by Runge–Kutta's rule of order 4, in so many steps from one value that is returned to the next."""
    h = every / steps
    values = np.empty((samples + _SETTLING, len(state)))
    for t in range(len(values)):
        for _ in range(steps):
            k1 = slope(state)
            k2 = slope(state + h / 2 * k1)
            k3 = slope(state + h / 2 * k2)
            k4 = slope(state + h * k3)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        values[t] = state
    return values[_SETTLING:]

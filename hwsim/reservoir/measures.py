"""What a reservoir's states are worth whatever the task: how much of the past they hold, and in how many directions they move."""

import numpy as np

from circuits.errors import CircuitError
from hwsim.typing import Floats

_KERNEL = 0.3
"""Width of the kernel of the states' entropy, a share of their standard deviation. Source: Ozturk et al. 2007, Neural Comput. 19, 111."""

_AT_ONCE = 2**22
"""Differences of states that are held at once."""


def memory_capacity(states: Floats, x: Floats, delays: int, penalty: float = 1e-7) -> Floats:
    """Return how much of each earlier input a linear read-out finds in states (T, N), shape (delays,): squared correlations.

    Their sum is the memory capacity (Jaeger 2001, GMD Report 152), at most N for inputs (T,) that are drawn independently. Read-outs learn
    from the first half of the states, by ridge regression of strength `penalty`, and are tested on the second half, so that what is learnt
    by heart counts for nothing. The delay of the first is 1: the input before the present one.

    Raises
    ------
    CircuitError
        When shapes do not fit, or there are not twice as many states as delays and nodes.

    """
    states, x = np.asarray(states, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if states.ndim != 2 or x.shape != states.shape[:1]:  # noqa: PLR2004 - (T, N)
        msg = f"memory capacity: states of shape {states.shape} and inputs of shape {x.shape}; give (T, N) and (T,)"
        raise CircuitError(msg)
    count = len(states) - delays
    if delays < 1 or count < 2 * max(states.shape[1], delays):
        msg = f"memory capacity: {len(states)} states of {states.shape[1]} nodes are too few for {delays} delays; give more"
        raise CircuitError(msg)
    past = np.stack([x[delays - d : len(x) - d] for d in range(1, delays + 1)], axis=1)
    (learnt, tested), (y, wanted) = (np.split(of, [count // 2]) for of in (states[delays:], past))
    mean, spread = learnt.mean(axis=0), np.where(learnt.std(axis=0) > 0, learnt.std(axis=0), 1.0)
    learnt, tested = (learnt - mean) / spread, (tested - mean) / spread
    square = learnt.T @ learnt / len(learnt) + penalty * np.eye(states.shape[1])
    read = tested @ np.linalg.solve(square, learnt.T @ (y - y.mean(axis=0)) / len(learnt))
    read, wanted = read - read.mean(axis=0), wanted - wanted.mean(axis=0)
    power = (read**2).sum(axis=0) * (wanted**2).sum(axis=0)
    shared: Floats = (read * wanted).sum(axis=0) ** 2 / np.where(power > 0, power, 1.0)
    return shared


def effective_rank(states: Floats) -> float:
    """Return in how many directions states (T, N) move: e to the entropy of the shares of their variance (Roy & Vetterli 2007, EUSIPCO).

    N when all directions are equal, 1 when all states go along one line.
    """
    spread = np.linalg.svd(states - np.mean(states, axis=0), compute_uv=False) ** 2
    if not spread.any():
        return 0.0
    shares = spread[spread > 0] / spread.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def state_rank(states: Floats, noise: float) -> int:
    """Return in how many directions states (T, N) move by more than noise of this standard deviation [V] does."""
    spread = np.linalg.svd(states - np.mean(states, axis=0), compute_uv=False) / np.sqrt(max(len(states), 1))
    return int((spread > noise).sum())


def state_entropy(states: Floats) -> float:
    """Return the mean over time of Rényi's quadratic entropy of the states (T, N) of a time, by kernels around each [nats].

    It is high where nodes differ from each other all the time, and it rises by ln 2 when all voltages double. Source: Ozturk et al. 2007,
    Neural Comput. 19, 111.
    """
    states = np.asarray(states, dtype=np.float64)
    width = np.sqrt(2.0) * _KERNEL * states.std()
    if width == 0:
        return float("-inf")
    total, nodes = 0.0, states.shape[1]
    for some in np.array_split(states, max(1, states.size * nodes // _AT_ONCE)):
        apart = (some[:, :, None] - some[:, None, :]) / width
        potential = np.exp(-0.5 * apart**2).mean(axis=(1, 2)) / (np.sqrt(2.0 * np.pi) * width)
        total -= float(np.log(potential).sum())
    return total / len(states)

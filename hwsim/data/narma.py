"""NARMA: a sequence of inputs, and targets that depend on inputs long gone."""

import numpy as np

from circuits.errors import CircuitError
from hwsim.typing import Floats

_NONLINEAR = {10: (0.3, 0.05, 1.5, 0.1), 30: (0.2, 0.04, 1.5, 0.001)}
"""α, β, γ, δ by the order. Source: of 10 Atiya & Parlos 2000, IEEE Trans. Neural Netw. 11, 697; of 30 Schrauwen et al. 2008,
Neurocomputing 71, 1159."""

_TRIES = 1000


def narma(samples: int, *, order: int = 10, seed: int = 0) -> tuple[Floats, Floats]:
    """Draw a sequence of NARMA, a nonlinear autoregressive moving average: inputs evenly from 0 to 0.5, and targets, both (samples,).

    y(t + 1) = α·y(t) + β·y(t)·Σ y(t − k) + γ·x(t − n + 1)·x(t) + δ, the sum over k from 0 to n − 1. The target of
    time t is known once x(t − 1) is. Draws that diverge are drawn again.

    Parameters
    ----------
    samples
        Of both.
    order
        How many steps the targets reach back: 10 or 30.
    seed
        Of the inputs.

    Raises
    ------
    CircuitError
        When the order is not 10 or 30, or there are no samples beyond it.

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.narma(200, order=10)
    >>> x.shape, y.shape, bool(y.max() < 1)
    ((200,), (200,), True)

    """
    if order not in _NONLINEAR:
        msg = f"narma: order = {order} must be {' or '.join(map(str, _NONLINEAR))}"
        raise CircuitError(msg)
    if samples <= order:
        msg = f"narma: {samples} samples are too few for order {order}; draw more than {order}"
        raise CircuitError(msg)
    rng = np.random.default_rng(seed)
    for _ in range(_TRIES):
        x = rng.uniform(0, 0.5, samples)
        y = _targets(x, order)
        if np.isfinite(y).all() and np.abs(y).max() < 2:  # noqa: PLR2004 - what diverges does so within some steps
            return x, y
    msg = f"narma: no {samples} samples of order {order} stay bounded; draw fewer"
    raise CircuitError(msg)


def _targets(x: Floats, order: int) -> Floats:
    a, b, c, d = _NONLINEAR[order]
    y = np.zeros(len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(order - 1, len(x) - 1):
            y[t + 1] = a * y[t] + b * y[t] * y[t - order + 1 : t + 1].sum() + c * x[t - order + 1] * x[t] + d
    return y

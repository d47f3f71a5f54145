"""The 95 % interval of a mean over few chips: a parametric bootstrap-t, whose reference distribution is as skewed as the values.

Student's t interval assumes that t = (mean − µ)·√n/s is symmetric. Of skewed values it is not: of 8 exponential ones, 90 % of the intervals
contain the mean instead of 95 %. How far the quantiles of t move depends on the values' skewness, and not on their location or scale. They
are simulated here with shifted log-normal values of the same skewness, and replace Student's quantiles. Nothing is resampled, so that a few
distinct values need no special care.

Eight values have little information about their own skewness. Errors have more: none is below 0, and log-normal errors of coefficient of
variation c = s/mean have the skewness c³ + 3c. Differences of errors and slopes have no bound; for them it is the sample skewness.

References
----------
B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), 12.5 (bootstrap-t); A. Davison and D. Hinkley, Bootstrap Methods and
their Application (1997), 2.4 and 5.2 (parametric studentized bootstrap). Why t depends on skewness/√n alone, but for terms of order 1/n:
P. Hall, The Bootstrap and Edgeworth Expansion (1992), 2.6. The adjusted sample skewness: D. Joanes and C. Gill, The Statistician 47 (1998).

"""

from functools import cache
from typing import NamedTuple

import numpy as np

from hwsim.typing import Floats

LEVEL = 0.95
"""How often an interval contains the true mean."""

_SIMULATED = 20_000
"""Simulated samples: their quantiles of t vary by 2 %."""

_VARIATIONS = np.linspace(0.0, 1.0, 9)
"""Coefficients of variation that are simulated; between them quantiles are interpolated.

By simulation, ending at 1 instead of 3 changes the coverage of exponential values by less than 0.2 %, and makes 5 of them have intervals
that are 1.4 times as wide as Student's instead of 1.5 times."""

_LARGEST = 100
"""Most values of a simulated sample. More values are represented by so many with the same skewness/√n."""

_ROUNDING = 1e-12
"""Relative difference up to which the ends of an interval are equal."""


class Interval(NamedTuple):
    """Where the true value is, with 95 % certainty; NaN where nothing can be inferred."""

    low: float
    high: float

    @property
    def has_width(self) -> bool:
        """Whether its ends differ by more than rounding; where all values are equal they do not, and NaN do not."""
        return self.high - self.low > _ROUNDING * max(abs(self.low), abs(self.high))


def of_errors(values: Floats) -> Interval:
    """Compute the 95 % interval of the mean of independent errors (n,), none of them below 0."""
    return Interval(*error_ends(values).tolist())


def of_differences(values: Floats) -> Interval:
    """Compute the 95 % interval of the mean of independent values (n,) of any sign, such as differences and slopes."""
    return Interval(*difference_ends(values).tolist())


def error_ends(values: Floats) -> Floats:
    """Compute both ends, shape (2, …), of the interval of each mean over the last axis of errors (…, n).

    By simulation of 5 to 30 values, 93.5 % to 97 % of the intervals contain the mean of exponential, gamma, moderately log-normal
    (σ = 0.6) and counted errors, and they are at most 1.42 times as wide as Student's. Of strongly skewed log-normal errors it is
    92.5 % (σ = 0.8) and 90 % to 93 % (σ = 1), where of Student's it is 87 % and 83 % for 5 to 8 values.
    """
    if values.shape[-1] < 2:  # noqa: PLR2004 - one value does not vary
        return np.full((2, *values.shape[:-1]), np.nan)
    mean, deviation = values.mean(axis=-1), values.std(axis=-1, ddof=1)
    variation = np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0)
    return _ends(values, variation**3 + 3 * variation)


def difference_ends(values: Floats) -> Floats:
    """Compute both ends, shape (2, …), of the interval of each mean over the last axis of values (…, n) of any sign.

    By simulation of 8 to 30 exponential values 92 % to 94 % of the intervals contain the mean, of 5 values 90 %; of Student's 88 % to 92 %.
    """
    n = values.shape[-1]
    if n < 3:  # noqa: PLR2004 - two values are as far from their mean on either side
        return _ends(values, np.zeros(values.shape[:-1])) if n > 1 else np.full((2, *values.shape[:-1]), np.nan)
    centred, deviation = values - values.mean(axis=-1, keepdims=True), values.std(axis=-1, ddof=1)
    cubes = (centred**3).sum(axis=-1)
    return _ends(values, n / ((n - 1) * (n - 2)) * np.divide(cubes, deviation**3, out=np.zeros_like(cubes), where=deviation > 0))


def _ends(values: Floats, skewness: Floats) -> Floats:
    """Compute mean − t·s/√n at the upper and the lower quantile of t for values (…, n) of this skewness (…)."""
    from scipy.special import stdtrit  # noqa: PLC0415 - half a second, only for those who sweep

    n = values.shape[-1]
    student, simulated = stdtrit(n - 1, (1 + LEVEL) / 2), min(n, _LARGEST)
    variation = _variation(np.abs(skewness) * np.sqrt(simulated / n))
    low, high = (np.interp(variation, _VARIATIONS, shifts) for shifts in _shifts(simulated))
    above, below = np.where(skewness < 0, (-low, high), (high, -low))
    unit = values.std(axis=-1, ddof=1) / np.sqrt(n)
    ends: Floats = values.mean(axis=-1) + unit * np.array([-(student + above), student + below])
    return ends


def _variation(skewness: Floats) -> Floats:
    """Compute the coefficient of variation c of log-normal values: c³ + 3c is their skewness, and sinh 3x = 4 sinh³ x + 3 sinh x."""
    return np.asarray(2 * np.sinh(np.arcsinh(skewness / 2) / 3))


@cache
def _shifts(n: int) -> Floats:
    """Simulate how far skewness moves the outer quantiles of t of n values, shape (2, variations); without skewness by 0."""
    half = np.random.default_rng(n).normal(size=(_SIMULATED // 2, n))
    normal = np.concatenate([half, -half])
    ends = []
    for variation in _VARIATIONS.tolist():
        sigma = np.sqrt(np.log1p(variation**2))
        values, mean = (np.exp(sigma * normal), np.exp(sigma**2 / 2)) if variation else (normal, 0.0)
        t = (values.mean(axis=1) - mean) * np.sqrt(n) / values.std(axis=1, ddof=1)
        ends.append(np.quantile(t, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return np.transpose(np.array(ends) - ends[0])

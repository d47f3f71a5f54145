"""Statistics of a sweep: mean and its interval, quantiles, yield, and the difference of two points. The random unit is the chip.

Results of one chip with several seeds are not independent, and so they count once: by their mean. A sweep over a single chip counts seeds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hwsim.company.figures import CompanyFigures
from hwsim.sweep.mean_interval import Interval, of_differences, of_errors
from hwsim.sweep.recorded import Recorded, SweepResult
from hwsim.typing import Floats

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

FLIPS = 9999
"""Most sign flips of a permutation test, or all if there are fewer."""


class Summary(NamedTuple):
    """Statistics of a point.

    Parameters
    ----------
    results, failed
        Number of results, and of those without an error.
    units
        Independent chips (or seeds, of a single chip).
    mean, interval, sd, quantiles
        Of the test error; quantiles at 5, 25, 50, 75 and 95 %.

    """

    results: int
    failed: int
    units: int
    mean: float
    interval: Interval
    sd: float
    quantiles: tuple[float, ...]


class Yield(NamedTuple):
    """The share of chips whose error is at most the specification, and Wilson's interval for it. A chip that fails does not fulfil it."""

    share: float
    interval: Interval
    good: int
    units: int


class Difference(NamedTuple):
    """Difference of the errors of two points on the same chips, and its probability under the hypothesis of no difference."""

    mean: float
    interval: Interval
    p: float
    units: int


def per_unit(results: Sequence[SweepResult]) -> dict[int, float]:
    """Return the mean test error of each chip (or seed, of a single chip); failures are left out."""
    several = len({result.chip for result in results}) > 1
    errors_by_unit: dict[int, list[float]] = {}
    for result in results:
        if result.failed is None:
            errors_by_unit.setdefault(result.chip if several else result.seed, []).append(result.test_error)
    return {unit: float(np.mean(errors)) for unit, errors in sorted(errors_by_unit.items())}


def summary(results: Sequence[SweepResult], most: float = 1.0) -> Summary:
    """Compute the statistics of a point; `most` is the largest possible error."""
    values = np.array(list(per_unit(results).values()))
    failed = sum(result.failed is not None for result in results)
    if not len(values):
        nothing = Interval(np.nan, np.nan)
        return Summary(len(results), failed, 0, np.nan, nothing, np.nan, (np.nan,) * len(QUANTILES))
    low, high = of_errors(values)
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    quantiles = tuple(np.quantile(values, QUANTILES).tolist())
    within = Interval(max(low, 0.0), min(high, most))
    return Summary(len(results), failed, len(values), float(values.mean()), within, sd, quantiles)


def wilson(good: int, units: int) -> Interval:
    """Compute Wilson's 95 % interval of a share."""
    if not units:
        return Interval(np.nan, np.nan)
    z = 1.959963984540054  # of the normal distribution, at 97.5 %
    centre = (good + z**2 / 2) / (units + z**2)
    half = z / (units + z**2) * np.sqrt(good * (units - good) / units + z**2 / 4)
    return Interval(max(float(centre - half), 0.0), min(float(centre + half), 1.0))


def yield_at(results: Sequence[SweepResult], spec: float) -> Yield:
    """Return the share of chips whose mean error over their seeds is at most `spec`."""
    several = len({result.chip for result in results}) > 1
    units = {result.chip if several else result.seed for result in results}
    bad = {result.chip if several else result.seed for result in results if result.failed is not None}
    good = sum(error <= spec for unit, error in per_unit(results).items() if unit not in bad)
    return Yield(good / len(units) if units else np.nan, wilson(good, len(units)), good, len(units))


def difference(results: Sequence[SweepResult], reference: Sequence[SweepResult]) -> Difference:
    """Compare two points, chip by chip and seed by seed, by a permutation test of the signs."""
    other = {result[1:3]: result for result in reference if result.failed is None}
    pairs = [(result, other[result[1:3]]) for result in results if result.failed is None and result[1:3] in other]
    apart = per_unit([a._replace(test_error=a.test_error - b.test_error) for a, b in pairs])
    values = np.array(list(apart.values()))
    if not len(values):
        return Difference(np.nan, Interval(np.nan, np.nan), np.nan, 0)
    return Difference(float(values.mean()), of_differences(values), _probability(values), len(values))


def _probability(values: Floats) -> float:
    from scipy.stats import permutation_test  # noqa: PLC0415 - half a second, only for those who sweep

    if not values.any() or len(values) == 1:  # for one pair both signs are equally likely
        return 1.0
    test = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=FLIPS, vectorized=True, axis=-1, rng=0)
    return float(test.pvalue)


class PointNumbers(NamedTuple):
    """All statistics of a point; `yields` without a specification and `against` of the reference itself are None.

    `company` are means of what companies have besides; None where no chips learn together.
    """

    point: int
    summary: Summary
    yields: Yield | None
    against: Difference | None
    company: CompanyFigures | None = None


def _of_companies(results: Sequence[SweepResult]) -> CompanyFigures | None:
    """Return the means of a point, over results that have an error."""
    figures = [result.company for result in results if result.company is not None and result.failed is None]
    return CompanyFigures(*np.mean(figures, axis=0).tolist()) if figures else None


def numbers(recorded: Recorded, spec: float | None = None, reference: int = 1) -> list[PointNumbers]:
    """Compute the statistics of every point with results, each compared with the point of number `reference`."""
    by_point, most = recorded.by_point(), recorded.measure.most
    base = by_point.get(reference, [])
    return [
        PointNumbers(
            number,
            summary(results, most),
            None if spec is None else yield_at(results, spec),
            None if number == reference or not base else difference(results, base),
            _of_companies(results),
        )
        for number, results in by_point.items()
        if results
    ]

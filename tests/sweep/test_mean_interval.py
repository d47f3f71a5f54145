"""Intervals of a mean over few chips contain the mean as often as stated, and are not much wider than Student's."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import stdtrit

from hwsim.sweep.mean_interval import Interval, difference_ends, error_ends, of_differences, of_errors

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

ERRORS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(0.05, 0.01, shape), 0.05),
    "gamma": (lambda rng, shape: rng.gamma(2.0, 0.01, shape), 0.02),
    "exponential": (lambda rng, shape: rng.exponential(0.05, shape), 0.05),
    "log-normal": (lambda rng, shape: 0.05 * rng.lognormal(-0.18, 0.6, shape), 0.05),
    "of 360 samples": (lambda rng, shape: rng.binomial(360, rng.beta(8, 200, shape)) / 360, 8 / 208),
    "of 30 samples": (lambda rng, shape: rng.binomial(30, rng.beta(2, 18, shape)) / 30, 0.1),
    "of 30 samples, nearly all right": (lambda rng, shape: rng.binomial(30, 1 / 30, shape) / 30, 1 / 30),
}
"""Chips' errors, and their true mean; those of 30 samples have few distinct values, and many chips have the same."""

REPETITIONS = 10_000
"""The standard error of a coverage is 0.25 %."""


def student(values: np.ndarray) -> np.ndarray:
    """Compute half the width of Student's intervals."""
    n = values.shape[1]
    return stdtrit(n - 1, 0.975) * values.std(axis=1, ddof=1) / np.sqrt(n)


@pytest.mark.parametrize("n", [5, 8, 16, 30])
@pytest.mark.parametrize("name", ERRORS)
def test_intervals_contain_the_mean_as_often_as_stated(name: str, n: int) -> None:
    """93 to 97 % of them do, whatever the skewness of the chips' errors, and on average none is 1.5 times as wide as Student's."""
    draw, truth = ERRORS[name]
    errors = draw(np.random.default_rng(5), (REPETITIONS, n))
    low, high = error_ends(errors)
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97
    assert np.mean(high - low) <= 1.5 * np.mean(2 * student(errors))


@pytest.mark.parametrize("n", [8, 16, 30])
def test_intervals_of_strongly_skewed_errors_fail_less_often_than_students(n: int) -> None:
    """No interval that narrow covers 95 % of log-normal means of σ = 1 for few chips: it misses less than two thirds as often."""
    errors = 0.05 * np.random.default_rng(6).lognormal(-0.5, 1.0, (REPETITIONS, n))
    low, high = error_ends(errors)
    missed = np.mean((low > 0.05) | (high < 0.05))
    assert missed < 0.67 * np.mean(np.abs(errors.mean(axis=1) - 0.05) > student(errors))
    assert missed < 0.1


@pytest.mark.parametrize(("name", "least"), [("normal", 0.94), ("difference", 0.93), ("skewed", 0.915), ("skewed to the left", 0.915)])
def test_intervals_of_differences_of_any_sign(name: str, least: float) -> None:
    """Symmetric differences of 8 chips are covered as stated; skewed ones to either side more often than by Student's intervals."""
    rng = np.random.default_rng(7)
    skewed = rng.exponential(0.03, (REPETITIONS, 8)) - 0.02
    draws = {
        "normal": (rng.normal(0.01, 0.02, (REPETITIONS, 8)), 0.01),
        "difference": ((rng.binomial(30, 0.2, (REPETITIONS, 8)) - rng.binomial(30, 0.1, (REPETITIONS, 8))) / 30, 0.1),
        "skewed": (skewed, 0.01),
        "skewed to the left": (-skewed, -0.01),
    }
    values, truth = draws[name]
    low, high = difference_ends(values)
    covered = np.mean((low <= truth) & (truth <= high))
    assert least <= covered <= 0.97
    assert np.mean(high - low) <= 1.15 * np.mean(2 * student(values))
    if "skewed" in name:
        assert covered > np.mean(np.abs(values.mean(axis=1) - truth) <= student(values)) + 0.01


def test_an_interval_of_errors_between_chips_lies_between_chips() -> None:
    """Eight errors from 1 to 24 % do not have a mean that none of them reaches."""
    errors = np.array([0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.12, 0.24])
    low, high = of_errors(errors)
    assert 0.01 < low < errors.mean() < high < 0.24
    assert high - errors.mean() > errors.mean() - low  # more errors are above the mean than below 0


def test_intervals_of_many_chips_are_students() -> None:
    """What skewness does vanishes as 1/√n, also beyond the number of values that is simulated."""
    rng = np.random.default_rng(8)
    widths = []
    for n in (100, 101, 10_000):
        errors = rng.exponential(0.05, (20, n))
        high = error_ends(errors)[1]
        widths.append(np.mean((high - errors.mean(axis=1)) / student(errors)))
    assert widths[0] == pytest.approx(widths[1], abs=0.03)
    assert widths[0] > 1.1
    assert widths[2] == pytest.approx(1, abs=0.05)


def test_intervals_scale_and_mirror() -> None:
    """Units do not matter; what is mirrored has the mirrored interval; so have moved differences."""
    values = np.array([0.01, 0.02, 0.02, 0.05, 0.11])
    assert of_errors(100 * values) == pytest.approx(tuple(100 * end for end in of_errors(values)))
    low, high = of_differences(values)
    assert of_differences(-values) == pytest.approx((-high, -low))
    assert of_differences(values - 0.05) == pytest.approx((low - 0.05, high - 0.05))


def test_where_nothing_can_be_inferred_there_is_no_interval() -> None:
    """One value has none; values that are all alike have one without width; two differences have Student's."""
    assert np.isnan([*of_errors(np.array([0.1])), *of_differences(np.array([0.1]))]).all()
    assert of_errors(np.full(20, 0.25)) == of_differences(np.full(20, 0.25)) == Interval(0.25, 0.25)
    assert of_errors(np.zeros(8)) == Interval(0.0, 0.0)
    assert of_differences(np.array([-1.0, 1.0])) == pytest.approx((-12.706, 12.706), abs=0.001)


@pytest.mark.parametrize("of", [of_errors, of_differences])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
def test_equal_values_have_no_interval_to_print(of: Callable[[np.ndarray], Interval], value: float) -> None:
    """Whatever the rounding of their mean is; values that differ at all have one, and a single value does not."""
    for n in range(3, 12):
        assert not of(np.full(n, value)).has_width
        assert of(value + 1e-6 * np.arange(n)).has_width
    assert not of(np.array([value])).has_width

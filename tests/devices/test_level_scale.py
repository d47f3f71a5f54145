"""Levels: the first and the last are the bounds, a level is rounded to itself, and rounding is to the nearest or right in the mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.devices.programming.level_scale import LevelScale

LOW, HIGH = 1e-6, 2e-5

scales = st.builds(lambda last, log: LevelScale(LOW, HIGH, float(last), log), st.integers(1, 255), st.booleans())


@given(scales)
def test_every_level_is_rounded_to_itself(scale: LevelScale) -> None:
    """By both spacings, and between the bounds, which the first and the last level are."""
    n = np.arange(scale.last + 1)
    levels = scale.conductance(n)
    np.testing.assert_array_equal(scale.number(levels), n)
    np.testing.assert_array_equal((levels[0], levels[-1]), (LOW, HIGH))
    assert (np.diff(levels) > 0).all()


@given(scales, st.floats(0, 3e-5))
def test_rounding_is_to_the_nearest_level(scale: LevelScale, g: float) -> None:
    """No other level is nearer; what is beyond the bounds becomes the bound."""
    levels = scale.conductance(np.arange(scale.last + 1))
    ours = scale.conductance(scale.number(np.array([g])))
    assert abs(ours[0] - g) <= np.abs(levels - g).min() * (1 + 1e-9) + 1e-20


@given(scales, st.floats(LOW, HIGH))
def test_the_mean_of_random_rounding_is_what_was_wanted(scale: LevelScale, g: float) -> None:
    """Over all uniform numbers the conductance is g, and only the two levels around it occur."""
    count = 4096
    uniform = (np.arange(count) + 0.5) / count
    rounded = scale.conductance(scale.number(np.full(count, g), uniform))
    gap = np.ptp(rounded)
    assert len(np.unique(rounded)) <= 2
    np.testing.assert_allclose(rounded.mean(), g, atol=gap / count + 1e-12 * HIGH)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_stays_and_a_device_of_one_conductance_has_it(dtype: type) -> None:
    """Numbers of levels have the conductances' precision; where both bounds are one, every level is there."""
    scale = LevelScale(np.full(3, 5e-6, dtype), np.array([5e-6, 1e-5, 2e-5], dtype), np.asarray(3, dtype))
    g = np.full(3, 1e-5, dtype)
    number = scale.number(g)
    assert number.dtype == dtype
    np.testing.assert_allclose(scale.conductance(number)[0], 5e-6, rtol=1e-6)

"""Scaling: by what the training set shows, over the whole range of numbers, and refused by the feature's name where there is no scale."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.data.feature_scaling import scaled
from hwsim.files.raw import DataError, Samples
from hwsim.learning.feature_scale import FeatureScale
from hwsim.settings.sections import DataSettings

SCALINGS = ["standard", "minmax"]


def samples(x: Any, x_test: Any, columns: tuple[str, ...] = ()) -> Samples:
    """Make samples of two classes."""
    x, x_test = np.asarray(x), np.asarray(x_test)
    labels = [np.arange(len(part)) % 2 for part in (x, x_test)]
    return Samples(name="mine", x=x, labels=labels[0], x_test=x_test, labels_test=labels[1], class_names=("a", "b"), columns=columns)


def scale(x: Any, x_test: Any, scaling: str, **settings: Any) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Scale two parts."""
    expected = samples(x, x_test)
    x_train, x_test, fitted, notes = scaled(expected, DataSettings(name="mine", scaling=scaling, **settings))
    for before, after in ((expected.x, x_train), (expected.x_test, x_test)):
        assert np.array_equal(fitted.apply(before), after)  # other samples are scaled alike, bit for bit
    return x_train, x_test, notes


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw two parts of 40 and 10 samples with three features, none of them around 0."""
    rng = np.random.default_rng(seed)
    return rng.normal(1.0, [0.1, 1.0, 3.0], (40, 3)), rng.normal(1.0, [0.1, 1.0, 3.0], (10, 3))


@pytest.mark.parametrize("scaling", SCALINGS)
@given(power=st.integers(-1040, 1015), seed=st.integers(0, 99))
def test_a_power_of_two_changes_nothing(scaling: str, power: int, seed: int) -> None:
    """A feature in other units is the same feature, bit for bit, from the smallest numbers to the largest."""
    x, x_test = (np.round(part * 2.0**20) / 2.0**20 for part in drawn(seed))  # their last bits fit above the smallest number
    first = scale(x, x_test, scaling)
    second = scale(np.ldexp(x, power), np.ldexp(x_test, power), scaling)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("units", [[1e-300, 1.0, 1e300], [5e-324 * 2**30, 1e-155, 1e155]])
def test_features_of_any_size_are_scaled_side_by_side(scaling: str, units: list[float]) -> None:
    """None becomes 0 because its square does not fit."""
    x, x_test = drawn()
    expected = scale(x, x_test, scaling)
    assert np.allclose(scale(x * units, x_test * units, scaling)[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_whole_range_of_numbers_is_a_range(scaling: str) -> None:
    """From the most negative number to the largest is farther than any number states, and is scaled all the same."""
    most = np.finfo(np.float64).max
    x_train, x_test, _ = scale([[-most], [most], [-most], [most]], [[0.0], [most]], scaling)
    assert x_train[:, 0].tolist() == ([-1, 1, -1, 1] if scaling == "standard" else [0, 1, 0, 1])
    assert x_test[:, 0].tolist() == ([0, 1] if scaling == "standard" else [0.5, 1])


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("offset", [1e3, 1e9, 1.7e18, 1e300])
def test_a_common_offset_takes_nothing_away(scaling: str, offset: float) -> None:
    """What varies on top of a large number, such as seconds since 1970, is scaled as exactly as it was stored."""
    steps = np.array([[0.0], [1.0], [3.0], [4.0], [8.0]]) * np.spacing(offset) * 4
    for stored in (offset, -offset):
        shifted, plain = scale(stored + steps, stored + steps, scaling), scale(steps, steps, scaling)
        assert np.allclose(shifted[1], plain[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaling", SCALINGS)
@given(value=st.floats(allow_nan=False, allow_infinity=False), other=st.floats(allow_nan=False, allow_infinity=False))
def test_a_constant_feature_is_zero_whatever_the_test_part_holds(scaling: str, value: float, other: float) -> None:
    """No conductance has learnt what its change means; the note names it if there is a change."""
    x, x_test = drawn()
    x[:, 1], x_test[:, 1] = value, other
    x_train, x_tested, notes = scale(x, x_test, scaling)
    assert not x_train[:, 1].any()
    assert not x_tested[:, 1].any()
    assert np.allclose(x_train[:, [0, 2]], scale(x[:, [0, 2]], x_test[:, [0, 2]], scaling)[0])
    if value == other or abs(value - other) > 1e-12 * abs(value):  # in between it may be rounding
        assert [("x[:, 1]" in note, "constant" in note) for note in notes] == [(True, True)] * (value != other)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_differs_by_rounding_is_constant(dtype: type) -> None:
    """Numbers next to each other state nothing, in whatever precision they were stored; numbers a thousand times farther apart do."""
    x, x_test = (part.astype(dtype) for part in drawn())
    x[:, 1] = np.array([0.1, np.nextafter(dtype(0.1), dtype(1))] * 20)
    x_test[:, 1] = 0.2
    _, x_tested, notes = scale(x, x_test, "standard")
    assert not x_tested[:, 1].any()
    assert [("x[:, 1]" in note, f"rounding of {np.dtype(dtype)}" in note) for note in notes] == [(True, True)]
    x[1, 1] = dtype(0.1) * dtype(1 + 30 * np.finfo(dtype).eps)
    assert scale(x, x_test, "standard")[1][:, 1].any()


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(exponent=st.integers(-14, 15), sign=st.sampled_from([-1, 1]))
def test_no_feature_is_dropped_without_a_note(scaling: str, dtype: type, exponent: int, sign: int) -> None:
    """Values that their stored type separates by more than one step are kept, at any magnitude; by one step, they are reported."""
    x, x_test = (part.astype(dtype) for part in drawn())
    step = np.spacing(dtype(2.0**exponent))
    for steps in (1, 2, 3):
        x[:, 1] = sign * np.where(np.arange(40) % 2, dtype(2.0**exponent), dtype(2.0**exponent) + dtype(steps) * step)
        x_test[:, 1] = x[0, 1]
        x_train, _, notes = scale(x, x_test, scaling)
        assert x_train[:, 1].any() == (steps > 1)
        assert bool(notes) == (steps == 1)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_whole_numbers_in_sixteen_bits_are_kept(scaling: str) -> None:
    """1000 to 1003 are six steps of 16 bits apart, and are scaled as in 64."""
    x = np.array([[1000.0, 0.0], [1001.0, 1.0], [1002.0, 1.0], [1003.0, 0.0]])
    narrow, wide = (scale(x.astype(dtype), x.astype(dtype), scaling) for dtype in (np.float16, np.float64))
    assert np.array_equal(narrow[0], wide[0])
    assert narrow[2] == ()


def test_volts_of_a_test_part_in_other_units_are_reported() -> None:
    """A feature far out of what was learnt is named with its distance, unless clip limits it."""
    x, x_test = drawn()
    x_test[3, 0] *= 1e6
    *_, notes = scale(x, x_test, "standard")
    assert len(notes) == 1
    assert "x[:, 0] of the test set" in notes[0]
    assert "data.clip" in notes[0]
    assert scale(x, x_test, "standard", clip=3.0)[2] == ()
    assert scale(x, x_test, "none")[2] == ()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_what_cannot_be_scaled_is_refused_by_name(scaling: str) -> None:
    """A distance beyond all numbers has no value; clip gives it one."""
    x, x_test = drawn()
    x[:, 2] *= 1e-200
    with pytest.raises(DataError, match=r"mine: column 3 \(size\) of the test set cannot be scaled"):
        scaled(samples(x, x_test * 1e200, ("a", "b", "column 3 (size)")), DataSettings(name="mine", scaling=scaling))
    assert abs(scale(x, x_test * 1e200, scaling, clip=3.0)[1][:, 2]).tolist() == [3.0] * 10


@pytest.mark.parametrize("scaling", SCALINGS)
def test_data_without_any_change_are_refused(scaling: str) -> None:
    """One sample has no scale, and neither have many that are alike."""
    x, x_test = drawn()
    with pytest.raises(DataError, match="no feature changes in its one training sample"):
        scale(x[:1], x_test, scaling)
    with pytest.raises(DataError, match="no feature changes in its 40 training samples"):
        scale(np.tile(x[:1], (40, 1)), x_test, scaling)
    assert np.array_equal(scale(x[:1], x_test, "none")[0], x[:1])


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int64, np.uint64, np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("scaling", ["none", *SCALINGS])
def test_any_type_of_number_is_scaled_alike(dtype: type, scaling: str) -> None:
    """What is stored in another type is the same feature; only 8-bit images become 0 to 1 first."""
    x, x_test = np.array([[0, 1], [1, 0], [1, 1], [0, 1]]), np.array([[1, 0], [0, 0]])
    expected, result = scale(x, x_test, scaling), scale(x.astype(dtype), x_test.astype(dtype), scaling)
    unit = 255 if dtype is np.uint8 and scaling == "none" else 1
    assert result[1].dtype == np.float64
    assert np.allclose(result[1] * unit, expected[1])


def test_numbers_of_more_than_64_bits_are_refused_by_name() -> None:
    """They would be infinite volts."""
    x = np.array([[0, 1], [1, 0], [1, 1], [0, 1]], dtype=np.longdouble)
    x[2, 1] = np.longdouble("1e400")
    if np.isfinite(x[2, 1]):  # where long numbers are longer
        with pytest.raises(DataError, match=r"x\[:, 1\] holds numbers that exceed 64 bits"):
            scale(x, x[:2], "none")


def test_the_callers_arrays_stay_as_they_are() -> None:
    """Scaling in place happens on copies."""
    x, x_test = drawn()
    before = x.copy(), x_test.copy()
    scale(x, x_test, "standard", clip=1.0)
    assert np.array_equal(x, before[0])
    assert np.array_equal(x_test, before[1])


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_recorded_scale_is_the_same_scale(scaling: str) -> None:
    """To the last bit, through JSON, also of features near the ends of 64 bits, far from 0, and constant ones."""
    x = np.random.default_rng(0).normal(size=(9, 5)) * [1.0, 1e300, 1.0, 1e-9, 0.0] + [0.0, 0.0, 1e7, 0.0, 3.0]
    _, _, fitted, _ = scaled(samples(x, x), DataSettings(name="mine", scaling=scaling))
    again = FeatureScale.recorded(json.loads(json.dumps(fitted.record())))
    assert again is not None
    np.testing.assert_array_equal(again.apply(2 * x), fitted.apply(2 * x))


@pytest.mark.parametrize("change", [{"feature_width": [0.0]}, {"feature_centre": "x"}, {"feature_low": [1, 2]}, {"feature_constant": [1]}])
def test_a_record_that_is_no_scale_is_refused(change: dict[str, Any]) -> None:
    """So that no sample is scaled by what somebody has edited."""
    with pytest.raises(ValueError, match="feature_"):
        FeatureScale.recorded({"feature_centre": [0.0], "feature_width": [1.0], "feature_constant": []} | change)

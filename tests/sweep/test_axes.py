"""What is typed after --vary, and the points that come of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.experiment.loading import load
from hwsim.sweep.axes import read_axis
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import Design
from hwsim.sweep.sweep_errors import SweepError

READ = {
    "training.beta=0:0.5:6": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "training.beta=log:1e-7:1e-5:3": (1e-7, 1e-6, 1e-5),
    "k=3:1:3": (3.0, 2.0, 1.0),
    "device.preset=pcm,reram-sb": ("pcm", "reram-sb"),
    "k= 1 , 2.5,true": (1, 2.5, True),
    "k=1,1.0,1": (1, 1.0),
    "training.rate=[1e-6,2e-6],3e-6": ([1e-6, 2e-6], 3e-6),
    'k="a,b",c': ("a,b", "c"),
    "data.name=folder/a:b.csv": ("folder/a:b.csv",),
}


@pytest.mark.parametrize("text", READ)
def test_values_are_read_as_they_are_meant(text: str) -> None:
    """Ranges are even, with round numbers; lists keep their order and their types; what repeats counts once."""
    assert read_axis(text).values == READ[text]
    assert [type(value) for value in read_axis(text).values] == [type(value) for value in READ[text]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.beta", "KEY=START:STOP:COUNT"),
        ("=1,2", "KEY=START:STOP:COUNT"),
        ("k=", "KEY=START:STOP:COUNT"),
        ("k=0:1:1", "at least 2"),
        ("k=0:1:two", "COUNT a whole one"),
        ("k=log:0:1:3", "above 0"),
        ("k=log:1:2:3:4", "three finite numbers"),
        ("k=1:1:3", "must differ"),
        ("k=1,,2", "missing next to a comma"),
        ("k=nan,1", "not a finite number"),
        ("k=1979-05-27,1", "neither a number"),
    ],
)
def test_an_axis_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    """The message shows what was typed and what would be right."""
    with pytest.raises(SweepError, match=message):
        read_axis(text)


@given(low=st.floats(1e-12, 1e12), high=st.floats(1e-12, 1e12), count=st.integers(2, 50), log=st.booleans())
def test_a_range_begins_and_ends_at_its_bounds(low: float, high: float, count: int, *, log: bool) -> None:
    """Its steps are equal, in ratio where it is logarithmic."""
    if math.isclose(low, high, rel_tol=1e-6):
        return
    axis = read_axis(f"k={'log:' * log}{low!r}:{high!r}:{count}")
    values = np.array(axis.values)
    assert values[[0, -1]] == pytest.approx([low, high], rel=1e-11)
    steps = np.diff(np.log(values) if log else values)
    assert steps == pytest.approx(np.full(count - 1, steps.mean()), rel=1e-6, abs=2e-12 * (1 if log else max(low, high)))


IRIS = load("iris")


def points(*vary: str, **design) -> list[dict[str, object]]:
    axes = tuple(map(read_axis, vary))
    return [dict(point.settings) for point in SweepDefinition.make(IRIS, axes, design=Design(**design)).points()]


def test_a_grid_has_every_combination() -> None:
    """The last key runs fastest, as digits do."""
    result = points("training.epochs=1,2", "training.beta=1e-6,2e-6")
    assert [tuple(one.values()) for one in result] == [(1, 1e-6), (1, 2e-6), (2, 1e-6), (2, 2e-6)]


def test_one_at_a_time_begins_as_it_is() -> None:
    """The first point is the experiment itself; every other one changes one key."""
    result = points("training.epochs=1,2", "training.beta=1e-6,2e-6", kind="alone")
    assert result == [{}, {"training.epochs": 1}, {"training.epochs": 2}, {"training.beta": 1e-6}, {"training.beta": 2e-6}]


def test_random_points_are_within_and_the_same_every_time() -> None:
    """They follow from the experiment's seed; a logarithmic range is filled evenly over its logarithm."""
    vary = ("training.beta=log:1e-8:1e-4", "training.rule=adjoint,equilibrium-propagation", "training.epochs=2:9")
    result = points(*vary, kind="random", count=200)
    assert result == points(*vary, kind="random", count=200)
    decades = np.log10([one["training.beta"] for one in result])
    assert np.histogram(decades, bins=4, range=(-8, -4))[0].min() > 30
    assert {one["training.rule"] for one in result} == {"adjoint", "equilibrium-propagation"}
    assert {one["training.epochs"] for one in result} == set(range(2, 10))


def test_whole_numbers_stay_whole() -> None:
    """A range of a key that takes whole numbers is rounded; one that takes any is not."""
    assert [one["training.epochs"] for one in points("training.epochs=1:8:4")] == [1, 3, 6, 8]
    assert [one["training.adam_b1"] for one in points("training.adam_b1=0:0.5:3")] == [0.0, 0.25, 0.5]


def test_sobol_takes_two_points_a_sample_more_than_keys() -> None:
    """Saltelli's scheme without second order: N (D + 2) points, no two alike."""
    result = points("training.beta=1e-7:1e-5", "training.target_high=0.1:0.2", kind="sobol", count=8)
    assert len(result) == 8 * 4
    assert all(1e-7 <= one["training.beta"] <= 1e-5 for one in result)


@pytest.mark.parametrize(
    ("vary", "design", "message"),
    [
        ((), {}, "nothing is varied"),
        (("training.bta=1,2",), {}, "--vary training.bta: there is no such key; did you mean training.nudge.beta"),
        (("training.beta=0,1",), {}, "training.nudge.beta = 0"),
        (("training.beta=much",), {}, "training.nudge.beta = 'much'"),
        (("training.beta=1e-6:1e-5",), {}, "--random N"),
        (("training.seed=1,2",), {}, "--seeds N"),
        (("training.beta=1e-6,2e-6", "training.beta=1e-6,2e-6"), {}, "given twice"),
        (("training.beta=1e-6,2e-6",), {"kind": "sobol", "count": 8}, "listed values"),
        (("training.beta=1e-6:2e-6",), {"kind": "sobol", "count": 12}, "powers of two"),
        (("training.beta=1e-6:2e-6:9999999",), {}, "more than 100,000"),
    ],
)
def test_points_that_cannot_be_are_refused(vary: tuple[str, ...], design: dict[str, object], message: str) -> None:
    """Before anything is computed or written."""
    with pytest.raises(SweepError, match=message.replace("(", r"\(")):
        points(*vary, **design)

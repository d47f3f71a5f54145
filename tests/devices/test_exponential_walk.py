"""Many exponential steps at once: as many one by one, in parts as in one go, and named where the series do not hold."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hwsim.devices.kinds.exponential_walk import Steps
from hwsim.devices.kinds.steps import Bounds, Exponential, Noise
from hwsim.typing import Array

AS_RERAM = {"delta": 7e-4, "a": 8.1e-4, "start": 0.0, "rate": 6.1}
"""Steps up of ReRAM, from a state where they are longest to one where they have shrunk by a third."""


def steps(**settings: float) -> Steps:
    return Steps(*(np.atleast_1d(np.asarray(value, float)) for value in (AS_RERAM | settings).values()))


def one_by_one(of: Steps, k: int, room: float) -> tuple[Array, Array]:
    way, squares = np.zeros_like(of.delta), np.zeros_like(of.delta)
    for _ in range(k):
        length = of.one(way)
        way, squares = np.minimum(way + length, room), squares + length**2
    return way, squares


@given(
    delta=st.floats(1e-5, 5e-3),
    a=st.floats(0, 1.5),
    start=st.floats(-3, 3),
    rate=st.floats(0.1, 8),
    k=st.integers(0, 400),
    room=st.floats(0, 1),
)
def test_many_steps_are_as_many_one_by_one(delta: float, a: float, start: float, rate: float, k: int, room: float) -> None:
    """The way is equal to a hundred-thousandth of the first step, and the sum of squares to a fifth of its square where a bound ends it."""
    of = steps(delta=delta, a=a, start=start, rate=rate)
    many_way, many_squares = of.many(np.array([float(k)]), np.array([room]))
    way, squares = one_by_one(of, k, room)
    assume(many_squares[0] >= 0)
    np.testing.assert_allclose(many_way, way, rtol=0, atol=1e-5 * of.one(0.0)[0])
    bound = way[0] >= room * (1 - 1e-9)
    np.testing.assert_allclose(many_squares, squares, rtol=1e-5, atol=(0.2 if bound else 1e-5) * of.one(0.0)[0] ** 2)


@given(first=st.integers(0, 1500), then=st.integers(0, 1500))
def test_steps_in_two_parts_are_those_in_one(first: int, then: int) -> None:
    """Behind the first steps there are those that follow: no step is lost or taken twice."""
    room = 1.1
    here = steps()
    half, squares = here.many(np.array([float(first)]), np.array([room]))
    there = here._replace(start=here.start + here.rate * half)
    rest, of_rest = there.many(np.array([float(then)]), room - half)
    whole, of_whole = here.many(np.array([float(first + then)]), np.array([room]))
    assert np.all([squares >= 0, of_rest >= 0, of_whole >= 0])
    np.testing.assert_allclose(half + rest, whole, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(squares + of_rest, of_whole, rtol=1e-6, atol=1e-16)


def test_steps_end_where_they_have_no_length() -> None:
    """However many steps are taken, ln y comes to 0 and no farther; from beyond that nothing moves."""
    of = steps(start=np.array([4.0, 7.2]))
    way, squares = of.many(np.array([3000.0, 3000.0]), np.array([1.0, 1.0]))
    np.testing.assert_allclose([way, squares], one_by_one(of, 3000, 1.0), rtol=1e-9)
    assert way[1] == 0


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"delta": 0.1}, "long steps"),
        ({"a": -0.5}, "steps that grow"),
        ({"a": 0.5, "rate": -6.1}, "steps that grow"),
        ({"rate": 0.0}, "steps of one length"),
        ({"rate": 20.0}, "long ways"),
    ],
)
def test_where_the_series_do_not_hold_steps_are_not_fine(changed: dict[str, float], why: str) -> None:
    """Then nothing is claimed of them, and no way is given that a loop would begin with."""
    way, squares = steps(**changed).many(np.array([50.0]), np.array([0.9]))
    assert [way[0], squares[0]] == [0, -1], why


@pytest.mark.parametrize("a", [-0.08, -1.2, -30.0])
@given(start=st.floats(-5, 5), k=st.integers(0, 300), room=st.floats(0, 1))
def test_steps_that_begin_long_are_fine_too(a: float, start: float, k: int, room: float) -> None:
    """However long the first steps are: they shrink, and the third is within the series, in 32 bits as in 64."""
    of = steps(a=a, start=start, rate=-5.0)
    way, squares = one_by_one(of, k, room)
    longest = of.one(0.0)[0]
    for kind, fine in ((np.float64, 1e-5), (np.float32, 3e-5)):
        many_way, many_squares = Steps(*(part.astype(kind) for part in of)).many(np.array([k], kind), np.array([room], kind))
        assert many_way.dtype == kind
        np.testing.assert_allclose(many_way, way, rtol=1e-6 * (kind == np.float32), atol=fine * longest)
        np.testing.assert_allclose(many_squares, squares, rtol=1e-3, atol=0.2 * longest**2)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_hardly_moves_moves_once(kind: type[np.floating]) -> None:
    """Near where steps vanish, rounding leaves nothing of their squares; nothing of the way is for a loop to take again."""
    k, room = np.full(2000, 10, kind), np.ones(2000, kind)
    for e in (1e-6, 1e-4, 4e-3):
        a = np.linspace(0.9, 1, 2000)
        of = Steps(*(np.broadcast_to(np.asarray(value, kind), (2000,)) for value in (e / 6, a, 0.0, 6.0)))
        way, squares = of.many(k, room)
        exact = one_by_one(Steps(*(np.asarray(part, float) for part in of)), 10, 1.0)
        assert (squares >= 0).all()
        np.testing.assert_allclose(way, exact[0], rtol=1e-5, atol=2e-5 * e)
        np.testing.assert_allclose(squares, exact[1], rtol=1e-2, atol=1e-4 * e**2)


@pytest.mark.parametrize("a", [1e-8, 1e-6, -1e-8])
@pytest.mark.parametrize("rate", [18.0, 25.0, 50.0])
def test_steps_follow_exponentials_however_far_these_grow(a: float, rate: float) -> None:
    """A small factor in front makes up for a large exponent: steps end where a·exp(rate·x) is 1, taken one by one or together."""
    x = np.linspace(0.0, 1.0, 11)
    law = Exponential(*(np.full(11, value) for value in (1e-3, 1e-3, a, a, rate, rate, 1.0, 0.0)))
    for k in (1, 40):
        exact = x.copy()
        for _ in range(k):
            exact = np.minimum(exact + 1e-3 * np.maximum(1 - a * np.exp(rate * exact), 0.0), 1.0)
        moved = law.walk(x, np.full(11, k), Noise(), Bounds(np.zeros(11), np.ones(11)))
        np.testing.assert_allclose(x + moved.mean, exact, rtol=0, atol=1e-8)

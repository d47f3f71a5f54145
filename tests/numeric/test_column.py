"""Columns by themselves: the same current and the same guesses, whichever way is the quickest for what hangs on them."""

import numpy as np
import pytest

from circuits.constants import V_T
from circuits.diode import diode_current
from hwsim.numeric.layered import column
from hwsim.numeric.layered.column import Neuron
from hwsim.numeric.layered.rail_diodes import RailJunction

pytestmark = pytest.mark.usefixtures("jax_64_bits")

U = np.linspace(-1.4, 1.4, 281)[:, None]


def pair(low: float, high: float, n: float = 1.0) -> Neuron:
    one = np.ones(1)
    return Neuron(RailJunction(2e-6 * one, n * one, high * one), RailJunction(1e-6 * one, n * one, low * one))


@pytest.mark.parametrize("rails", [(-0.05, 0.0), (0.1, -0.1), (-0.4, 0.5), (-1.0, 1.0)])
def test_a_pair_carries_what_its_diodes_carry(rails) -> None:
    """One exponential for both diodes, or one each: the current and its slope are the sum of the two laws."""
    low, high = rails
    up, up_slope = diode_current(U - high, 2e-6, 1.0)
    down, down_slope = diode_current(low - U, 1e-6, 1.0)
    i, slope = column.current(pair(low, high), U, ideal=False)
    np.testing.assert_allclose(i, up - down, rtol=1e-12, atol=1e-20)
    np.testing.assert_allclose(slope, up_slope + down_slope, rtol=1e-12)


@pytest.mark.parametrize("rails", [(-0.05, 0.0), (-0.2, 0.3), (-1.0, 1.0)])
def test_newton_reaches_the_root_from_the_first_guess(rails) -> None:
    """From c/a, or the bound that it exceeds, a few steps balance the currents, however far the column is driven into conduction."""
    hung, a = pair(*rails), np.array([1e-4])
    c = np.linspace(-1e-2, 1e-2, 201)[:, None]
    u = column.start(hung, a, c, ideal=False)
    for _ in range(8):
        u = column.step(hung, a, c, u, ideal=False)
    np.testing.assert_allclose(column.law(hung, a, c, u, ideal=False).surplus, 0.0, atol=1e-15)


@pytest.mark.parametrize("below", [None, -0.05, -1.0])
def test_steps_reach_the_root_from_anywhere(below: float | None) -> None:
    """One diode or two, blocking or driven hard, on columns of any conductance: no start is bad, and no step is one too many."""
    rng = np.random.default_rng(1)
    size, one = 500, np.ones(500)
    i_sat, a = 10.0 ** rng.uniform(-14, -3, size), 10.0 ** rng.uniform(-12, 0, size)
    c = rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-10, 0, size)
    hung = Neuron(RailJunction(i_sat, one, 0.0 * one), None if below is None else RailJunction(i_sat, one, below * one))
    u = rng.uniform(-1.0, 0.5, size)
    for _ in range(30):
        before, u = u, column.step(hung, a, c, u, ideal=False)
    np.testing.assert_allclose(u, before, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_less(abs(column.law(hung, a, c, u, ideal=False).surplus), 1e-9 * (abs(a * u) + abs(c)))


def test_no_step_leaps_to_where_exponentials_overflow() -> None:
    """A current that jumps from nothing to amperes carries a column a few thermal voltages on, not to thousands of volts."""
    hung, a = pair(-0.05, 0.0), np.array([1e-6])
    u = column.step(hung, a, np.array([[1.0], [-1.0]]), np.zeros((2, 1)) - 0.02, ideal=False)
    assert abs(u).max() < 0.05 + 11 * V_T


LEAKY = pair(-0.1, 0.15, 1.7)._replace(leak=np.array([3e-7]))
CLAMPED = Neuron(RailJunction(*np.array([[0.0], [1.0], [0.15]])), RailJunction(*np.array([[0.0], [1.0], [-0.1]])))
HALF = pair(-0.1, 0.15)._replace(high=RailJunction(np.array([0.0]), np.array([1.0]), np.array([np.inf])))
"""Nothing above: where no diode is, there is not even gmin."""


def test_a_leak_carries_its_share() -> None:
    """Next to the diodes; and where a direction has none, nothing flows."""
    u = U[abs(U[:, 0]) < 0.3]
    plain, leaky = (column.current(hung, u, ideal=False) for hung in (LEAKY._replace(leak=None), LEAKY))
    np.testing.assert_allclose(leaky[0] - plain[0], 3e-7 * u, rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(leaky[1] - plain[1], 3e-7, rtol=1e-6)
    one_sided = column.current(HALF, U, ideal=False)
    np.testing.assert_allclose(one_sided[0], -diode_current(-0.1 - U, 1e-6, 1.0)[0], rtol=1e-12)
    np.testing.assert_allclose(one_sided[1], diode_current(-0.1 - U, 1e-6, 1.0)[1], rtol=1e-12)


@pytest.mark.parametrize("hung", [LEAKY, HALF, pair(-0.1, 0.15), pair(-0.02, 0.02, 2.0)], ids=["leaky", "half", "pair", "near"])
def test_a_step_is_halleys(hung: Neuron) -> None:
    """f·f′/(f′² − ½·f·f″), f″ of exponentials alone, at most twice Newton's step, and no farther beyond a rail than ten n·v_t."""
    a, u = np.array([2e-5]), np.linspace(-0.5, 0.55, 211)[:, None]
    i, slope = (np.asarray(part) for part in column.current(hung, u, ideal=False))
    bend = np.zeros_like(u)
    for junction, direction in ((hung.high, 1.0), (hung.low, -1.0)):
        n_v_t = junction.n * V_T
        if np.isfinite(junction.rail).all():
            across = direction * (u - junction.rail) / n_v_t
            bend += direction * junction.i_sat * np.where(across >= -3, np.exp(across), 0.0) / n_v_t**2
    for c in (-2e-5, 3e-6):
        f, first = a * u + i - c, a + slope
        wanted = u - f / np.maximum(first - 0.5 * f * bend / first, 0.5 * first)
        wanted = np.minimum(wanted, np.maximum(u, hung.high.rail) + 10 * V_T * hung.high.n)
        wanted = np.maximum(wanted, np.minimum(u, hung.low.rail) - 10 * V_T * hung.low.n)
        np.testing.assert_allclose(column.step(hung, a, c, u, ideal=False), wanted, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("hung", [LEAKY, pair(-0.1, 0.15), HALF], ids=["leaky", "pair", "half"])
def test_the_root_lies_between_its_bounds(hung: Neuron) -> None:
    """Beyond each rail by n·v_t·log1p(surplus / i_sat) at most; the bounds hold whatever is hung on the column, and bring voltages back."""
    a, c = np.array([1e-5]), np.linspace(-1e-3, 1e-3, 41)[:, None]
    u = column.start(hung, a, c, ideal=False)
    for _ in range(40):
        u = column.step(hung, a, c, u, ideal=False)
    low, high = column.bounds(hung, a, c, ideal=False)
    assert (np.asarray(low) <= u + 1e-15).all()
    assert (u <= np.asarray(high) + 1e-15).all()
    surplus = -(c + 0.1 * a)
    np.testing.assert_allclose(low, -0.1 - hung.low.n * V_T * np.log1p(np.maximum(surplus, 0) / 1e-6), rtol=1e-12)
    if hung is not HALF:
        np.testing.assert_allclose(high, 0.15 + hung.high.n * V_T * np.log1p(np.maximum(c - 0.15 * a, 0) / 2e-6), rtol=1e-12)
    for wild in (-1e3, 1e3):
        back = np.asarray(column.bounded(hung, a, c, np.full_like(c, wild), ideal=False))
        np.testing.assert_allclose(back, np.clip(wild, low, high))


def test_ideal_diodes_hold_columns_at_their_rails() -> None:
    """The root is c/a, cut at the rails; columns that are held report it, and what is off is counted from there."""
    a, c = np.array([2e-5]), np.array([[-1e-5], [-1e-6], [1e-6], [1e-5]])
    u = column.start(CLAMPED, a, c, ideal=True)
    np.testing.assert_allclose(u, [[-0.1], [-0.05], [0.05], [0.15]])
    np.testing.assert_array_equal(column.step(CLAMPED, a, c, u + 0.3, ideal=True), u)
    law = column.law(CLAMPED, a, c, u + 0.01, ideal=True)
    np.testing.assert_array_equal(law.clamped, [[True], [False], [False], [True]])
    np.testing.assert_allclose(law.surplus, 0.01 * a + 0 * c)
    np.testing.assert_array_equal(law.slope, 0 * c)
    real = column.law(LEAKY, a, c, u, ideal=False)
    i, slope = column.current(LEAKY, u, ideal=False)
    np.testing.assert_allclose(real.surplus, a * u + i - c)
    np.testing.assert_allclose(real.slope, slope)
    assert not np.asarray(real.clamped).any()


def test_columns_with_nothing_on_them_divide_currents() -> None:
    """c/a at once, from anywhere; what has a leak or a diode is not linear."""
    free = Neuron(None, None)
    a, c = np.array([2e-5]), np.array([[-1e-5], [3e-6]])
    np.testing.assert_allclose(column.step(free, a, c, np.full((2, 1), 7.0), ideal=False), c / a)
    assert [column.is_linear(hung) for hung in (free, LEAKY, HALF, free._replace(leak=1e-7), free._replace(low=HALF.low))] == [True] + [
        False
    ] * 4

"""Columns by themselves: the same current and the same guesses, whichever way is the quickest for what hangs on them."""

import numpy as np
import pytest

from circuits.constants import V_T
from circuits.diode import diode_current
from hwsim.numeric import neuron, start_up
from hwsim.numeric.neuron import Junction, Neuron

start_up.configure()  # 64 bits, whether or not an engine is at work

U = np.linspace(-1.4, 1.4, 281)[:, None]


def pair(low: float, high: float, n: float = 1.0) -> Neuron:
    one = np.ones(1)
    return Neuron(Junction(2e-6 * one, n * one, high * one), Junction(1e-6 * one, n * one, low * one))


@pytest.mark.parametrize("rails", [(-0.05, 0.0), (0.1, -0.1), (-0.4, 0.5), (-1.0, 1.0)])
def test_a_pair_carries_what_its_diodes_carry(rails) -> None:
    """One exponential for both diodes, or one each: the current and its slope are the sum of the two laws."""
    low, high = rails
    up, up_slope = diode_current(U - high, 2e-6, 1.0)
    down, down_slope = diode_current(low - U, 1e-6, 1.0)
    i, slope = neuron.current(pair(low, high), U, ideal=False)
    np.testing.assert_allclose(i, up - down, rtol=1e-12, atol=1e-20)
    np.testing.assert_allclose(slope, up_slope + down_slope, rtol=1e-12)


@pytest.mark.parametrize("rails", [(-0.05, 0.0), (-0.2, 0.3), (-1.0, 1.0)])
def test_newton_reaches_the_root_from_the_first_guess(rails) -> None:
    """From c/a, or the bound that it exceeds, a few steps balance the currents, however far the column is driven into conduction."""
    hung, a = pair(*rails), np.array([1e-4])
    c = np.linspace(-1e-2, 1e-2, 201)[:, None]
    u = neuron.start(hung, a, c, ideal=False)
    for _ in range(8):
        u = neuron.step(hung, a, c, u, ideal=False)
    np.testing.assert_allclose(neuron.law(hung, a, c, u, ideal=False).surplus, 0.0, atol=1e-15)


@pytest.mark.parametrize("below", [None, -0.05, -1.0])
def test_steps_reach_the_root_from_anywhere(below: float | None) -> None:
    """One diode or two, blocking or driven hard, on columns of any conductance: no start is bad, and no step is one too many."""
    rng = np.random.default_rng(1)
    size, one = 500, np.ones(500)
    i_sat, a = 10.0 ** rng.uniform(-14, -3, size), 10.0 ** rng.uniform(-12, 0, size)
    c = rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-10, 0, size)
    hung = Neuron(Junction(i_sat, one, 0.0 * one), None if below is None else Junction(i_sat, one, below * one))
    u = rng.uniform(-1.0, 0.5, size)
    for _ in range(30):
        before, u = u, neuron.step(hung, a, c, u, ideal=False)
    np.testing.assert_allclose(u, before, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_less(abs(neuron.law(hung, a, c, u, ideal=False).surplus), 1e-9 * (abs(a * u) + abs(c)))


def test_no_step_leaps_to_where_exponentials_overflow() -> None:
    """A current that jumps from nothing to amperes carries a column a few thermal voltages on, not to thousands of volts."""
    hung, a = pair(-0.05, 0.0), np.array([1e-6])
    u = neuron.step(hung, a, np.array([[1.0], [-1.0]]), np.zeros((2, 1)) - 0.02, ideal=False)
    assert abs(u).max() < 0.05 + 11 * V_T

"""A reservoir's read-out is ridge regression, its tasks are their equations, and what it cannot learn is refused in one line."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from circuits.errors import CircuitError
from circuits.network import Layer, Network
from circuits.neurons import DiodePair
from circuits.recurrence import Recurrence
from hwsim.data.narma import narma
from hwsim.reservoir.regressor import ReservoirRegressor
from hwsim.reservoir.ridge import RidgeReadout, nrmse

LAYER = Layer(8, neuron=DiodePair(v_low=-0.15, v_high=0.15), recurrence=Recurrence(pattern="cycle", gain=1.9))
NETWORK = Network(inputs=1, layers=(LAYER,), outputs=1, capacitance=1e-11)


def test_the_read_out_is_ridge_regression():
    """scikit-learn's, of states of zero mean and unit variance."""
    rng = np.random.default_rng(0)
    states, y = rng.normal(2.0, [1.0, 0.1, 3.0], (200, 3)), rng.normal(size=(200, 2))
    read = RidgeReadout.fit(states, y, 1e-3)
    scaled = (states - states.mean(axis=0)) / states.std(axis=0)
    other = Ridge(alpha=1e-3 * 200).fit(scaled, y)
    np.testing.assert_allclose(read(states), other.predict(scaled), atol=1e-12)


def test_the_penalty_is_chosen_on_the_last_fifth():
    """A penalty that is given is taken; where noise drowns the states, a chosen one is large."""
    rng = np.random.default_rng(1)
    states, y = rng.normal(size=(100, 60)), rng.normal(size=(100, 1))
    assert RidgeReadout.fit(states, y, 0.5).penalty == 0.5
    assert RidgeReadout.fit(states, y).penalty == 1.0
    assert RidgeReadout.fit(states, states[:, :1]).penalty < 1e-6


@pytest.mark.parametrize("order", [10, 30])
def test_narma_obeys_its_equation(order):
    """Each target follows from targets and inputs before it alone."""
    x, y = narma(300, order=order, seed=3)
    a, b, d = {10: (0.3, 0.05, 0.1), 30: (0.2, 0.04, 0.001)}[order]
    t = 150
    value = a * y[t] + b * y[t] * y[t - order + 1 : t + 1].sum() + 1.5 * x[t - order + 1] * x[t] + d
    assert y[t + 1] == pytest.approx(value, rel=1e-14)
    assert 0 <= x.min() <= x.max() <= 0.5
    assert np.array_equal(narma(300, order=order, seed=3)[0], x)


def test_a_reservoir_remembers_what_no_instantaneous_read_out_knows():
    """It reads the input of the period before from the states of a ring; the input itself knows nothing of it."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-0.5, 0.5, (2, 300, 1))
    y = np.roll(x, 1, axis=1)
    reservoir = ReservoirRegressor(network=NETWORK, period=2e-7, washout=20).fit(x[:1], y[:1])
    now = RidgeReadout.fit(x[0, 20:], y[0, 20:])
    assert reservoir.nrmse(x[1:], y[1:])[0] < 0.5
    assert nrmse(now(x[1, 20:]), y[1, 20:])[0] > 0.9
    noisy = ReservoirRegressor(network=NETWORK, period=2e-7, washout=20, noise=1e-2).fit(x[:1], y[:1])
    assert noisy.nrmse(x[1:], y[1:])[0] > reservoir.nrmse(x[1:], y[1:])[0]
    learnt, tested = (noisy.states(x[:1], draw) - reservoir.states(x[:1]) for draw in (1, 2))
    assert abs(np.corrcoef(learnt.ravel(), tested.ravel())[0, 1]) < 0.1, "a read-out is tested with noise that it has not learnt"


@pytest.mark.parametrize(
    ("how", "shapes", "message"),
    [
        ({"washout": 60}, ((1, 60, 1), (1, 60, 1)), "a washout of 60 periods leaves nothing of sequences of 60"),
        ({}, ((1, 60, 1), (1, 50, 1)), "y must be finite numbers"),
        ({}, ((1, 60, 1), (1, 60)), "y must be finite numbers"),
        ({"network": Network(inputs=1, outputs=1)}, ((1, 60, 1), (1, 60, 1)), "no hidden layer"),
    ],
)
def test_what_does_not_fit_is_refused(how, shapes, message):
    """In one line."""
    given = {"network": NETWORK, "period": 2e-7, "washout": 10} | how
    with pytest.raises(CircuitError, match=message):
        ReservoirRegressor(**given).fit(*(np.ones(shape) for shape in shapes))


def test_what_is_not_learnt_is_not_read():
    """And tasks have the orders that are published."""
    with pytest.raises(CircuitError, match="call fit first"):
        ReservoirRegressor(network=NETWORK, period=2e-7).predict(np.ones((1, 5, 1)))
    with pytest.raises(CircuitError, match="order = 11"):
        narma(100, order=11)
    with pytest.raises(CircuitError, match="too few for order 30"):
        narma(30, order=30)
    with pytest.raises(CircuitError, match="too few to choose a penalty"):
        RidgeReadout.fit(np.ones((3, 2)), np.ones((3, 1)))

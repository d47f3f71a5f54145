"""A reservoir's read-out is ridge regression, its tasks are their equations, and what it cannot learn is refused in one line."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from circuits.errors import CircuitError
from hwsim.data.narma import narma
from hwsim.estimators.reservoirs import ReservoirClassifier, ReservoirRegressor
from hwsim.reservoir.ridge import RidgeReadout, nrmse

RING = ReservoirRegressor(8, family="cycle", settings={"washout": 20})


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
    """It reads the input of the row before from the states of a ring; the input itself knows nothing of it."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-0.5, 0.5, (2, 300, 1))
    y = np.roll(x, 1, axis=1)
    reservoir = RING.fit(x[:1], y[:1])
    now = RidgeReadout.fit(x[0, 20:], y[0, 20:])
    assert reservoir.nrmse(x[1:], y[1:])[0] < 0.5
    assert nrmse(now(x[1, 20:]), y[1, 20:])[0] > 0.9
    assert reservoir.score(x[1:], y[1:]) == pytest.approx(1 - reservoir.nrmse(x[1:], y[1:])[0] ** 2)


def test_estimators_follow_scikit_learn():
    """They are cloned by their parameters, searched, and refuse to predict what is not fitted."""
    twin = clone(RING).set_params(leak=0.5)
    assert twin.get_params()["leak"] == 0.5
    assert RING.leak == 1.0
    with pytest.raises(NotFittedError):
        twin.predict(np.ones((1, 5, 1)))
    x = [np.full((3 + k % 4, 1), k % 3, float) for k in range(24)]
    y = np.array(["a", "b", "c"])[np.arange(24) % 3]
    classifier = ReservoirClassifier(6, family="cycle", settings={"reads": 2})
    assert classifier.fit(x, y).score(x, y) == 1.0
    assert set(classifier.predict(x)) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("how", "x", "y", "message"),
    [
        ({"washout": 60}, np.ones((1, 60, 1)), np.ones((1, 60, 1)), "a washout of 60 rows leaves nothing of sequences of 60"),
        ({}, np.ones((1, 60, 1)), np.ones((1, 50, 1)), "y has shape"),
        ({}, np.ones((1, 60, 1)), np.ones((1, 60)), "y has shape"),
        ({}, np.ones((1, 60)), np.ones((1, 60, 1)), "x must be sequences of rows"),
        ({}, np.full((1, 60, 1), np.nan), np.ones((1, 60, 1)), "inputs must be finite"),
        ({}, np.ones((1, 1, 1)), np.ones((1, 1, 1)), "leaves nothing of sequences of 1"),
        ({"reads": 0}, np.ones((1, 60, 1)), np.ones((1, 60, 1)), "reads: .*greater than 0"),
    ],
)
def test_what_does_not_fit_is_refused(how, x, y, message):
    """In one line."""
    with pytest.raises(CircuitError, match=message) as error:
        ReservoirRegressor(8, family="cycle", settings={"washout": 10} | how).fit(x, y)
    assert "\n" not in str(error.value)


def test_tasks_and_read_outs_refuse_what_they_cannot_do():
    """Tasks have the orders that are published, and a penalty is chosen on some samples."""
    with pytest.raises(CircuitError, match="order = 20"):
        narma(100, order=20)
    with pytest.raises(CircuitError, match="too few for order 30"):
        narma(30, order=30)
    with pytest.raises(CircuitError, match="too few to choose a penalty"):
        RidgeReadout.fit(np.ones((3, 2)), np.ones((3, 1)))

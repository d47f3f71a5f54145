"""A sample's weight scales its part of the gradient, by any rule: by its error, or by a nearer or a farther target."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.learning.losses import CrossEntropy, SquaredError, Weighted
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.nudges import Following, Frozen, Volts
from hwsim.numeric.numeric_engine import NumericEngine

CIRCUIT = Network(inputs=3, layers=(Layer(size=4, neuron=DiodePair(), amplifier=Amplifier()),), outputs=2).compile()
SOFT = CrossEntropy(v_softmax=0.1, low=0.0, high=0.1)
WEIGHTS = np.array([0.25, 1.0, 3.0])


@pytest.fixture(scope="module")
def batch():
    """Return a solver, conductances, features and targets."""
    rng = np.random.default_rng(0)
    g = {array.name: rng.uniform(1e-6, 2e-5, array.shape) for array in CIRCUIT.trainable}
    y = np.array([[0.0, 0.1], [0.1, 0.0], [0.0, 0.1]])
    with NumericEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as solver:
        yield solver, g, rng.uniform(-1, 1, (3, 3)), y


@pytest.mark.parametrize(
    ("rule", "loss", "within"),
    [
        (Adjoint(), SquaredError(), 1e-10),
        (Adjoint(), SOFT, 1e-10),
        (EquilibriumPropagation(nudge=Following(1e-8)), SquaredError(), 1e-4),
        (EquilibriumPropagation(nudge=Frozen(1e-8)), SOFT, 1e-4),
        (EquilibriumPropagation(nudge=Volts(1e-5)), SOFT, 1e-4),
    ],
    ids=["adjoint", "adjoint-softmax", "following", "frozen", "volts"],
)
def test_a_weighted_gradient_is_the_weighted_sum(batch, rule, loss, within):
    """Of the samples' own exact gradients; losses are weighted too, and outputs are not."""
    solver, g, x, y = batch
    single = [Adjoint().gradient(solver, g, x[k : k + 1], y[k : k + 1], loss) for k in range(3)]
    weighted = rule.gradient(solver, g, x, y, Weighted(loss, WEIGHTS))
    plain = rule.gradient(solver, g, x, y, loss)
    for name, values in weighted.g.items():
        wanted = sum(weight * np.asarray(one.g[name]) for weight, one in zip(WEIGHTS, single, strict=True)) / 3
        assert np.abs(values - wanted).max() <= within * np.abs(wanted).max()
        assert np.abs(values - plain.g[name]).max() > 0.1 * np.abs(wanted).max()
    assert np.allclose(weighted.loss, WEIGHTS * plain.loss)
    assert np.allclose(weighted.outputs, plain.outputs)

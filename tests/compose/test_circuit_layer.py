"""A circuit as a function in NumPy, which layers of PyTorch are made of."""

import copy
import sys

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Network
from hwsim.compose.circuit_layer import CircuitLayer
from hwsim.compose.torch_layer import torch_layer
from hwsim.experiment.loading import load

RNG = np.random.default_rng(0)
TOLERANCES = {"adjoint": 1e-6, "small-signal": 1e-6, "richardson": 1e-6, "equilibrium-propagation": 1e-3}


@pytest.mark.parametrize("rule", TOLERANCES)
def test_backward_is_the_derivative_of_forward(rule) -> None:
    """Along a direction of all conductances and features, of a mesh, for samples in any shape; a sample without error adds nothing."""
    deck = load("netlists/examples/iris-mesh.cir").circuit.deck
    layer = CircuitLayer(Chip.nominal(deck.circuit), rule=rule)
    x, weights = RNG.uniform(-1, 1, (2, 1, layer.features)), RNG.uniform(-1, 1, (2, 1, layer.outputs))
    weights[1] = 0
    towards = {name: values * RNG.uniform(-1, 1, values.shape) for name, values in deck.g.items()}, RNG.uniform(-1, 1, x.shape)

    def value(step: float) -> float:
        g = {name: values + step * towards[0][name] for name, values in deck.g.items()}
        return float((weights * layer.forward(g, x + step * towards[1])[0]).sum())

    near, far = (value(m * 1e-4) - value(-m * 1e-4) for m in (1, 2))
    wanted = (8 * near - far) / (12 * 1e-4)
    dg, dx = layer.backward(layer.forward(deck.g, x)[1], weights)
    result = sum(float((dg[name] * along).sum()) for name, along in towards[0].items()) + float((dx * towards[1]).sum())
    assert dx.shape == x.shape
    assert (dx[1] == 0).all()
    np.testing.assert_allclose(result, wanted, rtol=TOLERANCES[rule])


def test_a_copy_is_the_same_layer() -> None:
    """Copied and pickled layers are made again of what they were made of."""
    layer = CircuitLayer(Network(inputs=2, outputs=1), u=2e-3)
    again = copy.deepcopy(layer)
    assert again.rule == layer.rule
    assert again.circuit == layer.circuit
    low, high = layer.bounds["w1"]
    g = layer.initial(seed=3)["w1"]
    assert ((low <= g) & (g <= high)).all()


def test_what_no_layer_is_made_of_is_refused() -> None:
    """In a line: other rules, a nudge's size where there is none, other objects."""
    network = Network(inputs=2, outputs=1)
    with pytest.raises(ValueError, match=r"rule = 'hebb' is none of a layer's: equilibrium-propagation, .*adjoint"):
        CircuitLayer(network, rule="hebb")
    with pytest.raises(ValueError, match="rule adjoint has none; remove it"):
        CircuitLayer(network, rule="adjoint", u=1e-3)
    with pytest.raises(ValueError, match="u = -1 must be a positive number of volts"):
        CircuitLayer(network, u=-1)
    with pytest.raises(TypeError, match="a Network, a Circuit or a Chip, not of str"):
        CircuitLayer("iris")


def test_pytorch_is_optional(monkeypatch) -> None:
    """Without it, one line names what to install, and nothing else needs it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        torch_layer(Network(inputs=2, outputs=1))

"""Forward and backward: the loss stands between them, and a backward passes the error on to the inputs."""

from typing import Any

import jax
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive, UnsupportedCircuitError
from hwsim.experiment.loading import load
from hwsim.learning.losses import CrossEntropy, Loss, SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.nudges import Following, Frozen
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine

pytestmark = pytest.mark.usefixtures("jax_64_bits")

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.5))
CIRCUIT = Network(inputs=3, layers=(HIDDEN,), outputs=2, input_scale=0.7).compile("backward")
RNG = np.random.default_rng(0)
G = {e.name: np.exp(RNG.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in CIRCUIT.trainable}
X, Y = RNG.uniform(-1, 1, (3, 3)), RNG.permuted(np.tile([0.0, 0.2], (3, 1)), axis=1)
ENTROPY, SQUARES = CrossEntropy(v_softmax=0.1, low=0.0, high=0.2), SquaredError()
RULES: dict[str, tuple[Any, Loss]] = {
    "following": (EquilibriumPropagation(Following(1e-7)), SQUARES),
    "one-sided": (EquilibriumPropagation(Following(1e-7), "negative"), SQUARES),
    "frozen": (EquilibriumPropagation(Frozen(1e-7)), ENTROPY),
    "coupled": (CoupledLearning(0.1, 1e-2), SQUARES),
    "adjoint": (Adjoint(), ENTROPY),
}


@pytest.fixture(scope="module")
def solver():
    """Prepare the circuit once."""
    with GeneralEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as prepared:
        yield prepared


def differences(solver: Any, g: Any, x: np.ndarray, y: np.ndarray, loss: Loss, step: float = 1e-4) -> np.ndarray:
    """Return the derivative of each sample's loss by each of its features, by differences of fourth order."""

    def value(k: int, moved: float) -> np.ndarray:
        shifted = x + moved * np.eye(x.shape[1])[k]
        return np.asarray(loss.value(solver.solve(g, Drive(shifted)).outputs(solver.circuit), y))

    def slope(k: int) -> np.ndarray:
        near, far = (value(k, m * step) - value(k, -m * step) for m in (1, 2))
        return (8 * near - far) / (12 * step)

    return np.stack([slope(k) for k in range(x.shape[1])], axis=1)


@pytest.mark.parametrize("name", RULES)
def test_a_loss_between_forward_and_backward_makes_the_gradient(solver, name) -> None:
    """Forward, dC/dŷ and backward are a batch times what the rule computes of the mean loss in one go, phase by phase."""
    rule, loss = RULES[name]
    at_once = rule.gradient(solver, G, X, Y, loss)
    outputs, residuals = rule.forward(solver, G, X)
    np.testing.assert_allclose(outputs, at_once.outputs, rtol=1e-12)  # products round by the size of the batch
    result = rule.backward(solver, residuals, loss.error(outputs, Y), Y)
    for block, values in at_once.by_block.items():
        np.testing.assert_allclose(result.dg[block], len(X) * values, rtol=0, atol=1e-6 * len(X) * np.abs(values).max())
    for ours, theirs in zip(result.phases, at_once.phases, strict=True):
        assert max(np.abs(ours.v[key] - theirs.v[key]).max() for key in theirs.v) < 1e-12


@pytest.mark.parametrize("name", ["following", "frozen", "adjoint"])
def test_the_error_at_the_inputs_is_the_gradient_by_the_features(solver, name) -> None:
    """What inputs deliver between two nudges is the derivative of the loss by every feature: signs, scale and the amplifier's factor."""
    rule, loss = RULES[name]
    outputs, residuals = rule.forward(solver, G, X)
    dx, wanted = rule.backward(solver, residuals, loss.error(outputs, Y), Y).dx, differences(solver, G, X, Y, loss)
    np.testing.assert_allclose(dx, wanted, rtol=0, atol=(1e-7 if name == "adjoint" else 2e-5) * np.abs(wanted).max())


def test_a_compiled_function_splits_where_a_plain_one_does(solver) -> None:
    """Two compiled programs, with the loss and what the first returns between them, compute what one plain solver does."""
    rule, loss = RULES["frozen"]
    traced = NumericEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)).traced(newton=False)
    forward: Any = jax.jit(lambda g, x: rule.forward(traced, g, x))
    backward: Any = jax.jit(lambda residuals, error: rule.backward(traced, residuals, error))
    outputs, residuals = forward(G, X)
    result = backward(residuals, loss.error(outputs, Y))
    forward_outputs, kept = rule.forward(solver, G, X)
    expected = rule.backward(solver, kept, loss.error(forward_outputs, Y))
    np.testing.assert_allclose(outputs, forward_outputs, rtol=0, atol=1e-12)
    for ours, theirs in ((result.dx, expected.dx), *((result.dg[name], expected.dg[name]) for name in expected.dg)):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * np.abs(theirs).max())


def test_single_devices_at_the_inputs_count_too() -> None:
    """In a mesh of memristors, whose inputs drive devices of a list, and not where an input drives anything else."""
    deck = load("netlists/examples/iris-mesh.cir").circuit.deck
    x, loss = RNG.uniform(-1, 1, (2, deck.circuit.input_count)), SQUARES
    y = np.zeros((2, len(deck.circuit.outputs)))
    with GeneralEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as mesh:
        outputs, residuals = Adjoint().forward(mesh, deck.g, x)
        dx = Adjoint().backward(mesh, residuals, loss.error(outputs, y)).dx
        wanted = differences(mesh, deck.g, x, y, loss)
    np.testing.assert_allclose(dx, wanted, rtol=0, atol=1e-7 * np.abs(wanted).max())
    wired = Network(inputs=2, layers=(), outputs=2, wire_r_row=10.0).compile("wired")
    g = {e.name: np.full(e.shape, 1e-5) for e in wired.trainable}
    with GeneralEngine().prepare(wired, Chip.nominal(wired)) as prepared:
        outputs, residuals = Adjoint().forward(prepared, g, X[:, :2])
        with pytest.raises(UnsupportedCircuitError, match="inputs is known where they drive memristors alone"):
            Adjoint().backward(prepared, residuals, outputs)


def test_a_following_nudge_says_that_it_needs_targets(solver) -> None:
    """Without them, in a line; a frozen one needs none."""
    outputs, residuals = RULES["following"][0].forward(solver, G, X)
    with pytest.raises(ValueError, match=r"kind following .* use kind frozen"):
        RULES["following"][0].backward(solver, residuals, outputs)

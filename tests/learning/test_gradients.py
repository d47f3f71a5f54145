"""Every rule's gradient is what finite differences state, entry by entry, and errs as its theory states."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import jax
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.comparator import Comparator
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import CrossEntropy, Loss, SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.rules.estimator import Draw, Gradient
from hwsim.numeric.numeric_engine import NumericEngine
from support.differences import apart, finite_differences
from support.nudges import propagation

pytestmark = pytest.mark.usefixtures("jax_64_bits")

Gradients = dict[str, np.ndarray]
Method = Literal["centred", "positive", "negative", "random-sign"]

BATCH = 3
QUARTER = Amplifier(gain=4.0, back=0.25)
TRANSFORMER = Amplifier(gain=4.0, back=4.0)
SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.03)
PAIR = DiodePair(v_low=-0.15, v_high=0.1, i_sat=2e-7, n=1.3)


def network(*layers: Layer, **options: object) -> Network:
    return Network(**({"inputs": 2, "layers": layers, "outputs": 2} | options))


NETWORKS = {
    "no-hidden-layer": network(inputs=3),
    "gain-4-back-quarter": network(Layer(size=3, neuron=PAIR, amplifier=QUARTER)),
    "two-amplifiers": network(Layer(size=3, neuron=PAIR, amplifier=QUARTER), Layer(size=2, neuron=PAIR, amplifier=QUARTER)),
    "gain-1": network(Layer(size=3, neuron=PAIR, amplifier=Amplifier(gain=1.0, back=1.0))),
    "gain-4-back-4": network(Layer(size=3, neuron=PAIR, amplifier=TRANSFORMER)),
    "no-amplifier": network(Layer(size=3, neuron=Rectifier(v_low=-0.05, v_high=0.02)), differential=False),
    "three-layers": network(
        Layer(size=3, neuron=PAIR, amplifier=SKEWED),
        Layer(size=2, neuron=Linear()),
        Layer(size=3, neuron=PAIR, amplifier=TRANSFORMER),
    ),
    "dead-zones": network(Layer(size=3, neuron=DeadZone(i_sat=1e-6, n=1.1), amplifier=SKEWED)),
    "comparators-and-loads": network(
        Layer(size=4, neuron=Comparator(v_low=-0.3, v_high=0.4, gain=3.0, back=0.3), amplifier=QUARTER, load=True), output_load=True
    ),
    "ideal-clamps": network(Layer(size=4, neuron=IdealPair(v_low=-0.1, v_high=0.15), amplifier=QUARTER)),
}
LOSSES: dict[str, Loss] = {"squared-error": SquaredError(), "cross-entropy": CrossEntropy(v_softmax=0.1, low=0.0, high=0.2)}
FROZEN = ("gain-4-back-quarter", "no-amplifier")
CASES = [*((name, "squared-error") for name in NETWORKS), *((name, "cross-entropy") for name in FROZEN)]
BETA = 1e-8

of_each_case = pytest.mark.parametrize(("name", "loss"), CASES)


class Case:
    """A network with numbers, prepared once; those that sweeps settle too slowly go straight to Newton's method, which saves compiling."""

    def __init__(self, circuit: Circuit, chip: Chip) -> None:
        rng = np.random.default_rng([len(circuit.elements), circuit.size])
        slow = len(circuit.trainable) > 2 or "h1_core" in [group.name for group in circuit.groups]
        self.circuit, self.solver = circuit, NumericEngine(newton=slow).prepare(circuit, chip)
        self.g = {e.name: np.exp(rng.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in circuit.trainable}
        self.x = rng.uniform(-1, 1, (BATCH, circuit.input_count))
        self.y = rng.permuted(np.tile([0.0, 0.2], (BATCH, 1)), axis=1)

    def exact(self, loss: Loss) -> Gradient:
        """Return the adjoint gradient."""
        return Adjoint().gradient(self.solver, self.g, self.x, self.y, loss)

    def differences(self, loss: Loss) -> Gradients:
        """Return the finite differences."""
        return finite_differences(self.solver, self.g, self.x, self.y, loss)


@cache
def case(name: str) -> Case:
    """Return the case of a network."""
    circuit = NETWORKS[name].compile()
    return Case(circuit, Chip.nominal(circuit))


@cache
def exact(name: str, loss: str) -> Gradients:
    """Return the adjoint gradient of a case."""
    return case(name).exact(LOSSES[loss]).g


@cache
def differences(name: str, loss: str) -> Gradients:
    """Return the finite differences of a case."""
    return case(name).differences(LOSSES[loss])


@cache
def estimated(name: str, loss: str, method: Method = "centred") -> Callable[..., Gradient]:
    """Return equilibrium propagation of a case as a function of beta, sign and targets, compiled once."""
    one = case(name)
    traced = one.solver.traced(newton=one.solver.needs_newton(one.g))

    @jax.jit
    def gradient(beta: Any, sign: Any, y: Any) -> Any:
        return propagation(LOSSES[loss], beta, method).gradient(traced, one.g, one.x, y, LOSSES[loss], Draw(sign))

    return lambda beta, sign=1.0, y=one.y: jax.tree.map(np.asarray, gradient(beta, sign, y))


def propagated(name: str, loss: str, method: Method = "centred") -> Callable[..., Gradients]:
    """Return equilibrium propagation's gradient of a case as a function of beta, sign and targets."""
    return lambda *numbers, **targets: estimated(name, loss, method)(*numbers, **targets).g


@of_each_case
def test_adjoint_is_the_gradient(name: str, loss: str) -> None:
    """The adjoint circuit gives the derivative of the loss by every single conductance."""
    assert apart(exact(name, loss), differences(name, loss)) < 1e-6


@of_each_case
def test_centred_equilibrium_propagation_is_the_gradient(name: str, loss: str) -> None:
    """What devices see between two nudges is the derivative of the loss by every single conductance."""
    assert apart(propagated(name, loss)(BETA), differences(name, loss)) < 1e-5


@of_each_case
def test_the_centred_error_falls_as_beta_squared(name: str, loss: str) -> None:
    """Half the nudge, a quarter of the error: what is left is of second order."""
    beta = {"squared-error": 1e-7, "cross-entropy": 4e-6}[loss]  # a frozen nudge errs far less
    wide, narrow = (apart(propagated(name, loss)(beta * share), exact(name, loss)) for share in (1.0, 0.5))
    assert wide / narrow == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("method", ["positive", "negative"])
def test_the_one_sided_error_falls_as_beta(method: Method) -> None:
    """Half the nudge, half the error: a one-sided nudge is off to first order."""
    gradient = propagated("gain-4-back-quarter", "squared-error", method)
    wide, narrow = (apart(gradient(beta), exact("gain-4-back-quarter", "squared-error")) for beta in (2e-8, 1e-8))
    assert wide / narrow == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("gain-4-back-quarter", {"w1": 16.0, "w2": 1.0}),
        ("two-amplifiers", {"w1": 256.0, "w2": 16.0, "w3": 1.0}),
        ("gain-1", {"w1": 1.0, "w2": 1.0}),
        ("gain-4-back-4", {"w1": 1.0, "w2": 1.0}),
        ("no-amplifier", {"w1": 1.0, "w2": 1.0}),
        ("three-layers", {"w1": 6.0, "w2": 1.0, "w3": 1.0, "w4": 1.0}),
    ],
)
def test_factors(name: str, factors: dict[str, float]) -> None:
    """Each amplifier between a device and the outputs multiplies the device's weight by gain/back."""
    assert energy_factors(case(name).circuit, Chip.nominal(case(name).circuit)) == pytest.approx(factors)


def test_without_the_factor_the_gradient_is_wrong() -> None:
    """Before one amplifier of 4 and 1/4 devices see 16 times too little, before two of them 256 times: the factor is not optional."""
    one, gradient = case("two-amplifiers"), differences("two-amplifiers", "squared-error")
    _, up, down = estimated("two-amplifiers", "squared-error")(BETA).phases
    for crossbar in one.circuit.trainable:
        v = [(phase.at(one.circuit, crossbar.rows), phase.at(one.circuit, crossbar.columns)) for phase in (up, down)]
        above, below = (rows[:, :, None] - columns[:, None, :] for rows, columns in v)
        drops = ((above + below) * (above - below)).mean(axis=0) / (4 * BETA)
        largest = np.abs(gradient[crossbar.name]).max()
        factor = {"w1": 256.0, "w2": 16.0, "w3": 1.0}[crossbar.name]
        np.testing.assert_allclose(factor * drops, gradient[crossbar.name], rtol=0, atol=1e-5 * largest)


def test_random_sign_averages_to_the_centred_estimate() -> None:
    """The mean of a nudge to each side is what the centred estimate computes at once."""
    sides = propagated("gain-4-back-quarter", "squared-error", "random-sign")
    up, down = sides(1e-7, 1.0), sides(1e-7, -1.0)
    mean = {name: (up[name] + down[name]) / 2 for name in up}
    assert apart(mean, propagated("gain-4-back-quarter", "squared-error")(1e-7)) < 1e-9


def test_adjoint_knows_mismatched_amplifiers() -> None:
    """Where amplifiers differ there is no energy, and the adjoint circuit still gives the derivative by every conductance."""
    circuit = NETWORKS["two-amplifiers"].compile()
    chip = Chip(
        circuit, {"amp1": {"gain": np.array([3.0, 4.0, 5.5]), "back": np.array([0.3, 0.2, 0.35])}, "amp2": {"back": np.array([0.2, 0.5])}}
    )
    one = Case(circuit, chip)
    assert apart(one.exact(SquaredError()).g, one.differences(SquaredError())) < 1e-6


def test_a_batch_has_the_mean_gradient() -> None:
    """The gradient of a batch is the mean of its samples' gradients."""
    one, rule, loss = case("gain-1"), Adjoint(), SquaredError()
    whole = rule.gradient(one.solver, one.g, one.x, one.y, loss)
    alone = [rule.gradient(one.solver, one.g, one.x[k : k + 1], one.y[k : k + 1], loss) for k in range(BATCH)]
    mean = {name: np.mean([single.g[name] for single in alone], axis=0) for name in whole.g}
    assert apart(whole.g, mean) < 1e-9
    np.testing.assert_allclose(whole.loss, np.concatenate([single.loss for single in alone]), rtol=1e-10)


def test_coupled_learning_follows_the_gradient() -> None:
    """With a small clamp, coupled learning's direction lies along the gradient, and vanishes when the outputs meet their targets.

    The loss is that of the free phase, not of the clamped one.
    """
    one = case("gain-4-back-quarter")
    rule = CoupledLearning(eta=1e-3, stiffness=1.0)
    slope = rule.gradient(one.solver, one.g, one.x, one.y, SquaredError())
    np.testing.assert_array_equal(slope.outputs, slope.phases[0].outputs(one.circuit))
    for crossbar, along in exact("gain-4-back-quarter", "squared-error").items():
        contrast = slope.g[crossbar]
        assert (contrast * along).sum() > 0.7 * np.linalg.norm(contrast) * np.linalg.norm(along)
    met = rule.gradient(one.solver, one.g, one.x, slope.phases[0].outputs(one.circuit), SquaredError())
    assert max(np.abs(met.g[name]).max() / np.abs(slope.g[name]).max() for name in met.g) < 1e-6


def test_zero_error_is_zero_gradient() -> None:
    """When outputs meet their targets nothing is nudged, and no device sees a difference."""
    one, gradient = case("three-layers"), exact("three-layers", "squared-error")
    met = one.exact(SquaredError()).phases[0].outputs(one.circuit)
    for result in (
        propagated("three-layers", "squared-error")(1e-6, y=met),
        Adjoint().gradient(one.solver, one.g, one.x, met, SquaredError()).g,
    ):
        assert max(np.abs(result[name]).max() / np.abs(gradient[name]).max() for name in gradient) < 1e-6


def test_a_nudge_is_felt_in_the_first_layer_however_little_it_is() -> None:
    """A tolerance that is wider than what a nudge does anywhere lets no layer go without its gradient."""
    layers = tuple(Layer(size=4, amplifier=Amplifier(gain=4.0, back=0.25)) for _ in range(3))
    circuit = Network(inputs=3, layers=layers, outputs=2).compile()
    solver = NumericEngine(tolerance=1e-2).prepare(circuit, Chip.nominal(circuit))
    draw = np.random.default_rng(0)
    g = {element.name: draw.uniform(1e-6, 2e-5, element.shape) for element in circuit.trainable}
    x, y = draw.uniform(-1, 1, (5, 3)), draw.uniform(0, 0.1, (5, 2))
    rule = propagation(LOSSES["cross-entropy"], 1e-9)
    slope = rule.gradient(solver.traced(newton=False), g, x, y, LOSSES["cross-entropy"])
    assert all((np.asarray(block) != 0).all() for block in slope.by_block.values())

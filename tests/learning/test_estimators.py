"""Estimators of the gradient: each errs as its theory states, and what has no nudge has no such error."""

from typing import Any

import jax
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.protocol import ConvergenceError, Drive, Push, UnsupportedCircuitError
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.losses import CrossEntropy, SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import EstimatorRule
from hwsim.learning.rules.holomorphic import Holomorphic
from hwsim.learning.rules.nudges import Following, Frozen, NudgeKind, Volts
from hwsim.learning.rules.richardson import Richardson
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from support.differences import apart, finite_differences

pytestmark = pytest.mark.usefixtures("jax_64_bits")

QUARTER = Amplifier(gain=4.0, back=0.25)
PAIR = DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7)
CIRCUIT = Network(inputs=3, layers=(Layer(size=3, neuron=PAIR, amplifier=QUARTER),), outputs=2).compile("estimated")
RNG = np.random.default_rng(0)
G = {e.name: np.exp(RNG.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in CIRCUIT.trainable}
X, Y = RNG.uniform(-1, 1, (3, 3)), RNG.permuted(np.tile([0.0, 0.2], (3, 1)), axis=1)
SQUARES, ENTROPY = SquaredError(), CrossEntropy(v_softmax=0.1, low=0.0, high=0.2)


@pytest.fixture(scope="module")
def solver():
    """Prepare the circuit once."""
    with GeneralEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def exact(solver) -> dict[str, np.ndarray]:
    """Return the adjoint gradient of the squared error, which tests elsewhere compare with finite differences."""
    return Adjoint().gradient(solver, G, X, Y, SQUARES).g


ORDERS: dict[str, tuple[Any, float]] = {
    "one-sided": (lambda size: EquilibriumPropagation(Following(1e-6 * size), "negative"), 2),
    "centred": (lambda size: EquilibriumPropagation(Following(1e-6 * size)), 4),
    "one-sided Richardson": (lambda size: Richardson(Following(1e-6 * size), "positive"), 4),
    "Richardson": (lambda size: Richardson(Following(1e-6 * size)), 16),
    "holomorphic of 4": (lambda size: Holomorphic(Following(1e-6 * size), 4), 16),
    "holomorphic of 6": (lambda size: Holomorphic(Following(1e-6 * size), 6), 64),
    "one-sided volts": (lambda size: EquilibriumPropagation(Volts(0.01 * size), "positive"), 2),
    "volts": (lambda size: EquilibriumPropagation(Volts(0.01 * size)), 4),
}


@pytest.mark.parametrize("name", ORDERS)
def test_half_the_nudge_divides_the_error_by_two_to_the_order(solver, exact, name) -> None:
    """One-sided estimates are of first order, centred of second, extrapolated of twice as many; N points of a circle are of order N."""
    rule, factor = ORDERS[name]
    wide, narrow = (apart(rule(size).gradient(solver, G, X, Y, SQUARES).g, exact) for size in (1.0, 0.5))
    assert wide / narrow == pytest.approx(factor, rel=0.1)


KINDS = [
    Linear(),
    PAIR,
    Rectifier(v_low=-0.05, v_high=0.02),
    DeadZone(i_sat=1e-6, n=1.1),
    IdealPair(v_low=-0.1, v_high=0.15),
    IdealRectifier(),
]


@pytest.mark.parametrize("neuron", KINDS, ids=lambda one: one.kind)
def test_each_errs_by_its_order_with_every_neuron(neuron: Any) -> None:
    """From finite differences the small-signal response is off by nothing, and the others by the fourth power of the nudge."""
    circuit = Network(inputs=2, layers=(Layer(size=2, neuron=neuron, amplifier=QUARTER),), outputs=2).compile(neuron.kind)
    draw, ideal = np.random.default_rng(0), neuron.kind.startswith("ideal")
    g = {e.name: np.exp(draw.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in circuit.trainable}
    x, y, beta = draw.uniform(-3, 3, (3, 2)), Y, 1e-7 if ideal else 1e-6  # which moves no sample across an ideal diode's edge
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as prepared:
        right = SmallSignal().gradient(prepared, g, x, y, SQUARES).g
        assert apart(right, finite_differences(prepared, g, x, y, SQUARES)) < 1e-6
        for rule in (lambda size: Richardson(Following(size)), *(() if ideal else (lambda size: Holomorphic(Following(size), 4),))):
            wide, narrow = (apart(rule(size).gradient(prepared, g, x, y, SQUARES).g, right) for size in (beta, beta / 2))
            assert wide / narrow == pytest.approx(16, rel=0.1)


def test_the_small_signal_response_is_the_gradient(solver, exact) -> None:
    """Of a reciprocal circuit, to rounding; where amplifiers of a later layer differ, only the adjoint knows it."""
    assert apart(SmallSignal().gradient(solver, G, X, Y, SQUARES).g, exact) < 1e-12
    two = Network(inputs=3, layers=(Layer(size=3, neuron=PAIR, amplifier=QUARTER),) * 2, outputs=2).compile("two")
    g = {e.name: RNG.uniform(2e-6, 5e-5, e.shape) for e in two.trainable}
    for unlike, low, high in ((np.array([4.0, 4.0, 4.0]), 0.0, 1e-12), (np.array([3.0, 4.0, 6.0]), 1e-2, 1.0)):
        with GeneralEngine().prepare(two, Chip(two, {"amp2": {"gain": unlike}})) as other:
            off = apart(*(rule.gradient(other, g, X, Y, SQUARES).g for rule in (SmallSignal(), Adjoint())))
        assert low <= off < high


@pytest.mark.parametrize("rule", [SmallSignal(), Richardson(Frozen(1e-6)), Holomorphic(Frozen(1e-6)), EquilibriumPropagation(Volts(1e-3))])
def test_each_passes_the_error_to_the_inputs(solver, rule: EstimatorRule) -> None:
    """As the adjoint does, which finite differences confirm; and of any loss."""
    outputs, residuals = rule.forward(solver, G, X)
    error = ENTROPY.error(outputs, Y)
    right = Adjoint().backward(solver, residuals, error)
    result = rule.backward(solver, residuals, error)
    np.testing.assert_allclose(result.dx, right.dx, rtol=0, atol=1e-8 * np.abs(right.dx).max())
    assert max(np.abs(result.dg[name] - right.dg[name]).max() / np.abs(right.dg[name]).max() for name in right.dg) < 1e-8


def test_volts_are_a_sample_s_own(solver) -> None:
    """Each moves its outputs by about as much, whatever its error and its company; a sample without error moves nothing, learns nothing."""
    rule, scale = EquilibriumPropagation(Volts(0.01)), np.array([[1.0], [1e-3], [0.0]])
    outputs, residuals = rule.forward(solver, G, X)
    error = scale * ENTROPY.error(outputs, Y)
    free, up, _ = rule.backward(solver, residuals, error).phases
    moved = np.abs(up.outputs(CIRCUIT)).max(axis=1)
    assert ((moved[:2] > 0.002) & (moved[:2] < 0.02)).all()
    assert moved[2] < 1e-15  # a rounding of some volts
    together = rule.backward(solver, residuals, error).dg
    each = [rule.backward(solver, rule.forward(solver, G, X[[k]])[1], error[[k]]).dg for k in range(3)]
    for block, values in together.items():
        np.testing.assert_allclose(values, sum(one[block] for one in each), rtol=0, atol=1e-9 * np.abs(values).max())
        assert not each[2][block].any()
    assert free.residual.max() < 1e-12


@pytest.mark.parametrize("neuron", [PAIR, DeadZone(i_sat=1e-6, n=1.1), IdealPair(v_low=-0.1, v_high=0.15)], ids=lambda one: one.kind)
def test_a_displacement_is_the_difference_of_two_states(neuron: Any) -> None:
    """Of diodes that conduct, do not, and switch; solved for by itself or by two whole equilibria."""
    circuit = Network(inputs=3, layers=(Layer(size=4, neuron=neuron, amplifier=QUARTER),), outputs=2).compile()
    g = {e.name: RNG.uniform(2e-6, 5e-5, e.shape) for e in circuit.trainable}
    x, pushes = 3 * X, [Push(current=sign * size * (Y - 0.1)) for sign, size in ((1, 1e-5), (-1, 1e-7))]
    solver = NumericEngine(newton=neuron.kind == "dead-zone").prepare(circuit, Chip.nominal(circuit))
    traced = solver.traced(newton=neuron.kind == "dead-zone")
    _, *equilibrium = jax.jit(lambda g, x: traced.displaced(g, x, traced.solve(g, Drive(x)), pushes))(g, x)
    free, *nudged = solver.nudged(g, x, solver.solve(g, Drive(x)), pushes)
    for displaced, whole in zip(equilibrium, nudged, strict=True):
        assert max(np.abs(displaced.v[name] - (whole.v[name] - free.v[name])).max() for name in free.v) < 1e-11
        assert np.abs(displaced.outputs(circuit)).max() > 1e-4


def test_volts_keep_the_gradient_that_one_beta_loses() -> None:
    """Through two amplifiers, in 32 bits, at an error 1e-4 of the first: along the adjoint by volts, and not by what was right at first."""
    draw = np.random.default_rng(1)
    layers = (Layer(size=6, neuron=PAIR, amplifier=QUARTER),) * 2
    circuit = Network(inputs=3, layers=layers, outputs=2).compile("deep")
    chip = Chip.nominal(circuit)
    g = {e.name: draw.uniform(2e-6, 2e-5, e.shape) for e in circuit.trainable}
    with GeneralEngine().prepare(circuit, chip) as fine:
        outputs, residuals = Adjoint().forward(fine, g, X)
        first = SQUARES.error(outputs, Y)
        right = Adjoint().backward(fine, residuals, 1e-4 * first).dg
        beta = float(np.min(Volts(0.01).at(circuit, g).beta_of(first, first)))  # what moves outputs by 10 mV in the first epoch
    traced = NumericEngine(precision="float32").prepare(circuit, chip).traced(newton=False)
    narrow = {name: values.astype(np.float32) for name, values in g.items()}

    def cosine(nudge: NudgeKind) -> float:
        rule = EquilibriumPropagation(nudge)
        run = jax.jit(lambda g, x, error: rule.backward(traced, rule.forward(traced, g, x)[1], error).dg)
        result = run(narrow, X.astype(np.float32), (1e-4 * first).astype(np.float32))
        pairs = [(np.asarray(result[name], float), values) for name, values in right.items()]
        return min(float((a * b).sum() / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-300)) for a, b in pairs)

    assert cosine(Volts(0.01)) > 0.99999
    assert cosine(Frozen(beta)) < 0.9


def test_what_has_no_complex_law_is_refused() -> None:
    """Ideal clamps; a nudge of complex volts, and one that does not converge."""
    circuit = Network(inputs=3, layers=(Layer(size=3, neuron=IdealPair()),), outputs=2).compile("sharp")
    g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as prepared, pytest.raises(UnsupportedCircuitError, match="richardson"):
        Holomorphic(Frozen(1e-6)).gradient(prepared, g, X, Y, SQUARES)
    with pytest.raises(ExperimentError, match=r"set nudge\.kind to 'frozen'"):
        override(load("iris"), ["training.rule=holomorphic", "training.nudge.kind=volts"])
    with pytest.raises(ExperimentError, match="numeric engine's"):
        override(load("iris"), ["training.rule=holomorphic", "training.engine=ngspice"])
    with pytest.raises(ExperimentError, match="without noise currents"):
        override(load("iris"), ["training.rule=holomorphic", "noise.thermal=true"])


def test_complex_nudges_that_are_too_large_do_not_settle(solver) -> None:
    """That is stated, and no gradient returned."""
    with pytest.raises(ConvergenceError):
        Holomorphic(Frozen(1.0)).gradient(solver, G, X, Y, SQUARES)


@pytest.mark.parametrize(
    "settings",
    [
        ["training.rule=small-signal"],
        ["training.rule=richardson"],
        ["training.rule=holomorphic", "training.rule.points=4"],
        ["training.nudge.kind=volts"],
    ],
    ids=" ".join,
)
def test_a_training_learns_by_each(settings: list[str]) -> None:
    """Its first epoch is the adjoint's, to what the nudges err; what has a nudge is audited for rounding, and shows next to none."""

    def trained(*settings: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        session = Session.of(override(load("iris"), ["training.epochs=1", "training.batch=40", *settings]))
        with GeneralEngine().prepare(session.circuit, session.chip) as solver:
            trainer = session.trainer(solver)
            *_, last = trainer.run(trainer.begin())
            assert last.record is not None
            return last.record, trainer.g(last.state)

    (record, g), (_, wanted) = trained(*settings), trained("training.rule=adjoint")
    begun = Session.of(load("iris")).begun()
    assert max(np.abs(g[name] - wanted[name]).max() / np.abs(wanted[name] - begun[name]).max() for name in g) < 2e-2
    assert record.get("gradient_error", 0.0) < 1e-6
    assert ("gradient_error" in record) == (settings[0] not in {"training.rule=small-signal", "training.rule=holomorphic"})


@pytest.mark.parametrize("full", [False, True])
def test_ngspice_measures_the_small_signal_response(solver, *, full: bool) -> None:
    """By one analysis of the alternating current a sample, with inputs folded and with every part: the adjoint's gradient."""
    nudged = Chip(CIRCUIT, {CIRCUIT.outputs.name: {"gain": np.array([1.1, 0.8])}})
    with NgspiceEngine(workers=1, full=full).prepare(CIRCUIT, nudged) as ngspice, GeneralEngine().prepare(CIRCUIT, nudged) as other:
        gradient, right = (SmallSignal().gradient(one, G, X, Y, ENTROPY) for one in (ngspice, other))
        outputs, residuals = SmallSignal().forward(ngspice, G, X)
        back = SmallSignal().backward(ngspice, residuals, ENTROPY.error(outputs, Y))
    assert apart(gradient.g, right.g) < 1e-6
    exact = Adjoint().backward(solver, Adjoint().forward(solver, G, X)[1], np.array([1.1, 0.8]) * ENTROPY.error(outputs, Y))
    np.testing.assert_allclose(back.dx, exact.dx, rtol=0, atol=1e-6 * np.abs(exact.dx).max())

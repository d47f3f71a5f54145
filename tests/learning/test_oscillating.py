"""Nudges that oscillate: slow ones measure the gradient, and of fast ones is left what the linearised circuit lets through."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.errors import CircuitError
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.protocol import ConvergenceError, Drive
from hwsim.core.signal import Signal
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.learning import rule_factory
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import CrossEntropy, SquaredError
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.frequency_propagation import FrequencyPropagation
from hwsim.learning.rules.nudges import Frozen, Volts
from hwsim.learning.rules.oscillating import Oscillating
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.transient.bandwidth import LinearisedCircuit, bandwidths
from hwsim.session import Session
from netlists.write.options import fitting
from netlists.write.sections import Words
from netlists.write.writer import Body
from support.differences import apart

pytestmark = pytest.mark.usefixtures("jax_64_bits")

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.25))
CIRCUIT = Network(inputs=2, layers=(HIDDEN,), outputs=2, capacitance=(1e-12, 3e-12)).compile("oscillating")
CHIP, RNG = Chip.nominal(CIRCUIT), np.random.default_rng(0)
G = {e.name: np.exp(RNG.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in CIRCUIT.trainable}
X, Y = RNG.uniform(-1, 1, (2, 2)), np.array([[0.0, 0.2], [0.2, 0.0]])
SQUARES = SquaredError()


@pytest.fixture(scope="module")
def solver():
    """Prepare the circuit once."""
    with GeneralEngine().prepare(CIRCUIT, CHIP) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def ngspice():
    """Prepare it for ngspice once."""
    with NgspiceEngine(workers=1).prepare(CIRCUIT, CHIP) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def by_ac(ngspice):
    """Return the gradient that ngspice measures by `.ac`."""
    return SmallSignal().gradient(ngspice, G, X, Y, SQUARES).g


@pytest.mark.parametrize("nudge", [Frozen(1e-7), Volts(1e-3)], ids=["frozen", "volts"])
@pytest.mark.parametrize("engine", ["solver", "ngspice"])
def test_a_slow_sine_measures_the_gradient(request, by_ac, engine, nudge) -> None:
    """At 1 kHz a lock-in of each device's own voltage in time is the gradient that `.ac` measures, by either engine, within 1e-4."""
    estimate = FrequencyPropagation(nudge, 1e3).gradient(request.getfixturevalue(engine), G, X, Y, SQUARES)
    assert apart(estimate.g, by_ac) < 1e-4


def test_a_sine_at_rest_errs_three_quarters_as_much_as_its_amplitude(solver, by_ac) -> None:
    """The mean of sin⁴ is ⅜, and that of sin² ½; half the amplitude divides the error by four."""
    constant, sine, small = (
        apart(rule.gradient(solver, G, X, Y, SQUARES).g, by_ac)
        for rule in (EquilibriumPropagation(Volts(0.02)), Oscillating(Volts(0.02)), Oscillating(Volts(0.01)))
    )
    assert sine / constant == pytest.approx(0.75, rel=0.05)
    assert sine / small == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("engine", ["solver", "ngspice"])
def test_what_lags_is_lost_as_ac_predicts(request, solver, engine) -> None:
    """At the edge of the bandwidth the sine's part in phase is the real part of the linearised circuit's answer, sample by sample."""
    frequency, circuit, factors = bandwidths(CIRCUIT, CHIP, G)["w2"], CIRCUIT, energy_factors(CIRCUIT, CHIP)
    free = solver.solve(G, Drive(X))
    error = Y - free.outputs(circuit)
    wanted = {e.name: np.zeros(e.shape) for e in circuit.trainable}
    for k in range(len(X)):
        sample = free._replace(v={name: v[k : k + 1] for name, v in free.v.items()})
        volts = error[k] @ LinearisedCircuit.at(circuit, CHIP, G, X[k : k + 1], sample).respond(frequency).real
        for e in circuit.trainable:
            drops = [at[e.rows][:, None] - at[e.columns] for at in (volts, sample.at(circuit, np.arange(circuit.size + 1))[0])]
            wanted[e.name] += factors[e.name] * drops[0] * drops[1] / len(X)
    estimate = FrequencyPropagation(Frozen(1e-7), frequency).gradient(request.getfixturevalue(engine), G, X, Y, SQUARES).g
    exact = SmallSignal().gradient(solver, G, X, Y, SQUARES).g
    assert apart(estimate, wanted) < 1e-3
    assert apart(estimate, exact) > 0.2


def test_the_bandwidth_is_that_of_ngspice(tmp_path) -> None:
    """Its `.ac` finds each array's devices moved by 1/√2 there, of what they are at a low frequency."""
    nothing, words = ["0"] * 2, {e.name: ["0"] * len(e) for e in CIRCUIT.inputs}
    edges, names = bandwidths(CIRCUIT, CHIP, G), CIRCUIT.node_names[1:]
    totals = []
    for k in range(2):
        currents = ["0 ac 1" if output == k else "0" for output in range(2)]
        body = Body.of(CIRCUIT, CHIP, G, Words(inputs=words, beta="0", targets=nothing, currents=currents), fitting(CIRCUIT))
        runs = [
            f"ac lin 1 {frequency!r} {frequency!r}\n" + "\n".join(f"print real(v({name})) imag(v({name}))" for name in names)
            for frequency in (1.0, *edges.values())
        ]
        deck = tmp_path / f"{k}.cir"
        deck.write_text(
            "\n".join(["* ac", *body.lines(), ".control", "set numdgt=12", "set noaskquit", *runs, "quit", ".endc", ".end", ""])
        )
        printed = subprocess.run(["ngspice", "-b", str(deck)], capture_output=True, text=True, check=True).stdout
        numbers = np.array([float(n) for n in re.findall(r"(?:real|imag)\(v\(\w+\)\) = (\S+)", printed)])
        v = numbers.reshape(len(runs), len(names), 2) @ [1, 1j]
        totals.append(np.concatenate([np.zeros((len(runs), 1)), v], axis=1))
    for place, e in enumerate(CIRCUIT.trainable, start=1):
        slow, edge = (sum(float((np.abs(v[run][e.rows][:, None] - v[run][e.columns]) ** 2).sum()) for v in totals) for run in (0, place))
        assert edge / slow == pytest.approx(0.5, rel=1e-4)


def test_nodes_without_states_follow_in_time(solver, ngspice) -> None:
    """Amplifiers have no capacitors, and their voltages are stored where they are asked for; both engines agree on them."""
    signal = Signal.hold(X[None], 1e-6)
    ours, theirs = (engine.integrate(G, signal, groups=["a1", "h1"], accuracy=1e-7) for engine in (solver, ngspice))
    np.testing.assert_allclose(ours.v["a1"], 4.0 * ours.v["h1"], atol=1e-12)
    np.testing.assert_allclose(ours.v["a1"], theirs.v["a1"], atol=1e-5)


def test_a_sine_that_is_too_fast_for_the_circuit_is_refused(solver, monkeypatch) -> None:
    """What its beginning stirred up fades too slowly; the message names the key."""
    monkeypatch.setattr("hwsim.core.lock_in._MOST", 3)
    with pytest.raises(ConvergenceError, match=r"in 3 periods of 1e\+10 Hz .*training\.rule\.frequency"):
        FrequencyPropagation(Frozen(1e-7), 1e10).gradient(solver, G, X, Y, SQUARES)


LINEAR = Network(inputs=2, layers=(replace(HIDDEN, neuron=Linear()),), outputs=2, signed_inputs=False, capacitance=(1e-12, 3e-12)).compile(
    "two-frequencies"
)
LINEAR_CHIP = Chip.nominal(LINEAR)
LINEAR_G = {e.name: np.exp(RNG.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in LINEAR.trainable}


@pytest.fixture(scope="module")
def linear():
    """Prepare a circuit without diodes, for each engine, once."""
    with GeneralEngine().prepare(LINEAR, LINEAR_CHIP) as ours, NgspiceEngine(workers=1).prepare(LINEAR, LINEAR_CHIP) as theirs:
        yield {"numeric": ours, "ngspice": theirs}


@pytest.mark.parametrize(("engine", "input_frequency"), [("numeric", 2e3), ("numeric", 5e2), ("ngspice", 2e3)])
def test_two_frequencies_measure_the_gradient_of_a_linear_circuit(linear, engine, input_frequency) -> None:
    """Devices multiply what they read at the inputs' frequency and at the error's: the gradient that `.ac` measures, whatever beta."""
    by_ac = SmallSignal().gradient(linear["ngspice"], LINEAR_G, X, Y, SQUARES).g
    for beta in (1e-7, 1e-5):
        estimate = FrequencyPropagation(Frozen(beta), 1e3, input_frequency).gradient(linear[engine], LINEAR_G, X, Y, SQUARES)
        assert apart(estimate.g, by_ac) < 1e-4


def test_what_two_frequencies_measure_is_how_the_loss_changes(linear) -> None:
    """By differences: each conductance moved by a thousandth up and down."""
    solver = linear["numeric"]
    estimate = FrequencyPropagation(Frozen(1e-6), 3e3, 2e3).gradient(solver, LINEAR_G, X, Y, SQUARES).g

    def loss(name, at, factor) -> float:
        moved = {array: values.copy() for array, values in LINEAR_G.items()}
        moved[name][at] *= factor
        outputs = solver.solve(moved, Drive(X)).outputs(LINEAR)
        return float(np.mean(SQUARES.value(outputs, Y)))

    wanted = {name: np.zeros_like(values) for name, values in LINEAR_G.items()}
    for name, values in LINEAR_G.items():
        for at in np.ndindex(values.shape):
            wanted[name][at] = (loss(name, at, 1.001) - loss(name, at, 0.999)) / (0.002 * values[at])
    assert apart(estimate, wanted) < 1e-4


def test_each_sine_lags_at_its_own_frequency(linear) -> None:
    """Where inputs oscillate faster than the circuit follows, the gradient is lost as well, although the error is slow."""
    exact = SmallSignal().gradient(linear["numeric"], LINEAR_G, X, Y, SQUARES).g
    edge = min(bandwidths(LINEAR, LINEAR_CHIP, LINEAR_G).values())
    slow, fast = (
        FrequencyPropagation(Frozen(1e-6), frequency, 8 * frequency).gradient(linear["numeric"], LINEAR_G, X, Y, SQUARES).g
        for frequency in (1e-5 * edge, edge / 4)
    )
    assert apart(slow, exact) < 1e-4
    assert apart(fast, exact) > 0.2


TWO = ["training.rule={kind='oscillating', frequency=1e3, input_frequency=2e3}", "training.nudge.kind=frozen", "circuit.capacitance=1e-12"]


def test_diodes_mix_two_frequencies() -> None:
    """A circuit that has any is refused; its own name of them is in the message."""
    with pytest.raises(CircuitError, match=r"h1_\w+ is not linear and mixes sines.*leave it out"):
        rule_factory.rule(load("xor", TWO).training, Session.of(load("xor", TWO)).circuit)


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        ("frequency=1e3, input_frequency=1e3", "no ratio of two different whole numbers up to 8"),
        ("frequency=1e3, input_frequency=1234.5", "no ratio of two different whole numbers up to 8"),
        ("frequency=1e3, input_frequency=9e3", "no ratio of two different whole numbers up to 8"),
        ("input_frequency=1e3", "set rule.frequency, the error's, too"),
    ],
)
def test_two_frequencies_begin_again_together(frequencies, message) -> None:
    """Others are refused in one line, before anything is computed."""
    with pytest.raises(ExperimentError, match=message):
        load("xor", [f"training.rule={{kind='oscillating', {frequencies}}}", *TWO[1:]])


IN_TIME = ["training.rule=oscillating", "training.rule.frequency=1e3", "training.nudge.kind=frozen"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["training.nudge.kind=following"], "set nudge.kind to 'frozen' or 'volts'"),
        (["training.nudge.method=positive"], "set it to 'centred'"),
        (["noise.read=0.01"], "without noise"),
        (["training.rule.frequency=-1"], "greater than 0"),
    ],
)
def test_what_does_not_oscillate_is_refused(more, message) -> None:
    """In one line, before anything is computed."""
    with pytest.raises(ExperimentError, match=message):
        load("xor", [*IN_TIME, "circuit.capacitance=1e-12", *more])


def test_a_frequency_needs_capacitors() -> None:
    """Without any, every frequency would be the same."""
    with pytest.raises(CircuitError, match=r"leave it out, or set circuit\.capacitance"):
        rule_factory.rule(load("xor", IN_TIME).training, Session.of(load("xor")).circuit)


def test_training_learns_by_it() -> None:
    """An epoch at a frequency is an epoch of the small-signal rule, within the size of the nudge."""
    common = ["training.epochs=1", "circuit.capacitance=1e-12", "training.nudge.beta=1e-7"]
    ends = []
    for settings in (["training.rule=small-signal"], IN_TIME):
        session = Session.of(load("xor", [*settings, "training.nudge.kind=frozen", *common]))
        with session.training_solver() as solver:
            trainer = session.trainer(solver)
            *_, last = trainer.run(trainer.begin())
            ends.append(trainer.g(last.state))
    assert apart(ends[1], ends[0]) < 1e-3


def test_its_error_may_be_that_of_any_loss(solver) -> None:
    """A sine of the cross-entropy's derivative measures its gradient."""
    entropy = CrossEntropy(v_softmax=0.1, low=0.0, high=0.2)
    exact = SmallSignal().gradient(solver, G, X, Y, entropy).g
    assert apart(Oscillating(Frozen(1e-7)).gradient(solver, G, X, Y, entropy).g, exact) < 1e-4

"""What the ngspice engine answers obeys Kirchhoff, whatever the circuit, the form of the deck and the number of processes."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.constants import V_T
from circuits.diode import diode_current
from circuits.elements import Capacitors, CurrentSources, Diodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import FREE, ConvergenceError, Drive, Push, Result, UnsupportedCircuitError
from hwsim.learning.losses import CrossEntropy, SquaredError
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.ngspice.ngspice_errors import NgspiceError
from hwsim.ngspice.plan import Plan
from netlists.write.ideal_diodes import sharpened
from netlists.write.options import Tolerances
from support.nudges import nudges
from support.strategies import conductances, features, networks, targets

SAME = 1e-9
"""V; how far two answers to the same question may be apart."""


@dataclass(frozen=True)
class Failing:
    """A nudge that does what the test states."""

    push: Push | None

    def pushes(self, outputs, y):
        """Return the push, or fail when there is none and the free phase read something."""
        del y
        if self.push is None and outputs.any():
            msg = "no idea"
            raise KeyError(msg)
        return (self.push or FREE,)


def small(**changes):
    """Build a small network with all parts of a large one."""
    layer = Layer(size=4, amplifier=Amplifier(gain=4.0, back=0.25, offset=0.01))
    return Network(**({"inputs": 3, "layers": (layer,), "outputs": 2} | changes)).compile("small")


def uniform(circuit, seed=0):
    """Draw conductances between 0.1 and 10 microsiemens."""
    rng = np.random.default_rng(seed)
    return {element.name: rng.uniform(1e-7, 1e-5, element.shape) for element in circuit.trainable}


def prepared(circuit, *, chip=None, workers=1, full=False, tolerances=None):
    """Prepare a circuit for one worker."""
    return NgspiceEngine(workers=workers, full=full, tolerances=tolerances).prepare(circuit, chip or Chip.nominal(circuit))


def apart(a, b):
    """Return the largest difference between two answers [V]."""
    return max(float(np.abs(a.v[name] - b.v[name]).max()) for name in a.v)


@given(st.data())
@settings(max_examples=12)
def test_kirchhoff_holds_in_every_phase_and_both_forms_agree(data):
    """What flows into a node flows out of it again, in the folded deck and in the full one, which state the same."""
    circuit = data.draw(networks(ideal=False)).compile()
    g, x, y = data.draw(conductances(circuit)), data.draw(features(circuit)), data.draw(targets(circuit))
    nudge, chip = nudges(SquaredError(), 1e-6, -1e-8), Chip.nominal(circuit)
    with prepared(circuit) as folded, prepared(circuit, full=True) as full:
        answers, others = folded.phases(g, x, y, nudge), full.phases(g, x, y, nudge)
    for push, answer, other in zip((FREE, *nudge.pushes(0.0 * y, y)), answers, others, strict=True):
        balanced = balance(circuit, chip, g, Drive(x, push), answer)
        assert (balanced.residual <= 1e-9 * balanced.largest + 1e-15).all()
        assert apart(answer, other) <= SAME
        assert set(answer.v) == {group.name for group in circuit.groups}


@given(st.data())
@settings(max_examples=8)
def test_ideal_clamps_hold_within_a_thousandth_of_the_range(data):
    """A sharp diode stands in for an ideal one: columns keep to their rails, and the sharp diodes' own currents balance."""
    neuron = data.draw(st.sampled_from([IdealPair(v_low=-0.3, v_high=0.2), IdealRectifier(v_low=-0.1, v_high=0.3)]))
    scale = data.draw(st.sampled_from([1.0, 100.0]))
    circuit = small(layers=(Layer(size=5, neuron=neuron), Layer(size=4, neuron=neuron, amplifier=Amplifier())), input_scale=scale)
    g, x = data.draw(conductances(circuit)), data.draw(features(circuit))
    with prepared(circuit) as solver:
        answer = solver.solve(g, Drive(x))
    for name in ("h1", "h2"):
        v, half = answer.v[name], (answer.v[name].shape[1] + 1) // 2
        low, high = (v, v) if isinstance(neuron, IdealPair) else (v[:, :half], v[:, half:])
        assert low.min() >= neuron.v_low - 1e-3
        assert high.max() <= neuron.v_high + 1e-3
    sharp = sharpened(circuit)
    balanced = balance(sharp, Chip.nominal(sharp), g, Drive(x), answer)
    assert (balanced.residual <= 1e-9 * balanced.largest + 1e-15).all()
    np.testing.assert_array_equal(balanced.residual, answer.residual)


def test_a_diode_conducts_as_the_other_engines_law_says():
    """From deep reverse over the cubic tail to strongly forward, to the last digits."""
    builder = Builder()
    x, a = builder.group("x"), builder.group("a")
    builder.add(InputSources(name="v_x", plus=x, feature=[0]), Crossbar(name="w", rows=x, columns=a))
    builder.add(Diodes(name="d", anode=a, cathode=GROUND, i_sat=4.352e-9, n=1.906), Nudges(name="nudge", plus=a, minus=GROUND))
    circuit = builder.circuit("diode")
    volts = np.concatenate([np.linspace(-2, 0.5, 40), 1.906 * V_T * np.array([-3.01, -3.0, -2.99]), [1.0, 3.0, 10.0]])
    with prepared(circuit, full=True) as solver:
        v = solver.solve({"w": np.array([[1e-6]])}, Drive(volts[:, None])).v["a"][:, 0]
    i, _ = diode_current(v, 4.352e-9, 1.906)
    np.testing.assert_allclose((volts - v) * 1e-6, i, rtol=1e-10, atol=1e-21)


@pytest.fixture(scope="module")
def circuit():
    return small()


@pytest.fixture(scope="module")
def solver(circuit):
    with prepared(circuit) as solver:
        yield solver


@pytest.fixture
def samples(circuit):
    rng = np.random.default_rng(7)
    return rng.uniform(-1, 1, (6, 3)), rng.uniform(-0.2, 0.2, (6, len(circuit.outputs)))


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy(v_softmax=0.1, low=-0.2, high=0.2)], ids=["squared-error", "cross-entropy"])
def test_phases_are_what_their_pushes_give_when_solved_alone(circuit, solver, samples, loss):
    """A nudge that follows the outputs and a frozen one, to either side, with another strength for each."""
    (x, y), g, nudge = samples, uniform(circuit), nudges(loss, 1e-6, -2e-6)
    phases = solver.phases(g, x, y, nudge)
    pushes = (FREE, *nudge.pushes(phases[0].outputs(circuit), y))
    for phase, push in zip(phases, pushes, strict=True):
        assert apart(phase, solver.solve(g, Drive(x, push))) <= SAME
    toward, free, away = (phases[k].outputs(circuit) for k in (1, 0, 2))
    assert (loss.value(toward, y) < loss.value(free, y)).all()
    assert (loss.value(away, y) > loss.value(free, y)).all()


@pytest.mark.parametrize("second", [Amplifier(gain=2.0, back=0.5), Amplifier(gain=2.0, back=0.4), Amplifier(gain=0.5, back=2.0)])
def test_units_in_which_amplifiers_vanish_change_no_voltage(second):
    """Both forms agree on a warm chip, in noise and at a frequency, whichever amplifiers vanish."""
    layers = (
        Layer(size=4, amplifier=Amplifier(gain=4.0, back=0.25)),
        Layer(size=3, amplifier=second),
    )
    circuit = small(layers=layers)
    chip, g, rng = Chip(circuit, temperature=330.0), uniform(circuit), np.random.default_rng(3)
    x, y = rng.uniform(-1, 1, (4, 3)), rng.uniform(-0.2, 0.2, (4, len(circuit.outputs)))
    noise = [{"h1": rng.normal(0, 1e-8, (4, 4)), "a1": rng.normal(0, 1e-8, (4, 4)), "out": rng.normal(0, 1e-8, (4, 4))} for _ in range(3)]
    with prepared(circuit, chip=chip) as reduced, prepared(circuit, chip=chip, full=True) as full:
        pairs = [solver.phases(g, x, y, nudges(SquaredError(), 1e-6, -1e-7), noise=noise) for solver in (reduced, full)]
        pairs = [(*phases, solver.small_signal(g, phases[0], y * 1e-6)) for phases, solver in zip(pairs, (reduced, full), strict=True)]
        for a, b in zip(*pairs, strict=True):
            assert apart(a, b) <= SAME
    deck = Plan.of(circuit, chip, full=False).deck(g, Tolerances())
    assert ("E_amp1_0" in deck, "E_amp2_0" in deck) == (False, second.gain * second.back != 1 or second.gain < 1)


@pytest.mark.parametrize("full", [False, True], ids=["reduced", "full"])
def test_a_nudged_phase_begins_at_the_free_one_whatever_sample_comes_before(full, circuit, samples):
    """It takes as many iterations as without other samples, whose places in the voltages of the last two points would lead it astray."""
    (x, y), g, nudge = samples, uniform(circuit), nudges(SquaredError(), 1e-7, -1e-7)
    with prepared(circuit, full=full) as solver:
        together = solver.phases(g, x, y, nudge)
        alone = [solver.phases(g, x[k : k + 1], y[k : k + 1], nudge) for k in range(len(x))]
    for phase in (1, 2):
        assert together[phase].steps.tolist() == [int(each[phase].steps[0]) for each in alone]


def test_more_workers_and_more_sweeps_answer_the_same(circuit, samples):
    """Samples are shared out in runs of neighbours; each comes back in its place."""
    x, y = (np.tile(part, (40, 1)) for part in samples)
    x[:, 0] = np.linspace(-1, 1, len(x))
    g, nudge = uniform(circuit), nudges(SquaredError(), 1e-6, -1e-6)
    with prepared(circuit) as one, prepared(circuit, workers=2) as two:
        for a, b in zip(one.phases(g, x, y, nudge), two.phases(g, x, y, nudge), strict=True):
            assert apart(a, b) <= SAME


def test_new_conductances_count_from_the_next_batch_on(circuit, solver, samples):
    """The deck is loaded again when they change, in place too, and only then."""
    x, g = samples[0], uniform(circuit)
    first = solver.solve(g, Drive(x))
    other = solver.solve(uniform(circuit, seed=1), Drive(x))
    assert apart(first, other) > 1e-4
    deck = solver._deck.written
    g["w1"][2, 1] *= 3
    changed = solver.solve(g, Drive(x))
    assert apart(first, changed) > 1e-6
    assert solver._deck.written is not deck
    deck = solver._deck.written
    assert apart(changed, solver.solve({name: values.copy() for name, values in g.items()}, Drive(x))) <= SAME
    assert solver._deck.written is deck


def test_every_element_of_a_chip_has_its_own_values(circuit, samples):
    """Gains, currents back, offsets, diodes and rails that all differ: Kirchhoff's law for just these values holds."""
    x, g, rng = samples[0], uniform(circuit), np.random.default_rng(3)
    values = {
        "amp1": {"gain": rng.uniform(3, 5, 4), "back": rng.uniform(0.2, 0.3, 4), "offset": rng.uniform(-0.02, 0.02, 4)},
        "h1_d_high": {"i_sat": rng.uniform(1e-9, 1e-8, 4), "n": rng.uniform(1.5, 2, 4)},
        "h1_v_low": {"v": rng.uniform(-0.2, -0.1, 4)},
        "v_x": {"scale": np.array([1.0, 1.1, 0.9])},
        "v_bias": {"v": np.array([0.8])},
    }
    chip = Chip(circuit, values)
    answers = []
    for full in (False, True):
        with prepared(circuit, chip=chip, full=full) as solver:
            answers.append(solver.solve(g, Drive(x)))
            balanced = balance(circuit, chip, g, Drive(x), answers[-1])
            assert (balanced.residual <= 1e-9 * balanced.largest).all()
    assert apart(*answers) <= SAME
    np.testing.assert_allclose(answers[0].v["x"], x * [1.0, 1.1, 0.9], rtol=1e-15)
    np.testing.assert_allclose(answers[0].v["a1"], values["amp1"]["gain"] * (answers[0].v["h1"] + values["amp1"]["offset"]), rtol=1e-12)


def irregular():
    """Build a circuit that is no layered network: a loop of memristors, floating sources, outputs on a rail and on an amplifier."""
    builder = Builder()
    x, p, q, r, rail = builder.group("x", 2), builder.group("p", 3), builder.group("q", 3), builder.group("r"), builder.group("rail")
    builder.add(InputSources(name="v_x", plus=x, feature=[1, 0], scale=[1.0, -2.0]))
    builder.add(VoltageSources(name="v_rail", plus=GROUND, minus=rail, v=0.25))  # the rail stands below ground
    builder.add(VoltageSources(name="v_floating", plus=q[:2], minus=p[1:], v=[0.1, -0.3]))
    builder.add(Crossbar(name="w", rows=x, columns=p), Crossbar(name="skip", rows=np.append(x, q[2]), columns=r))
    builder.add(Memristors(name="m", a=p, b=np.roll(p, 1)), Resistors(name="load", a=q, b=GROUND, r=[1e5, 2e5, 3e5]))
    builder.add(CurrentSources(name="i", a=GROUND, b=q[2:], i=2e-7), Capacitors(name="c", a=r, b=GROUND, c=1e-12))
    builder.add(Diodes(name="d", anode=r, cathode=rail, i_sat=1e-9, n=1.2))
    builder.add(Nudges(name="nudge", plus=np.concatenate([r, p[:1], x[:1]]), minus=np.concatenate([rail, q[:1], GROUND])))
    return builder.circuit("irregular")


@pytest.mark.parametrize("full", [False, True])
def test_circuits_of_any_form_are_solved(full):
    """Floating sources, skipped layers, outputs between any nodes: what ngspice is not asked for follows from what it is."""
    circuit = irregular()
    g, x = uniform(circuit), np.array([[0.5, -1.0], [1.0, 2.0]])
    drive = Drive(x, Push(1e-6, np.array([0.1, -0.1, 0.3]), np.array([1e-8, 0.0, 2e-8])))
    with prepared(circuit, full=full) as solver:
        answer = solver.solve(g, drive)
    balanced = balance(circuit, Chip.nominal(circuit), g, drive, answer)
    assert (balanced.residual <= 1e-9 * balanced.largest).all()
    np.testing.assert_allclose(answer.v["x"], [[-1.0, -1.0], [2.0, -2.0]])
    np.testing.assert_allclose(answer.v["rail"], -0.25)
    np.testing.assert_allclose(answer.v["q"][:, :2] - answer.v["p"][:, 1:], [[0.1, -0.3]] * 2, rtol=1e-12)


def test_dead_zones_whose_diodes_hardly_conduct_are_solved():
    """Conductances that lie 5 decades apart, twice in a row, without a bias; all inputs 0 too."""
    layer = Layer(size=3, neuron=DeadZone(i_sat=1e-12), amplifier=Amplifier(gain=4.0, back=4.0))
    circuit = small(layers=(layer, layer), bias=False, signed_inputs=False)
    x = np.array([[1.0, 0.0, 0.5], [0.0, 0.0, 0.0], [0.3, -0.2, 1.0], [1e-3, 0.0, 0.0]])
    with prepared(circuit) as solver:
        answer = solver.solve(uniform(circuit), Drive(x))
    assert (answer.result == Result.CONVERGED).all()
    assert max(np.abs(v[1]).max() for v in answer.v.values()) <= SAME


def test_a_nudge_that_makes_an_output_unstable_is_an_error(circuit, solver, samples):
    """Beyond minus the output's own conductance the fixed point is none that a circuit would settle at."""
    (x, y), g = samples, uniform(circuit)
    a = g["w2"].sum(axis=0)
    limit = float((a[0::2] * a[1::2] / (a[0::2] + a[1::2])).min())
    assert solver.solve(g, Drive(x, Push(-0.99 * limit, y))).result.tolist() == [Result.CONVERGED] * 6
    assert solver.solve(g, Drive(x, Push(-1.01 * limit, y)), throw=False).result.tolist() == [Result.NOT_CONVEX] * 6
    with pytest.raises(ConvergenceError, match="bring beta nearer to 0"):
        solver.solve(g, Drive(x, Push(-1.01 * limit, y)))


def test_what_is_no_number_fails_alone(circuit, solver, samples):
    """A NaN among the features, the targets or the pushes spoils its own sample and no other, and is named."""
    (x, y), g, nudge = samples, uniform(circuit), nudges(SquaredError(), 1e-6)
    good = solver.phases(g, x, y, nudge)
    x_bad, y_bad = x.copy(), y.copy()
    x_bad[2, 1], y_bad[4, 0] = np.nan, np.inf
    free, nudged = solver.phases(g, x_bad, y_bad, nudge, throw=False)
    assert free.result.tolist() == [0, 0, Result.NOT_FINITE, 0, 0, 0]
    assert nudged.result.tolist() == [0, 0, Result.NOT_FINITE, 0, Result.NOT_FINITE, 0]
    assert np.isnan(free.v["h1"][2]).all()
    kept = [0, 1, 3, 5]
    for a, b in zip(good, (free, nudged), strict=True):
        assert max(np.abs(a.v[name][kept] - b.v[name][kept]).max() for name in a.v) <= SAME
    with pytest.raises(ConvergenceError, match="sample 2"):
        solver.solve(g, Drive(x_bad))
    alone = solver.solve(g, Drive(np.full((1, 3), np.nan)), throw=False)
    assert alone.result.tolist() == [Result.NOT_FINITE]


def test_shapes_that_do_not_fit_are_refused(circuit, solver, samples):
    """Each message names what has which shape."""
    (x, y), g = samples, uniform(circuit)
    with pytest.raises(CircuitError, match=r"features have shape \(6, 2\)"):
        solver.solve(g, Drive(x[:, :2]))
    with pytest.raises(CircuitError, match=r"features have shape \(0, 3\)"):
        solver.solve(g, Drive(x[:0]))
    with pytest.raises(CircuitError, match=r"targets have shape \(5, 2\)"):
        solver.phases(g, x, y[:5], nudges(SquaredError(), 1e-6))
    with pytest.raises(CircuitError, match="one beta a sample"):
        solver.solve(g, Drive(x, Push(1e-6, y[:, :1].repeat(3, axis=1))))
    with pytest.raises(CircuitError, match="w1: conductances have shape"):
        solver.solve(g | {"w1": g["w1"].T}, Drive(x))
    with pytest.raises(CircuitError, match=r"w1: conductance\[0, 0\] = -1e-06 S"):
        solver.solve(g | {"w1": np.full_like(g["w1"], -1e-6)}, Drive(x))


def test_one_beta_a_sample(circuit, solver, samples):
    """Beta may differ from sample to sample."""
    (x, y), g, beta = samples, uniform(circuit), np.linspace(-1e-6, 1e-5, 6)[:, None]
    batch = solver.solve(g, Drive(x, Push(beta, y)))
    one = solver.solve(g, Drive(x[3:4], Push(float(beta[3, 0]), y[3:4])))
    assert max(np.abs(one.v[name][0] - batch.v[name][3]).max() for name in one.v) <= SAME


def test_a_nudge_that_fails_is_reported_and_harms_nothing(circuit, solver, samples):
    """Its error comes back by name; one that the workers cannot know is refused; the solver continues."""
    (x, y), g = samples, uniform(circuit)
    with pytest.raises(NgspiceError, match=r"Failing.pushes: KeyError: 'no idea'"):
        solver.phases(g, x, y, Failing(None))
    local = type("Local", (), {"pushes": lambda *_: (FREE,)})()
    with pytest.raises(NgspiceError, match="define its class in a module"):
        solver.phases(g, x, y, local)
    free, pushed = solver.phases(g, x, y, Failing(Push(current=np.array([1e-7, 0.0]))))
    assert apart(free, pushed) > 1e-4


def test_looser_tolerances_are_passed_on_and_judged(circuit, samples):
    """An answer that Kirchhoff's law refuses is none, even if ngspice is content with it."""
    x, g = samples[0], uniform(circuit)
    with prepared(circuit, tolerances=Tolerances(relative=1e-2, voltage=1e-2, current=1e-3)) as solver:
        assert Result.MAX_STEPS in solver.solve(g, Drive(5 * x), throw=False).result


def test_least_circuits():
    """One input, one column, one output, without bias, layers or negatives; without a single free node too."""
    circuit = Network(inputs=1, outputs=1, differential=False, signed_inputs=False, bias=False).compile()
    with prepared(circuit) as solver:
        answer = solver.solve({"w1": np.array([[1e-6]])}, Drive(np.array([[0.7]]), Push(1e-6, np.array([0.1]))))
    np.testing.assert_allclose(answer.v["out"], [[0.4]], rtol=1e-12)
    builder = Builder()
    x = builder.group("x", 2)
    builder.add(InputSources(name="v_x", plus=x, feature=[0, 1]), Memristors(name="m", a=x[:1], b=x[1:]))
    builder.add(Nudges(name="nudge", plus=x[1:], minus=GROUND))
    with prepared(builder.circuit("held")) as solver:
        answer = solver.solve({"m": np.array([1e-6])}, Drive(np.array([[0.7, 0.2]])))
    np.testing.assert_array_equal(answer.v["x"], [[0.7, 0.2]])


def test_a_circuit_that_no_netlist_can_hold_is_refused():
    """The message names the other engine."""
    builder = Builder()
    x, h = builder.group("x"), builder.group("gnd")
    builder.add(InputSources(name="v_x", plus=x, feature=[0]), Crossbar(name="w", rows=x, columns=h))
    builder.add(Nudges(name="nudge", plus=h, minus=GROUND))
    with pytest.raises(UnsupportedCircuitError, match="numeric engine"):
        prepared(builder.circuit("grounded"))


def test_no_workers_are_refused():
    """The message names the setting."""
    with pytest.raises(ValueError, match="ngspice: workers"):
        NgspiceEngine(workers=0)

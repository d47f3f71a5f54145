"""A clocked circuit obeys the plain recursion of a leaky echo-state network with its own S, however it is run."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.clocked import SampleHold
from circuits.diode import diode_current
from circuits.elements import Capacitors
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.recurrence import Recurrence
from hwsim.core.protocol import Drive, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.transient import Reduction
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.transient.clocked_forgetting import clock_contraction, clock_exponents, spectral_radius
from hwsim.numeric.transient.clocked_form import ClockedForm

N, CLAMP, I_SAT = 5, 0.1, 1e-9
PAIR = DiodePair(v_low=-CLAMP, v_high=CLAMP, i_sat=I_SAT, n=1.0)


def clocked(hold=None, *, layers=1, gain=2.5, neuron=PAIR):
    """Return a clocked circuit, a chip on which its capacitors and buffers differ, and conductances."""
    hold = hold or SampleHold(c_sample=3e-13, c_hold=7e-13)
    layer = Layer(N, neuron=neuron, amplifier=Amplifier(gain=1.5), recurrence=Recurrence(gain=gain, leak=1e-6, hold=hold))
    circuit, rng = Network(inputs=2, layers=(layer,) * layers, outputs=1).compile(), np.random.default_rng(3)
    spread = {
        f"hold{k}": {"gain": rng.uniform(0.9, 1.1, N), "c_sample": hold.c_sample * rng.uniform(0.8, 1.2, N)} for k in range(1, layers + 1)
    }
    return circuit, Chip(circuit, spread), {e.name: 10 ** rng.uniform(-6.5, -5, e.shape) for e in circuit.trainable}


def signal(sequences=2, clocks=30):
    return Signal.hold(np.random.default_rng(5).uniform(-1, 1, (sequences, clocks, 2)), 1e-6)


def settled(current, total):
    """Return S: where total·p and the diodes' currents add up to a current [A], by bisection."""
    low, high = np.full(len(current), -3.0), np.full(len(current), 3.0)
    for _ in range(100):
        p = 0.5 * (low + high)
        drawn = total * p + diode_current(p - CLAMP, I_SAT, 1.0)[0] - diode_current(-CLAMP - p, I_SAT, 1.0)[0]
        low, high = np.where(drawn < current, p, low), np.where(drawn < current, high, p)
    return 0.5 * (low + high)


@pytest.mark.parametrize("layers", [1, 2])
def test_it_is_the_leaky_echo_state_recursion(layers):
    """Its law is h ← (1 − a)·h + a·S(W·h + W_x·x + b), to 1e-12 V; a layer behind another sees what that one held at the clock before."""
    circuit, chip, g = clocked(layers=layers)
    came = GeneralEngine().prepare(circuit, chip).integrate(g, signal())
    before = np.zeros((layers, N))
    for k, x in enumerate(signal().x[0]):
        rows, new = [np.concatenate([x, -x, [1.0]]), *(np.append(1.5 * h, 1.0) for h in before)], before.copy()
        for m in range(layers):
            name, lines = f"hold{m + 1}", np.concatenate([2.5 * before[m], -2.5 * before[m]])
            w, r = g[f"w{m + 1}"], g[f"r{m + 1}"]
            p = settled(rows[m] @ w + lines @ r, w.sum(axis=0) + r.sum(axis=0) + 1e-6)
            c_sample = chip(name, "c_sample")
            share = c_sample / (c_sample + chip(name, "c_hold"))
            new[m] += share * (chip(name, "gain") * p - before[m])
        before = new
        for m in range(layers):
            np.testing.assert_allclose(came.v[f"s{m + 1}"][0, k], before[m], atol=1e-12)
    w = g[f"w{layers + 1}"]
    columns = np.append(1.5 * before[-1], 1.0) @ w / w.sum(axis=0)
    np.testing.assert_allclose(came.outputs[0, -1, 0], columns[0] - columns[1], atol=1e-12)


def test_clocks_have_no_length_and_no_rise():
    """Neither the period nor when inputs rise has any effect."""
    circuit, chip, g = clocked()
    with GeneralEngine().prepare(circuit, chip) as solver:
        one, other = (solver.integrate(g, signal()._replace(times=c * signal().times, rise=rise)) for c, rise in ((1.0, 0.01), (7.0, 1.0)))
    assert np.array_equal(one.v["s1"], other.v["s1"])


def test_a_run_in_two_parts_is_one_run_and_sums_are_of_its_states():
    """From the last states on, as if it had not been interrupted; a fold sums what would have been stored."""
    circuit, chip, g = clocked()
    given = signal()
    with GeneralEngine().prepare(circuit, chip) as solver:
        whole = solver.integrate(g, given, fold=Reduction(np.zeros(N), lambda total, v, _: total + v["s1"][0]))
        first = solver.integrate(g, given._replace(x=given.x[:, :11], times=given.times[:11]))
        second = solver.integrate(g, given._replace(x=given.x[:, 11:], times=given.times[:19]), first.end)
    np.testing.assert_allclose(np.concatenate([first.v["s1"], second.v["s1"]], axis=1), whole.v["s1"], atol=1e-12)
    np.testing.assert_allclose(whole.folded, whole.v["s1"][0].sum(axis=0), rtol=1e-12)
    assert list(whole.v) == ["s1"]


def test_states_of_few_bits_have_few_values():
    """Each is the sample of the column, rounded to one of 2^bits − 1 voltages; the next clock sees just that."""
    circuit, chip, g = clocked(SampleHold(c_sample=1e-12, bits=3, full_scale=0.09), gain=6.0)
    v = GeneralEngine().prepare(circuit, chip).integrate(g, signal()).v["s1"]
    steps = v / 0.03
    np.testing.assert_allclose(steps, steps.round(), atol=1e-9)
    assert set(np.unique(steps.round())) <= {-3, -2, -1, 0, 1, 2, 3}
    assert len(np.unique(steps.round())) > 3
    assert clock_contraction(ClockedForm.of(circuit, chip, g)) is None


def test_a_certificate_bounds_how_fast_starts_are_forgotten():
    """Two starts come together by the certified factor a clock at least, and the exponent is no larger than its logarithm."""
    circuit, chip, g = clocked(gain=1.2)
    factor = clock_contraction(ClockedForm.of(circuit, chip, g))
    assert factor < 0.95
    same = signal()._replace(x=np.repeat(signal(1).x, 2, axis=0))
    v = GeneralEngine().prepare(circuit, chip).integrate(g, same, {"s1": np.array([[0.1] * N, [-0.1] * N])}).v["s1"]
    assert np.abs(v[0] - v[1]).max(axis=1)[-1] < 0.2 * np.sqrt(N) * factor**30
    assert (clock_exponents(circuit, chip, g, same) < np.log(factor)).all()


def test_small_signals_grow_by_the_spectral_radius():
    """Without input, between the rails, the exponent is the logarithm of the largest eigenvalue of 1 − a + a·W."""
    circuit, _, g = clocked(gain=12.0)
    g["w1"] = np.full_like(g["w1"], 1e-7)
    chip = Chip.nominal(circuit)
    form = ClockedForm.of(circuit, chip, g)
    quiet = Signal.hold(np.zeros((1, 600, 2)), 1e-6)
    largest = np.abs(np.linalg.eigvals(0.7 * np.eye(N) + 0.3 * form.linear_weights)).max()
    assert clock_exponents(circuit, chip, g, quiet) == pytest.approx(np.log(largest), rel=0.01)
    r, total = g["r1"], g["w1"].sum(axis=0) + g["r1"].sum(axis=0) + 1e-6
    w = 12.0 * (r[:N] - r[N:]).T / total[:, None]
    assert spectral_radius(form) == pytest.approx(np.abs(np.linalg.eigvals(w)).max(), rel=1e-3)


def test_neurons_of_two_nodes_are_clocked_too():
    """A dead zone couples its column and what is behind it, by diodes: at equilibrium the states are where the circuit is."""
    circuit, chip, g = clocked(neuron=DeadZone(i_sat=1e-6), gain=0.5)
    chip = Chip.nominal(circuit)
    with GeneralEngine().prepare(circuit, chip) as solver:
        lasting = signal(1, 60)._replace(x=np.full((1, 60, 2), 0.5))
        v = solver.integrate(g, lasting).v["s1"][0, -1]
        rest = solver.solve(g, Drive(np.full((1, 2), 0.5)))
    np.testing.assert_allclose(v, rest.at(circuit, circuit.nodes("s1"))[0], atol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SampleHold(c_sample=0.0), "c_sample = 0 must be a finite number, positive"),
        (lambda: SampleHold(c_hold=-1e-12), "c_hold = -1e-12 must be"),
        (lambda: SampleHold(bits=1, full_scale=0.1), "bits = 1 must be between 2 and 32"),
        (lambda: SampleHold(bits=4), "go together"),
        (lambda: SampleHold(bits=4, full_scale=0.1, c_hold=1e-12), "set c_hold to 0"),
        (lambda: Recurrence(signed=False, back=0.5, hold=SampleHold()), "set back to 0"),
    ],
)
def test_what_no_hold_has_is_refused(make, message):
    """In one line."""
    with pytest.raises(CircuitError, match=message):
        make()


def test_circuits_are_clocked_as_a_whole():
    """Capacitors, and recurrent layers that are not clocked, are refused next to a hold; so is what has no rate."""
    clocked_layer = Layer(3, recurrence=Recurrence(hold=SampleHold()))
    with pytest.raises(CircuitError, match="set capacitance to 0"):
        Network(inputs=1, layers=(clocked_layer,), outputs=1, capacitance=1e-12)
    with pytest.raises(CircuitError, match=r"layers\[1\] has a recurrence without a hold"):
        Network(inputs=1, layers=(clocked_layer, Layer(3, recurrence=Recurrence())), outputs=1)
    circuit, chip, g = clocked(neuron=IdealPair())
    with pytest.raises(UnsupportedCircuitError, match="switches without a rate"):
        GeneralEngine().prepare(circuit, chip).integrate(g, signal())
    circuit, chip, g = clocked()
    charged = circuit.__class__(
        name="charged", groups=circuit.groups, elements=(*circuit.elements, Capacitors(name="c", a=circuit.nodes("h1"), b=0, c=1e-12))
    )
    with pytest.raises(CircuitError, match="remove its capacitors, c"):
        GeneralEngine().prepare(charged, Chip.nominal(charged)).integrate(g, signal())

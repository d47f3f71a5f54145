"""Both engines follow the same voltages in time, and settling takes the time that ngspice measures."""

import re
import subprocess

import numpy as np
import pytest

from circuits.capacitors import with_capacitors
from circuits.chip import Chip
from circuits.clocked import SampleHold
from circuits.elements import Capacitors
from circuits.errors import CircuitError
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.recurrence import Recurrence
from hwsim.core.protocol import ConvergenceError, Push
from hwsim.core.signal import Signal
from hwsim.core.transient import Reduction
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.runs.settling import settling
from netlists.measure.settle import Settle, least_conductance
from netlists.write.writer import write_deck

PERIOD, AGREE = 2e-8, 1e-5
"""s; V: engines may differ by no more than this and what halving ngspice's steps changes."""

SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.02, output_resistance=50.0)
CIRCUITS = {
    "skewed": Network(inputs=2, layers=(Layer(3, amplifier=SKEWED, neuron=DiodePair(v_low=-0.08, v_high=0.03)),), outputs=2),
    "recurrent": Network(inputs=2, layers=(Layer(3, recurrence=Recurrence(pattern="random", fan_in=2, gain=3.0, leak=1e-6)),), outputs=2),
    "dead-zone": Network(inputs=2, layers=(Layer(3, neuron=DeadZone()),), outputs=1, differential=False),
}


def numbers(network):
    """Return a circuit with capacitors, a chip on which they differ, and conductances."""
    circuit, rng = with_capacitors(network.compile()), np.random.default_rng(7)
    spread = {e.name: {"c": e.c * rng.uniform(0.7, 1.3, len(e))} for e in circuit.of(Capacitors)}
    return circuit, Chip(circuit, spread), {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}


@pytest.mark.parametrize("name", CIRCUITS)
def test_both_engines_follow_the_same_voltages(name):
    """From any states, under nudges, with spread capacitors: within 10 µV and ngspice's own error."""
    circuit, chip, g = numbers(CIRCUITS[name])
    rng = np.random.default_rng(2)
    target = rng.uniform(-0.3, 0.3, (2, len(circuit.outputs)))
    signal = Signal.hold(rng.uniform(-1, 1, (2, 4, 2)), PERIOD, begin=rng.uniform(-1, 1, (2, 2)), push=Push(3e-6, target, 2e-7))
    v0, fold = {"h1": rng.uniform(-0.1, 0.1, (2, 3))}, Reduction(np.zeros(3), lambda total, v, _: total + v["h1"][0])
    with NumericEngine().prepare(circuit, chip) as numeric, NgspiceEngine(workers=1).prepare(circuit, chip) as ngspice:
        ours, theirs = (engine.integrate(g, signal, v0, fold=fold) for engine in (numeric, ngspice))
    assert ours.v.keys() == theirs.v.keys()
    for group, v in ours.v.items():
        np.testing.assert_allclose(v, theirs.v[group], atol=AGREE + theirs.error, err_msg=group)
        np.testing.assert_allclose(ours.end[group], theirs.end[group], atol=AGREE + theirs.error)
    np.testing.assert_allclose(ours.outputs, theirs.outputs, atol=AGREE + theirs.error)
    np.testing.assert_allclose(ours.folded, theirs.folded, atol=4 * (AGREE + theirs.error))


@pytest.mark.parametrize("hold", [SampleHold(c_sample=3e-13, c_hold=7e-13), SampleHold(bits=4, full_scale=0.1)], ids=["leaky", "few bits"])
def test_both_engines_take_the_same_clocks(hold):
    """From any states, on a chip whose capacitors and buffers differ: switches make a recursion's states, to a microvolt."""
    layer = Layer(3, amplifier=Amplifier(gain=2.0, back=0.5), recurrence=Recurrence(gain=3.0, leak=1e-6, hold=hold))
    circuit, rng = Network(inputs=2, layers=(layer,), outputs=2).compile(), np.random.default_rng(7)
    chip = Chip(circuit, {"hold1": {"gain": rng.uniform(0.9, 1.1, 3), "c_sample": hold.c_sample * rng.uniform(0.7, 1.3, 3)}})
    g = {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    signal, v0 = Signal.hold(rng.uniform(-1, 1, (2, 4, 2)), PERIOD), {"s1": rng.uniform(-0.1, 0.1, (2, 3))}
    with NumericEngine().prepare(circuit, chip) as numeric, NgspiceEngine(workers=1).prepare(circuit, chip) as ngspice:
        ours, theirs = (engine.integrate(g, signal, v0) for engine in (numeric, ngspice))
        for odd, message in (
            (signal._replace(rise=0.5), "inputs rise before"),
            (signal._replace(times=signal.times**2), "equally long"),
        ):
            with pytest.raises(CircuitError, match=message):
                ngspice.integrate(g, odd, v0)
    np.testing.assert_allclose(ours.v["s1"], theirs.v["s1"], atol=1e-6)
    np.testing.assert_allclose(ours.outputs, theirs.outputs, atol=1e-6)


@pytest.mark.parametrize("r", [1e-6, 1e-10])
def test_engines_follow_the_same_voltages_through_wires_of_little_resistance(r):
    """Or ngspice, whose currents would be rounding, refuses them with advice."""
    circuit = Network(inputs=2, layers=(Layer(3),), outputs=2, capacitance=1e-12, wire_r_row=r, wire_r_column=r).compile()
    rng, chip = np.random.default_rng(0), Chip.nominal(circuit)
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}
    signal = Signal.hold(rng.uniform(-1, 1, (1, 3, 2)), 2e-8)
    with NumericEngine().prepare(circuit, chip) as numeric, NgspiceEngine(workers=1).prepare(circuit, chip) as ngspice:
        ours = numeric.integrate(g, signal)
        if r < 1e-7:
            with pytest.raises(ConvergenceError, match=r"circuit\.wire_r_row"):
                ngspice.integrate(g, signal)
        else:
            theirs = ngspice.integrate(g, signal)
            np.testing.assert_allclose(np.asarray(ours.outputs), theirs.outputs, rtol=0, atol=1e-5 + theirs.error)


def test_ngspice_is_as_accurate_as_asked():
    """It halves its steps until that changes no more, or refuses what it does not reach."""
    circuit, chip, g = numbers(CIRCUITS["skewed"])
    signal = Signal.hold(np.random.default_rng(2).uniform(-1, 1, (1, 2, 2)), PERIOD)
    with NgspiceEngine(workers=1).prepare(circuit, chip) as solver:
        fine = solver.integrate(g, signal, accuracy=3e-6)
        assert fine.error <= 3e-6
        with pytest.raises(ConvergenceError, match="ngspice's error is"):
            solver.integrate(g, signal, accuracy=1e-12)


def test_settling_takes_the_time_that_ngspice_measures(tmp_path):
    """Within 2 % of a deck's, free and nudged, and over the same way."""
    network = CIRCUITS["skewed"]
    circuit, rng = network.compile(), np.random.default_rng(4)
    chip, g = Chip.nominal(circuit), {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    x, pushes = rng.uniform(-1, 1, 2), [Push(2e-6, rng.uniform(-0.3, 0.3, 2), 0.0)]
    ours = settling(circuit, chip, g, x, pushes, capacitance=1e-13)
    measure = Settle(capacitance=1e-13, slowest=least_conductance(circuit, g))
    deck = tmp_path / "settle.cir"
    deck.write_text(write_deck(circuit, chip, g, x=x, pushes=pushes, measure=measure))
    printed = subprocess.run(["ngspice", "-b", str(deck)], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    theirs = {name: float(value) for name, value in re.findall(r"^(\w+)\s*=\s*(\S+)", printed, re.MULTILINE)}
    for one in ours:
        assert one.way == pytest.approx(theirs[f"way_{one.phase}"], rel=1e-6)
        for called, seconds in zip(("1pc", "01pc"), one.seconds, strict=True):
            assert seconds == pytest.approx(theirs[f"t_{called}_{one.phase}"], rel=0.02), (one.phase, called)
        assert 0 < one.energy[0] < one.energy[1]

"""Noise in time leaves kT/C on capacitors, whatever conducts, and adds up as independent noise does."""

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.chip import Chip
from circuits.clocked import SampleHold
from circuits.constants import BOLTZMANN, TEMPERATURE
from circuits.elements import Capacitors, Diodes, InputSources, Nudges, Resistors
from circuits.junction_neurons import DiodePair
from circuits.network import Layer, Network
from circuits.nodes import GROUND
from circuits.recurrence import Recurrence
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.transient import NoiseInTime, Reduction
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine

KT = BOLTZMANN * TEMPERATURE
SEQUENCES, INTERVALS, PERIOD = 128, 30, 2e-9


def coupled(*, diodes: bool = False):
    """Return two nodes of 1 and 3 fF, a resistor between them and one from a source, and perhaps a diode at either."""
    builder = Builder()
    x, a = builder.group("x", 1), builder.group("a", 2)
    builder.add(InputSources(name="v_x", plus=x, feature=[0]), Resistors(name="r", a=[x[0], a[0]], b=a, r=[1e5, 3e5]))
    builder.add(Capacitors(name="c", a=a, b=GROUND, c=[1e-15, 3e-15]), Nudges(name="nudge", plus=a[1:], minus=GROUND))
    if diodes:
        builder.add(Diodes(name="d", anode=a, cathode=GROUND, i_sat=1e-6, n=1.0))
    return builder.circuit("coupled")


def covariance(circuit, noise, group, skip=5, chip=None, **more):
    """Return the covariance of a group's states over sequences and intervals of some time constants at 0 V."""
    inputs = np.zeros((SEQUENCES, INTERVALS, circuit.input_count))
    with GeneralEngine().prepare(circuit, chip or Chip.nominal(circuit)) as solver:
        v = solver.integrate(more.pop("g", {}), Signal.hold(inputs, PERIOD), noise=noise, groups=[group], **more).v[group]
    late = np.asarray(v)[:, skip:].reshape(-1, v.shape[2])
    return late.T @ late / len(late)


def test_thermal_noise_leaves_kt_over_c():
    """On each capacitor, uncorrelated, though a resistor joins them (equipartition); four times as hot, it has twice the voltage."""
    circuit, wanted = coupled(), np.diag(KT / np.array([1e-15, 3e-15]))
    scale = np.sqrt(np.outer(wanted.diagonal(), wanted.diagonal()))
    np.testing.assert_allclose(covariance(circuit, NoiseInTime(seed=1), "a") / scale, np.eye(2), atol=0.05)
    hot = covariance(circuit, NoiseInTime(seed=1), "a", chip=Chip(circuit, temperature=4 * TEMPERATURE))
    np.testing.assert_allclose(hot / scale, 4 * np.eye(2), atol=0.2)


def test_shot_noise_of_diodes_at_rest_is_thermal():
    """Where no current flows on average, what flows either way leaves kT/C too: a diode is no engine."""
    circuit = coupled(diodes=True)
    noisy = covariance(circuit, NoiseInTime(seed=2), "a")
    np.testing.assert_allclose(noisy.diagonal() / (KT / np.array([1e-15, 3e-15])), 1.0, atol=0.08)
    apart = [covariance(circuit, NoiseInTime(seed=2, thermal=thermal, shot=not thermal), "a").diagonal() for thermal in (True, False)]
    np.testing.assert_allclose(sum(apart) / noisy.diagonal(), 1.0, atol=0.08)


def test_noise_is_drawn_by_its_seed():
    """The same seed, the same run; another one differs, and so does each sequence; without it the run is the quiet one's mean."""
    circuit, signal = coupled(), Signal.hold(np.full((3, 4, 1), 0.2), PERIOD)
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        one, again, other = (np.asarray(solver.integrate({}, signal, noise=NoiseInTime(seed)).v["a"]) for seed in (1, 1, 2))
        total = Reduction(np.zeros(2), lambda total, v, _: total + v["a"].sum(axis=0))
        noisy = solver.integrate({}, signal, noise=NoiseInTime(1), fold=total)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])
    np.testing.assert_allclose(noisy.folded, one.sum(axis=(0, 1)), rtol=1e-9)


@pytest.mark.parametrize("c_hold", [0.0, 7e-15])
def test_switches_leave_kt_over_c(c_hold):
    """Each clock's share of noise leaves kT/C of the holding capacitor; a sample that a buffer passes on has it twice."""
    layer = Layer(
        4, neuron=DiodePair(v_low=-1.0, v_high=1.0), recurrence=Recurrence(gain=1e-3, hold=SampleHold(c_sample=3e-15, c_hold=c_hold))
    )
    circuit = Network(inputs=1, layers=(layer,), outputs=1, bias=False).compile()
    g = {e.name: np.full(e.shape, 1e-6) for e in circuit.trainable}
    left = covariance(circuit, NoiseInTime(seed=3, shot=False), "s1", g=g).diagonal()
    np.testing.assert_allclose(left / (KT / c_hold if c_hold else 2 * KT / 3e-15), 1.0, atol=0.08)
    with pytest.raises(UnsupportedCircuitError, match="is clocked"):
        covariance(circuit, NoiseInTime(), "s1", g=g)


def test_ngspice_has_no_noise_in_time():
    """It refuses it, in one line."""
    circuit = coupled()
    with (
        NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver,
        pytest.raises(UnsupportedCircuitError, match="use the numeric engine"),
    ):
        solver.integrate({}, Signal.hold(np.zeros((1, 2, 1)), PERIOD), noise=NoiseInTime())

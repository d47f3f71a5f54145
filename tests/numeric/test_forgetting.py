"""Certified circuits forget at the certified rate at least, and exponents are those of the linearised circuit where it is linear."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import VoltageControlledVoltageSources
from circuits.elements import Capacitors, InputSources, Nudges, Resistors
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from circuits.nodes import GROUND, NodeGroup
from circuits.recurrence import Recurrence
from hwsim.core.protocol import ConvergenceError
from hwsim.core.signal import Signal
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.transient.forgetting import forgetting_rate, lyapunov_exponents
from hwsim.numeric.transient.state_form import StateForm

PERIOD = 1e-7
RECURRENCES = {
    "dense": Recurrence(gain=1.5, leak=1e-6),
    "cycle": Recurrence(pattern="cycle", gain=1.9),
    "bidirectional": Recurrence(gain=2.0, back=0.5, signed=False),
}


def reservoir(recurrence, neuron=None):
    """Return a recurrent circuit, its chip and conductances."""
    layer = Layer(5, neuron=neuron or DiodePair(v_low=-0.1, v_high=0.1), recurrence=recurrence)
    circuit, rng = Network(inputs=1, layers=(layer,), outputs=1, capacitance=(1e-11, 1e-12)).compile(), np.random.default_rng(4)
    return circuit, Chip.nominal(circuit), {e.name: 10 ** rng.uniform(-7, -5, e.shape) for e in circuit.trainable}


def signal(count):
    """Return sequences, all with the same inputs."""
    return Signal.hold(np.repeat(np.random.default_rng(2).uniform(-1, 1, (1, 12, 1)), count, axis=0), PERIOD)


@pytest.mark.parametrize("name", RECURRENCES)
def test_certified_circuits_forget(name):
    """Two starts of one input, however far apart, come together: no slower than certified, and so the exponent is no larger."""
    circuit, chip, g = reservoir(RECURRENCES[name])
    form = StateForm.of(circuit, chip, g)
    rate = forgetting_rate(form)
    assert rate > 0
    starts = {"h1": np.array([[0.3] * 5, [-0.3] * 5])}
    went = GeneralEngine().prepare(circuit, chip).integrate(g, signal(2), starts)
    apart = np.abs(went.v["h1"][0] - went.v["h1"][1]).max(axis=1)
    assert apart[-1] < 3 * 0.6 * np.exp(-rate * went.times[-1]) + 2 * went.error
    exponents = lyapunov_exponents(circuit, chip, g, signal(2), steps=16)
    assert (exponents < -0.99 * rate).all()


def test_a_linear_circuit_s_exponent_is_its_slowest_rate():
    """Whatever drives it; what grows is refused by the integrator, in one line."""
    circuit, chip, g = reservoir(RECURRENCES["cycle"], Linear())
    lasting = Signal.hold(np.zeros((2, 12, 1)), 20 * PERIOD)
    slowest = StateForm.of(circuit, chip, g).settling_rate
    assert lyapunov_exponents(circuit, chip, g, lasting, steps=200) == pytest.approx([-slowest] * 2, rel=0.02)
    loop = Recurrence(pattern="cycle", signed=False, gain=40.0)
    circuit, chip, g = reservoir(loop, Linear())
    assert StateForm.of(circuit, chip, g).settling_rate < 0
    assert forgetting_rate(StateForm.of(circuit, chip, g)) < 0
    with pytest.raises(ConvergenceError, match="grow without bound"):
        GeneralEngine().prepare(circuit, chip).integrate(g, lasting._replace(times=1e4 * lasting.times))


def test_exponents_of_stiff_circuits_do_not_depend_on_the_steps_to_begin_with():
    """Diodes that conduct far more than memristors make few explicit steps overflow: more are taken."""
    circuit, chip, g = reservoir(RECURRENCES["cycle"])
    driven = signal(1)._replace(x=30.0 * signal(1).x)
    few, many = (lyapunov_exponents(circuit, chip, g, driven, steps=steps) for steps in (2, 1024))
    assert np.isfinite(many).all()
    assert few == pytest.approx(many, rel=1e-3)


def test_layers_with_an_energy_are_certified_at_their_slowest_rate():
    """Amplifiers that pass back what they gain are symmetric in the right weights, so that the certificate is sharp."""
    layers = tuple(Layer(3, amplifier=Amplifier(gain=4.0, back=0.25)) for _ in range(2))
    circuit, rng = Network(inputs=2, layers=layers, outputs=2, capacitance=1e-12).compile(), np.random.default_rng(0)
    g = {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    form = StateForm.of(circuit, Chip.nominal(circuit), g)
    assert forgetting_rate(form) == pytest.approx(form.settling_rate, rel=1e-9)


def test_what_only_feeds_forward_is_looked_at_alone():
    """However strongly one node drives another, both forget at their own rates where nothing comes back."""
    groups = tuple(NodeGroup(name, None, k) for k, name in enumerate(("x", "a", "line", "b"), start=1))
    x, a, line, b = (group.nodes for group in groups)
    elements = (
        InputSources(name="v_x", plus=x, feature=[0]),
        VoltageControlledVoltageSources(name="e", plus=line, minus=GROUND, control_plus=a, control_minus=GROUND, gain=1000.0),
        Resistors(name="r", a=np.concatenate([x, line]), b=np.concatenate([a, b]), r=[1e4, 2e4]),
        Capacitors(name="c", a=np.concatenate([a, b]), b=GROUND, c=1e-12),
        Nudges(name="nudge", plus=b, minus=GROUND),
    )
    circuit = Circuit(name="chain", groups=groups, elements=elements)
    assert forgetting_rate(StateForm.of(circuit, Chip.nominal(circuit), {})) == pytest.approx(1 / 2e-8, rel=1e-9)

"""Searches at the ports: how loose a tolerance may be, and what a sample that never settles costs."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.general.port_newton import Problem
from support.nudges import Currents

SAMPLES = 8
NEURONS = {"diodes": DiodePair(v_low=-0.1, v_high=0.2), "ideal diodes": IdealPair(v_low=-0.1, v_high=0.2), "rectifiers": Rectifier()}


def drawn(neuron, **wires):
    """Build a network of these neurons, and draw conductances and features."""
    layer = Layer(size=4, neuron=NEURONS[neuron], amplifier=Amplifier(gain=4.0, back=0.25))
    circuit, rng = Network(inputs=6, layers=(layer,), outputs=2, **wires).compile(), np.random.default_rng(0)
    g = {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    return circuit, g, rng.uniform(-1, 1, (SAMPLES, circuit.input_count))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-13])
@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("wires", [{}, {"wire_r_row": 1.0, "wire_r_column": 2.0}], ids=["ideal wires", "wires"])
def test_any_tolerance_settles_all_samples_to_the_same_voltages(tolerance, neuron, wires):
    """Free and nudged, by tangents nearby or not: all within the tolerance, and balanced."""
    circuit, g, x = drawn(neuron, **wires)
    y, chip = np.zeros((SAMPLES, len(circuit.outputs))), Chip.nominal(circuit)
    with GeneralEngine(tolerance=tolerance).prepare(circuit, chip) as loose, GeneralEngine().prepare(circuit, chip) as tight:
        for size in (1e-8, 1e-6):
            wanted = loose.phases(g, x, y, Currents(size), throw=False), tight.phases(g, x, y, Currents(size))
            for phase, exact in zip(*wanted, strict=True):
                assert not phase.result.any()
                for group in circuit.groups:
                    np.testing.assert_allclose(phase.v[group.name], exact.v[group.name], rtol=0, atol=max(tolerance, 1e-12))


def test_the_default_tolerance_takes_currents_from_the_last_step(monkeypatch):
    """A step of their own would be one more for every equilibrium."""
    circuit, g, x = drawn("rectifiers")

    def refused(*_):
        raise AssertionError

    monkeypatch.setattr(Problem, "currents", refused)
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        assert not solver.solve(g, Drive(x)).result.any()
    with GeneralEngine(tolerance=1e-5).prepare(circuit, Chip.nominal(circuit)) as solver, pytest.raises(AssertionError):
        solver.solve(g, Drive(x))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_takes_no_steps(bad, monkeypatch):
    """The others settle by as many as without it, free and nudged."""
    circuit, g, x = drawn("rectifiers")
    y, moves = np.zeros((SAMPLES, len(circuit.outputs))), []
    moved = Problem.moved
    monkeypatch.setattr(Problem, "moved", lambda *of: moves.append(None) or moved(*of))
    spoiled, others = x.copy(), [0, *range(2, SAMPLES)]
    spoiled[1] = bad
    taken = []
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        for features in (x[others], spoiled):
            moves.clear()
            phases = solver.phases(g, features, y[: len(features)], Currents(1e-7), throw=False)
            taken.append(len(moves))
    assert taken[0] == taken[1]
    for phase in phases:
        assert np.flatnonzero(phase.result).tolist() == [1]
        assert phase.steps[1] == 0

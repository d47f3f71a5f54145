"""Comparators: the steps that they make, on each engine, and what passes back through them."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.comparator import Comparator
from circuits.network import Layer, Network
from hwsim.core.protocol import Drive, Engine
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.numeric_engine import NumericEngine

pytestmark = pytest.mark.usefixtures("jax_64_bits")

FOUR = Comparator(levels=4, v_low=-0.3, v_high=0.3, gain=30.0, back=1e-6, r=1.0)


def line(neuron: Comparator) -> Circuit:
    """Return a circuit whose column follows its input, and whose output hardly loads the neuron behind."""
    layer = Layer(1, neuron=neuron, bias=False)
    network = Network(inputs=1, layers=[layer], outputs=1, differential=False, signed_inputs=False, bias=False, g_min=1e-9, g_max=1.0)
    return network.compile("line")


@pytest.mark.parametrize("engine", [NumericEngine(), NgspiceEngine()], ids=["numeric", "ngspice"])
def test_levels_are_even_and_change_midway(engine: Engine) -> None:
    """The engines solve the steps that the neuron states; ngspice's diodes, which stand for ideal ones, end them 0.1 mV away."""
    circuit, x = line(FOUR), np.arange(-0.475, 0.5, 0.05)[:, None]
    with engine.prepare(circuit, Chip.nominal(circuit)) as solver:
        outputs = solver.solve({"w1": np.array([[1.0]]), "w2": np.array([[1e-9]])}, Drive(x)).outputs(circuit)
    np.testing.assert_allclose(outputs, FOUR.output(x[:, 0])[:, None], atol=5e-4)
    assert set(FOUR.output(np.linspace(-1, 1, 2001)).round(9)) >= {-0.3, -0.1, 0.1, 0.3}


def test_a_comparator_is_a_chain_of_layers() -> None:
    """So the numeric engine solves it layer by layer: column, copies, clamps, means."""
    assert len(stages(line(FOUR))) == 5
    assert len(stages(line(Comparator()))) == 3


@pytest.mark.parametrize("gain", [4.0, 40.0])
def test_the_window_that_passes_errors_back_narrows_with_the_gain(gain: float) -> None:
    """The output moves over a width of (v_high - v_low)/gain: an ideal comparator has no such window, and no gradient."""
    v = np.linspace(-0.2, 0.2, 4001)
    moving = np.abs(np.diff(Comparator(gain=gain).output(v))) > 0
    assert moving.sum() * (v[1] - v[0]) == pytest.approx(0.2 / gain, rel=0.05)

"""The first-order response to a nudge: where the search for a nudged equilibrium starts."""

import jax
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core import blocks
from hwsim.core.protocol import Drive, Push
from hwsim.numeric.layered import linearized_start
from hwsim.numeric.layered.gauss_seidel import Neurons, System
from hwsim.numeric.layered.linear_terms import linear_parts
from hwsim.numeric.layered.output_nudge import OutputNudge
from hwsim.numeric.numeric_engine import NumericEngine

pytestmark = pytest.mark.usefixtures("jax_64_bits")

QUARTER = Amplifier(gain=4.0, back=0.25)


@pytest.mark.parametrize("neuron", [DiodePair(v_low=-0.1, v_high=0.05), IdealPair(v_low=-0.1, v_high=0.05)], ids=["diodes", "ideal"])
def test_every_layer_starts_near_its_nudged_equilibrium(neuron: DiodePair | IdealPair) -> None:
    """Two thirds and more of what a nudge of either sign moves are there at the start, in every layer, and no clamped column moves."""
    circuit = Network(inputs=3, layers=(Layer(size=4, neuron=neuron, amplifier=QUARTER),) * 2, outputs=2).compile()
    rng = np.random.default_rng(5)
    g = {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    x, target = rng.uniform(-1, 1, (6, 3)), rng.uniform(-1, 1, (6, 2))
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        free = solver.problem.state(solver.solve(g, Drive(x)))
        layers = solver.on.layers
        parts = linear_parts(layers, blocks.split(circuit, g), x)
        for beta in (1e-8, -1e-8):
            push = Push(beta=beta, target=target)
            nudged = solver.problem.state(solver.solve(g, Drive(x, push)))
            system = System(layers, parts, OutputNudge.of(push, layers.outputs), Neurons(layers))
            begun, start = linearized_start.nudged(system, free, linearized_start.slopes(layers, free))
            for before, result, wanted in zip(free.columns, start.columns, nudged.columns, strict=True):
                moved = abs(wanted - before).max()
                assert moved > 1e-9 or isinstance(neuron, IdealPair)
                assert abs(np.asarray(result) - wanted).max() <= 0.33 * moved + 1e-13
            jax.tree.map(np.testing.assert_array_equal, begun.columns[:-1], free.columns[:-1])


def test_layers_before_dead_zones_wait() -> None:
    """A dead zone's two ends are one equation that a sweep solves: what lies before it starts where it was."""
    circuit = Network(inputs=2, layers=(Layer(size=3, amplifier=QUARTER), Layer(size=3, neuron=DeadZone())), outputs=2).compile()
    rng = np.random.default_rng(5)
    g = {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    x = rng.uniform(-1, 1, (2, 2))
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        free, layers = solver.problem.state(solver.solve(g, Drive(x))), solver.on.layers
        parts = linear_parts(layers, blocks.split(circuit, g), x)
        system = System(layers, parts, OutputNudge.of(Push(current=np.ones((2, 2)) * 1e-9), layers.outputs), Neurons(layers))
        _, start = linearized_start.nudged(system, free, linearized_start.slopes(layers, free))
    jax.tree.map(np.testing.assert_array_equal, (start.columns[:2], start.behind), (free.columns[:2], free.behind))
    assert (abs(np.asarray(start.columns[2]) - free.columns[2]) > 0).all()

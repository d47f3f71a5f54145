"""Linear bottlenecks: layers without diodes are their matrices, of no higher rank than they have nodes; layers may have no bias."""

from functools import cache

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.protocol import Drive, Push
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.read.parser import parse
from netlists.write.writer import write_deck
from support.differences import finite_differences
from support.nudges import propagation

AMPLIFIER = Amplifier(gain=4.0, back=0.25)
NARROW = Layer(2, neuron=Linear(), amplifier=AMPLIFIER)
PLAIN = Network(inputs=5, layers=(NARROW,), outputs=4)
WIDE = Layer(6, neuron=DiodePair(v_low=-0.15, v_high=0.1, i_sat=2e-7, n=1.3), bias=False, amplifier=AMPLIFIER)
BETWEEN = Network(inputs=5, layers=(WIDE, NARROW, WIDE), outputs=2)


@cache
def numbers(network: Network) -> tuple[Circuit, dict[str, np.ndarray], np.ndarray]:
    """Return a compiled circuit, with conductances and features that are drawn."""
    circuit, rng = network.compile(), np.random.default_rng(5)
    g = {e.name: np.exp(rng.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in circuit.trainable}
    return circuit, g, rng.uniform(-1, 1, (8, network.inputs))


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    circuit, g, _ = numbers(network)
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        assert isinstance(solver, LayeredSolver)
        return np.asarray(solver.solve(g, Drive(x)).outputs(circuit))


def by_kirchhoff(x: np.ndarray) -> np.ndarray:
    """Solve the currents into the columns of the one hidden layer and into the output columns, with pencil and paper."""
    _, g, _ = numbers(PLAIN)
    (w1, w2), ones = (g["w1"], g["w2"]), np.ones((len(x), 1))
    rows = np.hstack([x, -x, ones])
    inner, bias = w2[:-1], w2[-1]
    # hidden: Σ w1·(v_r − h) = back·Σ inner·(gain·h − o); outputs: Σ inner·(gain·h − o) + bias·(1 − o) = 0
    hidden = np.diag(w1.sum(axis=0) + AMPLIFIER.back * AMPLIFIER.gain * inner.sum(axis=1))
    matrix = np.block([[hidden, -AMPLIFIER.back * inner], [-AMPLIFIER.gain * inner.T, np.diag(w2.sum(axis=0))]])
    load = np.hstack([rows @ w1, ones * bias])
    columns = np.linalg.solve(matrix, load.T).T[:, w1.shape[1] :]
    return columns[:, 0::2] - columns[:, 1::2]


def test_a_linear_layer_is_its_matrix() -> None:
    """What the engine finds is one linear system, of rank two, and adds up: f(a + b) − f(0) = f(a) − f(0) + f(b) − f(0)."""
    _, _, x = numbers(PLAIN)
    ours = outputs(PLAIN, x)
    np.testing.assert_allclose(ours, by_kirchhoff(x), atol=1e-12)
    assert np.linalg.matrix_rank(ours - ours[0], tol=1e-9) == 2
    zero, first, second, both = outputs(PLAIN, np.stack([0 * x[0], x[0], x[1], x[0] + x[1]]))
    np.testing.assert_allclose(both - zero, first + second - 2 * zero, atol=1e-12)


def test_a_bottleneck_between_diode_layers_is_solved_alike_by_all_engines() -> None:
    """Node by node, free and nudged: sweeps over the layers, one system of all nodes, and ngspice."""
    circuit, g, x = numbers(BETWEEN)
    chip = Chip.nominal(circuit)
    drive = Drive(x[:2], Push(beta=1e-7, target=np.array([[0.1, 0.0]])))
    voltages = []
    for engine in (NumericEngine(), GeneralEngine(), NgspiceEngine(workers=1)):
        with engine.prepare(circuit, chip) as solver:
            voltages.append(solver.solve(g, drive).v)
    for group in circuit.groups:
        for other in voltages[1:]:
            np.testing.assert_allclose(np.asarray(other[group.name]), np.asarray(voltages[0][group.name]), atol=1e-9)


@pytest.mark.usefixtures("jax_64_bits")
def test_gradients_pass_a_bottleneck() -> None:
    """Equilibrium propagation and the adjoint agree with finite differences in every array before, at and behind it."""
    circuit, g, x = numbers(BETWEEN)
    y = np.tile([[0.1, 0.0]], (len(x), 1))
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        differences = finite_differences(solver, g, x, y, SquaredError())
        exact = Adjoint().gradient(solver, g, x, y, SquaredError()).g
        ours = propagation(SquaredError(), 1e-8).gradient(solver, g, x, y, SquaredError()).g
    for name, values in differences.items():
        size = np.abs(values).max()
        np.testing.assert_allclose(np.asarray(exact[name]), values, atol=1e-5 * size)
        np.testing.assert_allclose(np.asarray(ours[name]), values, atol=1e-4 * size)


def test_a_layer_without_bias_has_no_bias_row() -> None:
    """Its array is smaller by it, the network counts so, and at 0 V inputs a circuit whose layers and outputs have none is at 0 V."""
    zero = Layer(6, neuron=DeadZone(i_sat=1e-6, n=1.1), bias=False)
    network = Network(inputs=5, layers=(zero, Layer(3)), outputs=2)
    assert [array.shape for array in network.compile().trainable] == [(10, 6), (7, 3), (4, 4)]
    assert network.memristors == 60 + 21 + 16
    silent = Network(inputs=5, layers=(WIDE,), outputs=2)
    circuit, g, _ = numbers(silent)
    g = {**g, "w2": np.vstack([g["w2"][:-1], np.full((1, 4), 1e-8)])}
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        at_rest = solver.solve(g, Drive(np.zeros((1, 5))))
    assert np.abs(np.asarray(at_rest.v["h1"])).max() < 1e-3


def test_its_deck_is_read_back_as_the_same_circuit() -> None:
    """Names, arrays and conductances."""
    circuit, g, x = numbers(BETWEEN)
    text = write_deck(circuit, Chip.nominal(circuit), g, x=x[0])
    read = parse(text)
    assert [array.shape for array in read.circuit.trainable] == [array.shape for array in circuit.trainable]
    for name, values in g.items():
        np.testing.assert_allclose(read.g[name], values, rtol=1e-12)

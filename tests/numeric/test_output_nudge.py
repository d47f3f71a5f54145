"""What nudges push into outputs: the columns settle where Kirchhoff's law holds with just that."""

import numpy as np
import pytest

import hwsim as hw
from hwsim.core.protocol import FREE, Push
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.layered.layers import OutputColumns
from hwsim.numeric.layered.output_nudge import OutputNudge

PAIRS = OutputColumns(np.array([0, 3]), np.array([2, 1]), 4)
SINGLE = OutputColumns(np.array([2, 0]), None, 4)
RNG = np.random.default_rng(0)
A, C = RNG.uniform(1e-5, 1e-4, 4), RNG.uniform(-1e-5, 1e-5, (3, 4))
TARGET, CURRENT = RNG.uniform(-1, 1, (3, 2)), RNG.uniform(-1e-5, 1e-5, (3, 2))
PUSHES = {
    "nothing": FREE,
    "follows": Push(2e-5, TARGET),
    "away": Push(-3e-6, TARGET),
    "each its own": Push(np.array([[1e-5], [0.0], [4e-5]]), TARGET),
    "current": Push(current=CURRENT),
    "both": Push(2e-5, TARGET, CURRENT),
}


@pytest.mark.parametrize("gain", [None, np.array([1.3, 0.6])], ids=["exact", "gains"])
@pytest.mark.parametrize("outputs", [PAIRS, SINGLE], ids=["pairs", "single"])
@pytest.mark.parametrize("push", PUSHES)
def test_columns_settle_under_what_is_pushed(push, outputs, gain) -> None:
    """Each output gets gain·(beta·(target − ŷ) + current), into its plus and out of its minus; the columns' equation then balances."""
    push = PUSHES[push]
    output_nudge = OutputNudge.of(push, outputs, gain)
    v = np.asarray(output_nudge.settled(A, C))
    read = v[:, outputs.plus] - (0.0 if outputs.minus is None else v[:, outputs.minus])
    into = (1.0 if gain is None else gain) * (push.beta * (push.target - read) + push.current)
    wanted = np.zeros((3, 4))
    wanted[:, outputs.plus] += into
    if outputs.minus is not None:
        wanted[:, outputs.minus] -= into
    np.testing.assert_allclose(output_nudge.at(v) + np.zeros((3, 4)), wanted, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(A * v, C + wanted, rtol=1e-10, atol=1e-18)


@pytest.mark.parametrize(
    ("neuron", "layers"),
    [
        (hw.DiodePair(v_low=0.0, v_high=0.3, i_sat=1e-6, n=1.0), (hw.Layer(4, amplifier=hw.Amplifier()),)),
        (hw.Rectifier(), ()),
        (hw.IdealPair(v_low=0.0), ()),
    ],
    ids=["pair", "rectifier", "ideal"],
)
def test_outputs_with_neurons_settle_as_general_circuits_do(neuron, layers) -> None:
    """Free, pushed to either side and displaced, and in the adjoint circuit: what Newton's method on a netlist finds."""
    network = hw.Network(inputs=3, layers=layers, outputs=5, differential=False, output_neuron=neuron, g_min=1e-7, g_max=1e-4)
    circuit = network.compile()
    g = {array.name: RNG.uniform(1e-6, 2e-5, array.shape) for array in circuit.trainable}
    x, error, chip = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 5)), hw.Chip.nominal(circuit)
    pushes = (Push(3e-6, np.zeros((4, 5))), Push(-3e-6, np.zeros((4, 5))), Push(current=1e-7 * error))
    with hw.NumericEngine().prepare(circuit, chip) as ours, GeneralEngine().prepare(circuit, chip) as other:
        assert isinstance(ours, LayeredSolver)
        free = [solver.solve(g, hw.Drive(x)) for solver in (ours, other)]
        both = [[one, *solver.nudged(g, x, one, pushes)[1:]] for solver, one in zip((ours, other), free, strict=True)]
        both = [[*phases, solver.adjoint(g, phases[0], error)] for solver, phases in zip((ours, other), both, strict=True)]
        displaced = ours.displaced(g, x, free[0], pushes[2:])[1]
    for mine, theirs in zip(*both, strict=True):
        for name, v in theirs.v.items():
            np.testing.assert_allclose(mine.v[name], v, atol=1e-9)
    np.testing.assert_allclose(displaced.outputs(circuit), both[0][3].outputs(circuit) - both[0][0].outputs(circuit), atol=1e-9)


def test_partners_are_the_other_columns_of_read_outs() -> None:
    """A column that nothing reads, or that is read alone, is its own."""
    np.testing.assert_array_equal(PAIRS.partners, [2, 3, 0, 1])
    np.testing.assert_array_equal(SINGLE.partners, [0, 1, 2, 3])
    np.testing.assert_array_equal(PAIRS.signs, [[1, 0, -1, 0], [0, -1, 0, 1]])

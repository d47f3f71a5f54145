"""Circuits without layers through the numeric engine: its own choice of solver, and the gradients of every rule."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, CurrentSources, Diodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Layer, Network
from circuits.neurons import Linear
from circuits.nodes import GROUND
from hwsim.core.protocol import Drive, UnsupportedCircuitError
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import CrossEntropy, Loss, SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.numeric.general.general_solver import GeneralSolver
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine
from support.nudges import propagation
from support.reading import parse

X, Y = np.array([[0.7, -0.4], [-0.9, 0.8], [0.1, 0.3]]), np.array([[0.1, 0.3], [-0.2, 0.2], [0.0, 0.1]])
LOSSES: dict[str, Loss] = {"squared-error": SquaredError(), "cross-entropy": CrossEntropy(v_softmax=0.1, low=-0.2, high=0.3)}


def tangle(*, gain: float = 3.0) -> tuple[Circuit, dict[str, np.ndarray]]:
    """Make devices on both sides of two amplifiers in one array, a source between two free nodes, and a crossbar with its rows anywhere."""
    builder = Builder()
    x, n, m, out = builder.group("x", 2), builder.group("n", 5), builder.group("m", 2), builder.group("out", 3)
    a = np.concatenate([x, x[::-1], n[[0, 1, 2]], m, m])
    b = np.concatenate([n[:2], n[:2], n[[1, 2, 0]], out[:2], out[[2, 0]]])
    rng = np.random.default_rng(3)
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0, 1], scale=[1.0, -2.0]),
        Memristors(name="r", a=a, b=b, g_min=1e-9, g_max=1e-2),
        Crossbar(name="w", rows=np.concatenate([n[3:4], x[:1], n[:1]]), columns=n[[2, 4]], g_min=1e-9, g_max=1e-2),
        VoltageSources(name="floating", plus=n[3], minus=n[1], v=0.2),
        CurrentSources(name="i", a=GROUND, b=n[4], i=3e-6),
        Diodes(name="d", anode=n[[0, 2]], cathode=n[[1, 4]], i_sat=1e-8, n=1.4),
        Diodes(name="to_ground", anode=GROUND, cathode=out[:1], i_sat=1e-8, n=1.1),
        Resistors(name="load", a=out, b=GROUND, r=[3e4, 5e4, 2e4]),
        Amplifiers(name="amp", input=n[[2, 4]], output=m, gain=gain, back=1 / gain, offset=0.01),
        Nudges(name="nudge", plus=out[[0, 1]], minus=[out[2], 0]),
    )
    circuit = builder.circuit("tangle")
    return circuit, {e.name: np.exp(rng.uniform(np.log(5e-6), np.log(1e-4), e.shape)) for e in circuit.trainable}


@pytest.fixture(scope="module")
def tangled() -> tuple[GeneralSolver, dict[str, np.ndarray]]:
    """Return the tangle, ready to be solved."""
    circuit, g = tangle()
    solver = NumericEngine().prepare(circuit, Chip.nominal(circuit))
    assert isinstance(solver, GeneralSolver)
    return solver, g


def differences(solver: GeneralSolver, g: dict[str, np.ndarray], loss: Loss) -> dict[str, np.ndarray]:
    """Take central finite differences of the mean loss by every conductance."""

    def mean_loss(name: str, at: tuple[int, ...], factor: float) -> float:
        moved = dict(g) | {name: g[name].copy()}
        moved[name][at] *= factor
        return float(loss.value(solver.solve(moved, Drive(X)).outputs(solver.circuit), Y).mean())

    h = 1e-4
    result = {name: np.empty_like(values) for name, values in g.items()}
    for name, values in g.items():
        for at in np.ndindex(values.shape):
            result[name][at] = (mean_loss(name, at, 1 + h) - mean_loss(name, at, 1 - h)) / (2 * h * values[at])
    return result


def apart(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """Return the largest difference as a share of the largest entry."""
    return max(float(np.abs(np.asarray(a[name]) - b[name]).max() / np.abs(b[name]).max()) for name in b)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_what_finite_differences_say(loss, tangled):
    """The adjoint's, and that of equilibrium propagation; devices before the amplifiers and behind them weigh what they must."""
    solver, g = tangled
    wanted = differences(solver, g, LOSSES[loss])
    assert apart(Adjoint().gradient(solver, g, X, Y, LOSSES[loss]).g, wanted) < 1e-6
    assert apart(propagation(LOSSES[loss], 1e-8).gradient(solver, g, X, Y, LOSSES[loss]).g, wanted) < 1e-5


def test_an_array_has_a_factor_for_each_of_its_devices():
    """Before an amplifier of 3 and 1/3 a device weighs 9 times what one behind it does."""
    circuit, _ = tangle()
    factors = energy_factors(circuit, Chip.nominal(circuit))
    assert factors["w"] == pytest.approx(9.0)
    np.testing.assert_allclose(factors["r"], [9.0] * 7 + [1.0] * 4)


def test_coupled_learning_follows_the_gradient(tangled):
    """With a small clamp, its direction lies along the gradient."""
    solver, g = tangled
    exact = Adjoint().gradient(solver, g, X, Y, SquaredError()).g
    gradient = CoupledLearning(eta=1e-3, stiffness=1.0).gradient(solver, g, X, Y, SquaredError()).g
    for name, along in exact.items():
        assert (gradient[name] * along).sum() > 0.7 * np.linalg.norm(gradient[name]) * np.linalg.norm(along)


def test_the_adjoint_knows_sources_that_only_look_one_way():
    """Where a source is controlled from elsewhere there is no energy, and the adjoint circuit still gives the derivative."""
    roles = "*hwsim: trainable r* g_min=1e-9 g_max=1\n*hwsim: input v1 v2\n*hwsim: output b\n*hwsim: output c\n"
    deck = parse(
        f"one way\n{roles}v1 a 0 1\nv2 d 0 0\nr1 a b 1k\nr2 b 0 2k\ne1 e 0 b a 2\nr3 e c 3k\nr4 c d 1k\ng1 b c e 0 1e-4\nvs c s 0\n"
        "r5 s 0 1k\nf1 b 0 vs 0.3\nh1 h 0 vs 200\nr6 h b 4k\nd1 b c dm\n.model dm D(is=1e-8)\n.end\n"
    )
    with NumericEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        loss = SquaredError()
        assert apart(Adjoint().gradient(solver, deck.g, X, Y, loss).g, differences(solver, deck.g, loss)) < 1e-6


def chain(columns: list[int]) -> Circuit:
    """Make two crossbars one behind the other; `columns` of the second are among h_0, h_1, h_2, out_0 and out_1."""
    builder = Builder()
    x, h, out = builder.group("x", 2), builder.group("h", 3), builder.group("out", 2)
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0, 1]),
        Crossbar(name="w1", rows=x, columns=h),
        Crossbar(name="w2", rows=h, columns=np.concatenate([h, out])[columns]),
        Resistors(name="r", a=out, b=GROUND, r=1e5) if columns != [3, 4] else Diodes(name="d", anode=h, cathode=GROUND, i_sat=1e-9, n=1),
        Nudges(name="nudge", plus=out[:1] if columns == [3, 4] else out, minus=GROUND),
    )
    return builder.circuit("chain")


def test_only_chains_of_layers_are_solved_as_such():
    """A crossbar that leads back to columns which another has filled is no layer, though it follows."""
    layered, back = chain([3, 4]), chain([3, 4, 0])
    assert isinstance(NumericEngine().prepare(layered, Chip.nominal(layered)), LayeredSolver)
    assert isinstance(NumericEngine().prepare(back, Chip.nominal(back)), GeneralSolver)


def test_dead_zones_are_layers_where_both_diodes_lead_to_the_same_nodes():
    """Every neuron makes a layer; where a dead zone's way back begins at other nodes than its way forth ended at, there is none."""
    for neuron in (DeadZone(), DiodePair(), Linear(), Rectifier(), IdealPair(), IdealRectifier()):
        circuit = Network(inputs=2, layers=(Layer(size=3, neuron=neuron), Layer(size=2, neuron=neuron)), outputs=1).compile()
        assert isinstance(NumericEngine().prepare(circuit, Chip.nominal(circuit)), LayeredSolver)
    circuit = Network(inputs=2, layers=(Layer(size=3, neuron=DeadZone()),), outputs=1).compile()
    forward, backward = circuit.of(Diodes)
    crossed = replace(backward, anode=np.roll(backward.anode, 1))
    spoiled = replace(circuit, elements=tuple(crossed if e is backward else e for e in circuit.elements))
    assert set(forward.cathode) == set(crossed.anode)
    assert isinstance(NumericEngine().prepare(spoiled, Chip.nominal(spoiled)), GeneralSolver)


@pytest.mark.parametrize(("settings", "remedy"), [({"precision": "float32"}, "training.precision"), ({"newton": False}, "solver.newton")])
def test_what_only_layers_have_is_refused_for_others(settings, remedy):
    """32 bits, and doing without Newton's method: the message names what is not layered, and what to set."""
    circuit, _ = tangle()
    with pytest.raises(UnsupportedCircuitError, match=rf"tangle: .* not layered; .* set {remedy}"):
        NumericEngine(**settings).prepare(circuit, Chip.nominal(circuit))

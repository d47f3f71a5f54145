"""What rules make of the drops that devices see: each formula worked out device by device, from voltages of the ports' solver."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Capability, ConvergenceError, Drive, Equilibrium, Push, UnsupportedCircuitError
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.skipping import Skipping
from hwsim.numeric.general.general_solver import GeneralEngine
from support.nudges import nudges, propagation

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.5))
CIRCUIT = Network(inputs=2, layers=(HIDDEN,), outputs=2, differential=False).compile("contrast")
FACTORS = {"w1": 8.0, "w2": 1.0}
RNG = np.random.default_rng(0)
G = {e.name: np.exp(RNG.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in CIRCUIT.trainable}
X, Y = RNG.uniform(-1, 1, (3, 2)), RNG.uniform(-0.2, 0.2, (3, 2))


@pytest.fixture(scope="module")
def solver():
    """Return the circuit, prepared once."""
    with GeneralEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as prepared:
        yield prepared


def squares(equilibrium: Equilibrium) -> dict[str, np.ndarray]:
    """Sum the squared drops of every device over the batch [V²]."""
    return {
        w.name: ((equilibrium.at(CIRCUIT, w.rows)[:, :, None] - equilibrium.at(CIRCUIT, w.columns)[:, None, :]) ** 2).sum(axis=0)
        for w in CIRCUIT.trainable
    }


@pytest.mark.parametrize(("method", "sides"), [("centred", (1, -1)), ("positive", (1, 0)), ("negative", (-1, 0)), ("random-sign", (-1, 0))])
def test_equilibrium_propagation_compares_squared_drops(solver, method, sides) -> None:
    """(c_l/c_L)·(Δv(β₁)² − Δv(β₂)²) / (2·(β₁ − β₂)), the mean over the batch."""
    beta = 1e-6
    first, second = (squares(solver.solve(G, Drive(X, Push(side * beta, Y)))) for side in sides)
    gradient = propagation(SquaredError(), beta, method).gradient(solver, G, X, Y, SquaredError(), Draw(-1.0))
    for name, values in gradient.g.items():
        wanted = FACTORS[name] * (first[name] - second[name]) / (2 * (sides[0] - sides[1]) * beta) / len(X)
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())
    free = solver.solve(G, Drive(X)).outputs(CIRCUIT)
    np.testing.assert_allclose(gradient.loss, 0.5 * ((free - Y) ** 2).sum(axis=1))
    np.testing.assert_allclose(gradient.outputs, free, rtol=0, atol=1e-12)


def test_coupled_learning_compares_with_a_clamp(solver) -> None:
    """(c_l/c_L)·(Δv_clamped² − Δv_free²) / (2·eta), the outputs held a share eta of the way to the target."""
    eta, stiffness = 0.3, 1e-2
    free = solver.solve(G, Drive(X))
    clamp = free.outputs(CIRCUIT) + eta * (Y - free.outputs(CIRCUIT))
    clamped, before = squares(solver.solve(G, Drive(X, Push(stiffness, clamp)))), squares(free)
    gradient = CoupledLearning(eta, stiffness).gradient(solver, G, X, Y, SquaredError())
    for name, values in gradient.g.items():
        wanted = FACTORS[name] * (clamped[name] - before[name]) / (2 * eta) / len(X)
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max())


def test_amplifiers_that_differ_weigh_by_their_geometric_mean() -> None:
    """In the first layer each column has its amplifier's weight; before several amplifiers, their mean."""
    circuit = Network(inputs=2, layers=(HIDDEN, HIDDEN), outputs=1, differential=False).compile("unlike")
    gains = {"amp1": np.array([2.0, 4.0, 5.0]), "amp2": np.array([3.0, 4.0, 9.0])}
    factors = energy_factors(circuit, Chip(circuit, {name: {"gain": gain} for name, gain in gains.items()}))
    second = np.prod(gains["amp2"] / 0.5) ** (1 / 3)
    np.testing.assert_allclose(factors["w1"], gains["amp1"] / 0.5 * second)
    np.testing.assert_allclose([factors["w2"], factors["w3"]], [second, 1.0])


def test_failed_samples_are_told_or_raised(solver) -> None:
    """Nudged too far away from its target an output has no equilibrium: in every phase that is raised, or reported without `throw`."""
    nudge = nudges(SquaredError(), 1e-6, -1.0)
    with pytest.raises(ConvergenceError, match="3 of 3 samples"):
        solver.phases(G, X, Y, nudge)
    quiet = solver.phases(G, X, Y, nudge, throw=False)
    assert [phase.result.any() for phase in quiet] == [False, False, True]


def test_only_what_has_an_adjoint_gives_it(solver) -> None:
    """The rule names which engine has one; a lenient solver hands on what its own has, and nothing else."""

    class Bare:
        circuit, chip, capabilities = CIRCUIT, solver.chip, frozenset()

    for bare in (Bare(), Skipping(Bare())):
        with pytest.raises(UnsupportedCircuitError, match=r"rule adjoint needs .* --engine numeric"):
            Adjoint().gradient(bare, G, X, Y, SquaredError())
    exact = Adjoint().gradient(solver, G, X, Y, SquaredError()).g
    for name, values in Adjoint().gradient(Skipping(solver), G, X, Y, SquaredError()).g.items():
        np.testing.assert_array_equal(values, exact[name])
    assert Skipping(solver).capabilities == solver.capabilities - {Capability.MANY_CHIPS}

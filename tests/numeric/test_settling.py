"""Settling: what is reported converged is right, and what is not right is reported, however far the numbers lie apart."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core import kirchhoff
from hwsim.core.protocol import ConvergenceError, Drive, Push, Result
from hwsim.numeric.layered import newton
from hwsim.numeric.layered.gauss_seidel import largest_of_rows
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine

QUARTER = Amplifier(gain=4.0, back=0.25)
SMALL = Network(inputs=2, layers=(Layer(size=3, amplifier=QUARTER),), outputs=2, differential=False)


def solver(network: Network, **options: object) -> LayeredSolver:
    circuit = network.compile()
    return NumericEngine(**options).prepare(circuit, Chip.nominal(circuit))


small = cache(solver)


def drawn(circuit: Circuit, *sizes: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw conductances around a size a crossbar [S], and features."""
    rng = np.random.default_rng(8)
    g = {e.name: size * rng.uniform(0.3, 3.0, e.shape) for e, size in zip(circuit.trainable, sizes, strict=True)}
    return g, rng.uniform(-1, 1, (3, circuit.input_count))


@pytest.mark.usefixtures("jax_64_bits")
@pytest.mark.parametrize("columns", [1, 7, 64, 100, 131])
def test_the_largest_of_a_row_is_in_any_place(columns: int) -> None:
    """However a row is cut into parts; where a value is none, or infinite, so is its row's."""
    rows = np.random.default_rng(0).uniform(size=(2 * columns, columns))
    each = np.arange(columns)
    rows[each, each] += 1.0
    rows[columns + each, each] = np.where(each % 2, np.nan, np.inf)
    most = np.asarray(largest_of_rows(jnp.asarray(rows)))
    np.testing.assert_array_equal(most[:columns], rows[:columns].max(axis=1))
    assert not np.isfinite(most[columns:]).any()


def test_few_samples_settle_as_many_do() -> None:
    """Products of a few samples are worked out in another form than those of many; the voltages are the same."""
    one = small(SMALL)
    g, x = drawn(one.circuit, 1e-5, 1e-5)
    many = np.concatenate([x, -x, 0.5 * x])
    for start in range(0, len(many), len(x)):
        few = slice(start, start + len(x))
        for group, v in one.solve(g, Drive(many[few])).v.items():
            np.testing.assert_allclose(one.solve(g, Drive(many)).v[group][few], v, rtol=0, atol=1e-12)


def test_too_few_steps_are_reported() -> None:
    """A search that is cut short reports it: by a code and a residual a sample, and by an error that names what to try."""
    short = solver(SMALL, max_steps=1)
    g, x = drawn(short.circuit, 1e-5, 1e-5)
    equilibrium = short.solve(g, Drive(x), throw=False)
    assert (equilibrium.result == Result.MAX_STEPS).all()
    assert (equilibrium.steps == 1).all()
    assert (equilibrium.residual > 1e-9).all()
    with pytest.raises(ConvergenceError, match=r"3 of 3 samples .* after 1 steps: .*raise solver\.max_steps"):
        short.solve(g, Drive(x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_a_sample_that_is_no_number_hurts_no_other(value: float) -> None:
    """It is reported as not finite; the batch's other samples come out as if it were not there."""
    one = small(SMALL)
    g, x = drawn(one.circuit, 1e-5, 1e-5)
    spoilt = x.copy()
    spoilt[1, 0] = value
    clean, equilibrium = one.solve(g, Drive(x)), one.solve(g, Drive(spoilt), throw=False)
    assert equilibrium.result.tolist() == [Result.CONVERGED, Result.NOT_FINITE, Result.CONVERGED]
    for group, v in clean.v.items():
        np.testing.assert_allclose(equilibrium.v[group][[0, 2]], v[[0, 2]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("sizes", [(1e-5, 1e-5), (1e-7, 3e-5)], ids=["held by inputs", "held by little"])
def test_past_convexity_is_reported_and_before_it_is_not(sizes: tuple[float, float]) -> None:
    """A negative nudge is refused from where the circuit without its diodes has no stable voltages any more, and not before."""
    one = small(SMALL)
    circuit = one.circuit
    g, x = drawn(circuit, *sizes)
    w = g["w2"][:-1]
    hidden = np.diag(g["w1"].sum(axis=0) + w.sum(axis=1))  # gain·back = 1
    resistance = np.linalg.inv(np.diag(g["w2"].sum(axis=0)) - w.T @ np.linalg.inv(hidden) @ w)
    limit = -1.0 / np.linalg.eigvalsh(resistance).max()
    y = np.zeros((3, 2))
    before = one.solve(g, Drive(x, Push(beta=0.98 * limit, target=y)), throw=False)
    past = one.solve(g, Drive(x, Push(beta=1.02 * limit, target=y)), throw=False)
    assert (before.result == Result.CONVERGED).all()
    assert (past.result == Result.NOT_CONVEX).all()
    with pytest.raises(ConvergenceError, match="bring beta nearer to 0"):
        one.solve(g, Drive(x, Push(beta=1.02 * limit, target=y)))


def test_32_bit_is_64_bit_but_for_rounding() -> None:
    """Voltages in 32 bit are those in 64 bit to a few of the tolerances that 32 bit can meet."""
    single, double = small(SMALL, precision="float32"), small(SMALL)
    g, x = drawn(double.circuit, 1e-5, 1e-5)
    ours, exact = single.solve(g, Drive(x)), double.solve(g, Drive(x))
    for group, v in exact.v.items():
        assert ours.v[group].dtype == np.float32
        np.testing.assert_allclose(ours.v[group], v, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("neuron", "resistance"),
    [(IdealPair(v_low=-0.1, v_high=0.2), 0.0), (DiodePair(), 3e3)],
    ids=["ideal-pair", "behind resistances"],
)
def test_newton_finds_what_sweeps_find(neuron: DiodePair | IdealPair, resistance: float) -> None:
    """Both ways to an equilibrium end at the same one, and Newton's knows it in far fewer steps."""
    circuit = Network(inputs=2, layers=(Layer(size=3, neuron=neuron, amplifier=QUARTER), Layer(size=4)), outputs=2).compile()
    values = {"output_resistance": np.full(3, resistance)} if resistance else {}
    chip = Chip(circuit, {circuit.of(Amplifiers)[0].name: values} if values else {})
    g, x = drawn(circuit, 1e-5, 1e-5, 1e-5)
    swept, equilibrium = (NumericEngine(newton=newton).prepare(circuit, chip).solve(g, Drive(x)) for newton in (False, True))
    for group, v in equilibrium.v.items():
        np.testing.assert_allclose(swept.v[group], v, rtol=0, atol=1e-10)
    assert equilibrium.steps.max() < 80


def test_large_batches_are_factorized_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the matrices of all samples are too many to be held at once, the answers are the same."""
    network = Network(inputs=2, layers=(Layer(size=3, amplifier=QUARTER),), outputs=2)
    whole = small(network, newton=True)
    g, x = drawn(whole.circuit, 1e-7, 1e-4)
    together = whole.solve(g, Drive(x))
    monkeypatch.setattr(newton, "_ELEMENTS", 1)
    apart = solver(network, newton=True).solve(g, Drive(x))
    for group, v in together.v.items():
        np.testing.assert_allclose(apart.v[group], v, rtol=0, atol=1e-13)


def unloaded(g: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Solve the nodes of a linear network of two hidden layers without amplifiers as one system: outputs, (B, columns) [V]."""
    w1, w2, w3 = (g[name] for name in ("w1", "w2", "w3"))
    a, b, c = w1.shape[1], w2.shape[1], w3.shape[1]
    whole = np.zeros((a + b + c, a + b + c))
    whole[:a, a : a + b], whole[a : a + b, a + b :] = -w2, -w3
    whole += whole.T
    np.fill_diagonal(whole, [*(w1.sum(0) + w2.sum(1)), *(w2.sum(0) + w3.sum(1)), *w3.sum(0)])
    return np.linalg.solve(whole, np.vstack([(x @ w1).T, np.zeros((b + c, len(x)))]))[a + b :].T


@pytest.mark.parametrize("ratio", [1.0, 1e2, 1e4, 1e5])
def test_layers_that_hold_each_other_tight_settle(ratio: float) -> None:
    """A layer's conductance to its neighbours may be any multiple of that to the sources; sweeps alone would need as many passes."""
    one = small(Network(inputs=3, layers=(Layer(size=4, neuron=Linear()),) * 2, outputs=2, bias=False, signed_inputs=False), newton=True)
    g, x = drawn(one.circuit, 1e-7, 1e-7 * ratio, 1e-7)
    equilibrium = one.solve(g, Drive(x))
    np.testing.assert_allclose(equilibrium.v["out"], unloaded(g, x), rtol=0, atol=1e-10)
    assert equilibrium.steps.max() < 100


def test_what_rounding_hides_is_not_called_converged() -> None:
    """With 12 decades between conductances, rounding in the large ones drowns the currents of the small ones: that is reported."""
    one = small(Network(inputs=3, layers=(Layer(size=4, neuron=Linear()),) * 2, outputs=2, bias=False, signed_inputs=False), newton=True)
    g, x = drawn(one.circuit, 1e-12, 1.0, 1e-12)
    equilibrium = one.solve(g, Drive(x), throw=False)
    assert (equilibrium.result == Result.MAX_STEPS).all()
    assert equilibrium.steps.max() < 200


EXTREMES = {
    "six layers": (Network(inputs=2, layers=(Layer(size=3),) * 5, outputs=1), 1e-5, 1.0),
    "a kilovolt": (
        Network(inputs=2, layers=(Layer(size=3, neuron=DiodePair(i_sat=1e-18, n=1.0), amplifier=QUARTER),), outputs=1),
        1e-4,
        1e3,
    ),
    "gain 100": (Network(inputs=2, layers=(Layer(size=3, amplifier=Amplifier(gain=100.0, back=0.01)),) * 2, outputs=1), 1e-5, 1.0),
    "gain 0.1 behind leaky diodes": (
        Network(inputs=2, layers=(Layer(size=3, neuron=Rectifier(i_sat=1e-3), amplifier=Amplifier(gain=0.1, back=10.0)),), outputs=1),
        1e-6,
        10.0,
    ),
    "dead zones": (Network(inputs=2, layers=(Layer(size=3, neuron=DeadZone()), Layer(size=2, neuron=DeadZone())), outputs=1), 1e-5, 100.0),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(name: str) -> None:
    """Deep, hard driven, hardly conducting, strongly amplified: every sample settles, and Kirchhoff's law holds."""
    network, size, volts = EXTREMES[name]
    one = solver(network, newton=True)
    g, x = drawn(one.circuit, *(size for _ in one.circuit.trainable))
    drive = Drive(volts * x)
    equilibrium = one.solve(g, drive)
    balance = kirchhoff.balance(one.circuit, one.chip, g, drive, equilibrium)
    assert (balance.residual <= 1e-9 * balance.largest).all()


@pytest.mark.parametrize(
    ("what", "x", "message"),
    [
        ("a feature too many", np.zeros((2, 3)), r"x has shape \(2, 3\); network takes \(samples, 2\)"),
        ("no batch", np.zeros(2), r"x has shape \(2,\)"),
    ],
)
def test_wrong_shapes_are_refused(what: str, x: np.ndarray, message: str) -> None:
    """The error names the shape that was given and the one that fits."""
    del what
    one = small(SMALL)
    with pytest.raises(ValueError, match=message):
        one.solve(drawn(one.circuit, 1e-5, 1e-5)[0], Drive(x))


def test_a_state_that_would_not_last_is_reported() -> None:
    """Amplifiers far apart in gain and back may feed back more than the circuit takes up: at equilibrium it then stands on a knife's edge.

    That is reported; pushed to either side, it falls into a state that lasts.
    """
    layers = (Layer(size=1, neuron=DiodePair()), Layer(size=2, neuron=DiodePair(), amplifier=Amplifier(gain=1.0, back=1.0)))
    circuit = Network(inputs=1, layers=layers, outputs=1, differential=False, signed_inputs=False, bias=False).compile()
    chip = Chip(circuit, {circuit.of(Amplifiers)[0].name: {"gain": np.array([10.0, 0.1]), "back": np.array([0.1, 10.0])}})
    sizes = dict(zip((element.name for element in circuit.trainable), (1e-7, 1e-3, 1e-5), strict=True))
    g = {element.name: np.full(element.shape, sizes[element.name]) for element in circuit.trainable}
    with NumericEngine().prepare(circuit, chip) as solver:
        equilibrium = solver.solve(g, Drive(np.array([[0.0], [0.01], [-0.01]])), throw=False)
    assert equilibrium.result.tolist() == [Result.NOT_CONVEX, Result.CONVERGED, Result.CONVERGED]
    up, down = equilibrium.outputs(circuit)[1:, 0]
    assert down < 0 < up
    assert min(up, -down) > 0.1

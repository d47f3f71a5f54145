"""Laws that hold in any resistive circuit, verified on the numeric engine's voltages by means of the elements alone."""

from functools import cache

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear, Neuron
from hwsim.core import current_flow
from hwsim.core.protocol import Drive, Equilibrium, Push
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine

BATCH = 3
QUARTER, SKEWED = Amplifier(gain=4.0, back=0.25), Amplifier(gain=3.0, back=0.5, offset=0.02)
PAIR, WIDE = DiodePair(v_low=-0.15, v_high=0.1, i_sat=2e-7, n=1.3), DiodePair(v_low=-0.4, v_high=0.2, i_sat=1e-9)
RICH = Network(inputs=3, layers=(Layer(size=4, neuron=PAIR, amplifier=QUARTER), Layer(size=3, neuron=WIDE, amplifier=SKEWED)), outputs=2)
LINEAR = Network(inputs=3, layers=(Layer(size=4, neuron=Linear()),), outputs=2, signed_inputs=False, bias=False)


@cache
def prepared(network: Network) -> LayeredSolver:
    """Prepare a network once for all laws; straight to Newton's method, which compiles one program instead of two."""
    circuit = network.compile()
    return NumericEngine(newton=len(network.layers) > 1).prepare(circuit, Chip.nominal(circuit))


def drawn(circuit: Circuit, name: str) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Draw conductances [S], features and targets [V]."""
    rng = np.random.default_rng([*name.encode()])
    g = {e.name: np.exp(rng.uniform(np.log(2e-6), np.log(5e-5), e.shape)) for e in circuit.trainable}
    return g, rng.uniform(-1, 1, (BATCH, circuit.input_count)), rng.uniform(-1, 1, (BATCH, len(circuit.outputs)))


def assert_same(a: Equilibrium, b: Equilibrium, atol: float) -> None:
    """Compare all voltages."""
    for group, v in a.v.items():
        np.testing.assert_allclose(v, b.v[group], rtol=0, atol=atol, err_msg=group)


def test_tellegen() -> None:
    """What sources and amplifiers deliver, memristors and diodes turn into heat: not a watt is lost."""
    solver, chip = prepared(RICH), Chip.nominal(prepared(RICH).circuit)
    circuit = solver.circuit
    g, x, _ = drawn(circuit, "tellegen")
    v = np.zeros((BATCH, circuit.size + 1))
    for group, volts in solver.solve(g, Drive(x)).v.items():
        v[:, circuit.nodes(group)] = volts
    heat, leaving = np.zeros(BATCH), current_flow.flow(circuit, chip, g, Drive(x), v, every=True).leaving
    for crossbar in circuit.trainable:
        drops = v[:, crossbar.rows][:, :, None] - v[:, crossbar.columns][:, None, :]
        heat += (g[crossbar.name] * drops**2).sum(axis=(1, 2))
    for ends, others, i in current_flow.branches(circuit, chip, Drive(x), v):
        heat += ((v[:, ends.numbers] - v[:, others.numbers]) * i.T).sum(axis=1)
    kept = np.concatenate([source.plus for source in (*circuit.inputs, *circuit.voltage_sources)])
    delivered = (v[:, kept] * leaving[:, kept]).sum(axis=1)
    for name in ("amp1", "amp2"):
        amplifier = circuit[name]
        out = leaving[:, amplifier.output]
        delivered += ((v[:, amplifier.output] - amplifier.back * v[:, amplifier.input]) * out).sum(axis=1)
    np.testing.assert_allclose(delivered, heat, rtol=1e-10)


def content(neuron: Neuron, v: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Integrate a neuron's current from v to w [W], each (n,), by Gauss's rule."""
    at, weights = np.polynomial.legendre.leggauss(60)
    middle, half = (v + w) / 2, (w - v) / 2
    return (neuron.current(middle + np.multiply.outer(at, half)) * weights[:, None]).sum(axis=0) * half


def rise(g: dict[str, np.ndarray], x: np.ndarray, at: list[np.ndarray], to: list[np.ndarray]) -> float:
    """Return how much co-content RICH gains, E = Σ c_l·(P_l + neurons), when its columns go from voltages `at` to `to` [W]."""
    total, c = 0.0, 1.0
    for_rows = (x, x)
    for k, (columns, moved) in enumerate(zip(at, to, strict=True)):
        crossbar = g[f"w{k + 1}"]
        powers = [
            0.5 * (crossbar * (np.append(rows, 1.0)[:, None] - v) ** 2).sum() for rows, v in zip(for_rows, (columns, moved), strict=True)
        ]
        total += c * (powers[1] - powers[0])
        if k < len(RICH.layers):
            layer = RICH.layers[k]
            amplifier = layer.amplifier
            assert amplifier is not None
            total += c * float(content(layer.neuron, columns, moved).sum())
            for_rows = tuple(amplifier.gain * (v + amplifier.offset) for v in (columns, moved))
            c *= amplifier.back / amplifier.gain
    return total


@pytest.mark.parametrize("beta", [0.0, 3e-6])
def test_the_equilibrium_has_the_least_co_content(beta: float) -> None:
    """Any other voltages have more co-content (nudged: plus beta times the loss), and to first order a small step away costs nothing."""
    solver = prepared(RICH)
    g, x, y = drawn(solver.circuit, "co-content")
    equilibrium = solver.solve(g, Drive(x, Push(beta=beta, target=y)))
    rng = np.random.default_rng(4)
    c_last = (QUARTER.back / QUARTER.gain) * (SKEWED.back / SKEWED.gain)

    def cost(k: int, to: list[np.ndarray]) -> float:
        def loss(out: np.ndarray) -> float:
            return 0.5 * float(((y[k] - (out[0::2] - out[1::2])) ** 2).sum())

        at = [equilibrium.v[group][k] for group in ("h1", "h2", "out")]
        return rise(g, np.concatenate([x[k], -x[k]]), at, to) + c_last * beta * (loss(to[-1]) - loss(at[-1]))

    for k in range(BATCH):
        for size in (1e-3, 1e-2, 0.1):
            away = [size * rng.normal(size=equilibrium.v[group].shape[1]) for group in ("h1", "h2", "out")]
            up = cost(k, [equilibrium.v[group][k] + d for group, d in zip(("h1", "h2", "out"), away, strict=True)])
            small = [
                cost(k, [equilibrium.v[group][k] + s * d for group, d in zip(("h1", "h2", "out"), away, strict=True)])
                for s in (1e-3, -1e-3)
            ]
            assert up > 0
            assert min(small) > 0
            assert abs(small[0] - small[1]) < 0.1 * sum(small)


@pytest.mark.parametrize("volts", [1.0, 300.0])
def test_one_equilibrium_whatever_the_start(volts: float) -> None:
    """The search ends at the same voltages wherever it begins, however wild."""
    solver = prepared(RICH)
    g, x, _ = drawn(solver.circuit, "start")
    rng = np.random.default_rng(5)
    equilibrium = solver.solve(g, Drive(x))
    elsewhere = equilibrium._replace(v={group: rng.uniform(-volts, volts, v.shape) for group, v in equilibrium.v.items()})
    assert_same(solver.solve(g, Drive(x), start=elsewhere), equilibrium, 1e-11)
    again = solver.solve(g, Drive(x), start=equilibrium)
    assert_same(again, equilibrium, 1e-11)
    assert again.steps.max() < equilibrium.steps.max()


def test_names_of_columns_do_not_matter() -> None:
    """Hidden columns in another order, with their rows behind the amplifiers, give the same outputs and the columns' voltages reordered."""
    solver = prepared(RICH)
    g, x, _ = drawn(solver.circuit, "columns")
    order = np.array([2, 0, 3, 1])
    moved = g | {"w1": g["w1"][:, order], "w2": g["w2"][[*order, 4]]}
    before, after = (solver.solve(one, Drive(x)) for one in (g, moved))
    np.testing.assert_allclose(after.v["out"], before.v["out"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(after.v["h1"], before.v["h1"][:, order], rtol=0, atol=1e-12)


def test_scaling() -> None:
    """All conductances and saturation currents times k: the same voltages, k times the current, at equilibrium and on the way to it."""
    circuit = prepared(RICH).circuit
    g, x, _ = drawn(circuit, "scaling")
    k = 2.0**10  # a power of two, so that rounding scales too
    diodes = [f"h{layer}_d_{side}" for layer in (1, 2) for side in ("high", "low")]
    larger = Chip(circuit, {name: {"i_sat": k * circuit[name].i_sat} for name in diodes})
    scaled = {name: k * values for name, values in g.items()}
    engine = NumericEngine(max_steps=5, newton=False)
    before = engine.prepare(circuit, Chip.nominal(circuit)).solve(g, Drive(x), throw=False)
    after = engine.prepare(circuit, larger).solve(scaled, Drive(x), throw=False)
    assert_same(after, before, 1e-12)  # gmin does not scale
    np.testing.assert_allclose(after.residual, k * before.residual, rtol=1e-6)
    at_rest = NumericEngine(newton=True).prepare(circuit, larger).solve(scaled, Drive(x))
    assert_same(at_rest, prepared(RICH).solve(g, Drive(x)), 1e-11)


def transfers(network: Network, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the voltage gain from each input to each output, and the current gain back: both (inputs, outputs)."""
    solver = prepared(network)
    circuit = solver.circuit
    g, _, _ = drawn(circuit, name)
    forward = solver.solve(g, Drive(np.eye(3))).outputs(circuit)
    pushed = solver.solve(g, Drive(np.zeros((2, 3)), Push(current=1e-6 * np.eye(2))))
    into_sources = pushed.v["h1"] @ g["w1"].T
    return forward, into_sources.T / 1e-6


def test_reciprocity() -> None:
    """In a passive circuit the voltage gain from an input to an output is the current gain from that output to that input."""
    forward, backward = transfers(LINEAR, "reciprocity")
    np.testing.assert_allclose(backward, forward, rtol=1e-10)


def test_an_amplifier_is_not_reciprocal() -> None:
    """Across an amplifier the two gains differ by gain/back: a transposed crossbar or exchanged factor cannot pass."""
    amplifier = Amplifier(gain=3.0, back=0.5)
    network = Network(inputs=3, layers=(Layer(size=4, neuron=Linear(), amplifier=amplifier),), outputs=2, signed_inputs=False, bias=False)
    forward, backward = transfers(network, "amplified")
    np.testing.assert_allclose(backward * 6.0, forward, rtol=1e-10)


def test_superposition() -> None:
    """Without diodes and bias, the answer to a sum of inputs is the sum of the answers."""
    solver = prepared(LINEAR)
    g, x, _ = drawn(solver.circuit, "superposition")
    weights = np.array([[0.3, -2.0, 0.7], [1.0, 1.0, 1.0], [0.0, 5.0, 0.0]])
    summed = solver.solve(g, Drive(weights @ x))
    np.testing.assert_allclose(summed.v["out"], weights @ solver.solve(g, Drive(x)).v["out"], rtol=0, atol=1e-12)


def test_raising_an_input_lowers_no_voltage() -> None:
    """Where no input appears negated, more voltage in is nowhere less voltage, diodes or not."""
    network = Network(inputs=3, layers=RICH.layers, outputs=2, signed_inputs=False)
    solver = prepared(network)
    g, x, _ = drawn(solver.circuit, "monotone")
    equilibrium, raised = solver.solve(g, Drive(x)), solver.solve(g, Drive(x + np.diag([0.1, 0.5, 2.0])))
    for group, v in equilibrium.v.items():
        assert (raised.v[group] >= v - 1e-12).all()
    assert (raised.v["out"] > equilibrium.v["out"]).all()


def test_ideal_clamps_hold() -> None:
    """Columns with ideal clamps never leave their rails, however hard they are driven, and stand at them exactly."""
    network = Network(inputs=3, layers=(Layer(size=4, neuron=IdealPair(v_low=-0.2, v_high=0.1), amplifier=QUARTER),), outputs=2)
    solver = prepared(network)
    g, x, _ = drawn(solver.circuit, "clamps")
    for volts in (0.1, 1.0, 1e3):
        h = solver.solve(g, Drive(volts * x)).v["h1"]
        assert h.min() >= -0.2
        assert h.max() <= 0.1
    assert set(np.unique(h)) == {-0.2, 0.1}


def test_no_nudge_is_the_free_phase() -> None:
    """With beta 0 the target does not matter."""
    solver = prepared(RICH)
    g, x, y = drawn(solver.circuit, "no nudge")
    assert_same(solver.solve(g, Drive(x, Push(beta=0.0, target=y))), solver.solve(g, Drive(x)), 0.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_nudges_push_towards_the_target(sign: float) -> None:
    """A positive nudge brings every output nearer to its target, a negative one drives it away; a current into an output raises it."""
    solver = prepared(RICH)
    circuit = solver.circuit
    g, x, _ = drawn(circuit, "sign")
    free = solver.solve(g, Drive(x)).outputs(circuit)
    y = free + np.array([[0.2, 0.0], [0.0, 0.2], [-0.2, 0.0]])
    nudged = solver.solve(g, Drive(x, Push(beta=sign * 1e-6, target=y))).outputs(circuit)
    ours = np.array([0, 1, 0])
    rows = np.arange(BATCH)
    assert (sign * (nudged - free)[rows, ours] * (y - free)[rows, ours] > 0).all()
    pushed = solver.solve(g, Drive(x, Push(current=1e-7 * np.eye(3, 2)))).outputs(circuit)
    assert (pushed - free)[0, 0] > 1e-4
    assert (pushed - free)[1, 1] > 1e-4
    np.testing.assert_allclose(pushed[2], free[2], rtol=0, atol=1e-12)

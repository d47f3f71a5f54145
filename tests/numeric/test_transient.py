"""Circuits in time obey the laws of charge and rest, and two integrators that know nothing of each other agree."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.capacitors import moving_nodes, with_capacitors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Capacitors, IdealDiodes, InputSources, Nudges, Resistors
from circuits.errors import CircuitError
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND, NodeGroup
from hwsim.core.dissipation import dissipated
from hwsim.core.protocol import Capability, ConvergenceError, Drive, Push, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.source_currents import source_currents
from hwsim.core.transient import Reduction
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.numeric.transient import integrate as choice
from hwsim.numeric.transient.radau import radau
from hwsim.numeric.transient.state_form import StateForm
from hwsim.numeric.transient.steps import DENSE, DIAGONAL, STABLE, TABLE, WEIGHTS, explicit
from hwsim.testing.conformance import PROBLEMS

PERIOD = 2e-8
NETWORK = Network(inputs=2, layers=(Layer(3, amplifier=Amplifier(offset=0.01)),), outputs=2, capacitance=(1e-12, 2e-12))


@pytest.fixture(scope="module")
def circuit():
    return NETWORK.compile()


@pytest.fixture(scope="module")
def solver(circuit):
    rng = np.random.default_rng(3)
    spread = {e.name: {"c": e.c * rng.uniform(0.8, 1.2, len(e))} for e in circuit.of(Capacitors)}
    with NumericEngine().prepare(circuit, Chip(circuit, spread)) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def g(circuit):
    rng = np.random.default_rng(0)
    return {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}


@pytest.fixture(scope="module")
def signal():
    return Signal.hold(np.random.default_rng(1).uniform(-1, 1, (2, 4, 2)), PERIOD, push=Push(2e-6, np.array([[0.3, -0.2]]), 1e-7))


@pytest.fixture(scope="module")
def trajectory(solver, g, signal):
    return solver.integrate(g, signal)


def diode(form, p):
    """Return the currents by the junction's law on paper: conducting or slightly reversed, and ngspice's cubic tail beyond."""
    n_v_t = form.n * 1.38064852e-23 * 300.15 / 1.6021766208e-19
    with np.errstate(over="ignore", divide="ignore"):
        forward, tail = np.exp(p / n_v_t) - 1, -1 - (3 * n_v_t / (np.e * p)) ** 3
    return form.i_sat * np.where(p >= -3 * n_v_t, forward, tail) + 1e-18 * p


def test_solvers_declare_it(solver):
    """Whoever integrates declares it."""
    assert Capability.TRANSIENT in solver.capabilities


def test_it_is_what_radau_finds(solver, g, signal, trajectory):
    """An adaptive implicit integrator of order 5 leads to the same voltages within the error that is reported."""
    form = StateForm.of(solver.circuit, solver.chip, g, signal.push.beta)
    assert trajectory.error < 1e-6
    np.testing.assert_allclose(trajectory.outputs, radau(form, signal.checked(solver.circuit)), atol=1e-8)


ODES = [p for p in PROBLEMS if p.name != "mesh" and not p.compile("c").of(IdealDiodes)]


@pytest.mark.parametrize("problem", ODES, ids=lambda p: p.name)
def test_at_an_equilibrium_nothing_flows_into_capacitors(problem):
    """So that it is where circuits rest, whatever they are made of; the capacitors see no more than roundings of the currents."""
    bare = problem.circuit()
    circuit = with_capacitors(bare, 1e-12)
    chip, rng = problem.chip(bare).of(circuit), problem.rng("time")
    low, high = np.log10(problem.decades)
    g = {e.name: 10 ** rng.uniform(low, high, e.shape) for e in circuit.trainable}
    x, push = rng.uniform(-1, 1, (1, circuit.input_count)), Push(1e-7, rng.uniform(-1, 1, (1, len(circuit.outputs))), 0.0)
    equilibrium = GeneralEngine().prepare(circuit, chip).solve(g, Drive(x, push))
    form = StateForm.of(circuit, chip, g, push.beta)
    v, q = np.asarray(equilibrium.at(circuit, form.nodes)), push.beta * push.target
    i = diode(form, form.ports(v, x, q))
    into = form.charging(v, x, q) - i @ form.drawn.T
    assert np.abs(into).max() < 1e-9 * max(np.abs(i).max(initial=0.0), max(map(np.max, g.values()), default=0.0), 1e-6)
    np.testing.assert_allclose(form.outputs(v, x, q), equilibrium.outputs(circuit), atol=1e-12)
    every = form.everywhere(v, x, q)
    np.testing.assert_allclose(every, equilibrium.at(circuit, np.arange(circuit.size + 1)), atol=1e-9)


def test_it_comes_to_rest_at_the_equilibrium(solver, g, signal):
    """After 100 time constants no voltage is 1e-9 V away from it, nudged or free."""
    last = signal.x[:, -1]
    rest = solver.integrate(g, signal._replace(times=100 * signal.times))
    equilibrium = solver.solve(g, Drive(last, signal.push))
    for name, v in rest.end.items():
        np.testing.assert_allclose(v, equilibrium.v[name], atol=1e-9)


@pytest.mark.parametrize("r", [1e-3, 1e-6, 1e-12, 1e-30])
def test_wires_approach_ideal_ones_in_time(r, g, signal):
    """In proportion to their resistance, down to the least."""
    outputs = {}
    for ohm in (0.0, 1e-2, r):
        wired = replace(NETWORK, wire_r_row=ohm, wire_r_column=ohm).compile()
        laid_out = {name: values.reshape(wired[name].shape) for name, values in g.items()}
        with NumericEngine().prepare(wired, Chip.nominal(wired)) as prepared:
            outputs[ohm] = np.asarray(prepared.integrate(laid_out, signal, steps=64).outputs)
    per_ohm = (outputs[1e-2] - outputs[0.0]) / 1e-2
    np.testing.assert_allclose(outputs[r], outputs[0.0] + r * per_ohm, rtol=0, atol=1e-12 + 1e-2 * r)


@pytest.mark.parametrize("r", [1e-3, 1e-9])
def test_charge_that_moves_too_fast_is_refused_with_advice(r):
    """Between two capacitors that next to nothing separates."""
    builder = Builder()
    n = builder.group("n", 3)
    builder.add(
        InputSources(name="v_x", plus=n[:1], feature=[0]),
        Resistors(name="r", a=n[:2], b=n[1:], r=[1e4, r]),
        Capacitors(name="c", a=n[1:], b=GROUND, c=1e-12),
        Nudges(name="nudge", plus=n[2:], minus=GROUND),
    )
    circuit = builder.circuit("fast")
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as prepared, pytest.raises(ConvergenceError, match="use --engine ngspice"):
        prepared.integrate({}, Signal.hold(np.ones((1, 2, 1)), PERIOD))


def test_charge_is_conserved():
    """Two capacitors that only a resistor joins share their charge, and none is lost."""
    groups = tuple(NodeGroup(name, None, k) for k, name in enumerate(("x", "a", "b", "out"), start=1))
    x, a, b, out = (group.nodes for group in groups)
    elements = (
        InputSources(name="v_x", plus=x, feature=[0]),
        Resistors(name="r", a=np.concatenate([a, x]), b=np.concatenate([b, out]), r=[1e5, 1e4]),
        Capacitors(name="c", a=np.concatenate([a, b, out]), b=GROUND, c=[1e-12, 3e-12, 1e-12]),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    circuit = Circuit(name="rc", groups=groups, elements=elements, grounded=False)
    solver = GeneralEngine().prepare(circuit, Chip.nominal(circuit))
    went = solver.integrate({}, Signal.hold(np.ones((1, 4, 1)), 1e-7), {"a": np.array([[0.7]]), "b": np.array([[-0.1]])})
    charge = 1e-12 * went.v["a"] + 3e-12 * went.v["b"]
    np.testing.assert_allclose(charge, 0.4e-12, rtol=1e-12)
    shared = 0.1 + 0.6 * np.exp(-went.times / (1e5 * 0.75e-12))
    np.testing.assert_allclose(went.v["a"][0, :, 0], shared, atol=1e-8)


def test_capacitors_are_charged_by_what_flows(solver, g, signal):
    """C·Δv of an interval is the integral of the current into each capacitor, by Simpson's rule over three points."""
    form = StateForm.of(solver.circuit, solver.chip, g, signal.push.beta)
    q = signal.push.beta * signal.push.target + signal.push.current
    times = np.array([0.1, 1.0, 1.05, 1.1]) * PERIOD
    dense = solver.integrate(g, signal._replace(times=times, x=np.repeat(signal.x[:, :1], 4, axis=1)))
    v = np.concatenate([dense.v["h1"], dense.v["out"]], axis=2)[:, 1:]
    x = np.repeat(signal.x[:, :1], 3, axis=1)
    into = form.charging(v, x, q[:, None]) - diode(form, form.ports(v, x, q[:, None])) @ form.drawn.T
    simpson = 0.1 * PERIOD / 6 * (into[:, 0] + 4 * into[:, 1] + into[:, 2])
    np.testing.assert_allclose(form.c * (v[:, 2] - v[:, 0]), simpson, rtol=1e-4, atol=1e-23)


@pytest.mark.parametrize(("step", "order"), [(explicit, 5), (DIAGONAL, 2), (DENSE, 2)])
def test_errors_fall_as_the_order_says(solver, g, signal, step, order):
    """Twice as many steps divide the error by 2 to the order, or by more."""
    checked = signal.checked(solver.circuit)
    problem = choice.SequenceProblem.of(solver.circuit, solver.chip, g, checked, None, choice.state_groups(solver.circuit), None)
    with choice.jax_scope(), np.errstate(all="ignore"):
        ends = [np.asarray(problem.run(steps, step).outputs) for steps in (24, 48, 768)]
    coarse, fine = (np.abs(end - ends[2]).max() for end in ends[:2])
    assert coarse / fine > 0.75 * 2.0**order


def test_explicit_steps_are_stable_as_far_as_is_said():
    """The stability polynomial leaves the unit circle at h·rate = 3.5, and the method's weights are consistent."""

    def grown(z):
        stages = []
        for row in TABLE:
            stages.append(z * (1 + sum(a * k for a, k in zip(row, stages, strict=True))))
        return 1 + sum(b * k for b, k in zip(WEIGHTS, stages, strict=True))

    assert abs(grown(-STABLE)) < 1 < abs(grown(-STABLE - 0.02))
    assert sum(WEIGHTS) == pytest.approx(1.0, abs=1e-15)


def test_stiff_circuits_are_integrated_implicitly(solver, g, signal):
    """Where diodes are a thousand times faster than the columns, the rule is trapezoidal, and agrees with Radau within its error."""
    strong = signal._replace(x=300 * signal.x, rise=0.5)
    went = solver.integrate(g, strong, accuracy=1e-4)
    assert went.method == "trapezoidal"
    assert went.error <= 1e-4
    form = StateForm.of(solver.circuit, solver.chip, g, signal.push.beta)
    np.testing.assert_allclose(went.outputs, radau(form, strong.checked(solver.circuit)), atol=1e-4)


def test_one_sequence_is_one_of_many(solver, g, signal, trajectory):
    """Whatever shares a batch with a sequence, its trajectory is the same."""
    one = signal._replace(x=signal.x[1:])
    alone = solver.integrate(g, one)
    np.testing.assert_allclose(alone.outputs[0], trajectory.outputs[1], atol=1e-13)
    assert alone.steps == trajectory.steps


def test_a_resumed_run_is_an_uninterrupted_one(solver, g, signal, trajectory):
    """From the states and inputs at the end of an interval, it continues as if nothing had been."""
    steps = int(trajectory.steps)
    whole = solver.integrate(g, signal, steps=steps)
    first = solver.integrate(g, signal._replace(x=signal.x[:, :2], times=signal.times[:2]), steps=steps)
    second = signal._replace(x=signal.x[:, 2:], times=signal.times[:2], begin=signal.x[:, 1])
    resumed = solver.integrate(g, second, first.end, steps=steps)
    np.testing.assert_allclose(resumed.outputs, whole.outputs[:, 2:], atol=1e-15)
    np.testing.assert_allclose(first.outputs, whole.outputs[:, :2], atol=1e-15)


def test_what_is_folded_is_the_sum_of_what_is_stored(solver, g, signal, trajectory):
    """A reduction sees the states of each interval once, in order, and only the groups that are asked for."""
    fold = Reduction(np.zeros((3, 3)), lambda total, v, number: total + (1 + number) * v["h1"].T @ v["h1"])
    folded = solver.integrate(g, signal, groups=["h1"], fold=fold)
    h = trajectory.v["h1"]
    np.testing.assert_allclose(folded.folded, np.einsum("t,bti,btj->ij", np.arange(1, 5), h, h), rtol=1e-12)
    assert set(folded.v) == {"h1"}


def test_heat_is_what_sources_deliver(g):
    """At equilibrium, all power of sources becomes heat in what has resistance."""
    circuit = Network(inputs=2, layers=(Layer(3),), outputs=2).compile()
    chip, x = Chip.nominal(circuit), np.array([[0.9, -0.4]])
    rng = np.random.default_rng(5)
    g = {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    equilibrium = GeneralEngine().prepare(circuit, chip).solve(g, Drive(x))
    v = np.asarray(equilibrium.at(circuit, np.arange(circuit.size + 1)))
    currents = source_currents(circuit, chip, g, Drive(x), equilibrium)
    delivered = -sum((v[:, circuit[name].ends[0]] * i).sum(axis=1) for name, i in currents.items())
    np.testing.assert_allclose(dissipated(circuit, chip, g, v), delivered, rtol=1e-10)


def test_every_node_that_moves_gets_a_capacitor(circuit):
    """None where there is one already; and where none is to be added, the circuit is the same."""
    assert with_capacitors(circuit) is circuit
    bare = Network(inputs=2, layers=(Layer(3),), outputs=2, capacitance=(1e-12, 0.0)).compile()
    charged = with_capacitors(bare, 5e-12)
    nodes = np.concatenate([e.a for e in charged.of(Capacitors)])
    assert sorted(nodes) == sorted(moving_nodes(bare))
    assert charged["c"].c.tolist() == [5e-12] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 4))}, r"x has shape \(2, 4\); sequences have \(sequences, intervals, 2\)"),
        ({"x": np.zeros((2, 0, 2)), "times": np.zeros(0)}, "at least one of each"),
        ({"times": PERIOD * np.arange(1, 4)}, "3 times for 4 intervals"),
        ({"times": PERIOD * np.ones(4)}, "rise from 0 s"),
        ({"rise": 0.0}, "rise = 0 must be above 0"),
        ({"begin": np.zeros(2)}, r"begin has shape \(2,\)"),
        ({"push": Push(np.ones(2))}, "beta has shape"),
        ({"push": Push(0.0, np.zeros((5, 2)))}, "target and current of the push"),
    ],
)
def test_signals_that_do_not_fit_are_refused(solver, g, signal, change, message):
    """In one line, naming what is wrong."""
    with pytest.raises(CircuitError, match=message):
        solver.integrate(g, signal._replace(**change))


def test_what_is_no_number_is_refused(solver, g, signal):
    """With its place."""
    x = signal.x.copy()
    x[1, 2, 0] = np.nan
    with pytest.raises(CircuitError, match=r"x\[1, 2, 0\] is nan"):
        solver.integrate(g, signal._replace(x=x))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"v0": {"hidden": np.zeros((2, 3))}}, "no such node group"),
        ({"v0": {"h1": np.zeros((5, 3))}}, "v0 of h1"),
        ({"groups": ["a2"]}, "'a2' is no group of nodes; these are x, xn, bias, h1"),
        ({"groups": ["a1"], "fold": Reduction(0.0, max)}, "'a1' is no group of nodes with capacitors; these are h1, out"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_what_else_does_not_fit_is_refused(solver, g, signal, how, message):
    """In one line."""
    with pytest.raises(CircuitError, match=message):
        solver.integrate(g, signal, **how)


def test_a_circuit_without_capacitors_takes_no_time(g, signal):
    """And the message names the key that adds some."""
    bare = Network(inputs=2, layers=(Layer(3, amplifier=Amplifier(offset=0.01)),), outputs=2).compile()
    with NumericEngine().prepare(bare, Chip.nominal(bare)) as solver, pytest.raises(CircuitError, match=r"set circuit\.capacitance"):
        solver.integrate(g, signal)


def test_capacitors_between_nodes_are_refused(g, circuit):
    """Their charge is no state of a node."""
    nodes = circuit.nodes("h1")
    bridged = replace(circuit, elements=(*circuit.elements, Capacitors(name="bridge", a=nodes[:1], b=nodes[1:2], c=1e-12)))
    with pytest.raises(UnsupportedCircuitError, match=r"bridge\[0\] lies between h1_0 and h1_1"):
        StateForm.of(bridged, Chip.nominal(bridged), g)


def test_a_diode_at_a_bare_node_is_refused(g, circuit):
    """Its current would follow from no state."""
    without = replace(circuit, elements=tuple(e for e in circuit.elements if e.name != "c1"))
    with pytest.raises(CircuitError, match="has no capacitor"):
        StateForm.of(without, Chip.nominal(without), g)


def test_a_node_that_nothing_fixes_is_refused():
    """Two nodes that a resistor joins, and nothing else, have no voltage."""
    groups = tuple(NodeGroup(name, None, k) for k, name in enumerate(("x", "out", "loose", "end"), start=1))
    x, out, loose, end = (group.nodes for group in groups)
    elements = (
        InputSources(name="v_x", plus=x, feature=[0]),
        Resistors(name="r", a=np.concatenate([x, loose]), b=np.concatenate([out, end]), r=1e4),
        Capacitors(name="c", a=out, b=GROUND, c=1e-12),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    circuit = Circuit(name="loose", groups=groups, elements=elements, grounded=False)
    with pytest.raises(CircuitError, match="nothing fixes the voltage of some node in time"):
        StateForm.of(circuit, Chip.nominal(circuit), {})


def test_ideal_diodes_are_refused():
    """They switch at no finite rate."""
    problem = next(p for p in PROBLEMS if p.compile("c").of(IdealDiodes))
    circuit = with_capacitors(problem.circuit())
    with pytest.raises(UnsupportedCircuitError, match="switches without a rate"):
        StateForm.of(circuit, Chip.nominal(circuit), {})


def test_a_source_between_two_states_is_refused():
    """Their capacitors would be one, whose voltage is no node's."""
    circuit = with_capacitors(next(p for p in PROBLEMS if p.name == "mesh").circuit())
    with pytest.raises(UnsupportedCircuitError, match="v_rail joins rail and n_5"):
        StateForm.of(circuit, Chip.nominal(circuit), {})


def test_too_many_steps_are_refused(solver, g, signal):
    """Periods of a second at rates of nanoseconds need more than are tried."""
    with pytest.raises(ConvergenceError, match="are too few for"):
        solver.integrate(g, signal._replace(times=1e8 * signal.times))

"""Grids are eliminated line by line to the same voltages, and the same adjoint ones, as the whole matrix gives."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import InputSources, Nudges, Resistors, VoltageSources
from circuits.junction_neurons import DeadZone, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from circuits.rows import held_nodes
from hwsim.core.kirchhoff import balance, by_number, holds_at
from hwsim.core.protocol import FREE, Drive, Push, Result
from hwsim.numeric.general import general_solver, wired_linear
from hwsim.numeric.general.eliminated_grid import _distinct
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.general.wire_grids import find
from support.nudges import Currents

AMPLIFIED = Layer(size=3, amplifier=Amplifier(gain=4.0, back=0.25, offset=0.01))
NETWORKS = {
    "tall": {"inputs": 5, "layers": (AMPLIFIED,), "outputs": 2},
    "wide": {"inputs": 1, "layers": (replace(AMPLIFIED, size=9),), "outputs": 1},
    "no amplifiers": {"inputs": 2, "layers": (Layer(size=4, neuron=Rectifier()), Layer(size=6, neuron=DeadZone(i_sat=1e-6))), "outputs": 2},
    "one row": {"inputs": 1, "signed_inputs": False, "bias": False, "outputs": 2, "differential": False},
}


def wired_network(name):
    """Build a network whose wires have resistance, large enough to matter."""
    return Network(**NETWORKS[name], wire_r_row=500.0, wire_r_column=700.0, g_min=1e-7).compile("wired")


def drawn(circuit):
    """Draw conductances between 1 and 100 microsiemens, a chip whose segments differ, and features."""
    rng = np.random.default_rng(0)
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}
    chip = Chip(circuit, {e.name: {"r": e.r * rng.uniform(0.5, 2.0, len(e))} for e in circuit.of(Resistors)})
    return g, chip, rng.uniform(-1, 1, (4, circuit.input_count))


@pytest.mark.parametrize("name", NETWORKS)
def test_elimination_line_by_line_gives_what_the_whole_matrix_gives(name, monkeypatch):
    """Free, noisy and nudged, every node within 1e-12 V; and the adjoint circuit, whose matrix is the transposed one."""
    circuit = wired_network(name)
    assert [grid.name for grid in find(circuit)] == [element.name for element in circuit.trainable]
    assert any(grid.turned for grid in find(circuit)) == (name != "tall")
    g, chip, x = drawn(circuit)
    push = Push(1e-5, np.full((4, len(circuit.outputs)), 0.2), 0.0)
    rng = np.random.default_rng(1)
    error = rng.normal(size=(4, len(circuit.outputs)))
    fixed = held_nodes(circuit).keys()
    noise = {one.name: rng.normal(0, 1e-7, (4, len(one.nodes))) for one in circuit.groups if not set(one.nodes.tolist()) <= fixed}

    def solutions():
        with GeneralEngine().prepare(circuit, chip) as solver:
            free = solver.solve(g, Drive(x))
            noisy = solver.solve(g, Drive(x, noise=noise))
            return free, noisy, solver.solve(g, Drive(x, push), start=free), solver.adjoint(g, free, error)

    lines = solutions()
    monkeypatch.setattr(wired_linear, "find", lambda circuit: [])  # noqa: ARG005 - the signature of what it stands for
    whole = solutions()
    for one, other in zip(lines, whole, strict=True):
        for group in circuit.groups:
            np.testing.assert_allclose(one.v[group.name], other.v[group.name], rtol=1e-10, atol=1e-12)


def turned(circuit):
    """Turn all rails around: the same voltages, from sources whose other end is at ground."""
    rails = {e.name: VoltageSources(name=e.name, plus=e.minus, minus=e.plus, v=-e.v) for e in circuit.of(VoltageSources)}
    return replace(circuit, elements=tuple(rails.get(e.name, e) for e in circuit.elements))


def test_what_sources_state_is_the_same_from_either_end():
    """And what amplifiers and diodes make of it."""
    circuit = wired_network("tall")
    g, chip, x = drawn(circuit)
    equilibria = []
    for one in (circuit, turned(circuit)):
        with GeneralEngine().prepare(one, chip.of(one)) as solver:
            equilibria.append(solver.solve(g, Drive(x)))
    for group in circuit.groups:
        np.testing.assert_allclose(equilibria[0].v[group.name], equilibria[1].v[group.name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("size", "near"), [(1e-9, True), (1e-7, True), (1e-4, True), (1e-2, False)])
def test_phases_in_one_go_are_those_one_by_one(size, near, monkeypatch):
    """By the tangents of the free phase where nudges are small, by Newton's method where they are not: within 1e-12 V."""
    searches = []

    def watched(name, search):
        def watching(*of):
            settled = search(*of)
            searches.append((name, settled is not None))
            return settled

        monkeypatch.setattr(general_solver, name, watching)

    watched("settle_near", general_solver.settle_near)
    watched("settle", general_solver.settle)
    circuit = wired_network("tall")
    g, chip, x = drawn(circuit)
    x = np.concatenate([x, x[:1]])  # a sample twice: its lines are passed over once
    with GeneralEngine().prepare(circuit, chip) as solver:
        phases = solver.phases(g, x, np.zeros((5, len(circuit.outputs))), Currents(size))
        assert searches == [("settle", True), ("settle_near", near), *([] if near else [("settle", True)])]
        pushes = [FREE, *Currents(size).pushes(np.zeros((5, len(circuit.outputs))), None)]
        for phase, push in zip(phases, pushes, strict=True):
            alone = solver.solve(g, Drive(x, push))
            residual, holds = holds_at(circuit, chip, g, Drive(x, push), by_number(circuit, phase))
            np.testing.assert_allclose(residual, balance(circuit, chip, g, Drive(x, push), phase).residual, rtol=1e-6, atol=1e-18)
            assert holds.all()
            for group in circuit.groups:
                np.testing.assert_allclose(phase.v[group.name], alone.v[group.name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_without_finite_features_fails_alone(bad):
    """The others' voltages, free and nudged, are those that they have without it."""
    circuit = wired_network("tall")
    g, chip, x = drawn(circuit)
    spoiled = x.copy()
    spoiled[1] = bad
    with GeneralEngine().prepare(circuit, chip) as solver:
        y = np.zeros((4, len(circuit.outputs)))
        good = (solver.solve(g, Drive(x)), *solver.phases(g, x, y, Currents(1e-7)))
        some = (solver.solve(g, Drive(spoiled), throw=False), *solver.phases(g, spoiled, y, Currents(1e-7), throw=False))
    for one, other in zip(good, some, strict=True):
        assert other.result.tolist() == [Result.CONVERGED, Result.NOT_FINITE, Result.CONVERGED, Result.CONVERGED]
        for group in circuit.groups:
            np.testing.assert_allclose(other.v[group.name][[0, 2, 3]], one.v[group.name][[0, 2, 3]], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", [[0, 1, 0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 1], [2, 2, 2]])
def test_equal_samples_share_a_pass_in_any_order(order):
    """In turn, as phases have them, or not: each has the voltages that it has alone."""
    circuit = wired_network("tall")
    g, chip, x = drawn(circuit)
    with GeneralEngine().prepare(circuit, chip) as solver:
        together = solver.solve(g, Drive(x[order]))
        for place, sample in enumerate(order):
            alone = solver.solve(g, Drive(x[sample : sample + 1]))
            for group in circuit.groups:
                np.testing.assert_allclose(together.v[group.name][place], alone.v[group.name][0], rtol=1e-11, atol=1e-13)


def test_samples_take_memory_in_proportion_to_their_number():
    """Columns are known by the first of their kind, and a solve of many samples makes no table of each by each."""
    columns = np.random.default_rng(0).normal(size=(2, 400))
    columns[:, 1::2] = columns[:, ::2]
    first, which = _distinct(columns)
    np.testing.assert_array_equal(first, np.arange(0, 400, 2))
    np.testing.assert_array_equal(which, np.arange(400) // 2)
    circuit = wired_network("one row")
    g, chip, _ = drawn(circuit)
    samples = 4_000
    with GeneralEngine().prepare(circuit, chip) as solver:
        x = np.random.default_rng(0).uniform(-1, 1, (samples, circuit.input_count))
        tracemalloc.start()
        try:
            solver.solve(g, Drive(x))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < samples**2  # bytes: 4 MB; of numbers of 8 bytes, a table takes 128 MB


def test_voltages_that_do_not_balance_do_not_hold():
    """However little is looked at first."""
    circuit = wired_network("wide")
    g, chip, x = drawn(circuit)
    with GeneralEngine().prepare(circuit, chip) as solver:
        v = by_number(circuit, solver.solve(g, Drive(x))).copy()
    v[1, circuit.nodes("w1_column")[3]] += 1e-6
    v[2, circuit.nodes("h1")[0]] = np.nan
    residual, holds = holds_at(circuit, chip, g, Drive(x), v)
    assert holds.tolist() == [True, False, False, True]
    assert residual[1] > 1e-10
    assert np.isnan(residual[2])


@pytest.mark.parametrize("spoil", ["a load on a wire", "a segment that is not there", "another order"])
def test_what_is_no_grid_is_left_to_the_whole_matrix(spoil):
    """Anything else on a wire, or wires that run otherwise."""
    circuit = wired_network("tall")
    elements = list(circuit.elements)
    place = next(k for k, e in enumerate(elements) if e.name == "w1_row_wire")
    wire = elements[place]
    if spoil == "a load on a wire":
        elements.append(Resistors(name="load", a=circuit["w1"].a[4], b=0, r=1e6))
    elif spoil == "a segment that is not there":
        elements[place] = Resistors(name=wire.name, a=wire.a[1:], b=wire.b[1:], r=wire.r[1:])
    else:
        elements[place] = Resistors(name=wire.name, a=wire.a[::-1], b=wire.b[::-1], r=wire.r)
    spoiled = replace(circuit, elements=tuple(elements))
    assert [grid.name for grid in find(spoiled)] == ["w2"]
    g, chip, x = drawn(spoiled)
    with GeneralEngine().prepare(spoiled, chip) as solver:
        assert (solver.solve(g, Drive(x)).result == 0).all()


def test_segments_may_alternate_however_many_lines_there_are():
    """Segments of 1 ohm next to ones of 1 kilohm, 400 lines long: all settles, and voltages depend on ratios of resistances alone."""
    network = Network(inputs=400, signed_inputs=False, bias=False, outputs=2, differential=False, g_min=1e-7)
    circuit = replace(network, wire_r_row=1.0, wire_r_column=1.0).compile("alternating")
    rng = np.random.default_rng(0)
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}
    alternating = {e.name: {"r": np.where(np.arange(len(e)) // 2 % 2, 1e3, 1.0)} for e in circuit.of(Resistors)}
    drive = Drive(rng.uniform(0, 1, (1, 400)))
    with GeneralEngine().prepare(circuit, Chip(circuit, alternating)) as solver:
        equilibrium = solver.solve(g, drive)
    assert equilibrium.result.tolist() == [Result.CONVERGED]
    for scale in (1e-3, 1e3):  # a resistive circuit's voltages depend on ratios alone
        of_scaled = Chip(circuit, {name: {"r": scale * values["r"]} for name, values in alternating.items()})
        with GeneralEngine().prepare(circuit, of_scaled) as solver:
            scaled = solver.solve({name: values / scale for name, values in g.items()}, drive)
        for name, v in equilibrium.v.items():
            np.testing.assert_allclose(scaled.v[name], v, rtol=0, atol=1e-12)


def test_memristors_without_wires_are_no_grid():
    """A mesh has none."""
    builder = Builder()
    x, h = builder.group("x", 2), builder.group("h", 2)
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2)), Memristors(name="m", a=x, b=h))
    builder.add(
        Memristors(name="n", a=h[:1], b=h[1:]), Resistors(name="load", a=h, b=GROUND, r=1e5), Nudges(name="nudge", plus=h, minus=GROUND)
    )
    assert find(builder.circuit("mesh")) == []

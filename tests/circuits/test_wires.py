"""Wires with resistance: a crossbar becomes a grid, which both engines solve alike and which learns as a crossbar does."""

import tempfile

import numpy as np
import pytest

from circuits.arrays import Crossbar, Memristors
from circuits.chip import Chip
from circuits.elements import Resistors
from circuits.errors import CircuitError
from circuits.network import Amplifier, Layer, Network
from circuits.wires import Wires
from hwsim.checks.check import check
from hwsim.core.protocol import ConvergenceError, Drive, Push
from hwsim.experiment.engines import make_engine
from hwsim.experiment.loading import load
from hwsim.learning.gradient.factors import energy_factors
from hwsim.numeric.general import wired_linear
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import RunError
from hwsim.session import Session
from hwsim.settings.sections import SolverSettings
from netlists.write.writer import write_deck
from support.reading import parse

X = np.array([[0.9, -0.4], [0.2, 0.7], [-1.0, 0.1]])


def network(row=0.0, column=0.0, **changes):
    """Build a small network whose wires have these resistances [ohm]."""
    layer = Layer(size=3, amplifier=Amplifier(gain=4.0, back=0.25, offset=0.01))
    return Network(**({"inputs": 2, "layers": (layer,), "outputs": 2, "wire_r_row": row, "wire_r_column": column} | changes)).compile(
        "wired"
    )


def drawn(circuit):
    """Draw conductances between 1 and 100 microsiemens, the same for a crossbar and for its grid."""
    rng = np.random.default_rng(0)
    return {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}


def solved(circuit, push=None, chip=None, engine=None):
    """Solve three samples."""
    with (engine or GeneralEngine()).prepare(circuit, chip or Chip.nominal(circuit)) as solver:
        return solver.solve(drawn(circuit), Drive(X) if push is None else Drive(X, push))


def test_ideal_wires_leave_a_crossbar():
    """Nothing changes where no wire has resistance."""
    assert [type(element) for element in network().trainable] == [Crossbar, Crossbar]


@pytest.mark.parametrize(("row", "column", "nodes"), [(1.0, 0.0, 1), (0.0, 1.0, 1), (2.0, 3.0, 2)])
def test_a_wire_has_a_segment_for_each_memristor(row, column, nodes):
    """A grid has a node for each memristor on each wire that has resistance, and a segment for each of these nodes."""
    ideal, wired = network(), network(row, column)
    memristors = sum(map(len, ideal.trainable))
    assert [type(element) for element in wired.trainable] == [Memristors, Memristors]
    assert [len(element) for element in wired.trainable] == [len(element) for element in ideal.trainable]
    assert wired.size == ideal.size + nodes * memristors
    assert sum(map(len, wired.of(Resistors))) == nodes * memristors
    assert energy_factors(wired, Chip.nominal(wired)) == energy_factors(ideal, Chip.nominal(ideal))


@pytest.mark.parametrize(("row", "column"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_what_wires_change_falls_with_their_resistance(row, column):
    """A tenth of the resistance brings the outputs ten times nearer to those of ideal wires."""
    ideal = solved(network()).outputs(network())
    apart = [solved(circuit).outputs(circuit) - ideal for circuit in (network(row, column), network(0.1 * row, 0.1 * column))]
    assert np.abs(apart[0]).max() > 1e-6
    np.testing.assert_allclose(apart[0], 10 * apart[1], rtol=5e-3, atol=1e-9)


@pytest.mark.parametrize("whole", [False, True], ids=["line by line", "whole matrix"])
@pytest.mark.parametrize("push", [None, Push(1e-6, np.array([[0.1, -0.2]] * 3), 0.0)], ids=["free", "nudged"])
@pytest.mark.parametrize(("row", "column"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1e-9, 1.0), (1.0, 1e-9)])
def test_wires_approach_ideal_ones_in_proportion_to_their_resistance(row, column, push, monkeypatch, *, whole):
    """Down to the least: outputs within 1e-13 V, whether grids are eliminated or not, and whichever wire has less."""
    if whole:
        monkeypatch.setattr(wired_linear, "find", lambda circuit: [])  # noqa: ARG005 - the signature of what it stands for
    ideal = solved(network(), push).outputs(network())
    per_ohm = (solved(network(1e-3 * row, 1e-3 * column), push).outputs(network(row, column)) - ideal) / 1e-3
    for r in (1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-30, 1e-90):
        circuit = network(r * row, r * column)
        np.testing.assert_allclose(solved(circuit, push).outputs(circuit), ideal + r * per_ohm, rtol=0, atol=1e-13 + 1e-4 * r**2)


@pytest.mark.parametrize(("r", "what"), [(1e-6, "residual"), (1e-14, "Too many iterations")])
def test_ngspice_does_not_settle_where_wires_leave_it_nothing_but_rounding(r, what, tmp_path, monkeypatch):
    """The message states what to do, whether the residual or ngspice itself shows it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # for the deck that shows it
    engine = make_engine("ngspice", SolverSettings(ngspice_workers=1))
    with pytest.raises(ConvergenceError, match=rf"{what}.*circuit\.wire_r_row and circuit\.wire_r_column to 0"):
        solved(network(r, r), engine=engine)


@pytest.mark.parametrize("r", [1e-2, 1e-3, 1e-6, 1e-10, 1e-30])
def test_long_wires_settle_as_short_ones_do(r):
    """Roundings of voltages add up along them, and are no residual beyond a billionth of what the wires carry."""
    circuit, rng = network(r, r, inputs=48, layers=(Layer(size=40, amplifier=Amplifier()),)), np.random.default_rng(1)
    g = {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        equilibrium = solver.solve(g, Drive(rng.uniform(-1, 1, (20, 48))))
    assert equilibrium.residual.max() < 1e-9 * 5e-3


def test_thermal_noise_of_wires_falls_with_their_resistance():
    """That of the least is none, and no other voltage is lost in their currents."""
    outputs = []
    for r in (1e-10, 1e-18, 1e-30, 1e-100):
        session = Session.of(load("xor", {"circuit.wire_r_row": r, "circuit.wire_r_column": r, "noise.thermal": True}))
        with session.verified_solver() as solver:
            evaluation = session.evaluate(solver, session.begun(), session.data.x_test, session.task.test)
        outputs.append(evaluation.outputs)
    for other in outputs[1:]:
        np.testing.assert_allclose(other, outputs[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("r", [1e-2, 1e-8])
def test_wires_of_any_resistance_are_checked(r):
    """Kirchhoff's law and gradients hold; engines are compared where ngspice has an equilibrium, and a note reports where it has none."""
    session = Session.of(load("xor", {"circuit.wire_r_row": r, "circuit.wire_r_column": r}))
    report = check(session, session.begun(), make_engine("ngspice", SolverSettings(ngspice_workers=1)), samples=2, reference_samples=2)
    assert report.passed
    assert {"kirchhoff_numeric", "gradient_max_rel"} <= {finding.name for finding in report.findings}
    compared = report.value("engines_dv_free") is not None, report.ngspice_samples, not report.note
    assert compared == ((True, 2, True) if r > 1e-3 else (False, 0, False))


@pytest.mark.parametrize("r", [1e-101, 5e-324])
def test_wires_that_conduct_more_than_numbers_have_room_for_are_refused(r):
    """The smallest resistance that is served is named."""
    with pytest.raises(CircuitError, match=r"wire_r_column = .* must be 0, or 1e-100 ohm or more"):
        network(column=r)
    with pytest.raises(CircuitError, match=r"row = .* must be 0, or 1e-100 ohm or more"):
        Wires(row=r)


@pytest.mark.parametrize("push", [None, Push(1e-6, np.array([[0.1, -0.2]] * 3), 0.0)], ids=["free", "nudged"])
def test_both_engines_find_the_same_voltages_in_a_grid(push):
    """Each node of the wires too, within 1e-9 V, with segments that differ on a chip; far corners see less than near ones."""
    circuit = network(300.0, 200.0)
    rng = np.random.default_rng(1)
    values = {e.name: {"r": e.r * rng.uniform(0.5, 2.0, len(e))} for e in circuit.of(Resistors)}
    engines = [make_engine(name, SolverSettings(ngspice_workers=1)) for name in ("numeric", "ngspice")]
    equilibrium = [solved(circuit, push, Chip(circuit, values), engine) for engine in engines]
    for group in circuit.groups:
        np.testing.assert_allclose(equilibrium[0].v[group.name], equilibrium[1].v[group.name], rtol=0, atol=1e-9)
    ideal = network()
    assert np.abs(equilibrium[0].outputs(circuit) - solved(ideal, push=push).outputs(ideal)).max() > 1e-4


def test_a_row_is_driven_at_its_first_column_and_a_column_read_at_its_last_row():
    """With one row driven and no load, its voltage falls from column to column, and a column's rises towards that row."""
    circuit = Network(inputs=3, outputs=2, bias=False, signed_inputs=False, wire_r_row=1e4, wire_r_column=1e4).compile()
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        v = solver.solve({"w1": np.full(12, 1e-4)}, Drive(np.array([[1.0, 0.0, 0.0]]))).v
    row, column = v["w1_row"].reshape(3, 4), v["w1_column"].reshape(3, 4)
    assert (np.diff(row[0]) < 0).all()
    assert (np.diff(column, axis=0) < 0).all()
    np.testing.assert_allclose(column[-1], v["out"][0], atol=1e-12)  # nothing flows into what is only read


def test_a_deck_of_a_grid_is_read_as_the_same_circuit():
    """Compile, parse: the same circuit and conductances."""
    circuit = network(1.0, 2.0)
    deck = parse(write_deck(circuit, Chip.nominal(circuit), drawn(circuit), x=X[0]))
    assert deck.circuit == circuit
    for name, values in drawn(circuit).items():
        assert np.array_equal(deck.g[name], values)


@pytest.mark.parametrize("r", [-1.0, float("nan"), float("inf")])
def test_a_resistance_of_wires_is_finite_and_not_negative(r):
    """Anything else is refused by its name."""
    with pytest.raises(CircuitError, match="wire_r_row"):
        network(row=r)


def test_what_was_learnt_with_ideal_wires_fits_a_grid(tmp_path):
    """A run's conductances are read for the same network with wires, each memristor with its own, and back."""
    ideal, wired = network(), network(1.0, 1.0)
    np.savez(tmp_path / "weights.npz", **drawn(ideal))
    g = RunFolder(tmp_path).read_weights(wired)
    for name, values in drawn(ideal).items():
        assert np.array_equal(g[name], values.ravel())
    np.savez(tmp_path / "weights.npz", **g)
    assert all(np.array_equal(values, drawn(ideal)[name]) for name, values in RunFolder(tmp_path).read_weights(ideal).items())
    with pytest.raises(RunError, match=r"weights\.npz: .*shape"):
        RunFolder(tmp_path).read_weights(network(1.0, 1.0, outputs=3))

"""The general solver: any netlist's equilibrium, as ngspice and the layered solver find it, with its certificate and its gradients."""

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import VoltageControlledCurrentSources
from circuits.elements import Diodes, InputSources, Nudges, Resistors
from circuits.network import Layer, Network
from circuits.nodes import GROUND
from circuits.passed import Passed
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import ConvergenceError, Drive, Equilibrium, Push, Result, UnsupportedCircuitError
from hwsim.core.source_currents import source_currents
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.general.port_circuit import PortCircuit
from support.decks import HAND, by_name, hand, operating_point, random_deck
from support.reading import parse
from support.strategies import conductances, features, networks

SOLVED = [name for name in HAND if not parse(hand(name)).circuit.of(Passed)]
PASSED = [name for name in HAND if name not in SOLVED]


def by_number(circuit: Circuit, equilibrium: Equilibrium) -> np.ndarray:
    """Lay out a batch's voltages by node number."""
    return np.asarray(equilibrium.at(circuit, np.arange(circuit.size + 1)))


def agrees(text: str, folder) -> None:
    """Compare our equilibrium of a deck with ngspice's of its text: all voltages, and the currents of all sources and inductors."""
    deck = parse(text)
    circuit, chip, drive = deck.circuit, Chip.nominal(deck.circuit), Drive(deck.x[None])
    with GeneralEngine().prepare(circuit, chip) as solver:
        equilibrium = solver.solve(deck.g, drive)
    v, wanted = by_number(circuit, equilibrium)[0], operating_point(text, folder)
    np.testing.assert_allclose([v[deck.nodes[name]] for name in wanted.v], list(wanted.v.values()), rtol=0, atol=1e-9, err_msg=text)
    i = by_name(deck, source_currents(circuit, chip, deck.g, drive, equilibrium))
    assert i.keys() == wanted.i.keys()
    np.testing.assert_allclose([i[name] for name in wanted.i], list(wanted.i.values()), rtol=1e-6, atol=1e-14, err_msg=text)


@pytest.mark.parametrize("name", SOLVED)
def test_hand_written_decks_settle_where_ngspice_says(name, tmp_path):
    """Our reading of the text, solved by our engine, against ngspice on the text itself."""
    agrees(hand(name), tmp_path)


@pytest.mark.parametrize("block", range(8))
def test_random_decks_settle_where_ngspice_says(block, tmp_path):
    """All kinds of elements that the engine knows, in any arrangement."""
    for seed in range(25 * block, 25 * block + 25):
        agrees(random_deck(seed, passed=False), tmp_path)


@given(st.data())
def test_random_networks_settle(data):
    """Kirchhoff's law, summed up from the elements, decides; a batch is its samples one by one."""
    circuit = data.draw(networks()).compile()
    g, x = data.draw(conductances(circuit)), data.draw(features(circuit, batch=3))
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        equilibrium = solver.solve(g, Drive(x))
        balanced = balance(circuit, solver.chip, g, Drive(x), equilibrium)
        assert (balanced.residual <= 1e-9 * balanced.largest + 1e-15).all()
        alone = [by_number(circuit, solver.solve(g, Drive(x[k : k + 1])))[0] for k in range(len(x))]
    np.testing.assert_allclose(by_number(circuit, equilibrium), alone, rtol=0, atol=1e-9)


def mesh(*extra, nodes: int = 6) -> tuple[Circuit, dict[str, np.ndarray]]:
    """Make an irregular network of resistors that learn and diodes, two inputs and two outputs."""
    builder = Builder()
    x, n = builder.group("x", 2), builder.group("n", nodes)
    everywhere = np.concatenate([x, n])
    rng = np.random.default_rng(7)
    pairs = [(a, b) for k, a in enumerate(everywhere) for b in everywhere[k + 1 :] if b > 2]  # not between the inputs
    a, b = np.array(pairs).T
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0, 1], scale=[1.0, -2.0]),
        Memristors(name="m", a=a, b=b, g_min=1e-9, g_max=1e-2),
        Diodes(name="d", anode=n[:3], cathode=n[1:4], i_sat=1e-9, n=1.4),
        Diodes(name="to_ground", anode=n[4:], cathode=GROUND, i_sat=1e-12, n=1.0),
        Resistors(name="r", a=n, b=GROUND, r=rng.uniform(1e4, 1e5, nodes)),
        *extra,
        Nudges(name="nudge", plus=n[[1, 4]], minus=[n[3], 0]),
    )
    return builder.circuit("mesh"), {"m": np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), len(a)))}


def test_the_nudged_phases_give_the_gradient_of_the_loss():
    """Centred, to the order beta²: on a network without layers, against finite differences of every conductance."""
    circuit, g = mesh()
    x, y, beta = np.array([[0.7, -0.4], [-0.9, 0.8]]), np.array([[0.1, 0.3], [-0.2, 0.2]]), 1e-7
    m = circuit["m"]
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:

        def loss(values: np.ndarray) -> float:
            outputs = solver.solve({"m": values}, Drive(x)).outputs(circuit)
            return float(0.5 * ((y - outputs) ** 2).sum())

        free = solver.solve(g, Drive(x))
        sides = [solver.solve(g, Drive(x, Push(beta=side, target=y)), start=free) for side in (beta, -beta)]
        up, down = ((e.at(circuit, m.a) - e.at(circuit, m.b)) ** 2 for e in sides)
        estimate = ((up - down) / (4 * beta)).sum(axis=0)
        step = 1e-5 * g["m"]
        differences = [(loss(g["m"] + d) - loss(g["m"] - d)) / (2 * d.max()) for d in np.diag(step)]
    np.testing.assert_allclose(estimate, differences, rtol=1e-4, atol=1e-4 * np.abs(differences).max())


def test_the_certificate_sees_what_is_wrong():
    """A voltage that is moved, and a source that is not met, both leave a residual, also where currents are sensed."""
    for name in ("current-controlled", "voltage-controlled", "at-rest"):
        deck = parse(hand(name))
        chip, drive = Chip.nominal(deck.circuit), Drive(deck.x[None])
        with GeneralEngine().prepare(deck.circuit, chip) as solver:
            equilibrium = solver.solve(deck.g, drive)
        assert equilibrium.residual[0] <= 1e-12
        for group in deck.circuit.groups:
            moved = equilibrium._replace(v=dict(equilibrium.v) | {group.name: np.asarray(equilibrium.v[group.name]) + 1e-3})
            assert balance(deck.circuit, chip, deck.g, drive, moved).residual[0] > 1e-8, (name, group.name)


@pytest.mark.parametrize("name", PASSED)
def test_transistors_are_left_to_ngspice_which_solves_them_from_the_same_circuit(name, tmp_path):
    """The refusal names the element and the engine that has it, and that engine's answer is ngspice's on the original text."""
    deck = parse(hand(name))
    chip = Chip.nominal(deck.circuit)
    with pytest.raises(UnsupportedCircuitError, match=r"does not know the laws of .*; use --engine ngspice"):
        GeneralEngine().prepare(deck.circuit, chip)
    wanted = operating_point(hand(name), tmp_path).v
    with NgspiceEngine(workers=1).prepare(deck.circuit, chip) as solver:
        v = by_number(deck.circuit, solver.solve(deck.g, Drive(deck.x[None])))[0]
    np.testing.assert_allclose([v[deck.nodes[n]] for n in wanted], list(wanted.values()), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["current-controlled", "voltage-controlled", "at-rest", "sensing-in-subcircuit"])
def test_ngspice_solves_what_it_is_given_and_is_believed(name):
    """Controlled sources and inductors pass through the ngspice engine with a certificate, and give the same voltages."""
    deck = parse(hand(name))
    chip = Chip.nominal(deck.circuit)
    with NgspiceEngine(workers=1).prepare(deck.circuit, chip) as theirs, GeneralEngine().prepare(deck.circuit, chip) as ours:
        drives = [Drive(np.array([[0.7], [-1.2]])), Drive(np.array([[0.7], [-1.2]]), Push(beta=1e-4, target=np.array([[0.5], [0.1]])))]
        for drive in drives:
            np.testing.assert_allclose(
                by_number(deck.circuit, theirs.solve(deck.g, drive)), by_number(deck.circuit, ours.solve(deck.g, drive)), rtol=0, atol=1e-9
            )


def test_a_circuit_without_an_answer_says_so():
    """Where a negative conductance takes away all others, nothing holds a node; that is no traceback, and no number."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0]),
        Memristors(name="m", a=x, b=y),
        VoltageControlledCurrentSources(name="g", a=y, b=GROUND, control_plus=y, control_minus=GROUND, gm=-(2.0**-14)),
        Nudges(name="nudge", plus=y, minus=GROUND),
    )
    circuit = builder.circuit("unheld")
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        assert solver.solve({"m": np.array([2.0**-13])}, Drive(np.ones((1, 1)))).v["y"][0, 0] == pytest.approx(2.0)
        assert solver.solve({"m": np.array([2.0**-14])}, Drive(np.ones((1, 1))), throw=False).result[0] == Result.NOT_FINITE
        with pytest.raises(ConvergenceError, match="unheld: 1 of 1 samples found no equilibrium"):
            solver.solve({"m": np.array([2.0**-14])}, Drive(np.ones((1, 1))))


def test_a_nudge_that_outputs_fall_away_from_is_refused():
    """A negative beta beyond what the circuit can take has no stable equilibrium, though Kirchhoff's law has a solution."""
    circuit, g = mesh()
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        mild = solver.solve(g, Drive(np.ones((1, 2)), Push(beta=-1e-6, target=np.zeros((1, 2)))), throw=False)
        wild = solver.solve(g, Drive(np.ones((1, 2)), Push(beta=-1.0, target=np.zeros((1, 2)))), throw=False)
        assert mild.result[0] == Result.CONVERGED
        assert wild.result[0] == Result.NOT_CONVEX
        with pytest.raises(ConvergenceError, match="bring beta nearer to 0"):
            solver.solve(g, Drive(np.ones((1, 2)), Push(beta=-1.0, target=np.zeros((1, 2)))))


def test_shapes_that_do_not_fit_are_refused():
    """As by the other engines."""
    circuit, g = mesh()
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        with pytest.raises(ValueError, match=r"x has shape \(3,\); mesh takes \(samples, 2\)"):
            solver.solve(g, Drive(np.zeros(3)))
        with pytest.raises(ValueError, match="m: conductances have shape"):
            solver.solve({"m": np.ones(2)}, Drive(np.zeros((1, 2))))


@pytest.mark.parametrize("line", range(1, 20))
def test_an_interrupted_call_changes_nothing(line):
    """Ctrl-C at any line of a call for other conductances: those of the call before are solved as before."""
    circuit, g = mesh()
    drive, passed = Drive(np.ones((1, circuit.input_count))), iter(range(line))

    def lines(_, event, __):
        if event == "line" and next(passed, None) is None:
            raise KeyboardInterrupt
        return lines

    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        before = by_number(circuit, solver.solve(g, drive))
        traced = sys.gettrace()
        sys.settrace(lambda frame, *_: lines if frame.f_code is PortCircuit.batch.__code__ else None)
        try:
            solver.solve({name: 2 * values for name, values in g.items()}, drive)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(traced)
        assert np.array_equal(by_number(circuit, solver.solve(g, drive)), before)


def test_a_chip_s_own_values_count():
    """Amplifiers, diodes and resistors are those of the chip."""
    circuit, g = mesh()
    chip = Chip(circuit, {"r": {"r": 2 * circuit["r"].r}, "d": {"i_sat": 5 * circuit["d"].i_sat}})
    ours = replace(circuit, elements=tuple(replaced(element) for element in circuit.elements))
    x = np.full((4, 2), 0.8)
    with GeneralEngine().prepare(circuit, chip) as drawn, GeneralEngine().prepare(ours, Chip.nominal(ours)) as built:
        np.testing.assert_array_equal(by_number(circuit, drawn.solve(g, Drive(x))), by_number(ours, built.solve(g, Drive(x))))


def replaced(element):
    """Return the element that the chip has."""
    if element.name == "r":
        return replace(element, r=2 * element.r)
    return replace(element, i_sat=5 * element.i_sat) if element.name == "d" else element


@pytest.mark.parametrize("i_sat", ["1e-15", "2.5n", "1u"])
@pytest.mark.parametrize("rs", ["0.01", "0.5", "20"])
def test_a_diode_of_a_catalogue_is_solved_at_any_voltage(rs, i_sat):
    """Roundings of a voltage behind its series resistance are larger than what it blocks, and are no failure."""
    model = f".model dx d(is={i_sat} n=1.75 rs={rs})"
    deck = parse(f"t\nvin s 0 1\nrw s a 1k\nd1 a 0 dx\n{model}\n*hwsim: input vin\n*hwsim: output a\n*hwsim: trainable rw\n.end\n")
    x = np.array([[-100.0], [-5.0], [-0.3], [0.3], [5.0], [100.0]])
    with GeneralEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
        v = solver.solve(deck.g, Drive(x)).at(deck.circuit, [deck.nodes["a"]])[:, 0]
    assert (v[:3] < x[:3, 0] * 0.9).all()
    assert (v[3:] > 0).all()
    assert (v[3:] < 7.0).all()


def exactly(size: int, ends: tuple[np.ndarray, np.ndarray], r: np.ndarray) -> np.ndarray:
    """Solve resistors r (n,) [ohm] between nodes in fractions, with 1 V at node 1; (size + 1,) [V]."""
    matrix = [[Fraction(0)] * (size + 1) for _ in range(size + 1)]
    for a, b, ohm in zip(*(end.tolist() for end in ends), r.tolist(), strict=True):
        for row, other in ((a, b), (b, a)):
            matrix[row][row] += 1 / Fraction(ohm)
            matrix[row][other] -= 1 / Fraction(ohm)
    rows = [[*matrix[k][2:], -matrix[k][1]] for k in range(2, size + 1)]
    for k, row in enumerate(rows):  # what is left stays positive definite, and needs no other pivot
        row[:] = [value / row[k] for value in row]
        for other in rows:
            if other is not row:
                other[:] = [value - other[k] * by for value, by in zip(other, row, strict=True)]
    return np.array([0.0, 1.0, *(float(row[-1]) for row in rows)])


@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(15))
def test_resistors_of_any_size_lead_to_exact_voltages(seed, share, learning):
    """Whether few or most of them are stiff, in series, in parallel or in loops, as fractions have them; the residual is rounding.

    Some others may be memristors that conduct far better than the rest.
    """
    rng = np.random.default_rng(seed)
    size = int(rng.integers(3, 9))
    tree = [(k, int(rng.integers(0, k))) for k in range(3, size + 1)]
    pairs = np.array([(2, 0), (1, size), *tree, *(rng.choice(np.arange(1, size + 1), 2, replace=False) for _ in range(size))])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    stiff = rng.random(len(pairs)) < share * (pairs.min(axis=1) > 0)  # none from node to ground, which might short the source
    r = 10 ** np.where(stiff, rng.uniform(-20, -4 + 4 * learning) + rng.uniform(-1, 1, len(pairs)), rng.uniform(2, 5, len(pairs)))
    memristors = learning & ~stiff & (rng.random(len(pairs)) < 0.5)
    r = np.where(stiff | memristors, r, r * 10 ** (5 * learning))
    builder = Builder()
    nodes, ends = builder.group("n", size), (pairs[:, 0], pairs[:, 1])
    builder.add(
        InputSources(name="v_x", plus=nodes[:1], feature=[0]),
        Resistors(name="r", a=ends[0][~memristors], b=ends[1][~memristors], r=r[~memristors]),
        *([Memristors(name="m", a=ends[0][memristors], b=ends[1][memristors])] if memristors.any() else []),
        Nudges(name="nudge", plus=nodes[-1:], minus=GROUND),
    )
    circuit = builder.circuit("resistors")
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        equilibrium = solver.solve({"m": 1 / r[memristors]} if memristors.any() else {}, Drive(np.ones((1, 1))))
    np.testing.assert_allclose(by_number(circuit, equilibrium)[0], exactly(size, ends, r), rtol=0, atol=1e-12)
    assert equilibrium.residual[0] < 1e-12


def loads_behind_wires(r: float, *others: float, trainable: float | None) -> tuple[Circuit, dict[str, np.ndarray]]:
    """Put four wires between 1 Mohm from an input and 333 kohm to ground, with `others` [S] across the input; memristors have a ceiling."""
    builder = Builder()
    x, n = builder.group("x", 1), builder.group("n", 5)
    g = np.array([1e-6, 3e-6, *others])
    ends = {"a": np.array([x[0], n[2], *[x[0]] * len(others)]), "b": np.array([n[0], *[0] * (1 + len(others))])}
    loads = Resistors(name="m", r=1 / g, **ends) if trainable is None else Memristors(name="m", g_min=1e-9, g_max=trainable, **ends)
    builder.add(
        InputSources(name="v_x", plus=x, feature=[0]),
        loads,
        Resistors(name="wire", a=n[:-1], b=n[1:], r=r),
        Nudges(name="nudge", plus=n[-1:], minus=GROUND),
    )
    return builder.circuit("loads"), {} if trainable is None else {"m": g}


@pytest.mark.parametrize("r", [1.0, 1e-3, 2e-6, 1e-10, 1e-12, 1e-30])
@pytest.mark.parametrize(
    ("trainable", "others"), [(None, ()), (1e-4, ()), (1.0, ()), (np.inf, ()), (10.0, (0.1,)), (np.inf, (0.1,))], ids=str
)
def test_voltages_behind_wires_do_not_depend_on_what_might_conduct(r, trainable, others):
    """Nor on a memristor elsewhere that does."""
    circuit, g = loads_behind_wires(r, *others, trainable=trainable)
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        (output,) = solver.solve(g, Drive(np.ones((1, 1)))).outputs(circuit)[0]
    assert output == pytest.approx(1e-6 / (4e-6 + 2 * r * 3e-12), rel=1e-9)


@pytest.mark.parametrize("size", [4, 12])
@pytest.mark.parametrize("r", [1e-6, 1e-9, 1e-12, 1e-15, 1e-16, 1e-17, 1e-18, 1e-20, 1e-30, 1e-100])
def test_meshes_of_hardly_any_resistance_are_one_node(size, r):
    """However many loops they have: each load then sees the mean of what all are joined to."""
    builder = Builder()
    x, n = builder.group("x", size), builder.group("n", size**2).reshape(size, size)
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.arange(size)),
        Memristors(name="m", a=np.append(x, n[-1]), b=np.append(n[0], np.zeros(size, int)), g_min=1e-9, g_max=1e-4),
        Resistors(name="h", a=n[:, :-1].ravel(), b=n[:, 1:].ravel(), r=r),
        Resistors(name="v", a=n[:-1].ravel(), b=n[1:].ravel(), r=np.linspace(r, 2 * r, size * (size - 1))),
        Nudges(name="nudge", plus=n[-1:, -1], minus=GROUND),
    )
    circuit, rng = builder.circuit("mesh"), np.random.default_rng(0)
    g, v = rng.uniform(1e-6, 1e-5, 2 * size), rng.uniform(-1, 1, (1, size))
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        (output,) = solver.solve({"m": g}, Drive(v)).outputs(circuit)[0]
    assert output == pytest.approx((g[:size] * v[0]).sum() / g.sum(), abs=1e-12 + 1e-5 * r)


@pytest.mark.parametrize(("row", "column"), [(1e-3, 0.0), (0.0, 1e-3)])
def test_wires_along_one_side_leave_few_entries_in_the_factors(row, column):
    """They are eliminated from their loose ends on: hardly more is left than where their conductances are added to others."""

    def entries(r: float) -> int:
        circuit = Network(inputs=40, layers=(Layer(30),), outputs=5, wire_r_row=r * (row > 0), wire_r_column=r * (column > 0)).compile()
        g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
        factors = PortCircuit(circuit, Chip.nominal(circuit)).batch(g, np.ones((1, 40))).linear.factors
        return getattr(factors, "factors", factors).nnz

    assert entries(row or column) < 5 * entries(100.0)

"""ngspice simulates a user's own text: its options, its nodesets and its models, with other inputs and conductances."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.errors import CircuitError
from hwsim.core.protocol import Drive, Push
from hwsim.ngspice import expander
from hwsim.ngspice.inner_nodes import InnerNodes
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from netlists.deck import rewrite
from netlists.foreign.flattened import flattened
from netlists.measure.power import PowerMeasure
from netlists.measure.settle import Settle
from netlists.measure.sweep import Sweep
from netlists.read import parser
from netlists.text.findings import NetlistError
from netlists.write.writer import write_deck
from support import foreign_decks
from support.decks import operating_point, run_ngspice
from support.reading import parse

ROLES = "*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable rw g_min=1e-6 g_max=1e-2\n"
LATCH = (
    "a latch\nvin in 0 1\nrw in out 1k\nrl out 0 1k\nvd d 0 5\nra d q 10k\nrb d qb 10k\nm1 q qb 0 0 nm w=20u l=1u\n"
    "m2 qb q 0 0 nm w=20u l=1u\n.model nm nmos(level=1 vto=1 kp=1e-4)\n.nodeset v({})=5 v({})=0\n" + ROLES + ".end\n"
)
CELLS = (
    "cells\nvin in 0 0.7\nx1 in out cell r=2k m=2\nx2 out 0 cell r=5k\nrw out 0 {4*w} tc1=1m m=3\n"
    "d1 out 0 dd area=2\n.param w=1k\n.temp 57\n"
    ".subckt cell p q r=1k\nr1 p v+ {r/2}\nr2 v+ q {r}\n.ends\n.model dd d(is=1e-9 rs=20)\n"
    "*hwsim: input vin scale=0.5 offset=0.1\n*hwsim: output out\n*hwsim: trainable rw g_min=1e-6 g_max=1e-2\n.end\n"
)


@pytest.fixture(scope="module", autouse=True)
def _one_pool():
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from foreign_decks.one_pool(monkeypatch)


def solved(deck, g=None, drive=None):
    """Solve a deck by the ngspice engine."""
    circuit = deck.circuit
    with NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver:
        return solver.solve(deck.g if g is None else g, Drive(deck.x[None]) if drive is None else drive)


@pytest.mark.parametrize(("high", "low"), [("q", "qb"), ("qb", "q")])
def test_a_nodeset_chooses_the_state_of_every_sample(high, low):
    """Whatever sample was solved before it."""
    deck = parse(LATCH.format(high, low))
    equilibrium = solved(deck, drive=Drive(np.array([[1.0], [-2.0], [0.5]])))
    v = equilibrium.at(deck.circuit, [deck.nodes[high], deck.nodes[low], deck.nodes["out"]])
    np.testing.assert_allclose(v[:, 0], 5.0, atol=1e-6)
    np.testing.assert_allclose(v[:, 1], 0.0622061, atol=1e-6)
    np.testing.assert_allclose(v[:, 2], [0.5, -1.0, 0.25], atol=1e-9)


def test_both_engines_follow_inputs_conductances_and_nudges():
    """Multipliers and temperature stand between what the card states and what the conductance is."""
    deck = parse(CELLS)
    assert 1 / deck.g["rw"][0] == pytest.approx(4e3 * 1.03 / 3)
    g, drive = {"rw": deck.g["rw"] * 1.7}, Drive(np.array([[0.9], [-3.0]]), Push(beta=2e-4, target=np.array([[0.3], [0.2]])))
    with GeneralEngine().prepare(deck.circuit, Chip.nominal(deck.circuit)) as numeric:
        wanted = numeric.solve(g, drive)
    nodes = np.arange(deck.circuit.size + 1)
    np.testing.assert_allclose(solved(deck, g, drive).at(deck.circuit, nodes), wanted.at(deck.circuit, nodes), rtol=0, atol=1e-9)


def test_a_node_behind_a_series_resistance_carries_the_current_of_its_junction():
    """In both directions, over many decades of current."""
    deck = parse(CELLS)
    circuit, chip = deck.circuit, Chip.nominal(deck.circuit)
    inner = InnerNodes.of(circuit, chip)
    v = np.zeros((6, circuit.size + 1))
    v[:, deck.nodes["out"]] = [-300.0, -1.0, 0.0, 1e-3, 0.6, 40.0]
    inner.fill(v)
    (node,) = inner.inner
    i = (v[:, deck.nodes["out"]] - v[:, node]) / inner.r[0]
    assert (np.sign(i) == np.sign(v[:, deck.nodes["out"]])).all()
    with GeneralEngine().prepare(circuit, chip) as numeric:
        drive = Drive(np.array([[5.0]]))
        equilibrium = numeric.solve(deck.g, drive).at(circuit, np.arange(circuit.size + 1))
    again = equilibrium.copy()
    inner.fill(again)
    np.testing.assert_allclose(again, equilibrium, rtol=0, atol=1e-12)


def test_what_is_written_for_people_is_the_same_circuit(tmp_path):
    """It runs in ngspice with the learned values, prints the same outputs, free and nudged, and is read again with its roles."""
    deck = parse(CELLS)
    circuit, chip = deck.circuit, Chip.nominal(deck.circuit)
    g = {"rw": deck.g["rw"] * 1.7}
    text = write_deck(circuit, chip, g, x=[0.9], pushes=[(2e-4, [0.3], [1e-5])])
    printed = [float(line.split(" = ")[1]) for line in run_ngspice(text, tmp_path).splitlines() if line.startswith("yhat")]
    free, nudged = (solved(deck, g, Drive(np.array([[0.9]]), push)) for push in (Push(), Push(2e-4, np.array([[0.3]]), np.array([[1e-5]]))))
    np.testing.assert_allclose(printed, [free.outputs(circuit)[0, 0], nudged.outputs(circuit)[0, 0]], rtol=0, atol=1e-5)
    again = parse(text)
    assert sorted(e.name for e in again.circuit.elements) == sorted(
        e.name for e in circuit.elements
    )  # the nudges are no parts of the user's
    np.testing.assert_allclose(again.g["rw"], g["rw"], rtol=1e-12)
    np.testing.assert_allclose(again.x, [0.9], rtol=1e-12)
    assert operating_point(text, tmp_path).v["out"] == pytest.approx(free.outputs(circuit)[0, 0], abs=1e-5)


def test_functions_in_an_expanded_deck_are_read_again(tmp_path):
    """The listing has a blank before their parentheses, which ngspice itself does not read."""
    cell = ".subckt cell p q k=2\nb1 q 0 i={1u*k*pow(v(p),2) + 1u*u(v(p))*max(v(p),0.1)}\n.ends\n"
    deck = parse(f"t\nvin in 0 0.7\nrw in out 1k\nrl out 0 1k\nx1 in out cell\n{cell}{ROLES}.end\n")
    circuit = replace(deck.circuit, text=flattened(deck.circuit))
    text = write_deck(circuit, Chip.nominal(circuit), deck.g, x=deck.x)
    assert ".subckt" not in text
    assert operating_point(text, tmp_path).v["out"] == pytest.approx(solved(deck).outputs(deck.circuit)[0, 0], abs=1e-5)


def test_a_node_with_parentheses_is_refused_with_a_name_for_it():
    """It is two words to ngspice, which read no other deck before, as from the command line: it keeps names of models from deck to deck."""
    refused = pytest.raises(NetlistError, match=r"deck:4: .*to ngspice parentheses are blanks: write net_1 for net\(1\)")
    with closing(expander.Expanding()) as expanding, refused:
        parser.parse(f"t\nvin in 0 1\nrw in out 1k\nd1 net(1) 0 dd\n.model dd d(bv=5)\n{ROLES}.end\n", expand=expanding)


WARM = (
    "rails\nvin in 0 0.7\nrw in out 1k\nvr 0 low 0.1\nvh high 0 0.2\nd1 low out dd\nd2 out high dd\nrl out 0 {2*k}\n.param k=5k\n"
    ".model dd d(is=1e-9 n=1.5 rs=5)\n*hwsim: input vin\n*hwsim: output out\n*hwsim: trainable rw g_min=1e-6 g_max=1e-2\n.end\n"
)


@pytest.mark.parametrize("celsius", [27.0, 77.0])
def test_a_chip_of_other_rails_and_another_temperature_is_the_same_in_both_engines(celsius, tmp_path):
    """Which source stands which way round is the deck's; what is written for people has them too."""
    deck = parse(WARM)
    circuit = deck.circuit
    (rails,) = circuit.voltage_sources
    nominal = Chip(circuit, temperature=celsius + 273.15)
    chip = Chip(circuit, {rails.name: {"v": np.asarray(rails.v) * [1.5, 0.7]}}, temperature=celsius + 273.15)
    drive, v = Drive(np.array([[2.0], [-2.0]])), []
    for engine in (GeneralEngine(), NgspiceEngine(workers=1)):
        for one in (nominal, chip):
            with engine.prepare(circuit, one) as solver:
                v.append(solver.solve(deck.g, drive).outputs(circuit)[:, 0])
    np.testing.assert_allclose(v[2:], v[:2], rtol=0, atol=1e-8)
    assert (np.abs(v[0] - v[1]) > 1e-3).all()
    text = write_deck(circuit, chip, deck.g, x=[2.0])
    assert operating_point(text, tmp_path).v["out"] == pytest.approx(v[1][0], abs=1e-4)


def test_a_chip_of_other_devices_is_refused():
    """The user's text holds their values, and maybe temperatures of its own; no argument is left out in silence."""
    deck = parse(CELLS)
    (diodes,) = [element.name for element in deck.circuit.elements if "i_sat" in element.parameters]
    chip = Chip(deck.circuit, {diodes: {"i_sat": np.array([2e-9])}})
    with pytest.raises(CircuitError, match="other values of diodes than the deck, which ngspice simulates as it stands"):
        NgspiceEngine(workers=1).prepare(deck.circuit, chip)
    with pytest.raises(CircuitError, match="the deck states temperatures of its own"):
        NgspiceEngine(workers=1).prepare(deck.circuit, Chip(deck.circuit, temperature=350.0))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("begin", [".subckt", ".SUBCKT"])
def test_a_subcircuit_s_source_and_resistor_of_the_same_name_are_others(order, begin):
    """Wherever the subcircuit is defined, the sample and the learned value go into the cards outside of it."""
    cell = f"{begin} cell p\nv1 a 0 2\nr1 a p 4k\n.ends\n"
    outside = "v1 in 0 {v}\nr1 in out 1k\nx1 out cell\nrl out 0 1k\n.param v=1\n"
    roles = "*hwsim: input v1\n*hwsim: output out\n*hwsim: trainable r1\n.end\n"
    deck = parse("twins\n" + "".join([outside, cell][::order]) + roles)
    g, drive = {"r1": np.array([5e-4])}, Drive(np.array([[3.0]]))
    wanted = (3 * 5e-4 + 2 * 2.5e-4) / (5e-4 + 2.5e-4 + 1e-3)
    node = [deck.nodes["out"]]
    np.testing.assert_allclose(solved(deck, g, drive).at(deck.circuit, node), [[wanted]], rtol=1e-9)
    again = parse(write_deck(deck.circuit, Chip.nominal(deck.circuit), g, x=[3.0]))
    np.testing.assert_allclose(solved(again).at(again.circuit, [again.nodes["out"]]), [[wanted]], rtol=1e-9)
    assert "r1 in out 2000" in rewrite(deck, g).lower()


def test_a_user_s_deck_is_swept_and_settles(tmp_path):
    """The swept table is the circuit's transfer curve, also of a source that stands the other way round; τ = C / g at a linear node."""
    deck = parse(WARM.replace("vin in 0 0.7", "vin 0 in 0.7"))
    circuit, chip = deck.circuit, Chip.nominal(deck.circuit)
    text = write_deck(circuit, chip, deck.g, x=[0.5], measure=Sweep(feature=0, start=-1.0, stop=3.0, points=5))
    rows = [line.split() for line in run_ngspice(text, tmp_path).splitlines() if line[:1].isdigit()]
    v, y = np.array(rows, dtype=float)[:, 1:].T[-2:]
    x = -v  # the source's first node is ground
    with GeneralEngine().prepare(circuit, chip) as solver:
        np.testing.assert_allclose(y, solver.solve(deck.g, Drive(x[:, None])).outputs(circuit)[:, 0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.sort(x), np.arange(-1.0, 4.0))
    linear = parse(f"t\nvin in 0 1\nrw in out 1k\nrl out 0 {{k}}\n.param k=1k\n{ROLES}.end\n")
    settle = write_deck(linear.circuit, Chip.nominal(linear.circuit), linear.g, x=[1.0], measure=Settle(capacitance=1e-9, slowest=1e-3))
    (time,) = [line.split()[2] for line in run_ngspice(settle, tmp_path).splitlines() if line.startswith("t_1pc_free")]
    assert float(time) == pytest.approx(np.log(100) * 1e-9 / 2e-3, rel=2e-2)
    with pytest.raises(CircuitError, match="ngspice does not report the power of each kind of part"):
        write_deck(circuit, chip, deck.g, x=[0.5], measure=PowerMeasure())

"""Decks that measure run by `ngspice deck.cir` as they are, and what they print is right."""

import math
import re

import numpy as np
import pytest

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import Capacitors, InputSources, Nudges, Resistors
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DeadZone, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from hwsim.core.protocol import Drive, Push
from hwsim.numeric.general.general_solver import GeneralEngine
from netlists.measure.power import PowerMeasure
from netlists.measure.settle import Settle, least_conductance
from netlists.measure.sweep import Sweep
from netlists.write.writer import write_deck
from support.decks import run_ngspice
from support.reading import parse

X = np.array([0.9, -0.4])
PUSHES = [Push(1e-6, np.array([0.1, -0.2]), 0.0), Push(0.0, 0.0, np.array([-1e-7, 3e-7]))]


def network(**changes):
    """Build a small network with all parts of a large one."""
    layer = Layer(size=3, amplifier=Amplifier(gain=4.0, back=0.25, offset=0.01))
    return Network(**({"inputs": 2, "layers": (layer,), "outputs": 2} | changes)).compile("small")


def uniform(circuit):
    """Draw conductances between 1 and 100 microsiemens."""
    rng = np.random.default_rng(0)
    return {element.name: rng.uniform(1e-6, 1e-4, element.shape) for element in circuit.trainable}


def printed(circuit, measure, folder, pushes=PUSHES, chip=None, **how):
    """Run a deck and give all numbers that it prints by their names; several of one name in order."""
    text = write_deck(circuit, chip or Chip.nominal(circuit), uniform(circuit), x=X[: circuit.input_count], pushes=pushes, measure=measure)
    result = {}
    for name, value in re.findall(r"^(\S+) += +(\S+)$", run_ngspice(text, folder, **how), re.MULTILINE):
        result.setdefault(name, []).append(float(value))
    return result


@pytest.mark.parametrize("neuron", [Rectifier(), DeadZone(), IdealPair(v_low=-0.1, v_high=0.2)], ids=lambda n: n.kind)
def test_all_parts_take_what_the_sources_deliver(neuron, tmp_path):
    """Tellegen's theorem holds for the printed watts, in every phase."""
    result = printed(network(layers=(Layer(size=3, neuron=neuron, amplifier=Amplifier(offset=0.02)),)), PowerMeasure(), tmp_path)
    assert len(result["p_left"]) == 3
    for takes, delivered, left in zip(result["p_takes"], result["p_delivered"], result["p_left"], strict=True):
        assert takes > 1e-7
        assert delivered == pytest.approx(takes, rel=1e-9)
        assert left == pytest.approx(0.0, abs=1e-9 * takes)
    parts = [name for name in result if name.startswith("p_") and not name.startswith("p_from") and name not in {"p_left", "p_delivered"}]
    for k in range(3):
        assert sum(result[name][k] for name in parts) == pytest.approx(2 * result["p_takes"][k])


def test_the_watts_of_each_part_are_its_own(tmp_path):
    """A crossbar takes g·Δv² summed, an amplifier what goes in and comes out of it, and a nudge what it pushes times the read-out."""
    circuit = network()
    result, g = printed(circuit, PowerMeasure(), tmp_path, PUSHES[:1]), uniform(circuit)
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        settled = solver.solve(g, Drive(X[None], PUSHES[0]))
    for w in circuit.of(Crossbar):
        drop = settled.at(circuit, w.rows)[0][:, None] - settled.at(circuit, w.columns)[0]
        assert result[f"p_{w.name}"][1] == pytest.approx((g[w.name] * drop**2).sum(), rel=1e-7)
    outputs = settled.outputs(circuit)[0]
    assert result["p_nudge"][1] == pytest.approx(-(PUSHES[0].beta * (PUSHES[0].target - outputs) * outputs).sum(), rel=1e-6)
    w2 = circuit["w2"]
    rows, columns = settled.at(circuit, w2.rows)[0][:3], settled.at(circuit, w2.columns)[0]
    delivered = (g["w2"][:3] * (rows[:, None] - columns)).sum(axis=1)
    v_in = settled.v["h1"][0]
    assert result["p_amp1"][1] == pytest.approx((0.25 * delivered * v_in - delivered * rows).sum(), rel=1e-6)


@pytest.mark.parametrize("changes", [{}, {"layers": ()}, {"layers": (Layer(size=2, neuron=DeadZone(i_sat=1e-6, n=1.0)),)}], ids=str)
def test_what_settles_in_time_is_the_equilibrium(changes, tmp_path):
    """The voltages end within 1e-6 V of the operating point, and come to 0.1 % later than to 1 %; free and nudged."""
    circuit = network(**changes)
    result = printed(circuit, Settle(capacitance=1e-13, slowest=least_conductance(circuit, uniform(circuit))), tmp_path)
    for name in ("free", "nudged_1", "nudged_2"):
        assert result[f"v_apart_{name}"][0] < 1e-6
        assert 0 < result[f"t_1pc_{name}"][0] < result[f"t_01pc_{name}"][0] < 1e-3


@pytest.mark.parametrize("capacitance", [1e-15, 1e-12, 1.0])
def test_one_node_settles_as_an_rc_does(capacitance, tmp_path):
    """It takes ln(100) and ln(1000) times C over the sum of its conductances."""
    builder = Builder()
    x, out = builder.group("x", 2), builder.group("out", 1)
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2)), Crossbar(name="w", rows=x, columns=out))
    builder.add(Resistors(name="load", a=out, b=GROUND, r=5e4), Nudges(name="nudge", plus=out, minus=GROUND))
    circuit = builder.circuit("one node")
    total = uniform(circuit)["w"].sum() + 2e-5
    assert least_conductance(circuit, uniform(circuit)) == pytest.approx(total)
    result = printed(circuit, Settle(capacitance=capacitance, slowest=50 * total), tmp_path, [Push(1e-5, np.array([1.0]), 0.0)])
    for name, g in (("free", total), ("nudged_1", total + 1e-5)):
        assert result[f"t_1pc_{name}"][0] == pytest.approx(math.log(100) * capacitance / g, rel=2e-3)
        assert result[f"t_01pc_{name}"][0] == pytest.approx(math.log(1000) * capacitance / g, rel=2e-3)


def test_a_settling_deck_is_the_circuit_with_capacitors():
    """Reading it gives the same circuit, and a capacitor at each node that neither sources nor amplifiers hold."""
    circuit = network()
    deck = parse(write_deck(circuit, Chip.nominal(circuit), uniform(circuit), x=X, measure=Settle(capacitance=2e-13)))
    *others, capacitors = deck.circuit.elements
    assert tuple(others) == circuit.elements
    assert isinstance(capacitors, Capacitors)
    assert {deck.circuit.node_names[k] for k in capacitors.a} == {f"{stem}_{k}" for stem, n in (("h1", 3), ("out", 4)) for k in range(n)}
    assert (capacitors.c == 2e-13).all()


@pytest.mark.parametrize("command", [["ngspice", "-b"], ["ngspice"]], ids=["batch", "interactive"])
def test_a_sweep_tabulates_what_the_engine_finds(command, tmp_path):
    """Each row holds the input's volts and the outputs of a sample with that input; the negative source goes along, on a chip as well."""
    circuit = network(outputs=12, input_scale=0.5)
    chip = Chip(circuit, {"v_x": {"scale": np.array([0.5, 0.55])}, "v_xn": {"scale": np.array([-0.5, -0.4])}})
    measure = Sweep(feature=1, start=-1.0, stop=0.5, points=16)
    text = write_deck(circuit, chip, uniform(circuit), x=X, measure=measure)
    rows = np.array([line.split() for line in run_ngspice(text, tmp_path, command).splitlines() if re.match(r"\d+\t", line)], dtype=float)
    x = np.linspace(-1.0, 0.5, 16)
    np.testing.assert_allclose(rows[:, 2], 0.55 * x, atol=1e-8)
    with GeneralEngine().prepare(circuit, chip) as solver:
        wanted = solver.solve(uniform(circuit), Drive(np.stack([np.full(16, X[0]), x], axis=1))).outputs(circuit)
    np.testing.assert_allclose(rows[:, 3:], wanted, rtol=0, atol=1e-8)
    assert "*hwsim:" not in text  # it would be read as another circuit


def test_a_sweep_refuses_what_it_cannot_move():
    """An input that is not there, or that no source shows."""
    circuit = network()
    for measure, chip, message in (
        (Sweep(feature=2, start=0, stop=1), Chip.nominal(circuit), "has 2 inputs"),
        (Sweep(feature=0, start=0, stop=1), Chip(circuit, {name: {"scale": np.zeros(2)} for name in ("v_x", "v_xn")}), "scale 0"),
    ):
        with pytest.raises(CircuitError, match=message):
            write_deck(circuit, chip, uniform(circuit), x=X, measure=measure)

"""What compile writes is read as the same circuit, with the same conductances to the last digit, by the small reader: without ngspice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import zoo
from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Capacitors, CurrentSources, Diodes, IdealDiodes, Inductors, InputSources, Nudges, Resistors, VoltageSources
from circuits.nodes import GROUND
from circuits.topology import Block
from hwsim.experiment.loading import load
from netlists.read.parser import parse
from netlists.write.writer import write_deck
from support.strategies import conductances, features, networks

LARGE = ("mnist", "fashion", "binary", "ternary")
SMALL = [  # one circuit on images stands for all of them; chains write a deck a circuit
    name for name in zoo.names() if not name.startswith(LARGE) and load(name).circuit is not None
]


def returns(circuit: Circuit, g: dict[str, np.ndarray], x: np.ndarray, chip: Chip | None = None) -> None:
    """Write a circuit, read it with nothing that could expand it, and compare both."""
    deck = parse(write_deck(circuit, chip or Chip.nominal(circuit), g, x=x))
    assert deck.circuit.name == circuit.name
    assert deck.circuit.groups == circuit.groups
    assert deck.circuit.elements == circuit.elements
    assert deck.circuit.blocks == circuit.blocks
    assert deck.circuit == circuit
    assert deck.g.keys() == g.keys()
    for name, values in g.items():
        np.testing.assert_array_equal(deck.g[name], values)
    np.testing.assert_array_equal(deck.x, x)
    assert not deck.warnings


def drawn(circuit: Circuit, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw conductances of all decades within their bounds."""
    rng = np.random.default_rng(seed)
    return {e.name: np.clip(np.exp(rng.uniform(-16, -10, e.shape)), e.g_min, e.g_max) for e in circuit.trainable}


MAPS = [name for name in SMALL if any(layer.images for layer in load(name).circuit.layers)]


@pytest.mark.parametrize("name", [*(name for name in SMALL if name not in MAPS), "mnist-scellier2024"])
def test_every_circuit_of_the_zoo_comes_back(name):
    """Nodes, elements, blocks, bounds and features, in their order."""
    circuit = load(name).circuit.compile(name)
    returns(circuit, drawn(circuit), np.random.default_rng(1).uniform(-1, 1, circuit.input_count))


def devices(circuit: Circuit, g: dict[str, np.ndarray]) -> list[tuple[int, int, float]]:
    """List all memristors, by nodes and conductance."""
    flat = [array.expand(g[array.name]) for array in circuit.trainable]
    return sorted((*sorted(map(int, ends)), float(value)) for a, b, values in flat for *ends, value in zip(a, b, values, strict=True))


def test_a_convolution_comes_back_as_its_memristors():
    """Each copy is a device of its own, between the same nodes and with the same conductance."""
    circuit = load("conv-digits").circuit.compile("conv-digits")
    g = drawn(circuit)
    deck = parse(write_deck(circuit, Chip.nominal(circuit), g, x=np.zeros(circuit.input_count)))
    assert deck.circuit.groups == circuit.groups
    assert devices(deck.circuit, deck.g) == devices(circuit, g)


@given(st.data())
def test_random_circuits_come_back(data):
    """With any neuron, amplifier and size."""
    circuit = data.draw(networks()).compile()
    returns(circuit, data.draw(conductances(circuit)), data.draw(features(circuit, batch=1))[0])


def everything() -> Circuit:
    """Build a circuit with every kind of element, names that look alike, an order that no section has, and a block of single cards."""
    builder = Builder()
    x, h, low, s, y = builder.group("x", 2), builder.group("h", 3), builder.group("low"), builder.group("s"), builder.group("y_", 2)
    builder.add(
        Nudges(name="v", plus=h[:2], minus=np.array([h[2], 0])),
        InputSources(name="v_x", plus=x, feature=[1, 0], scale=[2.0, -3.0]),
        Crossbar(name="w_", rows=x, columns=h, g_min=np.full((2, 3), 1e-9), g_max=np.linspace(1e-4, 2e-4, 6).reshape(2, 3)),
        Memristors(name="m", a=h[:2], b=h[1:], g_min=[1e-9, 2e-9], g_max=np.inf),
        Diodes(name="d", anode=low, cathode=h, i_sat=[1e-9, 1e-9, 1e-12], n=1.5),
        CurrentSources(name="i", a=GROUND, b=h[2:], i=1e-7),
        VoltageSources(name="v_low", plus=low, minus=GROUND, v=-0.5),
        Resistors(name="load", a=h, b=GROUND, r=[1e6, 2e6, 3e6]),
        Capacitors(name="c", a=h[:1], b=GROUND, c=1e-14),
        IdealDiodes(name="clamp", anode=h[:1], cathode=low),
        VoltageSources(name="sense", plus=s, minus=h[:1], v=0.0),
        Resistors(name="to_s", a=s, b=GROUND, r=1e5),
        CurrentControlledCurrentSources(name="f", a=GROUND, b=h[1:2], source="sense", place=0, gain=0.5),
        CurrentControlledVoltageSources(name="hh", plus=y[:1], minus=GROUND, source="v_x", place=1, rm=1e3),
        VoltageControlledVoltageSources(name="e", plus=y[1:], minus=y[:1], control_plus=h[:1], control_minus=h[1:2], gain=-0.25),
        VoltageControlledCurrentSources(name="g", a=h[:1], b=GROUND, control_plus=h[:1], control_minus=GROUND, gm=1e-7),
        Inductors(name="l", a=y[:1], b=[builder.group("z")[0]], l=1e-6),
    )
    diodes = Diodes(name="p_d", anode=low, cathode=h[:1], i_sat=1e-9, n=1.0)
    circuit = builder.circuit("all  of them")
    blocks = (Block("second", "unheard_of", ("load", "i")), Block("first", "clamp_low", ("p_d", "v_low")))
    return Circuit(name="all of them", groups=circuit.groups, elements=(*circuit.elements, diodes), blocks=blocks)


def test_a_circuit_of_everything_comes_back():
    """Whatever the order of elements and blocks, and however alike the names."""
    circuit = everything()
    returns(circuit, drawn(circuit), np.array([0.5, 0.25]))


def test_the_values_of_a_chip_come_back_as_nominal_ones():
    """A deck holds one chip, and knows of no other."""
    circuit = load("xor").circuit.compile("xor")
    name = circuit.of(Diodes)[0].name
    chip = Chip(circuit, {name: {"i_sat": np.linspace(1e-9, 2e-9, len(circuit[name]))}})
    deck = parse(write_deck(circuit, chip, drawn(circuit), x=np.zeros(circuit.input_count)))
    np.testing.assert_array_equal(deck.circuit[name].i_sat, chip(name, "i_sat"))

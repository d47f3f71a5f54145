"""The library's subcircuits are what the writer takes them for."""

import re

import numpy as np
import pytest

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import Diodes, InputSources, Nudges, VoltageSources
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Layer, Network
from circuits.nodes import GROUND
from circuits.topology import Block
from netlists.write import subcircuits
from netlists.write.ideal_diodes import sharpened


@pytest.mark.parametrize("kind", subcircuits.LIBRARY)
def test_pins_and_parameters_stand_in_the_text_as_in_the_table(kind):
    """The table shows how an instance is written, the text what SPICE makes of it."""
    parts = subcircuits.LIBRARY[kind]
    text = subcircuits.text(kind)
    head = re.search(rf"^\.subckt {kind} (.*)$", text, re.MULTILINE)[1]
    pins, _, parameters = head.partition(" params: ")
    wanted = dict.fromkeys(pin for part in parts for pin in part.pins.values() if pin != "0")
    assert pins.split() == [*wanted, *(["beta", "y", "i"] if kind.endswith("nudge") else [])]
    assert [p.partition("=")[0] for p in parameters.split()] == [called for part in parts for called in part.parameters.values()]
    assert text.startswith("*")
    assert text.endswith(f".ends {kind}")


@pytest.mark.parametrize("neuron", [DiodePair(), Rectifier(), IdealPair(), IdealRectifier(), DeadZone()], ids=lambda n: n.kind)
def test_every_neuron_has_its_subcircuit(neuron):
    """A compiled network has no neuron that would have to be written flat."""
    circuit = sharpened(Network(inputs=1, layers=(Layer(size=3, neuron=neuron),), outputs=1).compile())
    assert circuit.blocks
    assert all(subcircuits.fits(block, circuit) for block in circuit.blocks)


def clamped(*, minus=GROUND, kind="clamp_low"):
    """Build a circuit with one clamp, whose bias source stands on `minus`."""
    builder = Builder()
    x, h, low = builder.group("x", 2), builder.group("h", 2), builder.group("low", 2)
    builder.add(InputSources(name="v_x", plus=x, feature=np.arange(2)), Crossbar(name="w", rows=x, columns=h))
    diode = Diodes(name="d", anode=low, cathode=h, i_sat=1e-9, n=[1.0, 2.0])
    builder.block("neuron", kind, diode, VoltageSources(name="v_low", plus=low, minus=minus, v=[0.5, -0.25]))
    builder.add(Nudges(name="nudge", plus=h, minus=GROUND))
    return builder.circuit("clamped")


def test_an_instance_names_its_pins_and_its_own_parameters():
    """Each element has the values of its own index, on the chip."""
    circuit = clamped()
    chip = Chip(circuit, {"d": {"i_sat": np.array([1e-12, 2e-12])}})
    assert list(subcircuits.instances(circuit.blocks[0], circuit, chip)) == [
        "X_neuron_0 low_0 h_0 clamp_low i_sat=1e-12 n=1.0 v_low=0.5",
        "X_neuron_1 low_1 h_1 clamp_low i_sat=2e-12 n=2.0 v_low=-0.25",
    ]


def test_a_block_that_is_joined_otherwise_does_not_fit():
    """A bias source that does not stand on ground, or a kind that the library has not: neither is passed off as what it is not."""
    assert subcircuits.fits(clamped().blocks[0], clamped())
    assert not subcircuits.fits(clamped(minus=np.array([1, 2])).blocks[0], clamped(minus=np.array([1, 2])))
    assert not subcircuits.fits(clamped(kind="unheard_of").blocks[0], clamped(kind="unheard_of"))
    assert not subcircuits.fits(Block("neuron", "clamp_low", ("v_low", "d")), clamped())

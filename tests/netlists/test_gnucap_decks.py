"""Decks for gnucap hold what it reads and nothing else, and mean the same circuit: ngspice, which reads such cards too, agrees."""

import re

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.errors import CircuitError
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive, Push
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.write.gnucap import THERMAL, Point, write_gnucap
from support.decks import operating_point
from support.reading import parse

CARD = re.compile(r"[rvefghdcli]_\w+ |\.(?:model|param|options|print|dc|end)\b|\*", re.IGNORECASE)


@pytest.fixture
def network():
    """Build a network with amplifiers and two outputs, and a chip on which everything differs."""
    circuit = Network(inputs=2, layers=(Layer(size=3, amplifier=Amplifier(gain=4.0, back=0.25)),), outputs=2).compile()
    rng = np.random.default_rng(1)
    values = {
        "amp1": {
            "gain": rng.uniform(3, 5, 3),
            "back": rng.uniform(0.2, 0.3, 3),
            "offset": rng.normal(0, 0.01, 3),
            "output_resistance": [50.0, 700.0, 9.0],
        },
        circuit.outputs.name: {"gain": np.array([0.9, 1.2])},
    }
    g = {w.name: rng.uniform(1e-6, 1e-4, w.shape) for w in circuit.trainable}
    return circuit, Chip(circuit, {name: {key: np.asarray(v) for key, v in of.items()} for name, of in values.items()}), g


def test_each_analysis_is_the_point_that_it_stands_for(network, tmp_path):
    """Free, nudged and another sample: with the parameters as they stand above it, ngspice finds the numeric engine's voltages."""
    circuit, chip, g = network
    x = np.array([[0.3, -0.7], [0.3, -0.7], [0.9, 0.1]])
    push = Push(
        np.array([[0.0], [2e-5], [0.0]]), np.array([[0.0, 0.0], [0.1, -0.2], [0.0, 0.0]]), np.array([[0.0, 0.0], [1e-6, 0.0], [0.0, 0.0]])
    )
    points = [Point(x[k], push.beta[k, 0], push.target[k], push.current[k]) for k in range(3)]
    nodes = np.arange(1, circuit.size + 1)
    text = write_gnucap(circuit, chip, g, points, nodes=nodes)
    with NumericEngine().prepare(circuit, chip) as solver:
        wanted = np.asarray(solver.solve(g, Drive(x, push)).at(circuit, nodes))
    cards = re.sub(r" n=(\S+)\)", lambda n: f" n={float(n[1]) / THERMAL!r})", text)
    before, *analyses = re.split(r"(?m)^\.dc$", cards)
    fixed = "\n".join(line for line in before.splitlines() if not line.startswith((".options", ".print", ".param")))
    parameters = {}
    for k, part in enumerate([before, *analyses[:-1]]):
        parameters |= dict(re.findall(r"(?m)^\.param (\S+)=(\S+)$", part))
        message = "\n".join(f".param {name}={value}" for name, value in parameters.items())
        deck = f"{fixed}\n{message}\n.options reltol=1e-11 vntol=1e-13 abstol=1e-16 gmin=1e-18\n.end\n"
        v = operating_point(deck, tmp_path).v
        np.testing.assert_allclose([v[circuit.node_names[node]] for node in nodes], wanted[k], rtol=0, atol=1e-9)
    assert len(analyses) == 3
    assert ".param" not in analyses[-1]


def test_a_deck_holds_only_what_gnucap_reads(network):
    """Cards of a few letters, plain numbers, what is printed before the first analysis, and the end; parameters are defined before use."""
    circuit, chip, g = network
    lines = write_gnucap(circuit, chip, g, [Point(np.zeros(2)), Point(np.ones(2), 1e-6)], notes=["a note\nof two lines"]).splitlines()
    assert lines[0].startswith("* ")
    assert lines[-2:] == [".dc", ".end"]
    assert all(CARD.match(line) for line in lines), [line for line in lines if not CARD.match(line)]
    first = lines.index(".dc")
    assert not [line for line in lines[first:] if not line.startswith((".param", ".dc", ".end"))]
    assert lines[first - 1] == ".print dc v(out_0) v(out_1) v(out_2) v(out_3)"
    defined = {line.split()[1].partition("=")[0] for line in lines[:first] if line.startswith(".param")}
    used = set(re.findall(r"[a-z]+_[a-z0-9_]+", " ".join(re.findall(r"\{(.*?)\}", "\n".join(lines)))))
    assert used == defined
    names = [line.split()[0].lower() for line in lines if line[0] not in ".*"]
    assert len(set(names)) == len(names)


def test_many_nodes_are_printed_by_several_cards(network):
    """The first card begins what is printed, and the others add to it."""
    circuit, chip, g = network
    cards = [line.split() for line in write_gnucap(circuit, chip, g, [Point(np.zeros(2))], nodes=np.arange(1, 12)).splitlines()]
    prints = [card for card in cards if card[0] == ".print"]
    assert [card[:3] for card in prints[1:]] == [[".print", "dc", "+"]]
    assert sum(word.startswith("v(") for card in prints for word in card) == 11


def test_what_gnucap_has_not_is_refused():
    """A MOSFET is refused by the name of its array."""
    text = (
        "t\nv1 d 0 1\nrw d a 1k\nm1 a d 0 0 nm\n.model nm nmos(vto=0.4)\n*hwsim: input v1\n*hwsim: output a\n*hwsim: trainable rw\n.end\n"
    )
    deck = parse(text)
    with pytest.raises(CircuitError, match=r"passed_m holds cards that begin with M"):
        write_gnucap(deck.circuit, Chip.nominal(deck.circuit), deck.g, [Point(deck.x)])

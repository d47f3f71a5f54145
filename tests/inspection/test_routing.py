"""Routing: nothing in a schematic covers anything else."""

import itertools

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.elements import Nudges
from hwsim.inspection.node_layout import placed
from hwsim.inspection.routing import GAP, route
from hwsim.inspection.schematic import schematic
from hwsim.inspection.simplified import simplified
from hwsim.inspection.symbols import PAIR, DrawnPart, parts
from support.decks import hand, random_deck
from support.reading import parse


@pytest.mark.parametrize("seed", range(12))
def test_no_part_covers_another(seed):
    """Parts of one row lie next to each other, symbols between neighbouring wires, and what hangs below has room for its words."""
    deck = parse(random_deck(seed, passed=False))
    circuit = deck.circuit
    drawn = list(parts(circuit, Chip.nominal(circuit), deck.g))
    inputs = [int(node) for source in circuit.inputs for node in source.plus]
    result = route(drawn, placed(circuit), dict(enumerate(circuit.node_names)), inputs, circuit.outputs.plus.tolist())
    place = {node: k for k, node in enumerate(result.order)}
    assert sorted(result.order) == list(range(1, circuit.size + 1))
    assert result.order[0] in inputs
    assert result.order[-1] == circuit.outputs.plus[0]
    spans: dict[int, list[tuple[int, int]]] = {}
    for part, row, gap in result.levels:
        left, right = sorted((place[part.a], place[part.b]))
        assert left <= gap < right
        spans.setdefault(row, []).append((left, right))
    for row in spans.values():
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(sorted(row)))
    x = [result.x[node] for node in result.order]
    assert (np.diff(x) >= GAP - 1e-9).all()
    below = [(at, part) for node in result.order for at, part in result.hanging.get(node, [])]
    assert all(after - at >= 1.4 + 0.2 * len(part.label) for (at, part), (after, _) in itertools.pairwise(below))
    assert len(below) + len(result.levels) == sum(part.a != part.b for part in drawn)


def test_every_part_is_drawn_between_its_nodes():
    """What a part is called follows its values, and arrows and signs its direction."""
    deck = parse(hand("sources"))
    result = {part.label: (part.symbol, part.a, part.b) for part in parts(deck.circuit, Chip.nominal(deck.circuit), deck.g)}
    node = deck.nodes
    assert result["2 mA"] == ("SourceI", 0, node["out"])
    assert result["1 mA"] == ("SourceI", node["out"], 0)
    assert result["-0.2 V"] == ("SourceV", 0, node["c"])
    assert result["6k"] == ("Resistor", node["f"], node["out"])
    count = sum(len(element) for element in deck.circuit.elements if not isinstance(element, Nudges))
    assert len(list(parts(deck.circuit, Chip.nominal(deck.circuit), deck.g))) == count


def test_fixed_voltages_become_labels_and_opposed_diodes_one_symbol():
    """Unless another part needs the wire of the supply, or the supply is read; diodes alone stay diodes, and nothing is lost."""
    kept = [
        DrawnPart("SourceV", 0, 1, "x0"),
        DrawnPart("SourceV", 0, 9, "2 V"),
        DrawnPart("Resistor", 9, 8, "1k"),
        DrawnPart("SourceV", 0, 8, "3 V"),
    ]
    rails = [DrawnPart("SourceV", 0, 2, "0.5 V"), DrawnPart("SourceV", 0, 3, "-0.5 V")]
    drawn = [
        DrawnPart("Diode", 1, 2, ""),
        DrawnPart("Diode", 3, 1, ""),
        DrawnPart("Diode", 4, 2, ""),
        DrawnPart("Diode", 4, 5, ""),
        DrawnPart("Diode", 5, 4, ""),
    ]
    result = simplified([*kept, *rails, *drawn], {1})
    pairs = [DrawnPart(PAIR, 1, 0, "", ("0.5 V", "-0.5 V")), DrawnPart(PAIR, 4, 5, "")]
    assert sorted(result) == sorted([*kept, *pairs, DrawnPart("Diode", 4, 0, "", ("0.5 V",))])


def test_what_has_no_symbol_is_reported():
    """Transistors are ngspice's own."""
    deck = parse(hand("mosfet"))
    assert schematic(deck.circuit, Chip.nominal(deck.circuit), deck.g) == "passed_m has no symbol"

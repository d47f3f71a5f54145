"""Schematics: every device is drawn, and no words cover others or are cut off."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.inspection.bundles import MOST_COLUMNS, row_labels
from hwsim.inspection.schematic import Drawable, drawing, schematic
from support.decks import hand, random_deck
from support.reading import parse

CLAMPED = (
    "*\nV1 in 0 1\nV2 low 0 -0.2\nV3 high 0 0.3\nR1 in a 1k\nR2 a out 2k\nD1 a high d\nD2 low a d\nD3 a out d\nD4 out a d\n.model d D\n"
)
CLAMPED += "R3 out high 5k\n*hwsim: trainable R1 R2\n*hwsim: input V1\n*hwsim: output out\n.end\n"

LAYERED: dict[str, tuple[str, list[str]]] = {
    "xor": ("xor", []),
    "outputs of one node, neurons of one diode": ("xor", ["circuit.layers[0].neuron.kind=rectifier", "circuit.differential=false"]),
    "dead zones and no amplifiers": ("iris", ["circuit.layers=[{size=3, neuron={kind='dead-zone'}}]"]),
    "two layers, ideal clamps": ("iris", ["circuit.layers=[{size=3, neuron={kind='ideal-pair'}}, {size=4}]"]),
    "buses": ("digits", []),
    "as many as are drawn one by one": ("iris", [f"circuit.layers[0].size={MOST_COLUMNS}"]),
    "one more": ("iris", [f"circuit.layers[0].size={MOST_COLUMNS + 1}"]),
}


def shown(result: Drawable) -> list[tuple[str, Any]]:
    """Draw; returns all words with where they are [pixels], after a check that nothing is cut off."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=result.size, dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    result.show(axes)
    renderer = canvas.get_renderer()
    words = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts if text.get_text()]
    width, height = figure.bbox.size
    cut = [text for text, box in words if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]
    assert cut == []
    return words


def covered(words: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """List the pairs of words that share more than a pixel."""
    pairs = itertools.combinations(words, 2)
    return [
        (a, b)
        for (a, one), (b, other) in pairs
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1 < min(one.y1, other.y1) - max(one.y0, other.y0)
    ]


def compiled(name: str) -> tuple[Circuit, Mapping[str, Any]]:
    """Compile one of the circuits in layers."""
    what, settings = LAYERED[name]
    circuit = override(load(what), settings).circuit.compile(what)
    random = np.random.default_rng(0)
    return circuit, {array.name: random.uniform(1e-6, 1e-5, array.shape) for array in circuit.trainable}


@pytest.mark.parametrize("name", LAYERED)
def test_a_chain_of_layers_is_drawn_with_all_names(name: str) -> None:
    """Single wires have the names of their nodes, buses the first and the last; rails and gains stand there too; no words overlap."""
    circuit, g = compiled(name)
    result, why = drawing(circuit, Chip.nominal(circuit), g)
    words = shown(result)
    assert (why, covered(words)) == ("", [])
    texts = [text for text, _ in words]
    outputs = [node for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node]
    if len(outputs) <= MOST_COLUMNS:
        assert {circuit.node_names[node] for node in outputs} <= set(texts)
    first = circuit.trainable[0]
    assert [label for _, label, _ in row_labels(circuit, first) if label not in texts] == []
    assert ("8 diodes" in texts, "8 diode pairs" in texts) == (name.endswith("one diode"), name == "xor")
    for array in circuit.trainable:
        assert f"{array.name}, {array.shape[0]} × {array.shape[1]}" in texts


@pytest.mark.parametrize("name", ["at-rest", "current-controlled", "names", "sources", "voltage-controlled", "random", "clamped"])
def test_small_circuits_are_drawn_part_by_part(name: str) -> None:
    """No words are cut off, and none but those of close neighbours touch."""
    deck = parse({"random": random_deck(0, passed=False), "clamped": CLAMPED}.get(name) or hand(name))
    result = schematic(deck.circuit, Chip.nominal(deck.circuit), deck.g)
    assert not isinstance(result, str)
    assert covered(shown(result)) == []

"""The weights c_l of a circuit's parts in its energy. Without them a gradient is wrong: by 16 for each amplifier of 4 and 1/4."""

import numpy as np

from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import Amplifiers, Crossbar, InputSources, Nudges, VoltageSources
from circuits.nodes import Nodes


def energy_factors(circuit: Circuit) -> dict[str, float]:
    """Give c_l/c_L of every trainable element array: the weight of its co-content, that of the outputs being 1.

    Nodes that elements join share one weight. Across an amplifier c_out = c_in·back/gain (the geometric mean over an array of amplifiers
    that differ: mismatched ones have no exact energy). Parts that no amplifier ties to the outputs have weight 1.
    """
    parts = _parts(circuit)
    weight = {int(parts[circuit.outputs.plus[0]]): 1.0}
    bridges = [bridge for amplifiers in circuit.of(Amplifiers) for bridge in _bridges(parts, amplifiers)]
    grown = True
    while grown:
        grown = False
        for before, behind, ratio in bridges:
            for known, other, factor in ((behind, before, 1 / ratio), (before, behind, ratio)):
                if known in weight and other not in weight:
                    weight[other] = weight[known] * factor
                    grown = True
    return {element.name: weight.get(int(parts[_anchor(element)]), 1.0) for element in circuit.trainable}


def _parts(circuit: Circuit) -> Nodes:
    """Label nodes by the part that they belong to; what sources hold joins nothing."""
    held = np.zeros(circuit.size + 1, dtype=bool)
    held[0] = True
    for source in circuit.of(VoltageSources, InputSources):
        held[source.plus] = True
    edges = []
    for element in circuit.elements:
        if isinstance(element, Amplifiers | VoltageSources | InputSources):
            continue
        if isinstance(element, Nudges):
            pairs: tuple[tuple[Nodes, Nodes], ...] = ((element.plus, element.minus),)
        elif isinstance(element, Crossbar):
            rows = element.rows[~held[element.rows]]
            pairs = ((element.columns[:1], element.columns), (rows, np.broadcast_to(element.columns[:1], rows.shape)))
        else:
            pairs = element.pairs
        for a, b in pairs:
            both = np.broadcast_arrays(a, b)
            free = ~(held[both[0]] | held[both[1]])
            edges.append((both[0][free], both[1][free]))
    return components(edges, circuit.size).astype(np.intp)


def _bridges(parts: Nodes, amplifiers: Amplifiers) -> list[tuple[int, int, float]]:
    """List (part before, part behind, c_behind/c_before) for the parts that these amplifiers join."""
    ends = np.stack([parts[amplifiers.input], parts[amplifiers.output]], axis=1)
    ratios = np.log(amplifiers.back) - np.log(amplifiers.gain)
    unique, which = np.unique(ends, axis=0, return_inverse=True)
    means = np.bincount(which.ravel(), ratios) / np.bincount(which.ravel())
    return [(int(before), int(behind), float(np.exp(mean))) for (before, behind), mean in zip(unique, means, strict=True)]


def _anchor(element: object) -> int:
    """Give a node of an element whose part is the element's own."""
    if isinstance(element, Crossbar):
        return int(element.columns[0])
    return int(max(getattr(element, "a")[0], getattr(element, "b")[0]))  # noqa: B009 - memristors; ground is 0

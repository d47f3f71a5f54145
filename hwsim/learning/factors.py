"""The weights c_l of a circuit's parts in its energy. Without them a gradient is wrong: by 16 for each amplifier of 4 and 1/4."""

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import Amplifiers, Crossbar, InputSources, Nudges, Trainable, VoltageSources
from circuits.nodes import Nodes

Factor = float | NDArray[np.float64]
"""One number for an array, or one an element."""


def energy_factors(circuit: Circuit) -> dict[str, Factor]:
    """Give c_l/c_L of every trainable element array, or of each of its elements: the weight of its co-content, the outputs' being 1.

    Nodes that elements join share one weight. Across an amplifier c_out = c_in·back/gain (the geometric mean over an array of amplifiers
    that differ: mismatched ones have no exact energy). Parts that no amplifier ties to the outputs have weight 1.
    """
    held = _held(circuit)
    parts = _parts(circuit, held)
    ends = np.concatenate([circuit.outputs.plus, circuit.outputs.minus])
    weight = {int(part): 1.0 for part in parts[ends[~held[ends]]]}
    bridges = [bridge for amplifiers in circuit.of(Amplifiers) for bridge in _bridges(parts, amplifiers)]
    grown = True
    while grown:
        grown = False
        for before, behind, ratio in bridges:
            for known, other, factor in ((behind, before, 1 / ratio), (before, behind, ratio)):
                if known in weight and other not in weight:
                    weight[other] = weight[known] * factor
                    grown = True
    of_node = np.array([weight.get(part, 1.0) for part in parts.tolist()])
    return {element.name: _factor(element, of_node, ~held) for element in circuit.trainable}


def _factor(element: Trainable, of_node: NDArray[np.float64], free: NDArray[np.bool_]) -> Factor:
    """Give the weight of the free nodes that an element joins, one number where it is one for the whole array."""
    if isinstance(element, Crossbar):
        joined = np.concatenate([element.columns, element.rows])
        joined = joined[free[joined]]
        return float(of_node[joined[0]]) if len(joined) else 1.0
    each: NDArray[np.float64] = np.where(free[element.a], of_node[element.a], np.where(free[element.b], of_node[element.b], 1.0))
    return float(each[0]) if (each == each[0]).all() else each


def _held(circuit: Circuit) -> NDArray[np.bool_]:
    """Tell which nodes sources hold against ground, and ground."""
    held = np.zeros(circuit.size + 1, dtype=bool)
    held[0] = True
    for source in circuit.of(VoltageSources, InputSources):
        for a, b in source.pairs:
            held[a[b == 0]] = True
            held[b[a == 0]] = True
    return held


def _parts(circuit: Circuit, held: NDArray[np.bool_]) -> Nodes:
    """Label nodes by the part that they belong to; what sources hold joins nothing."""
    edges = []
    for element in circuit.elements:
        if isinstance(element, Amplifiers | InputSources):
            continue
        if isinstance(element, Nudges):
            pairs: tuple[tuple[Nodes, Nodes], ...] = ((element.plus, element.minus),)
        elif isinstance(element, Crossbar):
            joined = np.concatenate([element.columns, element.rows])
            joined = joined[~held[joined]]
            pairs = ((joined[:1], joined),)
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

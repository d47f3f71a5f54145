"""The weights c_l of a circuit's parts in its energy. Without them a gradient is wrong: by 16 for each amplifier of 4 and 1/4."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import Amplifiers, InputSources, Nudges
from circuits.nodes import Nodes
from circuits.rows import fixed_nodes

Factor = Any
"""One number for an array; one an element, or one a column of a crossbar: arrays of NumPy, or JAX where it maps over chips."""


def energy_factors(circuit: Circuit, chip: AnyChip) -> dict[str, Factor]:
    """Return c_l/c_L of every trainable element array, or of each of its elements: the weight of its co-content, the outputs' being 1.

    Nodes that elements join share one weight. Across an amplifier c_out = c_in·back/gain. Parts that no amplifier ties to the outputs have
    weight 1. Columns all of whose rows are inputs depend on each other through what follows alone, so that each may have its own weight:
    amplifiers behind the first layer may differ, and the gradient is exact. Those behind later layers must have one back/gain for that;
    if they have not, there is no energy, and their geometric mean is taken.
    """
    if not all(_alike(chip, amplifiers) for amplifiers in circuit.of(Amplifiers)):
        return _one_by_one(circuit, chip, fixed_nodes(circuit))
    return dict(_of_arrays(circuit, tuple(_log_ratio(chip, amplifiers) for amplifiers in circuit.of(Amplifiers))))


def _log_ratio(chip: AnyChip, amplifiers: Amplifiers) -> float:
    """Return ln(back/gain) of an array of equal amplifiers."""
    return float(np.log(chip(amplifiers.name, "back")[0]) - np.log(chip(amplifiers.name, "gain")[0]))


@lru_cache(maxsize=4)  # every update asks
def _of_arrays(circuit: Circuit, log_ratios: tuple[float, ...]) -> Mapping[str, Factor]:
    """Return the weights where the amplifiers of each array have one ln(back/gain)."""
    fixed, parts = fixed_nodes(circuit), _parts(circuit, apart=False)
    ends = np.concatenate([circuit.outputs.plus, circuit.outputs.minus])
    weight = {int(part): 1.0 for part in parts[ends[~fixed[ends]]]}
    each = zip(circuit.of(Amplifiers), log_ratios, strict=True)
    bridges = [bridge for amplifiers, log_ratio in each for bridge in _bridges(parts, amplifiers, log_ratio)]
    grown = True
    while grown:
        grown = False
        for before, behind, ratio in bridges:
            for weighted, other, factor in ((behind, before, 1 / ratio), (before, behind, ratio)):
                if weighted in weight and other not in weight:
                    weight[other] = weight[weighted] * factor
                    grown = True
    of_part = np.ones(int(parts.max()) + 1)
    of_part[list(weight)] = list(weight.values())
    of_node = of_part[parts]
    return {element.name: _factor(element, of_node, ~fixed, apart=False) for element in circuit.trainable}


def _alike(chip: AnyChip, amplifiers: Amplifiers) -> bool:
    """Whether all amplifiers of an array have one gain and one back; unknown, so no, where JAX maps over chips."""
    both = [chip(amplifiers.name, what) for what in ("gain", "back")]
    return all(isinstance(values, np.ndarray) and bool((values == values[0]).all()) for values in both)


def _one_by_one(circuit: Circuit, chip: AnyChip, fixed: NDArray[np.bool_]) -> dict[str, Factor]:
    """Return the weights where amplifiers differ."""
    parts = _parts(circuit, apart=True)
    ends = np.concatenate([circuit.outputs.plus, circuit.outputs.minus])
    weighted = np.isin(parts, parts[ends[~fixed[ends]]])
    of_node: Any = np.ones(len(parts))
    grown = True
    while grown:
        grown = False
        for amplifiers in circuit.of(Amplifiers):
            gain, back = (chip(amplifiers.name, what) for what in ("gain", "back"))
            for here, there, ratio in (
                (amplifiers.output, amplifiers.input, gain / back),
                (amplifiers.input, amplifiers.output, back / gain),
            ):
                some = np.flatnonzero(weighted[here] & ~weighted[there])
                if len(some):
                    grown = True
                    of_node, reached = _handed_on(parts, of_node, of_node[here[some]] * ratio[some], there[some])
                    weighted |= reached
    return {element.name: _factor(element, of_node, ~fixed, apart=True) for element in circuit.trainable}


def _handed_on(parts: Nodes, of_node: Any, weights: Any, there: Nodes) -> tuple[Any, NDArray[np.bool_]]:
    """Return the parts of some nodes their weights, the geometric mean where a part gets several, and whether each node got one."""
    xp = weights.__array_namespace__()
    labels, first, which = np.unique(parts[there], return_index=True, return_inverse=True)
    if len(labels) == len(there):
        means = weights[first]
    else:
        share = (np.arange(len(labels))[:, None] == which.ravel()) / np.bincount(which.ravel())[:, None]
        means = xp.exp(xp.asarray(share, dtype=weights.dtype) @ xp.log(weights))
    reached = np.isin(parts, labels)
    return xp.where(reached, means[np.searchsorted(labels, parts).clip(0, len(labels) - 1)], of_node), reached


def _factor(element: Trainable, of_node: Any, free: NDArray[np.bool_], *, apart: bool) -> Factor:
    """Return the weight of the free nodes that an element joins, one number where it is one for the whole array."""
    if isinstance(element, Divisible):
        if apart and not free[element.rows].any():
            return of_node[element.columns]
        joined = np.concatenate([element.columns, element.rows])
        joined = joined[free[joined]]
        one = of_node[joined[0]] if len(joined) else 1.0
        return float(one) if isinstance(of_node, np.ndarray) else one
    xp = of_node.__array_namespace__()
    a, b = element.ends
    each = xp.where(free[a], of_node[a], xp.where(free[b], of_node[b], 1.0))
    return float(each[0]) if isinstance(each, np.ndarray) and (each == each[0]).all() else each


@lru_cache(maxsize=4)  # every update asks
def _parts(circuit: Circuit, *, apart: bool) -> Nodes:
    """Label nodes by the part that they belong to; what sources hold joins nothing, nor, with `apart`, does a crossbar of such rows."""
    fixed, edges = fixed_nodes(circuit), []
    for element in circuit.elements:
        if isinstance(element, Amplifiers | InputSources):
            continue
        if isinstance(element, Nudges):
            pairs: tuple[tuple[Nodes, Nodes], ...] = ((element.plus, element.minus),)
        elif isinstance(element, Divisible):
            if apart and fixed[element.rows].all():
                continue
            joined = np.concatenate([element.columns, element.rows])
            joined = joined[~fixed[joined]]
            pairs = ((joined[:1], joined),)
        else:
            pairs = element.pairs
        for a, b in pairs:
            both = np.broadcast_arrays(a, b)
            free = ~(fixed[both[0]] | fixed[both[1]])
            edges.append((both[0][free], both[1][free]))
    return components(edges, circuit.size).astype(np.intp)


def _bridges(parts: Nodes, amplifiers: Amplifiers, log_ratio: float) -> list[tuple[int, int, float]]:
    """List (part before, part behind, c_behind/c_before) for the parts that these amplifiers join."""
    ends = np.stack([parts[amplifiers.input], parts[amplifiers.output]], axis=1)
    return [(int(before), int(behind), math.exp(log_ratio)) for before, behind in np.unique(ends, axis=0)]

"""Groups of nodes that sources hold: their voltages need no solving, and are the same in all phases."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources, VoltageSources
from circuits.nodes import NodeGroup, Nodes
from hwsim.numeric.layered.parameters import is_zero
from hwsim.typing import Array


@lru_cache(maxsize=16)  # every batch asks
def held_groups(circuit: Circuit) -> frozenset[str]:
    """Name the groups in which sources fix all voltages to ground."""
    fixed = np.zeros(circuit.size + 1, dtype=bool)
    for source in circuit.of(InputSources, VoltageSources):
        fixed[source.plus] = True
    return frozenset(group.name for group in circuit.groups if fixed[group.nodes].all())


def fixed_voltages(circuit: Circuit, chip: AnyChip, x: Array) -> list[tuple[Nodes, Array]]:
    """Return runs of nodes that sources hold, with their voltages (B, n) [V], for features x (B, I); arrays are of their kind."""
    return [(source.plus, _volts_of(source, chip, x)) for source in circuit.of(InputSources, VoltageSources)]


def _volts_of(source: InputSources | VoltageSources, chip: AnyChip, x: Array) -> Array:
    """Return the voltages of sources, (B, n) [V]."""
    xp = x.__array_namespace__()
    if isinstance(source, VoltageSources):
        return xp.broadcast_to(xp.asarray(chip(source.name, "v"), dtype=x.dtype), (len(x), len(source)))
    scale, offset = (chip(source.name, what) for what in ("scale", "offset"))
    values = x[:, source.feature] * xp.asarray(scale, dtype=x.dtype)
    return values if is_zero(offset) else values + xp.asarray(offset, dtype=x.dtype)


def held_volts(circuit: Circuit, chip: Chip, x: Array | None, batch: int, dtype: Any) -> dict[str, NDArray[Any]]:
    """Return the voltages of those groups, each (B, n) [V], for features x (B, I); without features, as in the adjoint circuit, all 0."""
    names, of_groups = held_groups(circuit), {}
    features = None if x is None else np.asarray(x, dtype)
    for group in circuit.groups:
        if group.name in names:
            of_groups[group.name] = volts = np.zeros((batch, len(group)), dtype)
            for source, there, place in _sources_of(circuit, group) if features is not None else ():
                volts[:, place] = _volts_of(source, chip, features)[:, there]
    return of_groups


@lru_cache(maxsize=128)  # every batch asks
def _sources_of(circuit: Circuit, group: NodeGroup) -> list[tuple[Any, Any, Any]]:
    """List the sources that hold nodes of a group, with which of them do, and the places of these nodes in the group."""
    sources: list[tuple[Any, Any, Any]] = []
    for source in circuit.of(InputSources, VoltageSources):
        inside = (source.plus >= group.start) & (source.plus < group.start + len(group))
        if inside.any():
            place = source.plus[inside] - group.start
            whole = len(place) == len(source) and np.array_equal(place, np.arange(len(group)))
            sources.append((source, slice(None), slice(None)) if whole else (source, inside, place))
    return sources

"""Groups of nodes that sources hold: their voltages need no solving, and are the same in all phases."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.numeric.layered.parameters import is_zero
from hwsim.typing import Array


def held_groups(circuit: Circuit) -> set[str]:
    """Name the groups in which sources fix all voltages to ground."""
    fixed = np.zeros(circuit.size + 1, dtype=bool)
    for source in circuit.of(InputSources, VoltageSources):
        fixed[source.plus] = True
    return {group.name for group in circuit.groups if fixed[group.nodes].all()}


def fixed_voltages(circuit: Circuit, chip: AnyChip, x: Array) -> list[tuple[Nodes, Array]]:
    """Return runs of nodes that sources hold, with their voltages (B, n) [V], for features x (B, I); arrays are of their kind."""
    xp = x.__array_namespace__()
    runs: list[tuple[Nodes, Array]] = []
    for source in circuit.of(InputSources, VoltageSources):
        if isinstance(source, InputSources):
            scale, offset = (chip(source.name, what) for what in ("scale", "offset"))
            values = x[:, source.feature] * xp.asarray(scale, dtype=x.dtype)
            values = values if is_zero(offset) else values + xp.asarray(offset, dtype=x.dtype)
        else:
            values = xp.broadcast_to(xp.asarray(chip(source.name, "v"), dtype=x.dtype), (len(x), len(source)))
        runs.append((source.plus, values))
    return runs


def held_volts(circuit: Circuit, chip: Chip, x: Array | None, batch: int, dtype: Any) -> dict[str, NDArray[Any]]:
    """Return the voltages of those groups, each (B, n) [V], for features x (B, I); without features, as in the adjoint circuit, all 0."""
    names = held_groups(circuit)
    runs = [] if x is None else fixed_voltages(circuit, chip, np.asarray(x, dtype))
    of_groups = {}
    for group in circuit.groups:
        if group.name in names:
            volts = np.zeros((batch, len(group)), dtype)
            for nodes, values in runs:
                inside = (nodes >= group.start) & (nodes < group.start + len(group))
                if inside.any():
                    volts[:, nodes[inside] - group.start] = values[:, inside]
            of_groups[group.name] = volts
    return of_groups

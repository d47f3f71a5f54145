"""Groups of nodes that sources hold: their voltages need no solving, and are the same in all phases."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources, VoltageSources

Array = Any


def held_groups(circuit: Circuit) -> set[str]:
    """Name the groups all of whose nodes sources hold against ground."""
    held = np.zeros(circuit.size + 1, dtype=bool)
    for source in circuit.of(InputSources, VoltageSources):
        held[source.plus] = True
    return {group.name for group in circuit.groups if held[group.nodes].all()}


def held_volts(circuit: Circuit, chip: Chip, x: Array | None, batch: int, dtype: Any) -> dict[str, NDArray[Any]]:
    """Give the voltages of those groups, each (B, n) [V], for features x (B, I); without features, as in an adjoint circuit, all are 0."""
    names = held_groups(circuit)
    found = {}
    for group in circuit.groups:
        if group.name in names:
            volts = np.zeros((batch, len(group)), dtype)
            if x is not None:
                _fill(circuit, chip, x, group.start, volts)
            found[group.name] = volts
    return found


def _fill(circuit: Circuit, chip: Chip, x: Array, start: int, volts: NDArray[Any]) -> None:
    for source in circuit.of(InputSources, VoltageSources):
        places = source.plus - start
        inside = (places >= 0) & (places < volts.shape[1])
        if not inside.any():
            continue
        if isinstance(source, InputSources):
            scale, offset = (chip(source.name, what)[inside].astype(volts.dtype) for what in ("scale", "offset"))
            values = x[:, source.feature[inside]] * scale + offset
        else:
            values = chip(source.name, "v")[inside].astype(volts.dtype)
        volts[:, places[inside]] = values

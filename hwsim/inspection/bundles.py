"""Wires of a layer's schematic: which are drawn one by one and which as a bus, with their names and their rails' names."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources
from circuits.nodes import Nodes
from circuits.rows import RowRun, row_runs
from hwsim.inspection.symbols import OPEN, features, numbers
from hwsim.numeric.layered.stage import Stage

Indices = NDArray[np.intp]

MOST_ROWS, MOST_COLUMNS = 20, 12
"""Wires of a crossbar that are drawn one by one."""

_NAME = 12
"""Letters of a name that are shown."""


class SchematicWire(NamedTuple):
    """A wire of a schematic: its name, the label of its source, and the rows or columns of the crossbar that it stands for.

    For a rail to which fixed resistors lead, `places` is empty and `fixed` lists the columns that have one.
    """

    name: str
    label: str
    places: Indices
    fixed: Indices | None = None

    @property
    def number(self) -> int:
        """Number of wires; more than one make a bus."""
        return max(len(self.places), 1)


def as_wires(circuit: Circuit, nodes: Nodes) -> list[SchematicWire]:
    """Name nodes, such as a crossbar's columns, one by one, or, where there are many, as one bus."""
    if len(nodes) <= MOST_COLUMNS:
        return [SchematicWire(short(circuit.node_names[node]), "", np.array([k])) for k, node in enumerate(nodes.tolist())]
    return [SchematicWire(_names(circuit, nodes), "", np.arange(len(nodes)))]


def rows_of(circuit: Circuit, chip: Chip, stage: Stage) -> list[SchematicWire]:
    """Name the rows of a stage that sources drive, and the rails to which fixed resistors lead from its columns."""
    wires = []
    for run in stage.fixed:
        one_by_one = len(circuit[stage.crossbar].rows) <= MOST_ROWS
        parts = [np.array([k]) for k in range(len(run.nodes))] if one_by_one else [np.arange(len(run.nodes))]
        wires += [SchematicWire(_names(circuit, run.nodes[k]), _driver(circuit, chip, run, k), run.first + k) for k in parts]
    for load in stage.loads:
        r = chip(load.resistors, "r")[load.places]
        if (shown := r < OPEN).any():
            rail = voltages(chip, load.rail, load.rails[shown])
            one_a_column = len(np.unique(load.columns[shown])) == shown.sum()
            name = span(numbers(r[shown])) if one_a_column else " ∥ ".join(numbers(r[shown]))
            wires.append(SchematicWire(short(name), rail, np.zeros(0, dtype=np.intp), load.columns[shown]))
    return wires


def row_labels(circuit: Circuit, array: Trainable) -> list[tuple[float, str, bool]]:
    """Return the rows' names of a map: position, name, and whether it names a run of rows, which only has room along the axis."""
    names, size = circuit.node_names, len(array.rows)
    if size <= MOST_ROWS:
        return [(k, short(names[node]), False) for k, node in enumerate(array.rows.tolist())]
    labels = list[tuple[float, str, bool]]()
    for run in row_runs(circuit, array):
        long = len(run.nodes) * 8 >= size  # a shorter run only has room for a name across the axis
        if long or not labels or run.first > labels[-1][0] + size / 20:
            labels.append((run.first + (len(run.nodes) - 1) / 2, _names(circuit, run.nodes), long))
    return labels


def voltages(chip: Chip, source: str | None, places: Indices) -> str:
    """Format the voltage of rails, at `places` in the array of a source, or of ground."""
    return "0 V" if source is None else f"{between(chip(source, 'v')[places])} V"


def between(values: NDArray[np.float64]) -> str:
    """Format the common value of numbers, or the least and the largest, to three digits."""
    return span([f"{value:.3g}".replace("-", "−") for value in np.sort(values)])


def span(texts: Sequence[str]) -> str:
    """Return the common text, or the first and the last."""
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} … {texts[-1]}"


def short(name: str) -> str:
    """Shorten a name to the room that there is."""
    return name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[1 - _NAME // 2 :]}"


def _names(circuit: Circuit, nodes: Nodes) -> str:
    return span([short(circuit.node_names[node]) for node in nodes.tolist()])


def _driver(circuit: Circuit, chip: Chip, run: RowRun, places: Indices) -> str:
    source = circuit[run.source or ""]
    if isinstance(source, InputSources):
        chosen = run.places[places]
        return span(features(source.feature[chosen], chip(source.name, "scale")[chosen], chip(source.name, "offset")[chosen]))
    return voltages(chip, source.name, run.places[places])

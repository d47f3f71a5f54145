"""Runs of a crossbar's rows: which ideal sources hold, with what, and which are free."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Crossbar, Elements, InputSources, VoltageSources
from circuits.nodes import Nodes


@dataclass(frozen=True, slots=True)
class RowRun:
    """A run of rows: `source` drives row `first + k` with its value number `places[k]`; without a source the rows are free.

    Rows of inputs carry the numbers of their features; others None.
    """

    first: int
    nodes: Nodes
    source: str | None
    places: Nodes
    features: Nodes | None

    @property
    def span(self) -> slice:
        """The rows."""
        return slice(self.first, self.first + len(self.nodes))


def held_nodes(circuit: Circuit) -> dict[int, tuple[Elements, int]]:
    """Map each node that a source holds against ground to the source's array and the place in it."""
    held: dict[int, tuple[Elements, int]] = {}
    for source in circuit.of(VoltageSources, InputSources):
        held |= {int(node): (source, k) for k, node in enumerate(source.plus)}
    return held


def row_runs(circuit: Circuit, crossbar: Crossbar) -> list[RowRun]:
    """Split a crossbar's rows into runs of one source array each, and runs of free rows."""
    held = held_nodes(circuit)
    owners = [held.get(int(node), (None, 0)) for node in crossbar.rows]
    cuts = [0, *(k for k in range(1, len(owners)) if owners[k][0] is not owners[k - 1][0]), len(owners)]
    runs = []
    for first, end in pairwise(cuts):
        source = owners[first][0]
        places = np.array([place for _, place in owners[first:end]], dtype=np.intp)
        features = source.feature[places] if isinstance(source, InputSources) else None
        runs.append(RowRun(first, crossbar.rows[first:end], source.name if source else None, places, features))
    return runs

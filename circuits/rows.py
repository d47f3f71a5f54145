"""Nodes that ideal sources hold, and runs of an array's rows: which are held, with what, and which are free."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible
from circuits.circuit import Circuit
from circuits.elements import Elements, InputSources, VoltageSources
from circuits.nodes import NodeGroup, Nodes
from circuits.operators import Operators


@dataclass(frozen=True, slots=True)
class RowRun:
    """A run of rows: `source` drives row `first + k` with its value number `places[k]`; without a source the rows are free.

    Rows of inputs carry the numbers of their features; others None. `of_g` is what of the first axis of the conductances is theirs.
    """

    first: int
    of_g: slice
    nodes: Nodes
    source: str | None
    places: Nodes
    features: Nodes | None

    @property
    def span(self) -> slice:
        """The rows."""
        return slice(self.first, self.first + len(self.nodes))


def held_nodes(circuit: Circuit) -> dict[int, tuple[Elements, int]]:
    """Map each node whose voltage to ground a source fixes to the source's array and the place in it."""
    places: dict[int, tuple[Elements, int]] = {}
    for source in circuit.of(VoltageSources, InputSources):
        grounded = _grounded(source)
        places |= {int(node): (source, k) for k, node in enumerate(source.plus) if grounded[k]}
    return places


def _grounded(source: VoltageSources | InputSources) -> NDArray[np.bool_]:
    """Return which of these sources fix the voltage of their `plus` to ground."""
    return source.minus == 0 if isinstance(source, VoltageSources) else np.ones(len(source), dtype=bool)


def fixed_nodes(circuit: Circuit, *also: type[Elements]) -> NDArray[np.bool_]:
    """Return for each node whether a source of voltage, or one of the types `also`, fixes its voltage, shape (N + 1,); ground is fixed."""
    fixed = np.zeros(circuit.size + 1, dtype=bool)
    fixed[0] = True
    for source in circuit.of(VoltageSources, InputSources, *also):
        for a, b in source.pairs:
            fixed[a[b == 0]] = fixed[b[a == 0]] = True
    return fixed


@lru_cache(maxsize=4)  # every update asks
def free_groups(circuit: Circuit) -> tuple[NodeGroup, ...]:
    """List the groups in which a node's voltage must be solved for; in the others sources hold all of them."""
    fixed = fixed_nodes(circuit)
    return tuple(group for group in circuit.groups if not fixed[group.nodes].all())


def row_runs(circuit: Circuit, array: Operators) -> list[RowRun]:
    """Split an array's rows into runs of one source array each, and runs of free rows."""
    sources = circuit.of(VoltageSources, InputSources)
    owner, place = np.full(circuit.size + 1, -1), np.zeros(circuit.size + 1, dtype=np.intp)
    for number, source in enumerate(sources):
        grounded = _grounded(source)
        owner[source.plus[grounded]], place[source.plus[grounded]] = number, np.flatnonzero(grounded)
    owners, places = owner[array.rows], place[array.rows]
    cuts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    runs = []
    for first, end in pairwise(cuts):
        source = sources[owners[first]] if owners[first] >= 0 else None
        features = source.feature[places[first:end]] if isinstance(source, InputSources) else None
        span = slice(first, end)
        of_g = array.of_g(span) if isinstance(array, Divisible) else span
        runs.append(RowRun(first, of_g, array.rows[span], source.name if source else None, places[span], features))
    return runs


@lru_cache(maxsize=16)  # every update asks, and every equilibrium's residual
def row_parts(circuit: Circuit, array: Divisible) -> tuple[tuple[RowRun, Any], ...]:
    """List the runs of a divisible array's rows, and for each the array of its kind that they are."""
    return tuple((run, array.part(run.span)) for run in row_runs(circuit, array))

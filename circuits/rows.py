"""Nodes that ideal sources hold, and runs of an array's rows: which are held, with what, and which are free."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

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


class Fixed(NamedTuple):
    """Nodes (n,) whose voltages the sources number `places` of an array fix: those of `bases`, and `sign` times what the sources state."""

    source: Any
    places: Nodes
    nodes: Nodes
    bases: Nodes
    sign: float


def fixed_in_turn(circuit: Circuit, *also: type[Elements]) -> Iterator[list[Fixed]]:
    """Yield what sources of voltage, and those of the types `also`, fix: against ground first, then against what is fixed by then."""
    sources, fixed = circuit.of(VoltageSources, InputSources, *also), np.zeros(circuit.size + 1, dtype=bool)
    fixed[0] = True
    while True:
        turn = []
        for source in sources:
            for a, b in source.pairs:
                for nodes, bases, sign in ((a, b, 1.0), (b, a, -1.0)):
                    places = np.flatnonzero(fixed[bases] > fixed[nodes])
                    if len(places):
                        turn.append(Fixed(source, places, nodes[places], bases[places], sign))
        if not turn:
            return
        yield turn
        for one in turn:
            fixed[one.nodes] = True


def _to_ground(circuit: Circuit, *also: type[Elements]) -> list[Fixed]:
    return next(fixed_in_turn(circuit, *also), [])


def held_nodes(circuit: Circuit) -> dict[int, tuple[Elements, int]]:
    """Map each node between which and ground a source states the voltage to the source's array and the place in it."""
    stated = (one for one in _to_ground(circuit) if one.sign > 0)
    return {node: (one.source, k) for one in stated for node, k in zip(one.nodes.tolist(), one.places.tolist(), strict=True)}


def fixed_nodes(circuit: Circuit, *also: type[Elements]) -> NDArray[np.bool_]:
    """Return for each node whether a source of voltage, or one of the types `also`, fixes its voltage, shape (N + 1,); ground is fixed."""
    fixed = np.zeros(circuit.size + 1, dtype=bool)
    fixed[0] = True
    for one in _to_ground(circuit, *also):
        fixed[one.nodes] = True
    return fixed


@lru_cache(maxsize=4)  # every update asks
def free_groups(circuit: Circuit) -> tuple[NodeGroup, ...]:
    """List the groups in which a node's voltage must be solved for; in the others sources hold all of them."""
    fixed = fixed_nodes(circuit)
    return tuple(group for group in circuit.groups if not fixed[group.nodes].all())


def row_runs(circuit: Circuit, array: Operators) -> list[RowRun]:
    """Split an array's rows into runs of one source array each, and runs of free rows."""
    sources: list[Elements] = []
    owner, place = np.full(circuit.size + 1, -1), np.zeros(circuit.size + 1, dtype=np.intp)
    for one in (one for one in _to_ground(circuit) if one.sign > 0):
        owner[one.nodes], place[one.nodes] = len(sources), one.places
        sources.append(one.source)
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

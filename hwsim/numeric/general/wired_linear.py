"""The linear part of a circuit with grids: their nodes are eliminated line by line, and what is left is a small circuit like any other.

Nodes that sources fix to ground are not among what is left either: their voltages are stated by the features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.numeric.general.eliminated_grid import EliminatedGrid
from hwsim.numeric.general.linear_system import Entries, MNASystem, SourceTerms, learned
from hwsim.numeric.general.shared_ports import sensing
from hwsim.numeric.general.stated_voltages import StatedVoltages
from hwsim.numeric.general.sums import dense
from hwsim.numeric.general.wire_grids import Grid, find
from hwsim.typing import Conductances, Floats

_AT_ONCE = 2**23
"""Numbers that one solve for many right sides may hold: its products of matrices like many columns."""


def grids_of(circuit: Circuit) -> list[Grid]:
    """Look for grids whose nodes can be eliminated; there are none where the current of any source may be sensed."""
    return [] if sensing(circuit) else find(circuit)


@dataclass(frozen=True, slots=True)
class Frame:
    """A circuit without its grids.

    Parameters
    ----------
    circuit
        The whole.
    grids
        Whose nodes are eliminated.
    number
        By the number of a node or held current in the whole circuit, that in what is left; 0 for a node of a grid, for one that a source
        fixes, and for the current of that source, which nothing needs.
    given
        Entries that do not learn, those of the grids' wires left out, in the numbers of what is left.
    sources
        Of what is left.
    stated
        The nodes that sources fix.
    exchanged
        Rows that are exchanged, in the numbers of what is left.

    """

    circuit: Circuit
    grids: tuple[Grid, ...]
    number: Nodes
    given: tuple[Entries, ...]
    sources: SourceTerms
    stated: StatedVoltages
    exchanged: tuple[Nodes, Nodes]

    @classmethod
    def of(
        cls,
        circuit: Circuit,
        chip: Chip,
        grids: Sequence[Grid],
        given: Sequence[Entries],
        sources: SourceTerms,
        exchanged: tuple[Nodes, Nodes],
    ) -> Self:
        """Take the grids out of a circuit; `given`, `sources` and rows that are `exchanged` are without their wires."""
        stated = StatedVoltages.of(circuit, chip, sources)
        left = np.ones(len(sources.fixed) + 1, dtype=bool)
        left[0] = left[stated.nodes] = left[stated.currents] = False
        for grid in grids:
            left[grid.inner.nodes] = left[grid.outer.nodes] = False
        number = np.where(left, np.cumsum(left), 0)
        of_left = SourceTerms(sources.fixed[left[1:]], dense(sources.by_feature[left[1:]]))
        pushing = stated.pushing(given, number, of_left)
        some = number[exchanged[0]] > 0
        rows = number[exchanged[0][some]], number[exchanged[1][some]]
        return cls(circuit, tuple(grids), number, tuple(between(given, number)), pushing, stated, rows)

    def ends(self, grid: Grid) -> Nodes:
        """Return the nodes behind the ends of a grid's wires, the inner ones first."""
        return np.concatenate([grid.inner.ends, grid.outer.ends])


def between(parts: Sequence[Entries], number: Nodes) -> Iterator[Entries]:
    """Return the entries between what is left, in its numbers."""
    for row, column, value in parts:
        some = (number[row] > 0) & (number[column] > 0)
        yield Entries(number[row[some]], number[column[some]], np.broadcast_to(value, row.shape)[some])


@dataclass(frozen=True, slots=True)
class WiredLinear:
    """A factorized circuit with grids: what is left of it, and the eliminated grids, which follow from that."""

    frame: Frame
    ports: tuple[Nodes, Nodes]
    left: MNASystem
    eliminated: tuple[EliminatedGrid, ...]

    @classmethod
    def of(cls, frame: Frame, g: Conductances, chip: AnyChip, ports: tuple[Nodes, Nodes], shunts: Sequence[Entries]) -> Self:
        """Eliminate the grids and factorize what is left.

        Raises
        ------
        RuntimeError, LinAlgError
            When a matrix is singular.

        """
        eliminated = tuple(
            EliminatedGrid.of(grid, g[grid.name], chip, free=frame.stated.place[frame.ends(grid)] < 0) for grid in frame.grids
        )
        names = {grid.name for grid in frame.grids}
        others = [part for e in frame.circuit.trainable if e.name not in names for part in learned(e, g)]
        seen = [_seen(frame.ends(grid), one) for grid, one in zip(frame.grids, eliminated, strict=True)]
        changing = [*shunts, *others, *seen]
        a, b = (frame.number[end] for end in ports)
        sources = frame.stated.pushing(changing, frame.number, frame.sources)
        return cls(
            frame, ports, MNASystem.of([*frame.given, *between(changing, frame.number)], (a, b), sources, frame.exchanged), eliminated
        )

    @property
    def across(self) -> Floats:
        """How port voltages answer port currents, as for MNASystem."""
        return self.left.across

    def open(self, x: Floats, into: Floats | None = None) -> Floats:
        """Return the voltages of open ports, as for MNASystem."""
        return self.left.open(x, None if into is None else self._seen_of(into)) + self.frame.stated.across(*self.ports, x).T

    def runs(self, count: int) -> Iterator[slice]:
        """Cut right sides into runs that are solved at once."""
        length = max(_AT_ONCE // len(self.frame.number), 1)
        yield from (slice(first, min(first + length, count)) for first in range(0, count, length))

    def lay_out(self, v: Floats, i: Floats, x: Floats | None, into: Floats | None = None, *, adjoint: bool = False) -> None:
        """Write the voltages of all nodes into `v`, (N + 1, B), as MNASystem does."""
        of_left = self.left.voltages(i, x, None if into is None else self._seen_of(into), adjoint=adjoint)
        number = self.frame.number[: len(v)]
        there = np.flatnonzero(number)
        v[0] = 0.0
        v[there] = of_left[number[there] - 1]
        stated = self.frame.stated
        v[stated.nodes] = 0.0 if x is None else stated.terms(x)
        for grid, one in zip(self.frame.grids, self.eliminated, strict=True):
            p, q = (_lines(wire.nodes, v) for wire in (grid.inner, grid.outer))
            one.nodes(v[self.frame.ends(grid)], None if into is None else _within(grid, into), p, q)
            for wire, volts in ((grid.inner, p), (grid.outer, q)):
                if not np.may_share_memory(volts, v):
                    v[wire.nodes] = volts

    def _seen_of(self, into: Floats) -> Floats:
        """Return what currents into all nodes and laws, (rows, B), are to the rows that are left: grids hand theirs on at their ends."""
        number = self.frame.number
        seen = np.zeros((self.left.matrix.shape[0] + 1, into.shape[1]))
        seen[number[1:]] = into
        for grid, one in zip(self.frame.grids, self.eliminated, strict=True):
            np.add.at(seen, number[self.frame.ends(grid)], one.handed_on(_within(grid, into)))
        return seen[1:]


def _within(grid: Grid, into: Floats) -> tuple[Floats, Floats]:
    """Pick the currents into a grid's nodes, both (L, m, B)."""
    return into[grid.inner.nodes - 1], into[grid.outer.nodes - 1]


def _seen(ends: Nodes, one: EliminatedGrid) -> Entries:
    """Return what the ends see of a grid next to the segments there: how the currents of free ends answer the voltages of all ends."""
    free, coupling = ends[one.free], one.coupling
    # symmetric: what end e draws for free end f, f draws for e; and nothing flows where all ends have the same voltage
    row, column = np.tile(free, len(ends)), np.repeat(ends, len(free))
    return Entries(np.concatenate([row, free]), np.concatenate([column, free]), np.concatenate([-coupling.ravel(), coupling.sum(axis=0)]))


def _lines(nodes: Nodes, v: Floats) -> Floats:
    """Return where the voltages of nodes (L, m) are in `v` (N + 1, B), as (L, m, B); an array elsewhere where their numbers do not rise."""
    if np.array_equal(nodes.ravel(), np.arange(nodes[0, 0], nodes[0, 0] + nodes.size)):
        return v[nodes[0, 0] : nodes[-1, -1] + 1].reshape(*nodes.shape, -1)
    return np.empty((*nodes.shape, v.shape[1]))

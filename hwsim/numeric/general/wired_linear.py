"""The linear part of a circuit with grids: their nodes are eliminated line by line, and what is left is a small circuit like any other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.numeric.general.linear_system import Entries, MNASystem, SourceTerms, learned
from hwsim.numeric.general.shared_ports import grounded, sensing
from hwsim.numeric.general.wire_grids import Eliminated, Grid, find
from hwsim.typing import Conductances, Floats

_AT_ONCE = 2**23
"""Numbers that one solve for many right sides may hold: its products of matrices like many columns."""


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
        By the number of a node or held current in the whole circuit, that in what is left; -1 for a node of a grid.
    given
        Entries that do not learn, in the numbers of what is left.
    sources
        Of what is left.
    grounded
        Nodes whose voltage to ground sources fix; what such a source delivers is not needed.

    """

    circuit: Circuit
    grids: tuple[Grid, ...]
    number: Nodes
    given: tuple[Entries, ...]
    sources: SourceTerms
    grounded: NDArray[np.bool_]

    @classmethod
    def of(cls, circuit: Circuit, given: Sequence[Entries], sources: SourceTerms) -> Self | None:
        """Look for grids; None where there are none, or where the current of any source may be sensed."""
        grids = [] if sensing(circuit) else find(circuit)
        if not grids:
            return None
        left = np.ones(len(sources.fixed) + 1, dtype=bool)
        for grid in grids:
            left[grid.inner.nodes] = left[grid.outer.nodes] = False
        number = np.where(left, np.cumsum(left) - 1, -1)
        return cls(
            circuit,
            tuple(grids),
            number,
            tuple(_renumbered(given, number)),
            SourceTerms(sources.fixed[left[1:]], sources.by_feature[left[1:]]),
            grounded(circuit),
        )


def _renumbered(parts: Sequence[Entries], number: Nodes) -> Iterator[Entries]:
    """Return the entries between what is left."""
    for part in parts:
        kept = (number[part.row] >= 0) & (number[part.column] >= 0)
        yield Entries(number[part.row[kept]], number[part.column[kept]], np.broadcast_to(part.value, part.row.shape)[kept])


@dataclass(frozen=True, slots=True)
class WiredLinear:
    """A factorized circuit with grids: what is left of it, and the eliminated grids, which follow from that."""

    frame: Frame
    left: MNASystem
    eliminated: tuple[Eliminated, ...]

    @classmethod
    def of(cls, frame: Frame, g: Conductances, chip: AnyChip, ports: tuple[Nodes, Nodes], shunts: Sequence[Entries]) -> Self:
        """Eliminate the grids and factorize what is left.

        Raises
        ------
        RuntimeError, LinAlgError
            When a matrix is singular.

        """
        eliminated = tuple(Eliminated.of(grid, g[grid.name], chip) for grid in frame.grids)
        names = {grid.name for grid in frame.grids}
        others = [part for e in frame.circuit.trainable if e.name not in names for part in learned(e, g)]
        seen = [entries for grid, one in zip(frame.grids, eliminated, strict=True) for entries in _seen(frame, grid, one)]
        parts = [*frame.given, *_renumbered([*shunts, *others, *seen], frame.number)]
        a, b = (frame.number[end] for end in ports)
        return cls(frame, MNASystem.of(parts, (a, b), frame.sources), eliminated)

    @property
    def across(self) -> Floats:
        """How port voltages answer port currents, as for MNASystem."""
        return self.left.across

    def open(self, x: Floats, into: Floats | None = None) -> Floats:
        """Return the voltages of open ports, as for MNASystem."""
        return self.left.open(x, None if into is None else self._seen_of(into))

    def runs(self, count: int) -> Iterator[slice]:
        """Cut right sides into runs that are solved at once."""
        length = max(_AT_ONCE // len(self.frame.number), 1)
        yield from (slice(first, min(first + length, count)) for first in range(0, count, length))

    def voltages(self, i: Floats, x: Floats | None, into: Floats | None = None, *, adjoint: bool = False) -> Floats:
        """Return `u` as MNASystem does, (rows, B); the currents of sources on which a grid hangs are not among it."""
        of_left = self.left.voltages(i, x, None if into is None else self._seen_of(into), adjoint=adjoint)
        number = self.frame.number
        u = np.empty((len(number) - 1, of_left.shape[1]))
        there = number[1:] >= 0
        u[there] = of_left
        for grid, one in zip(self.frame.grids, self.eliminated, strict=True):
            inner, outer = (of_left[number[wire.ends] - 1] for wire in (grid.inner, grid.outer))
            volts = one.nodes(inner, outer, None if into is None else _within(grid, into))
            for wire, v in zip((grid.inner, grid.outer), volts, strict=True):
                u[wire.nodes - 1] = v
        return u

    def _seen_of(self, into: Floats) -> Floats:
        """Return what currents into all nodes and laws, (rows, B), are to the rows that are left: grids hand theirs on at their ends."""
        number = self.frame.number
        seen = np.zeros((self.left.matrix.shape[0] + 1, into.shape[1]))
        there = number >= 0
        seen[number[there]] = np.concatenate([np.zeros((1, into.shape[1])), into])[there]
        for grid, one in zip(self.frame.grids, self.eliminated, strict=True):
            nothing = [np.zeros((len(wire.ends), into.shape[1])) for wire in (grid.inner, grid.outer)]
            handed = one.drawn(nothing[0], nothing[1], _within(grid, into))
            for wire, i in zip((grid.inner, grid.outer), handed, strict=True):
                np.add.at(seen, number[wire.ends], i)
        return seen[1:]


def _within(grid: Grid, into: Floats) -> tuple[Floats, Floats]:
    """Pick the currents into a grid's nodes, both (L, m, B)."""
    return into[grid.inner.nodes - 1], into[grid.outer.nodes - 1]


def _seen(frame: Frame, grid: Grid, one: Eliminated) -> Iterator[Entries]:
    """Return what the ends see of a grid next to the segments there: how the currents of free ends answer the voltages of all ends."""
    nodes = np.concatenate([grid.inner.ends, grid.outer.ends])
    free = np.flatnonzero(~frame.grounded[nodes])
    unit = np.zeros((len(nodes), len(free)))
    unit[free, np.arange(len(free))] = 1.0
    lines = len(grid.inner.ends)
    drawn = np.concatenate(one.drawn(unit[:lines], unit[lines:]))  # symmetric: what end e draws for free end f, f draws for e
    yield Entries(np.tile(nodes[free], len(nodes)), np.repeat(nodes, len(free)), -drawn.ravel())

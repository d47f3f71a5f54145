"""Grids: crossbars whose wires have resistance, found by how they are joined, and their nodes eliminated line by line.

A grid of L lines of m nodes each, L the larger number. Along each line runs one kind of wire, across the lines the other:

    inner nodes p:  D_k·p_k − g_k·q_k = what the line's end pushes in            D_k tridiagonal
    outer nodes q:  (S_k + …)·q_k − w_k·q_(k−1) − w_(k+1)·q_(k+1) = …            S_k = diag(…) − g_k·D_k⁻¹·g_k

so that q is found by elimination from line to line with matrices of m×m, for many right sides at once.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import AnyChip
from circuits.circuit import Circuit
from circuits.elements import Capacitors, Resistors
from circuits.nodes import Nodes
from hwsim.numeric.general.inverses import inverse, inverse_of_lines
from hwsim.typing import Floats


class Wire(NamedTuple):
    """One kind of wire: where its segments stand among its resistors, shape (L, m), in the order of the lines, and whose end is where.

    Parameters
    ----------
    name
        The element array.
    nodes
        On it, shape (L, m).
    ends
        The nodes behind its ends: of the inner wire one a line, (L,), of the outer one a place in the line, (m,).
    last
        Whether its end is behind the last node; else before the first.

    """

    name: str
    nodes: Nodes
    ends: Nodes
    last: bool


class Grid(NamedTuple):
    """One grid: its memristors, and its wires along the lines (inner) and across them (outer); `turned` when lines are columns."""

    name: str
    inner: Wire
    outer: Wire
    turned: bool

    @property
    def shape(self) -> tuple[int, int]:
        """(L, m)."""
        return self.inner.nodes.shape

    def laid(self, values: Any) -> Floats:
        """Lay out what the element arrays have, row by row of the crossbar, as (L, m)."""
        lines, places = self.shape
        array = np.asarray(values, dtype=np.float64)
        return array.reshape(places, lines).T if self.turned else array.reshape(lines, places)


def find(circuit: Circuit) -> list[Grid]:
    """Find the grids of a circuit: nothing but memristor and wires touches their nodes."""
    touched = np.zeros(circuit.size + 1, dtype=np.intp)
    for element in circuit.elements:
        if not isinstance(element, Capacitors):
            for terminal in element.terminals:
                if terminal != "feature":
                    np.add.at(touched, getattr(element, terminal), 1)
    wires = circuit.of(Resistors)
    grids = [_grid(element, wires) for element in circuit.trainable if not element.grid]
    return [grid for grid in grids if grid is not None and _only(grid, touched)]


def _grid(element: Trainable, wires: list[Resistors]) -> Grid | None:
    a, b = element.ends
    row = next((wire for wire in wires if np.array_equal(wire.b, a)), None)
    column = next((wire for wire in wires if np.array_equal(wire.a, b)), None)
    if row is None or column is None:
        return None
    starts = np.flatnonzero(np.concatenate([[True], row.a[1:] != a[:-1]]))
    columns, left = divmod(len(a), len(starts))
    if left or not np.array_equal(starts, columns * np.arange(len(starts))):
        return None
    shape = len(starts), columns
    r, c, behind = a.reshape(shape), b.reshape(shape), column.b.reshape(shape)
    if not np.array_equal(behind[:-1], c[1:]):
        return None
    along = Wire(row.name, r, row.a[starts], last=False), Wire(column.name, c, behind[-1], last=True)
    if columns <= len(starts):
        return Grid(element.name, *along, turned=False)
    inner, outer = (wire._replace(nodes=wire.nodes.T) for wire in (along[1], along[0]))
    return Grid(element.name, inner, outer, turned=True)


def _only(grid: Grid, touched: Nodes) -> bool:
    """Return whether each node has its memristor and the segments before and behind it, and no more."""
    of_inner, of_outer = touched[grid.inner.nodes], touched[grid.outer.nodes]
    along = np.full(grid.shape[1], 3)
    along[0 if grid.inner.last else -1] = 2
    across = np.full((grid.shape[0], 1), 3)
    across[0 if grid.outer.last else -1] = 2
    distinct = len(np.unique(np.concatenate([grid.inner.nodes.ravel(), grid.outer.nodes.ravel()])))
    grounded = (grid.inner.ends == 0).any() or (grid.outer.ends == 0).any()
    return bool((of_inner == along).all() and (of_outer == across).all() and distinct == 2 * grid.inner.nodes.size and not grounded)


@dataclass(frozen=True, slots=True)
class Eliminated:
    """A grid with numbers, ready to answer what its ends do.

    Parameters
    ----------
    g
        Conductances of the memristors, (L, m) [S].
    along, pivots
        D_k⁻¹, and the inverses of what is left of S_k when the lines before are eliminated; both (L, m, m) [ohm].
    between
        Conductances of the outer wire between lines, (L − 1, m) [S].
    inner_end, outer_end
        Conductances of the segments at the ends, (L,) and (m,) [S].
    inner_at, outer_at
        Next to which node of a line, and to which line, the ends are.

    """

    g: Floats
    along: Floats
    pivots: Floats
    between: Floats
    inner_end: Floats
    outer_end: Floats
    inner_at: int
    outer_at: int

    @classmethod
    def of(cls, grid: Grid, g: Any, chip: AnyChip) -> Self:
        """Eliminate a grid's nodes."""
        values = grid.laid(g)
        (wires, inner_end), (across, outer_end) = _segments(grid, grid.inner, chip, 1), _segments(grid, grid.outer, chip, 0)
        inner_at, outer_at = (-1 if wire.last else 0 for wire in (grid.inner, grid.outer))
        lines, places = values.shape
        aside = values.copy()
        aside[:, inner_at] += inner_end
        along = inverse_of_lines(aside, wires)
        outer = values.copy()
        outer[:-1] += across
        outer[1:] += across
        outer[outer_at] += outer_end
        pivots = -values[:, :, None] * along * values[:, None, :]
        k = np.arange(places)
        pivots[:, k, k] += outer
        pivots[0] = inverse(pivots[0])
        for line in range(1, lines):
            w = across[line - 1]
            pivots[line] = inverse(pivots[line] - w[:, None] * pivots[line - 1] * w)
        return cls(values, along, pivots, across, inner_end, outer_end, inner_at, outer_at)

    def nodes(self, inner: Floats, outer: Floats, into: tuple[Floats, Floats] | None = None) -> tuple[Floats, Floats]:
        """Return the voltages of all nodes, p and q, both (L, m, B) [V], from those behind the ends, (L, B) and (m, B).

        `into` are currents into p and q from elsewhere, of their shapes [A].
        """
        pushed = self.inner_end[:, None] * inner  # into p at inner_at
        q = (self.g * self.along[:, :, self.inner_at])[:, :, None] * pushed[:, None, :]
        last = self.outer_at == -1 and into is None and not pushed.any()  # nothing but what enters behind the last line
        q[self.outer_at] += self.outer_end[:, None] * outer
        if into is not None:
            q += self.g[:, :, None] * (self.along @ into[0]) + into[1]
        begin = len(q) - 1 if last else 0
        q[begin] = self.pivots[begin] @ q[begin]
        for k in range(begin + 1, len(q)):
            q[k] = self.pivots[k] @ (q[k] + self.between[k - 1][:, None] * q[k - 1])
        for k in range(len(q) - 2, -1, -1):
            q[k] += self.pivots[k] @ (self.between[k][:, None] * q[k + 1])
        p = self.g[:, :, None] * q
        p[:, self.inner_at] += pushed
        if into is not None:
            p += into[0]
        return self.along @ p, q

    def drawn(self, inner: Floats, outer: Floats, into: tuple[Floats, Floats] | None = None) -> tuple[Floats, Floats]:
        """Return what the nodes next to the ends hand back there, end conductance times voltage: (L, B) and (m, B) [A]."""
        p, q = self.nodes(inner, outer, into)
        return self.inner_end[:, None] * p[:, self.inner_at], self.outer_end[:, None] * q[self.outer_at]


def _segments(grid: Grid, wire: Wire, chip: AnyChip, axis: int) -> tuple[Floats, Floats]:
    """Return the conductances between the nodes of a wire, and of the segments at its ends [S]."""
    conductances = grid.laid(1.0 / np.broadcast_to(np.asarray(chip(wire.name, "r")), (wire.nodes.size,)))
    at, rest = (-1, slice(None, -1)) if wire.last else (0, slice(1, None))
    place: tuple[slice | int, ...] = (at,) if axis == 0 else (slice(None), at)
    others: tuple[slice, ...] = (rest,) if axis == 0 else (slice(None), rest)
    return conductances[others], conductances[place]

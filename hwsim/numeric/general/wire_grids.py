"""Grids: crossbars whose wires have resistance, found by how they are joined.

A grid has L lines of m nodes each, L the larger number. Along each line runs one kind of wire, across the lines the other.
"""

from typing import Any, NamedTuple

import numpy as np

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.elements import Capacitors, Resistors
from circuits.nodes import Nodes
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
        Whether its end is behind the last node; else before the first. That of the outer wire is.

    """

    name: str
    nodes: Nodes
    ends: Nodes
    last: bool


class Grid(NamedTuple):
    """One grid: its memristors, and its wires along the lines (inner) and across them (outer), whose ends are behind the last line.

    It is `turned` when lines are columns, the last one first.
    """

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
        return array.reshape(places, lines).T[::-1] if self.turned else array.reshape(lines, places)


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
    row_wire, column_wire = (wire._replace(nodes=wire.nodes.T[::-1]) for wire in along)
    return Grid(element.name, column_wire._replace(ends=column_wire.ends[::-1]), row_wire._replace(last=True), turned=True)


def _only(grid: Grid, touched: Nodes) -> bool:
    """Return whether each node has its memristor and the segments before and behind it, and no more."""
    of_inner, of_outer = touched[grid.inner.nodes], touched[grid.outer.nodes]
    along = np.full(grid.shape[1], 3)
    along[0 if grid.inner.last else -1] = 2
    across = np.full((grid.shape[0], 1), 3)
    across[0] = 2
    distinct = len(np.unique(np.concatenate([grid.inner.nodes.ravel(), grid.outer.nodes.ravel()])))
    grounded = (grid.inner.ends == 0).any() or (grid.outer.ends == 0).any()
    return bool((of_inner == along).all() and (of_outer == across).all() and distinct == 2 * grid.inner.nodes.size and not grounded)

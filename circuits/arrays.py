"""Arrays of trainable conductances: what a gradient sums over a batch, and the single devices.

An array joins the nodes `rows` to the nodes `columns` by single devices. Its conductances g [S] are the weights; they are passed next to
the circuit, in an array of `shape`. A kind of array is one class: solvers, rules, decks and pictures use its operators and properties,
and do not ask which kind it is.
"""

import math
from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self

import numpy as np

from circuits.elements import Elements, Values, check_bounds, check_shape
from circuits.nodes import Nodes
from circuits.operators import Operators
from circuits.outer import Array, outer_sum

Sides = tuple[Array, Array]
"""What the rows and the columns of an array have, (B, rows) and (B, columns)."""


class FlatDevices(NamedTuple):
    """The single devices of an array: conductances `g` [S] from nodes `a` to nodes `b`, all of shape (devices,)."""

    a: Nodes
    b: Nodes
    g: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trainable(Elements, Operators):
    """Conductances that learning changes, between the bounds `g_min` and `g_max` [S].

    `memristive` is whether they are programmed as memristors, and have the spreads of these.
    """

    parameters: ClassVar[tuple[str, ...]] = ("g_min", "g_max")
    positive: ClassVar[tuple[str, ...]] = ("g_min",)
    memristive: ClassVar[bool] = True

    g_min: Values | float = 1e-8
    g_max: Values | float = 1e-4

    def __post_init__(self) -> None:
        """Check the bounds; they are scalars or of the shape of g, and the two terminals may differ in length."""
        for name in self.terminals:
            self._set(name, np.atleast_1d(getattr(self, name)).astype(np.intp))
        for name in self.parameters:
            self._set(name, np.asarray(getattr(self, name), dtype=np.float64))
            check_shape(self.name, name, np.shape(getattr(self, name)), self.shape)
        check_bounds(self.name, np.asarray(self.g_min), np.asarray(self.g_max))

    @property
    def rows(self) -> Nodes:
        """The nodes on one side."""
        nodes: Nodes = getattr(self, self.terminals[0])
        return nodes

    @property
    def columns(self) -> Nodes:
        """The nodes on the other side."""
        nodes: Nodes = getattr(self, self.terminals[1])
        return nodes

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the conductances."""

    @property
    def numbers(self) -> Nodes:
        """What a netlist calls each single device, shape (devices, numbers): the indices of its conductance."""
        return np.indices(self.shape).reshape(len(self.shape), -1).T

    @property
    def order(self) -> Nodes:
        """The places of the single devices in the order in which a netlist lists them."""
        return np.arange(len(self.ends[0]))

    @property
    def devices(self) -> float:
        """How many memristors in parallel conduct as much as one of them."""
        return 1.0

    @property
    def shared(self) -> bool:
        """Whether several devices share a conductance."""
        return False

    @property
    def kind(self) -> str:
        """What people call it."""
        return "crossbar" if self.grid else "trainable resistors"

    def expand(self, g: Array) -> FlatDevices:
        """Return the single devices; their conductances are elements of `g`, whatever that holds."""
        return FlatDevices(*self.ends, g.reshape(-1))

    @property
    def ends_of_g(self) -> tuple[Nodes, Nodes]:
        """The two nodes of one device of each conductance, of those that share it one that does not end at ground, if there is one."""
        a, b = self.ends
        which = self.expand(np.arange(math.prod(self.shape)).reshape(self.shape)).g
        order = np.lexsort((a == 0, which))
        first = order[np.searchsorted(which, np.arange(math.prod(self.shape)), sorter=order)]
        return a[first], b[first]

    def of_columns(self, values: Array) -> Array:
        """Sum values of the columns (columns,) for each place along the last axis of g."""
        return values

    @abstractmethod
    def outer(self, p: Array, q: Array) -> Array:
        """Return Σ_b p_i·q_j for p (B, rows) and q (B, columns): the derivative of q·forward(g, p) by g, of g's shape."""

    @abstractmethod
    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Return Σ_b (p_i − p_j)·(q_i − q_j) over the devices of each conductance, of g's shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Divisible(Trainable):
    """An array that can be divided: the first axis of g is cut along runs of the rows. Each row and each column is a node of its own."""

    @property
    def legend(self) -> str:
        """What the `numbers` of a device mean: a line for people."""
        return f"row i and column j; {len(self.rows)} rows, {len(self.columns)} columns"

    @property
    def axes(self) -> tuple[str, str]:
        """What the two axes of g number."""
        return "row", "column"

    @property
    def pattern(self) -> Hashable:
        """What is equal for parts of arrays that join rows and columns in one way."""
        return None

    def of_g(self, rows: slice) -> slice:
        """Return which of the first axis of g belongs to a run of rows."""
        return rows

    @abstractmethod
    def part(self, rows: slice) -> Self:
        """Return the array of a run of rows, whose conductances are that part of g.

        Raises
        ------
        CircuitError
            When it cannot be divided there.

        """

    def drawn(self, g: Array) -> Array:
        """Return the conductances of a run of rows that pictures show as its weights, of g's shape or a part of it."""
        return g

    def times_rows(self, g: Array, values: Array) -> Array | None:
        """Return conductances, or what has their shape, each times its row's value (rows,).

        None: a conductance has rows of several values.
        """
        return values[:, None] * g


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossbar(Divisible):
    """A memristor between every row and every column; its conductances have the shape (rows, columns).

    `g_min` and `g_max` [S] are scalars, or arrays of shape (rows, columns).
    """

    terminals: ClassVar[tuple[str, ...]] = ("rows", "columns")
    grid: ClassVar[bool] = True

    rows: Nodes = field()  # else the properties of Trainable would be their defaults
    columns: Nodes = field()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.rows), len(self.columns)

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """Row and column of each device, row by row."""
        return np.repeat(self.rows, len(self.columns)), np.tile(self.columns, len(self.rows))

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """A star over the first row and the first column: it connects what the whole crossbar connects."""
        return (self.rows[:1], self.columns), (self.rows, self.columns[:1])

    @property
    def order(self) -> Nodes:
        """The last column first: SPICE numbers nodes as it meets them and eliminates in that order, several times faster so."""
        return np.arange(len(self)).reshape(self.shape)[:, ::-1].T.ravel()

    def part(self, rows: slice) -> Self:
        """Return the crossbar of a run of rows."""
        return type(self)(name=self.name, rows=self.rows[rows], columns=self.columns)

    def matrix(self, g: Array) -> Array:
        """Return g."""
        return g

    def forward(self, g: Array, v: Array) -> Array:
        """Return v·g."""
        return v @ g

    def backward(self, g: Array, v: Array) -> Array:
        """Return v·gᵀ."""
        return v @ g.T

    def row_sum(self, g: Array) -> Array:
        """Sum over the columns."""
        return g.sum(axis=1)

    def column_sum(self, g: Array) -> Array:
        """Sum over the rows."""
        return g.sum(axis=0)

    def outer(self, p: Array, q: Array) -> Array:
        """Return pᵀ·q."""
        return outer_sum(p, q)

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Expand the product into matrix products; an array (B, rows, columns) is never built."""
        # Σ(p_i − p_j)(q_i − q_j) = Σ p_j·q_j + Σ p_i·q_i − Σ p_i·q_j − Σ q_i·p_j
        of_rows, of_columns = ((one * other).sum(axis=0) for one, other in zip(p, q, strict=True))
        return of_columns + of_rows[:, None] - self.outer(p[0], q[1]) - self.outer(q[0], p[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memristors(Trainable):
    """Single devices between any nodes: a row and a column for each."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")

    a: Nodes
    b: Nodes

    def __post_init__(self) -> None:
        """Check the bounds; each device has one of its own, and a node at either end."""
        Elements.__post_init__(self)
        check_bounds(self.name, np.asarray(self.g_min), np.asarray(self.g_max))

    @property
    def shape(self) -> tuple[int]:
        """(devices,)."""
        return (len(self),)

    def forward(self, g: Array, v: Array) -> Array:
        """Return v·g, device by device."""
        return v * g

    def backward(self, g: Array, v: Array) -> Array:
        """Return v·g, device by device."""
        return v * g

    def row_sum(self, g: Array) -> Array:
        """Return g."""
        return g

    def column_sum(self, g: Array) -> Array:
        """Return g."""
        return g

    def outer(self, p: Array, q: Array) -> Array:
        """Return Σ_b p·q, device by device."""
        return (p * q).sum(axis=0)

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Multiply the drops."""
        return self.outer(p[0] - p[1], q[0] - q[1])

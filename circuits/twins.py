"""Twins: rows with their negatives, and columns whose twins settle at their negatives, without inverting amplifiers.

A column h sees a row at x by a conductance a, and the row at −x by b. Its twin sees them by b and a. Where all else is odd too (the neuron,
what follows), the twin is at −h: signed maps between hidden layers.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar, Self

import numpy as np

from circuits.arrays import Divisible, FlatDevices, Sides
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.outer import Array
from circuits.paired import Paired


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Twins(Divisible):
    """An array, and its copies from the negative rows and to the twin columns.

    Its conductances have the shape of those of `one`, but twice as many columns: first a, of plain rows at plain columns and of negative
    rows at twins, then b, of negative rows at plain columns and of plain rows at twins. So each stands in two devices, or in twice as many
    as in `one`; a gradient sums over them.

    Parameters
    ----------
    rows, columns
        Its nodes.
    one
        The array from the plain rows to the plain columns; of a part that has negative rows alone, from these.
    row_pairs
        How the rows are paired, run by run; of a part with one side, what is left of each pair.
    column_pairs
        How the columns are paired.
    sides
        Which sides the rows are: (0, 1), or of a part, one of them alone.

    """

    terminals: ClassVar[tuple[str, ...]] = ("rows", "columns")

    rows: Nodes = field()  # else the properties of Trainable would be their defaults
    columns: Nodes = field()
    one: Divisible
    row_pairs: tuple[Paired, ...]
    column_pairs: Paired
    sides: tuple[int, ...] = (0, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the array, with twice as many columns."""
        rows, columns = self.one.shape
        return rows, 2 * columns

    @property
    def shared(self) -> bool:
        """Devices share conductances."""
        return True

    def __len__(self) -> int:
        return 2 * len(self.sides) * len(self.one)

    @property
    def kind(self) -> str:
        """Twin crossbar, or twin convolution."""
        return f"twin {self.one.kind}"

    @property
    def axes(self) -> tuple[str, str]:
        """Those of the array."""
        return self.one.axes

    @property
    def legend(self) -> str:
        """What the numbers of a device mean."""
        rows, columns = self.one.shape[0], len(self.one.columns)
        return f"{self.one.legend}; from i = {rows} on they are of the negative rows, and from j = {columns} on of the twin columns"

    @property
    def pattern(self) -> Hashable:
        """That of the array, and the side."""
        return self.one.pattern, self.sides

    def _quarters(self) -> Iterator[tuple[int, int]]:
        """List the twin, and the side of the rows, of each copy of the array; it has the conductances number twin ^ side."""
        return ((twin, side) for twin in (0, 1) for side in self.sides)

    def _halves(self, g: Array) -> tuple[Array, Array]:
        return g[:, : self.one.shape[1]], g[:, self.one.shape[1] :]

    def _of_sides(self, v: Array) -> dict[int, Array]:
        """Return what the rows of each side have, (…, rows of one)."""
        if len(self.sides) == 1:
            return {self.sides[0]: v}
        ends = [0, *accumulate(2 * pair.size for pair in self.row_pairs)]
        apart = [pair.split(v[..., ends[k] : ends[k + 1]]) for k, pair in enumerate(self.row_pairs)]
        return {side: v.__array_namespace__().concatenate([run[side] for run in apart], axis=-1) for side in self.sides}

    def _at_rows(self, of_sides: dict[int, Array]) -> Array:
        """Return what has been computed for the rows of each side, row by row."""
        if len(self.sides) == 1:
            return of_sides[self.sides[0]]
        ends = [0, *accumulate(pair.size for pair in self.row_pairs)]
        runs = [
            pair.joined((of_sides[0][..., ends[k] : ends[k + 1]], of_sides[1][..., ends[k] : ends[k + 1]]))
            for k, pair in enumerate(self.row_pairs)
        ]
        return runs[0].__array_namespace__().concatenate(runs, axis=-1)

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """Row, or ground, and column of each device, copy by copy of the array."""
        rows, columns = self._of_sides(self.rows), self.column_pairs.split(self.columns)
        a, b = self.one.ends
        here, there = (np.zeros(1 + int(nodes.max()), np.intp) for nodes in (self.one.rows, self.one.columns))
        ends = []
        for twin, side in self._quarters():
            here[self.one.rows], there[self.one.columns] = rows[side], columns[twin]
            ends.append((here[a], there[b]))
        starts, stops = zip(*ends, strict=True)
        return np.concatenate(starts), np.concatenate(stops)

    @property
    def numbers(self) -> Nodes:
        """Row, or tap, and column of the array, those of negative rows and of twins after the others."""
        step = np.array([self.one.shape[0], len(self.one.columns)])
        return np.concatenate([self.one.numbers + (side, twin) * step for twin, side in self._quarters()])

    @property
    def order(self) -> Nodes:
        """The twins first, each in the order of the array."""
        copies = 2 * len(self.sides)
        return np.concatenate([k * len(self.one) + self.one.order for k in reversed(range(copies))])

    def expand(self, g: Array) -> FlatDevices:
        """Repeat both kinds of conductances."""
        each = [self.one.expand(half).g for half in self._halves(g)]
        values = [each[twin ^ side] for twin, side in self._quarters()]
        return FlatDevices(*self.ends, g.__array_namespace__().concatenate(values))

    def drawn(self, g: Array) -> Array:
        """Return those at the plain columns."""
        return self._halves(g)[self.sides[0]]

    def of_g(self, rows: slice) -> slice:
        """Return which conductances are those of a run of rows; its negative has the same."""
        first, last, _ = self._located(rows)
        return self.one.of_g(self._of_one(first, last))

    def part(self, rows: slice) -> Self:
        """Return the twins of a run of rows: of a whole run with its negatives, or of one of these two."""
        first, last, sides = self._located(rows)
        one, pairs = self.one.part(self._of_one(first, last)), self.row_pairs[first:last]
        return type(self)(
            name=self.name,
            rows=self.rows[rows],
            columns=self.columns,
            one=one,
            row_pairs=pairs,
            column_pairs=self.column_pairs,
            sides=sides,
        )

    def _of_one(self, first: int, last: int) -> slice:
        starts = [0, *accumulate(pair.size for pair in self.row_pairs)]
        return slice(starts[first], starts[last])

    def _located(self, rows: slice) -> tuple[int, int, tuple[int, ...]]:
        """Return the first of the runs that some rows are, the one behind the last, and their sides."""
        if len(self.sides) == 1:
            starts = [0, *accumulate(pair.size for pair in self.row_pairs)]
        else:
            starts = [0, *accumulate(2 * pair.size for pair in self.row_pairs)]
            for k, pair in enumerate(self.row_pairs):
                halves = [(starts[k] + side * pair.size, starts[k] + (side + 1) * pair.size) for side in (0, 1)]
                if pair.places == 1 and (rows.start, rows.stop) in halves:
                    return k, k + 1, (halves.index((rows.start, rows.stop)),)
        if rows.start not in starts or rows.stop not in starts:
            msg = (
                f"{self.name}: rows {rows.start} to {rows.stop - 1} have only a part of their negatives; let one array of sources drive all"
            )
            raise CircuitError(msg)
        return starts.index(rows.start), starts.index(rows.stop), self.sides

    def times_rows(self, g: Array, values: Array) -> Array | None:
        """Multiply, where the rows are of one side, or have one value."""
        if len(self.sides) == 1:
            return self.one.times_rows(g, values)
        is_one = isinstance(values, np.ndarray) and (values == values[0]).all()
        return values[0] * g if is_one else None

    def forward(self, g: Array, v: Array) -> Array:
        """Sum what both sides of the rows push into the plain columns, and into the twins."""
        halves, seen = self._halves(g), self._of_sides(v)
        plain, twin = (sum(self.one.forward(halves[k ^ side], seen[side]) for side in self.sides) for k in (0, 1))
        return self.column_pairs.joined((plain, twin))

    def backward(self, g: Array, v: Array) -> Array:
        """Sum what plain columns and twins push into each side of the rows."""
        halves, seen = self._halves(g), self.column_pairs.split(v)
        return self._at_rows({side: sum(self.one.backward(halves[k ^ side], seen[k]) for k in (0, 1)) for side in self.sides})

    def row_sum(self, g: Array) -> Array:
        """Sum both kinds: each side has both."""
        each = sum(self.one.row_sum(half) for half in self._halves(g))
        return self._at_rows(dict.fromkeys(self.sides, each))

    def column_sum(self, g: Array) -> Array:
        """Sum over the sides of the rows."""
        sums = [self.one.column_sum(half) for half in self._halves(g)]
        plain, twin = (sum(sums[k ^ side] for side in self.sides) for k in (0, 1))
        return self.column_pairs.joined((plain, twin))

    def of_columns(self, values: Array) -> Array:
        """Sum over the copies of each conductance."""
        each = [self.one.of_columns(of_twin) for of_twin in self.column_pairs.split(values)]
        return self._both(lambda twin, _: each[twin])

    def outer(self, p: Array, q: Array) -> Array:
        """Sum over the copies of each conductance."""
        rows, columns = self._of_sides(p), self.column_pairs.split(q)
        return self._both(lambda twin, side: self.one.outer(rows[side], columns[twin]))

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Sum over the copies of each conductance."""
        rows = [self._of_sides(field[0]) for field in (p, q)]
        columns = [self.column_pairs.split(field[1]) for field in (p, q)]

        def of_copy(twin: int, side: int) -> Array:
            first, second = ((seen[side], at[twin]) for seen, at in zip(rows, columns, strict=True))
            return self.one.drop_products(first, second)

        return self._both(of_copy)

    def _both(self, of_copy: Callable[[int, int], Array]) -> Array:
        """Sum what is known of each copy for both kinds of conductances, of g's shape, or of its last axis."""
        kinds = [sum(of_copy(twin, side) for twin, side in self._quarters() if twin ^ side == kind) for kind in (0, 1)]
        return kinds[0].__array_namespace__().concatenate(kinds, axis=-1)

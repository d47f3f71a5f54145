"""A convolution in one dimension: an array whose devices share conductances, written with what `circuits.arrays` asks of an array."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from circuits.arrays import FlatDevices, Sides, Trainable
from circuits.nodes import Nodes
from circuits.outer import Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TiedColumns(Trainable):
    """Column j is joined to the rows j, j + 1 … by devices with conductances g_0, g_1 …, the same for every column."""

    terminals: ClassVar[tuple[str, ...]] = ("rows", "columns")

    rows: Nodes = field()
    columns: Nodes = field()

    @property
    def shape(self) -> tuple[int]:
        """(length of the kernel,)."""
        return (len(self.rows) - len(self.columns) + 1,)

    @property
    def _row(self) -> Nodes:
        """Which row each device is at, shape (columns, kernel)."""
        return np.arange(len(self.columns))[:, None] + np.arange(*self.shape)

    def __len__(self) -> int:
        return self._row.size

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """Row and column of each device."""
        return self.rows[self._row].ravel(), np.repeat(self.columns, self.shape)

    @property
    def numbers(self) -> Nodes:
        """Column and place in the kernel."""
        return np.indices(self._row.shape).reshape(2, -1).T

    def expand(self, g: Array) -> FlatDevices:
        """Repeat the kernel for every column."""
        return FlatDevices(*self.ends, g.__array_namespace__().tile(g, len(self.columns)))

    def _weights(self, g: Array) -> Array:
        """Lay the kernel out as (rows, columns)."""
        xp = g.__array_namespace__()
        steps = xp.asarray(np.eye(len(self.rows))[self._row])  # (columns, kernel, rows)
        return xp.einsum("jki,k->ij", steps, g)

    def forward(self, g: Array, v: Array) -> Array:
        """Correlate with the kernel."""
        return v @ self._weights(g)

    def backward(self, g: Array, v: Array) -> Array:
        """Convolve with the kernel."""
        return v @ self._weights(g).T

    def row_sum(self, g: Array) -> Array:
        """Sum what covers a row."""
        return self._weights(g).sum(axis=1)

    def column_sum(self, g: Array) -> Array:
        """Sum the kernel."""
        return self._weights(g).sum(axis=0)

    def outer(self, p: Array, q: Array) -> Array:
        """Sum over the columns as well."""
        return (p[:, self._row] * q[:, :, None]).sum(axis=(0, 1))

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Sum over the columns as well."""
        p_drop, q_drop = (one[0][:, self._row] - one[1][:, :, None] for one in (p, q))
        return (p_drop * q_drop).sum(axis=(0, 1))

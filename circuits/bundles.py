"""Bundles: small groups of rows and columns that fixed resistors join, all to all in each: one node to one or many, or the mean of many."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from circuits.elements import Resistors
from circuits.nodes import Nodes
from circuits.operators import Operators
from circuits.outer import Array
from circuits.units import Ohm


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundles(Resistors, Operators):
    """Fixed resistors of a number of groups; its conductances are 1/r, group by group, row by row, shape (resistors,).

    The rows of a group stand next to each other, and so do its columns.
    """

    rows: Nodes = field()  # else the properties of Operators would be their defaults
    columns: Nodes = field()
    groups: int

    @classmethod
    def over(cls, name: str, rows: Nodes, columns: Nodes, groups: int, r: Ohm) -> Self:
        """Join the rows and the columns of each group, of which there are `groups`."""
        a = rows.reshape(groups, -1).repeat(len(columns) // groups, axis=1).ravel()
        b = np.tile(columns.reshape(groups, 1, -1), (1, len(rows) // groups, 1)).ravel()
        return cls(name=name, a=a, b=b, r=r, rows=rows, columns=columns, groups=groups)

    def _each(self, g: Array) -> Array:
        """Return the conductances as (groups, rows, columns)."""
        return g.reshape(self.groups, len(self.rows) // self.groups, -1)

    def forward(self, g: Array, v: Array) -> Array:
        """Sum over the rows of each group."""
        each = self._each(g)
        return (v.reshape(*v.shape[:-1], *each.shape[:2], 1) * each).sum(axis=-2).reshape(*v.shape[:-1], len(self.columns))

    def backward(self, g: Array, v: Array) -> Array:
        """Sum over the columns of each group."""
        each = self._each(g)
        return (v.reshape(*v.shape[:-1], self.groups, 1, each.shape[2]) * each).sum(axis=-1).reshape(*v.shape[:-1], len(self.rows))

    def row_sum(self, g: Array) -> Array:
        """Sum over the columns of its group."""
        return self._each(g).sum(axis=2).reshape(-1)

    def column_sum(self, g: Array) -> Array:
        """Sum over the rows of its group."""
        return self._each(g).sum(axis=1).reshape(-1)

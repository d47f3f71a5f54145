"""Operators of arrays: currents from voltages, and sums of conductances, whatever kind of array it is.

Voltages of an array's rows have shape (B, rows), of its columns (B, columns), in NumPy or in JAX. The operators are written for ideal
sources on one side and 0 V on the other; the current of a device between rows and columns that both move is

    i = row_sum(g)·v_rows − backward(g, v_columns)        into the array at its rows
    i = column_sum(g)·v_columns − forward(g, v_rows)      into the array at its columns
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from circuits.nodes import Nodes
from circuits.outer import Array


class Operators(ABC):
    """What joins rows to columns by conductances g: the operators that solvers use, whatever kind of array it is."""

    __slots__ = ()

    name: str

    grid: ClassVar[bool] = False
    """Whether a device joins each row to each column: g has shape (rows, columns)."""

    @property
    @abstractmethod
    def rows(self) -> Nodes:
        """The nodes on one side."""

    @property
    @abstractmethod
    def columns(self) -> Nodes:
        """The nodes on the other side."""

    @abstractmethod
    def forward(self, g: Array, v: Array) -> Array:
        """Return Σ_i g_ij·v_i, the currents into the columns from rows at v (B, rows) [V], shape (B, columns) [A]."""

    @abstractmethod
    def backward(self, g: Array, v: Array) -> Array:
        """Return Σ_j g_ij·v_j, the currents into the rows from columns at v (B, columns) [V], shape (B, rows) [A]."""

    @abstractmethod
    def row_sum(self, g: Array) -> Array:
        """Return the conductance that ends at each row, shape (rows,) [S]."""

    @abstractmethod
    def column_sum(self, g: Array) -> Array:
        """Return the conductance that ends at each column, shape (columns,) [S]."""

    def matrix(self, g: Array) -> Array:
        """Return the conductance between each row and each column, shape (rows, columns) [S]."""
        return self.forward(g, g.__array_namespace__().eye(len(self.rows), dtype=g.dtype))

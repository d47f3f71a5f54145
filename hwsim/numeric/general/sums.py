"""Matrices that are summed up from entries, and their factors: dense where they are small, sparse, by SciPy, where they are large.

A dense matrix of a few hundred rows is inverted in less time than it takes to load SciPy.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Floats

Rows = NDArray[np.intp]

_NONE: Rows = np.zeros(0, dtype=np.intp)

_DENSE = 2**17
"""Most numbers of a matrix that is kept dense."""

_ORDER = "MMD_AT_PLUS_A"
"""Of elimination: by the pattern of A + Aᵀ. On a crossbar of 784×100 with wires it leaves half as many entries as by that of AᵀA."""


def load(rows: int) -> None:
    """Load what matrices of so many rows need: SciPy's BLAS must be there before `one_thread` looks for what it limits."""
    if rows * rows > _DENSE:
        import scipy.sparse.linalg  # noqa: F401, PLC0415 - only large circuits beyond layers need it


def summed(value: Floats, row: NDArray[np.intp], column: NDArray[np.intp], shape: tuple[int, int]) -> Any:
    """Sum entries up, several at one place added, into a matrix of a shape: a dense one or one of SciPy's in columns."""
    if shape[0] * shape[1] <= _DENSE:
        matrix = np.zeros(shape)
        np.add.at(matrix, (row, column), value)
        return matrix
    from scipy.sparse import csc_array  # noqa: PLC0415 - as above

    return csc_array((value, (row, column)), shape=shape)


def dense(matrix: Any) -> Floats:
    """Return a matrix from `summed` as an array."""
    values: Floats = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return values


def compact(matrix: Any) -> Any:
    """Return a matrix dense where it is small."""
    return dense(matrix) if matrix.shape[0] * matrix.shape[1] <= _DENSE else matrix


def factors(matrix: Any, one: Rows = _NONE, other: Rows = _NONE) -> Any:
    """Factorize a square matrix from `summed`: what is returned solves, by `solve(right, way)`, for right sides of shape (rows, B).

    `way` is "N" for A·u = right, "T" for Aᵀ·u = right. Rows `one` and `other` are exchanged first, where that saves work.

    Raises
    ------
    RuntimeError, LinAlgError
        When the matrix is singular.

    """
    if isinstance(matrix, np.ndarray):
        return _Inverse.of(matrix)
    from scipy.sparse.linalg import splu  # noqa: PLC0415 - as above

    if not len(one):
        return splu(matrix, permc_spec=_ORDER)
    rows = np.arange(matrix.shape[0])
    rows[one], rows[other] = other, one
    return _Exchanged(splu(matrix.tocsr()[rows].tocsc(), permc_spec=_ORDER), rows)


class _Exchanged(NamedTuple):
    """Factors of a matrix whose rows were in another order."""

    factors: Any
    rows: Rows

    def solve(self, right: Floats, way: str = "N") -> Floats:
        """Solve for the matrix as it was."""
        if way == "N":
            solved: Floats = self.factors.solve(right[self.rows])
            return solved
        answer = np.empty_like(right)
        answer[self.rows] = self.factors.solve(right, way)
        return answer


class _Inverse(NamedTuple):
    """The inverse of a small matrix, in the place of its factors."""

    inverse: Floats

    @classmethod
    def of(cls, matrix: Floats) -> Self:
        """Invert a matrix."""
        inverse: Floats = np.linalg.inv(matrix).astype(np.float64, copy=False)
        return cls(inverse)

    def solve(self, right: Floats, way: str = "N") -> Floats:
        """Multiply by the inverse, or by its transpose."""
        solved: Floats = (self.inverse.T if way == "T" else self.inverse) @ right
        return solved

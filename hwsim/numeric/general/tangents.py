"""Newton's matrix of a batch, I + Q·s between groups of ports: how a step is solved for.

    (I + Q·s)·δ = r,     Q = diag(q) + O:     δ ← (r − O·(s·δ))/(1 + q·s)

Groups that see far more of themselves than of each other, as columns do that meet only at sources, take a few sweeps, products of
matrices for the whole batch; for others each sample's matrix is solved.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Array, Floats

_WEAK, _SWEEPS = 0.25, 4
"""The most that a sweep may leave of an error, and how many are done: what is left of a step by then, 1e-3, the next one takes."""

_STIFF = 1e6
"""A group that conducts so many times better than what it sees, as an ideal diode does, needs the last digits of a step: no sweeps."""


class Sweeps(NamedTuple):
    """Steps by sweeps.

    Parameters
    ----------
    slopes
        (B, M) [S].
    diagonal
        1 + q·s, (B, M).
    others
        Oᵀ, (M, M) [ohm].

    """

    slopes: Array
    diagonal: Array
    others: Floats

    def inverse(self) -> Self:
        """Return itself: nothing is solved for."""
        return self

    def repeated(self, times: int) -> Self:
        """Return so many batches, one behind the other."""
        return self._replace(slopes=np.tile(self.slopes, (times, 1)), diagonal=np.tile(self.diagonal, (times, 1)))

    def solve(self, right: Array) -> None:
        """Solve for right sides (B, M), in their place."""
        whole = right.copy()
        right /= self.diagonal
        for _ in range(_SWEEPS):
            np.subtract(whole, (self.slopes * right) @ self.others, out=right)
            right /= self.diagonal


class Matrices(NamedTuple):
    """Steps by a matrix a sample, of which the steep groups are solved for, and the flat ones, whose slope is 0, follow.

    Parameters
    ----------
    q
        (M, M) [ohm].
    slopes
        (B, M) [S].
    steep, flat
        Which groups have a slope in some sample, and which in none.
    matrix
        That of the steep ones, (B, S, S), or with `inverted` its inverse; (1, S, S) where all samples have the same slopes.

    """

    q: Floats
    slopes: Array
    steep: NDArray[np.intp]
    flat: NDArray[np.intp]
    matrix: Array
    inverted: bool = False

    @classmethod
    def of(cls, q: Floats, slopes: Array) -> Self:
        """Look for slopes."""
        some, different = slopes.any(axis=0), slice(None) if (slopes != slopes[:1]).any() else slice(1)
        steep, flat = np.flatnonzero(some), np.flatnonzero(~some)
        return cls(q, slopes, steep, flat, jacobian(q[np.ix_(steep, steep)], slopes[different, steep]))

    def inverse(self) -> Self:
        """Invert the matrix, for many steps.

        Raises
        ------
        LinAlgError
            When it is singular.

        """
        return self._replace(matrix=np.linalg.inv(self.matrix), inverted=True)

    def repeated(self, times: int) -> Self:
        """Return so many batches, one behind the other."""
        matrix = self.matrix if len(self.matrix) == 1 else np.tile(self.matrix, (times, 1, 1))
        return self._replace(slopes=np.tile(self.slopes, (times, 1)), matrix=matrix)

    def solve(self, right: Array) -> None:
        """Solve for right sides (B, M), in their place.

        Raises
        ------
        LinAlgError
            When the matrix is singular.

        """
        of_steep = right.take(self.steep, axis=1)
        if len(self.matrix) == 1:
            solved = (self.matrix[0] @ of_steep.T if self.inverted else np.linalg.solve(self.matrix[0], of_steep.T)).T
        else:
            each = of_steep[:, :, None]
            solved = (self.matrix @ each if self.inverted else np.linalg.solve(self.matrix, each))[:, :, 0]
        right[:, self.steep] = solved
        if len(self.flat):
            right[:, self.flat] -= (self.slopes.take(self.steep, axis=1) * solved) @ self.q[np.ix_(self.flat, self.steep)].T


Tangents = Sweeps | Matrices


class Couplings(NamedTuple):
    """Q between groups of ports, and what of it sweeps need.

    Parameters
    ----------
    q
        How the voltages of groups answer currents, (M, M) [ohm].
    diagonal
        What each group sees of itself, (M,) [ohm].
    others, magnitudes
        The rest, Oᵀ, and its magnitudes, both (M, M) [ohm].

    """

    q: Floats
    diagonal: Floats
    others: Floats
    magnitudes: Floats

    @classmethod
    def of(cls, q: Floats) -> Self:
        """Part the diagonal from the rest."""
        others = q.T.copy()
        np.fill_diagonal(others, 0.0)
        return cls(q, np.diagonal(q), others, np.abs(others))

    def tangents(self, slopes: Array) -> Tangents:
        """Return I + Q·s for the slopes of groups (B, M) [S], as what solves for steps fastest."""
        diagonal = 1.0 + self.diagonal * slopes
        seen = slopes.any(axis=0) @ self.magnitudes  # by each group of all others that have a slope
        left = np.abs(slopes / diagonal) * seen  # of the largest error of a group's current s·δ, what a sweep leaves of it at most
        weak = left.max(initial=0.0) <= _WEAK and np.abs(diagonal).max(initial=0.0) <= _STIFF  # not where any is no number
        return Sweeps(slopes, diagonal, self.others) if weak else Matrices.of(self.q, slopes)


def jacobian(q: Floats, slopes: Array) -> Array:
    """Return I + Q·s, (B, M, M), for the slopes of groups, (B, M) [S]."""
    matrix = q * slopes[:, None, :]
    k = np.arange(len(q))
    matrix[:, k, k] += 1.0
    return matrix

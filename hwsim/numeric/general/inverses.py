"""Inverses of small conductance matrices, symmetric and positive definite, for all lines of a grid."""

from typing import NamedTuple, Self

import numpy as np

from hwsim.typing import Floats


class Passes(NamedTuple):
    """What passes over the lines of a grid multiply by, with voltages in units d of each node in which wires between lines conduct 1.

    P_k is the inverse of what is left of a line's matrix when those before it are eliminated, P_k = (d_k·S_k·d_k − P_(k−1))⁻¹.

    Parameters
    ----------
    units
        d, (L, m) [1/√S], as `units_of` has them.
    inverses
        P, (L, m, m).

    """

    units: Floats
    inverses: Floats

    @classmethod
    def of(cls, lines: Floats, units: Floats) -> Self:
        """Eliminate line after line; the matrices d·S·d, symmetric and positive definite, (L, m, m), are overwritten.

        By Cholesky's factors an inverse takes a third of the work that one of any matrix takes.

        Raises
        ------
        LinAlgError
            When a matrix is not positive definite.

        """
        from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

        inverses, upper = np.empty_like(lines), ~np.tri(lines.shape[1], dtype=bool)
        for k, (line, inverse) in enumerate(zip(lines, inverses, strict=True)):  # all of a line while it is in the cache
            if k:
                np.subtract(line, inverses[k - 1], out=line)
            # in place: LAPACK sees the transpose, in columns, and fills the upper half of what it returns
            factors, indefinite = dpotrf(line.T, clean=0, overwrite_a=1)
            half, singular = dpotri(factors, overwrite_c=1)
            if indefinite or singular:
                msg = "a matrix of conductances is not positive definite"
                raise np.linalg.LinAlgError(msg)
            np.copyto(inverse, half.T)
            np.copyto(inverse, half, where=upper)
        return cls(units, inverses)

    def from_last(self, right: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), where currents enter the last one alone, (m, B)."""
        u = np.empty((len(self.units), *right.shape))
        np.dot(self.inverses[-1], self.units[-1, :, None] * right, out=u[-1])
        for line, behind, inverse in zip(u[-2::-1], u[:0:-1], self.inverses[-2::-1], strict=True):
            np.dot(inverse, behind, out=line)
        u *= self.units[:, :, None]
        return u

    def from_all(self, right: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), where currents enter all of them, of the same shape; these are overwritten."""
        right *= self.units[:, :, None]
        for before, line, inverse in zip(right, right[1:], self.inverses, strict=False):
            np.add(line, np.dot(inverse, before), out=line)
        u = np.empty(right.shape)
        np.dot(self.inverses[-1], right[-1], out=u[-1])
        for line, behind, pushed, inverse in zip(u[-2::-1], u[:0:-1], right[-2::-1], self.inverses[-2::-1], strict=True):
            np.dot(inverse, np.add(pushed, behind, out=pushed), out=line)
        u *= self.units[:, :, None]
        return u


def units_of(between: Floats) -> Floats:
    """Return d of the nodes of all lines, (L, m) [1/√S], so that d_k·w_k·d_(k+1) = 1 for conductances w between lines, (L − 1, m) [S]."""
    units = np.empty((len(between) + 1, between.shape[1]))
    units[0] = 1.0 / np.sqrt(between[0] if len(between) else 1.0)
    odd = between[1::2]
    units[2::2] = units[0] * np.cumprod(between[: 2 * len(odd) : 2] / odd, axis=0)
    units[1::2] = 1.0 / (between[::2] * units[: len(between) : 2])
    return units


def inverse_of_lines(aside: Floats, between: Floats) -> Floats:
    """Invert lines of conductances: of each node to elsewhere, (L, m) [S], and `between` each node and the next, (L, m − 1) [S].

    Only positive numbers are added, multiplied and divided, so that nothing cancels (Grassmann, Taksar & Heyman 1985).

    Returns
    -------
    Floats
        Shape (L, m, m) [ohm].

    """
    lines, places = aside.shape
    before = aside.copy()  # what a node and all before it have to elsewhere
    for k in range(1, places):
        before[:, k] += between[:, k - 1] * (before[:, k - 1] / (between[:, k - 1] + before[:, k - 1]))
    inverses: Floats = np.empty((lines, places, places))
    pivots = before[:, :-1] + between
    shares = between / pivots
    inverses[:, -1, -1] = 1.0 / before[:, -1]
    inverses[:, range(places - 1), range(places - 1)] = 1.0 / pivots
    for k in range(places - 2, -1, -1):
        row = inverses[:, k, k + 1 :]
        np.multiply(shares[:, k, None], inverses[:, k + 1, k + 1 :], out=row)
        inverses[:, k, k] += shares[:, k] * row[:, 0]
        inverses[:, k + 1 :, k] = row
    return inverses

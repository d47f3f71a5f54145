"""Inverses of small conductance matrices, symmetric and positive definite, for all lines of a grid."""

from typing import NamedTuple, Self

import numpy as np

from hwsim.typing import Floats


class Passes(NamedTuple):
    """What passes over the lines of a grid multiply by.

    P_k is the inverse of what is left of a line's matrix when those before it are eliminated, P_k = (S_k − w_k·P_(k−1)·w_k)⁻¹.

    Parameters
    ----------
    back
        What each line but the last takes over of the next one, P_k·w_(k+1), (L − 1, m, m); its transpose is what the next takes over of it.
    last
        P of the last line, (m, m) [ohm].
    between
        w, the conductances from each line but the first to the one before, (L − 1, m) [S].

    """

    back: Floats
    last: Floats
    between: Floats

    @classmethod
    def of(cls, lines: Floats, between: Floats) -> Self:
        """Eliminate line after line; the matrices S, symmetric and positive definite, (L, m, m), are overwritten.

        By Cholesky's factors an inverse takes a third of the work that one of any matrix takes.

        Raises
        ------
        LinAlgError
            When a matrix is not positive definite.

        """
        from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

        back, lower = np.empty_like(lines[1:]), np.tri(lines.shape[1], dtype=bool)
        for k, line in enumerate(lines):  # all of a line while it is in the cache
            if k:
                np.subtract(line, between[k - 1][:, None] * back[k - 1], out=line)
            # in place: LAPACK sees the transpose, in columns, and leaves the inverse's one half in what is the lower half here
            if dpotrf(line.T, clean=0, overwrite_a=1)[1] or dpotri(line.T, overwrite_c=1)[1]:
                msg = "a matrix of conductances is not positive definite"
                raise np.linalg.LinAlgError(msg)
            inverse = np.where(lower, line, line.T)
            if k < len(back):
                np.multiply(inverse, between[k], out=back[k])
        return cls(back, inverse, between)

    def from_last(self, right: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), where currents enter the last one alone, (m, B)."""
        u = np.empty((len(self.back) + 1, *right.shape))
        np.matmul(self.last, right, out=u[-1])
        for line, behind, back in zip(u[-2::-1], u[:0:-1], self.back[::-1], strict=True):
            np.dot(back, behind, out=line)
        return u

    def from_all(self, right: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), where currents enter all of them, of the same shape; these are overwritten."""
        for before, line, back in zip(right, right[1:], self.back, strict=False):
            np.add(line, np.dot(back.T, before), out=line)
        u = np.empty_like(right)
        np.matmul(self.last, right[-1], out=u[-1])
        right[:-1] /= self.between[:, :, None]
        np.matmul(self.back, right[:-1], out=u[:-1])
        for line, behind, back in zip(u[-2::-1], u[:0:-1], self.back[::-1], strict=True):
            np.add(line, np.dot(back, behind), out=line)
        return u


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

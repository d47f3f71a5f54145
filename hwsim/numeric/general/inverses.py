"""Inverses of small conductance matrices, symmetric and positive definite, for all lines of a grid."""

from typing import NamedTuple, Self

import numpy as np

from hwsim.typing import Floats


class Passes(NamedTuple):
    """What passes over the lines of a grid multiply by: each line is joined to the next by resistances R_k, the last one to the ends.

        Y_k = M_k + (Y_(k−1)⁻¹ + R_(k−1))⁻¹,     v_k = (I + R_k·Y_k)⁻¹·(v_(k+1) + R_k·c_k)

    Y_k is what a line has to elsewhere, M_k, with all that is before it. In units of s = √R, N = s·Y·s, nothing cancels however small
    a resistance is: (Y⁻¹ + R)⁻¹ = s⁻¹·N·(I + N)⁻¹·s⁻¹.

    Parameters
    ----------
    shares
        (I + R·Y)⁻¹, (L, m, m): the voltages of a line that those of the next one make.
    resistances
        R, (L, m) [ohm].
    seen
        What the ends see of the last line and all before it, (Y⁻¹ + R)⁻¹, (m, m) [S].

    """

    shares: Floats
    resistances: Floats
    seen: Floats

    @classmethod
    def of(cls, lines: Floats, resistances: Floats) -> Self:
        """Eliminate line after line; the matrices s·M·s, symmetric, (L, m, m), are overwritten.

        By Cholesky's factors an inverse takes a third of the work that one of any matrix takes.

        Raises
        ------
        LinAlgError
            When a matrix is not positive definite.

        """
        from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

        shares, upper, one = np.empty(lines.shape), ~np.tri(lines.shape[1], dtype=bool), np.eye(lines.shape[1])
        units, kept, matrix = np.sqrt(resistances), np.zeros(one.shape), np.empty(one.shape)
        steps, even = units[1:] / units[:-1], bool((units == units[0, 0]).all())
        for k, (line, share) in enumerate(zip(lines, shares, strict=True)):  # all of a line while it is in the cache
            if k:
                if not even:
                    kept *= steps[k - 1, :, None] * steps[k - 1]
                np.add(line, kept, out=line)
            np.add(line, one, out=matrix)
            # LAPACK sees the transpose, in columns, and fills the upper half of what it returns
            factors, indefinite = dpotrf(matrix.T, clean=0, overwrite_a=1)
            half, singular = dpotri(factors, overwrite_c=1)
            if indefinite or singular:
                msg = "a matrix of conductances is not positive definite"
                raise np.linalg.LinAlgError(msg)
            np.copyto(share, half.T)
            np.copyto(share, half, where=upper)
            np.dot(line, share, out=kept)
        if not even:
            shares *= units[:, :, None]
            shares /= units[:, None, :]
        return cls(shares, resistances, kept / units[-1, :, None] / units[-1])

    def from_ends(self, ends: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), that those behind the last one alone make, (m, B)."""
        v = np.empty((len(self.shares), *ends.shape))
        np.dot(self.shares[-1], ends, out=v[-1])
        for line, behind, share in zip(v[-2::-1], v[:0:-1], self.shares[-2::-1], strict=True):
            np.dot(share, behind, out=line)
        return v

    def from_all(self, into: Floats, ends: Floats) -> Floats:
        """Return the voltages of all lines, (L, m, B), where currents of this shape enter them too; these are overwritten."""
        for before, line, share in zip(into, into[1:], self.shares, strict=False):
            np.add(line, np.dot(share.T, before), out=line)
        into *= self.resistances[:, :, None]
        v = np.empty(into.shape)
        behind = ends
        for line, driven, share in zip(v[::-1], into[::-1], self.shares[::-1], strict=True):
            np.dot(share, np.add(driven, behind, out=driven), out=line)
            behind = line
        return v


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

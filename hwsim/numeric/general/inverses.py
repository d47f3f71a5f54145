"""Inverses of small conductance matrices, symmetric and positive definite, for all lines of a grid."""

from typing import NamedTuple

import numpy as np

from hwsim.typing import Floats


class Passes(NamedTuple):
    """What passes over the lines of a grid multiply by, all (…, m, m).

    Parameters
    ----------
    pivots
        P_k, the inverses of what is left of the lines' matrices when those before are eliminated, (L, …) [ohm].
    forth, back
        What line k + 1 takes over of line k, P_(k+1)·w_(k+1), and line k of line k + 1, P_k·w_(k+1), both (L − 1, …).

    """

    pivots: Floats
    forth: Floats
    back: Floats


def eliminated(lines: Floats, between: Floats) -> Passes:
    """Eliminate line after line, P_k = (S_k − w_k·P_(k−1)·w_k)⁻¹.

    The matrices S are symmetric and positive definite, (L, m, m), and stay so; they are overwritten. w are the conductances to the line
    before, (L − 1, m). By Cholesky's factors an inverse takes a third of the work that one of any matrix takes.

    Raises
    ------
    LinAlgError
        When a matrix is not positive definite.

    """
    from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

    passes = Passes(np.empty_like(lines), np.empty_like(lines[1:]), np.empty_like(lines[1:]))
    lower = np.tri(lines.shape[1], dtype=bool)
    for k, (line, pivot) in enumerate(zip(lines, passes.pivots, strict=True)):  # all of a line while it is in the cache
        if k:
            w, back = between[k - 1], passes.back[k - 1]
            np.multiply(passes.pivots[k - 1], w, out=back)
            line -= w[:, None] * back
        # in place: LAPACK sees the transpose, in columns, and leaves the inverse's one half in what is the lower half here
        if dpotrf(line.T, clean=0, overwrite_a=1)[1] or dpotri(line.T, overwrite_c=1)[1]:
            msg = "a matrix of conductances is not positive definite"
            raise np.linalg.LinAlgError(msg)
        pivot[:] = line.T
        np.copyto(pivot, line, where=lower)
        if k:
            np.multiply(pivot, w, out=passes.forth[k - 1])
    return passes


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
    inverses[:, -1, -1] = 1.0 / before[:, -1]
    for k in range(places - 2, -1, -1):
        pivot = before[:, k] + between[:, k]
        share = between[:, k] / pivot
        inverses[:, k, k + 1 :] = inverses[:, k + 1 :, k] = share[:, None] * inverses[:, k + 1, k + 1 :]
        inverses[:, k, k] = 1.0 / pivot + share * inverses[:, k, k + 1]
    return inverses

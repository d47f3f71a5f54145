"""Inverses of small conductance matrices, symmetric and positive definite, for all lines of a grid."""

import numpy as np

from hwsim.typing import Floats


def pivot_inverses(lines: Floats, between: Floats) -> Floats:
    """Invert what is left of each line's matrix, P_k = (S_k − w_k·P_(k−1)·w_k)⁻¹, when those before it are eliminated, line by line.

    The matrices S are symmetric and positive definite, (L, m, m), and stay so; w are the conductances to the line before, (L − 1, m). By
    Cholesky's factors an inverse takes a third of the work that one of any matrix takes.

    Raises
    ------
    LinAlgError
        When a matrix is not positive definite.

    """
    from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

    inverses = np.empty_like(lines)
    outer = between[:, :, None] * between[:, None, :]
    lower = np.tri(lines.shape[1], dtype=bool)
    pivot = lines[0].copy()
    for k, line in enumerate(lines):
        if k:
            np.multiply(outer[k - 1], inverses[k - 1], out=pivot)
            np.subtract(line, pivot, out=pivot)
        # in place: LAPACK sees the transpose, in columns, and leaves the inverse's one half in what is the lower half here
        info = dpotrf(pivot.T, clean=0, overwrite_a=1)[1] or dpotri(pivot.T, overwrite_c=1)[1]
        if info != 0:
            msg = "a matrix of conductances is not positive definite"
            raise np.linalg.LinAlgError(msg)
        inverses[k] = np.where(lower, pivot, pivot.T)
    return inverses


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

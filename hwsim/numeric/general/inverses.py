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

    lower = np.tri(lines.shape[1], dtype=bool)
    halves = lines.copy()  # LAPACK, which sees the transposes, reads and writes their lower halves alone
    outer = np.where(lower, between[:, :, None] * between[:, None, :], 0.0)
    for k, half in enumerate(halves):
        if k:
            half -= outer[k - 1] * halves[k - 1]
        if dpotrf(half.T, clean=0, overwrite_a=1)[1] or dpotri(half.T, overwrite_c=1)[1]:
            msg = "a matrix of conductances is not positive definite"
            raise np.linalg.LinAlgError(msg)
    inverses: Floats = np.where(lower, halves, halves.swapaxes(1, 2))
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

"""Inverses of small conductance matrices, symmetric and positive definite: of one, and of many lines of a grid at once."""

import numpy as np

from hwsim.typing import Floats


def inverse(matrix: Floats) -> Floats:
    """Invert a symmetric positive definite matrix, (n, n), by Cholesky's factors: a third of the work of inverting any matrix.

    Raises
    ------
    LinAlgError
        When it is not positive definite.

    """
    from scipy.linalg.lapack import dpotrf, dpotri  # noqa: PLC0415 - only circuits with grids need it

    factor, info = dpotrf(matrix)
    if info == 0:
        factor, info = dpotri(factor, overwrite_c=1)  # the upper half; below it are zeros
    if info != 0:
        msg = "a matrix of conductances is not positive definite"
        raise np.linalg.LinAlgError(msg)
    whole: Floats = factor + factor.T
    diagonal = whole.reshape(-1, order="A")[:: len(whole) + 1]
    diagonal *= 0.5
    return whole


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

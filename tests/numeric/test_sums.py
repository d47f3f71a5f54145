"""Matrices that are summed from entries: dense ones and sparse ones are the same matrix, with the same solutions."""

import numpy as np
import pytest

from hwsim.numeric.general import sums


@pytest.fixture(params=[0, sums._DENSE], ids=["sparse", "dense"])
def made(request, monkeypatch):
    """Return a matrix as `summed` makes it, and the same by a loop over its entries."""
    monkeypatch.setattr(sums, "_DENSE", request.param)
    random = np.random.default_rng(5)
    n, entries = 12, 90
    row, column = random.integers(n, size=(2, entries))
    row, column = np.concatenate([row, np.arange(n)]), np.concatenate([column, np.arange(n)])
    value = np.concatenate([random.normal(size=entries), np.full(n, 20.0)])
    right = np.zeros((n, n))
    for i, k, v in zip(row, column, value, strict=True):
        right[i, k] += v
    return sums.summed(value, row, column, (n, n)), right


def test_entries_add_up(made):
    matrix, right = made
    np.testing.assert_allclose(sums.dense(matrix[1:, 1:]), right[1:, 1:])


def test_both_ways_are_solved(made):
    matrix, right = made
    some = np.arange(24.0).reshape(12, 2)
    factors = sums.factors(matrix)
    np.testing.assert_allclose(right @ factors.solve(some, "N"), some, atol=1e-12)
    np.testing.assert_allclose(right.T @ factors.solve(some, "T"), some, atol=1e-12)


def test_exchanged_rows_change_no_solution(made):
    matrix, right = made
    some = np.arange(24.0).reshape(12, 2)
    factors = sums.factors(matrix, np.array([0, 5]), np.array([3, 7]))
    np.testing.assert_allclose(right @ factors.solve(some, "N"), some, atol=1e-12)
    np.testing.assert_allclose(right.T @ factors.solve(some, "T"), some, atol=1e-12)


def test_a_singular_matrix_is_refused(monkeypatch):
    for limit in (0, sums._DENSE):
        monkeypatch.setattr(sums, "_DENSE", limit)
        matrix = sums.summed(np.ones(2), np.array([0, 1]), np.array([0, 0]), (2, 2))
        with pytest.raises((RuntimeError, np.linalg.LinAlgError)):
            sums.factors(matrix)

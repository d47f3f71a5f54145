"""Sums of outer products over a batch, in the form that the array library is quick at."""

from typing import Any

import numpy as np

Array = Any
"""An array of NumPy or JAX, which share no static type."""

_FEW = 4
"""Samples whose products are summed where they are used, so that nothing as large as a crossbar is written and read once more."""

_THIN = 32
"""Columns up to which a result is thin."""


def outer_sum(p: Array, q: Array) -> Array:
    """Return Σ_b p_i·q_j, shape (rows, columns), for p (B, rows) and q (B, columns).

    XLA folds transpositions into products, which are then up to eight times as slow, unless a barrier is between, on either side; and it
    works small arrays out again for every row of a large one, unless they come from a product, if only with the identity.
    """
    if isinstance(p, np.ndarray):
        return p.T @ q
    import jax  # noqa: PLC0415 - the ngspice engine trains without it

    barrier: Any = jax.lax.optimization_barrier
    if len(p) <= _FEW:
        factors = np.eye(len(q), dtype=q.dtype) @ q
        return sum(p[b][:, None] * factors[b][None, :] for b in range(len(p)))
    return barrier(barrier(q.T) @ p).T if q.shape[1] <= _THIN else barrier(p.T) @ q

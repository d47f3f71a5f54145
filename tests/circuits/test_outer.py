"""Sums of outer products are what they stand for, in every form that they are worked out in."""

import jax.numpy as jnp
import numpy as np
import pytest

from circuits.outer import outer_sum

pytestmark = pytest.mark.usefixtures("jax_64_bits")


@pytest.mark.parametrize("batch", [1, 4, 7])
@pytest.mark.parametrize("columns", [3, 40])
def test_outer_sums(batch: int, columns: int) -> None:
    """Σ_b p_i·q_j, for few samples and many, thin results and wide ones, of NumPy's arrays and of JAX's."""
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(batch, 5)), rng.normal(size=(batch, columns))
    naive = sum(np.outer(*rows) for rows in zip(p, q, strict=True))
    np.testing.assert_allclose(outer_sum(p, q), naive, rtol=0, atol=1e-14)
    np.testing.assert_allclose(outer_sum(jnp.asarray(p), jnp.asarray(q)), naive, rtol=0, atol=1e-14)

"""Starting ahead of the last sweep: what fades by one share is gone at once, and nothing else is touched."""

import jax.numpy as jnp
import numpy as np
import pytest

from hwsim.numeric.layered.anderson import AndersonState
from hwsim.numeric.layered.layers import LayerState

pytestmark = pytest.mark.usefixtures("jax_64_bits")

LIMIT = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 2.0]])
OFF = np.array([[0.3, 0.2], [-0.1, 0.4], [1.0, -1.0]])
FADES = np.array([0.5, -0.4, 0.05])[:, None]


def state(sweeps: int) -> LayerState:
    """Return what sweeps would find if every one left the same share, sample by sample, of what is off in all layers."""
    v = LIMIT + FADES**sweeps * OFF
    return LayerState((v + 1.0, 2.0 * v, v), (None, None, v - 1.0))


def history(sweeps: int) -> AndersonState:
    before, now, last = (state(sweeps + k) for k in range(3))
    moved_before, moved = now.columns[-1] - before.columns[-1], last.columns[-1] - now.columns[-1]
    return AndersonState(last, now, jnp.asarray(moved), jnp.asarray(moved_before))


def test_what_fades_by_one_share_is_gone_at_once() -> None:
    """Two sweeps show a sample's own share, and with it where all that would follow leads; only the first columns stay."""
    ahead = history(2).extrapolate(np.ones(3, bool))
    np.testing.assert_allclose(ahead.columns[2], LIMIT, rtol=0, atol=1e-14)
    np.testing.assert_allclose(ahead.columns[1], 2.0 * LIMIT, rtol=0, atol=1e-14)
    np.testing.assert_allclose(ahead.behind[2], LIMIT - 1.0, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(ahead.columns[0], state(4).columns[0])


def test_only_samples_that_settle_start_ahead() -> None:
    """A sample that is not wanted, moves farther than before, is no number, or stands still starts where it is; no other depends on it."""
    usual = history(2)
    moved = usual.moved.at[1].multiply(-8.0)
    ahead = usual._replace(moved=moved).extrapolate(np.array([False, True, True]))
    np.testing.assert_array_equal(ahead.columns[2][:2], state(4).columns[2][:2])
    np.testing.assert_allclose(ahead.columns[2][2], LIMIT[2], rtol=0, atol=1e-14)
    broken = usual._replace(moved=usual.moved.at[0].set(np.nan)).extrapolate(np.ones(3, bool))
    np.testing.assert_array_equal(broken.columns[2][0], state(4).columns[2][0])
    np.testing.assert_allclose(broken.columns[2][1:], LIMIT[1:], rtol=0, atol=1e-14)
    still = AndersonState.of(state(3), None).extrapolate(np.ones(3, bool))
    np.testing.assert_array_equal(still.columns[2], state(3).columns[2])

"""Rounding: what is wanted becomes whole pulses without loss on average, and accumulators lose nothing at all."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwsim.devices import presets
from hwsim.devices.draw import nominal
from hwsim.devices.rounding import Sizes, accumulate, limited, nearest, sign, stochastic

in_both = pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
wanted = st.lists(st.floats(-50, 50), min_size=4, max_size=4).map(np.array)


@in_both
def test_by_hand(xp: Any) -> None:
    """Each way of rounding, on a few numbers."""
    n = xp.asarray([2.4, -0.6, 0.2, -7.0])
    assert nearest(n).tolist() == [2, -1, 0, -7]
    assert stochastic(n, xp.asarray([0.7, 0.5, 0.1, 0.9])).tolist() == [3, -1, 0, -7]
    assert sign(n, 0.5).tolist() == [1, -1, 0, -1]
    assert limited(nearest(n), 3).tolist() == [2, -1, 0, -3]
    sent = accumulate(n, xp.asarray([0.7, 0.0, 0.0, 0.0]), most=3)
    assert sent.n.tolist() == [3, 0, 0, -3]
    np.testing.assert_allclose(sent.left, [0.1, -0.6, 0.2, -4.0], atol=1e-12)
    assert all(values.dtype == n.dtype for values in (nearest(n), sign(n), stochastic(n, 0 * n), sent.n))


def test_stochastic_rounding_is_right_on_average() -> None:
    """Of many devices the expected share is rounded up, and no pulse count is off by one or more."""
    rng = np.random.default_rng(1)
    for n in (0.01, 0.37, -2.8):
        rounded = stochastic(np.full(20_000, n), rng.random(20_000))
        up = int((rounded > n).sum())
        assert np.abs(rounded - n).max() < 1
        assert stats.binomtest(up, 20_000, n - np.floor(n)).pvalue > 1e-3


@given(st.lists(wanted, min_size=1, max_size=30), st.integers(1, 20), st.sampled_from([1.0, 2.5]))
def test_an_accumulator_loses_nothing(steps: list[np.ndarray], most: int, threshold: float) -> None:
    """What was sent and what is left add up to what was wanted, whatever the limit; and less than the threshold is left without one."""
    left, total = np.zeros(4), np.zeros(4)
    for step in steps:
        sent = accumulate(step, left, threshold=threshold, most=most)
        assert (abs(sent.n) <= most).all()
        left, total = sent.left, total + sent.n
    np.testing.assert_allclose(total + left, sum(steps), atol=1e-9)
    assert (abs(accumulate(steps[0], np.zeros(4), threshold=threshold).left) < threshold).all()


@pytest.mark.parametrize("name", ["reram-sb", "gokmen-vlasov", "taox-hfox", "pcm"])
def test_a_pulse_s_nominal_size_is_its_mean_step(name: str) -> None:
    """In the middle of its range, a nominal device does in one pulse what a pulse is taken for."""
    device = presets.load(name)
    devices, sizes = nominal(device, (1e-6, 1e-4)), Sizes.nominal(device, (1e-6, 1e-4))
    middle = devices.conductance(np.array([0.5]))
    assert devices.pulse(middle, np.array([1]), np.zeros(1)) - middle == pytest.approx(sizes.up)
    if not device.one_sided:
        assert middle - devices.pulse(middle, np.array([-1]), np.zeros(1)) == pytest.approx(sizes.down)
    np.testing.assert_allclose(sizes.pulses(np.array([3 * sizes.up, -2 * sizes.down])), [3, -2])

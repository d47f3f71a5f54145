"""Rounding: what is wanted becomes whole pulses without loss on average, and accumulators lose nothing at all."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwsim.devices.arrays.draw import nominal
from hwsim.devices.kinds import presets
from hwsim.devices.programming.rounding import Sizes, accumulate, limited, nearest, sign, stochastic

pytestmark = pytest.mark.usefixtures("jax_64_bits")

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


def test_dithered_pulses_are_right_on_average_and_none_comes_of_nothing() -> None:
    """Changes up and down take as many pulses as they are wanted, on average; no uniform number makes a pulse where nothing is wanted."""
    sizes = Sizes(np.float32(3e-8), np.float32(7e-8))
    uniform = np.random.default_rng(2).integers(2**23, size=20_000).astype(np.float32) * np.float32(2.0**-23)
    for wanted_pulses, size in ((0.37, 3e-8), (-2.8, 7e-8)):
        n = sizes.dithered(np.full(20_000, wanted_pulses * size, np.float32), uniform)
        assert np.abs(n - wanted_pulses).max() < 1
        assert stats.binomtest(int((n > wanted_pulses).sum()), 20_000, wanted_pulses - np.floor(wanted_pulses)).pvalue > 1e-3
    largest = np.float32(1 - 2.0**-23)
    for size in np.random.default_rng(3).uniform(1e-10, 1e-4, 5000).astype(np.float32):
        assert Sizes(size, size).dithered(np.zeros(1, np.float32), largest) == 0


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

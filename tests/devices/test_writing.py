"""Writing: verified devices come near their targets, one-sided ones through a reset, pairs keep their weight; and all is counted."""

import jax
import numpy as np
import pytest

from hwsim.devices import presets
from hwsim.devices.declared import Device
from hwsim.devices.draw import draw, nominal
from hwsim.devices.models import Devices
from hwsim.devices.pairs import Pair, pulse_pair, refresh
from hwsim.devices.rounding import Sizes
from hwsim.devices.writing import Reading, Verify, rewrite, write, write_verify
from hwsim.numeric import start_up
from hwsim.streams import stream

start_up.configure()  # 64 bit, as the engine has it

RANGE = (1e-6, 1e-4)
SHAPE = (40, 10)
VERIFY = Verify(tolerance=0.5, rounds=12, most=200)


def several(name: str, seed: int = 0, **settings: object) -> tuple[Device, Devices]:
    device = presets.load(name).model_copy(update={"stuck": None, **settings})
    return device, draw(device, SHAPE, lambda what: stream(seed, what), RANGE)


def test_written_devices_come_near_their_targets() -> None:
    """Devices of very different steps and with noise mostly end within a pulse of where they should; without verifying they do not."""
    device, devices = several("gokmen-vlasov")
    sizes, rng = Sizes.nominal(device, RANGE), np.random.default_rng(0)
    low, high = devices.limits()
    g, target = (low + rng.uniform(0.1, 0.9, SHAPE) * (high - low) for _ in range(2))
    normals = rng.standard_normal((VERIFY.rounds, 2, *SHAPE))
    done = write_verify(devices, sizes, g, target, VERIFY, normals, Reading())
    blind = write(devices, g, np.round(sizes.pulses(target - g)).astype(int), normals[0, 0])
    assert (abs(sizes.pulses(target - done.g)) <= 1).mean() > 0.93
    assert (abs(sizes.pulses(target - blind.g)) <= 1).mean() < 0.2
    assert ((done.reads >= 1) & (done.reads <= VERIFY.rounds)).all()
    assert done.energy.min() > 0
    compiled = jax.jit(write_verify, static_argnums=(4, 6))(devices, sizes, g, target, VERIFY, normals, Reading())
    for ours, theirs in zip(done, compiled, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-9)


def test_a_device_that_is_there_is_only_read() -> None:
    """On its target a device takes no pulse and one read, whose energy is v²·t·g."""
    device, devices = several("ecram")
    g = devices.begin(np.full(SHAPE, 3e-5))
    read = Reading(volts=0.2, seconds=1e-6)
    done = write_verify(devices, Sizes.nominal(device, RANGE), g, g, VERIFY, np.ones((12, 2, *SHAPE)), read)
    np.testing.assert_array_equal(done.g, g)
    assert done.pulses.sum() == 0
    assert (done.reads == 1).all()
    np.testing.assert_allclose(done.energy, 4e-8 * g, rtol=1e-12)


def test_pulses_are_counted_with_their_energy() -> None:
    """Blind writing counts |n| pulses, each of v²·t times the mean conductance."""
    device, devices = several("ag-a-si")
    rng = np.random.default_rng(3)
    low, high = devices.limits()
    g, n = rng.uniform(low, high, SHAPE), rng.integers(-5, 6, SHAPE)
    done = write(devices, g, n, 0 * g)
    np.testing.assert_array_equal(done.pulses, abs(n))
    volts = np.where(n > 0, 3.2, -2.8)
    np.testing.assert_allclose(done.energy, abs(n) * volts**2 * 300e-6 * (g + done.g) / 2, rtol=1e-12)
    assert device.name == "ag-a-si"


def test_one_sided_devices_are_rewritten_through_a_reset() -> None:
    """Up or down, phase-change memory reaches its target; only those that must go down are reset."""
    device, devices = several("pcm", noise=presets.load("pcm").noise.model_copy(update={"cycle": 0.1}))
    sizes, rng = Sizes.nominal(device, RANGE), np.random.default_rng(1)
    g = devices.begin(rng.uniform(4e-5, 6e-5, SHAPE))
    target = rng.uniform(5e-5, 8e-5, SHAPE)
    done = rewrite(devices, sizes, g, target, Verify(1.0, 30, 3), rng.standard_normal((31, 2, *SHAPE)), Reading())
    assert (abs(done.g - target) < 3 * sizes.up).mean() > 0.95
    gentle = target > g + 2 * sizes.up
    assert done.pulses[gentle].mean() < done.pulses[target < g - 2 * sizes.up].mean()


def test_pairs_move_both_ways_with_pulses_up_only() -> None:
    """Positive pulses raise the plus device, negative ones the minus device, and neither ever falls."""
    _, devices = several("pcm")
    both, g = Pair(devices, devices), Pair(np.full(SHAPE, 2e-5), np.full(SHAPE, 2e-5))
    n = np.random.default_rng(2).integers(-3, 4, SHAPE)
    after, cost = pulse_pair(both, g, n, Pair(0 * g.plus, 0 * g.plus))
    assert (np.sign(after.difference) == np.sign(n)).all()
    assert (after.plus >= g.plus).all()
    assert (after.minus >= g.minus).all()
    np.testing.assert_array_equal(cost.pulses, abs(n))


def test_refreshing_a_pair_keeps_its_weight() -> None:
    """A pair of which one device is full is written anew with the same difference, lower; the others are left alone."""
    device = presets.load("pcm").model_copy(
        update={"noise": presets.load("pcm").noise.model_copy(update={"cycle": 0.02}), "reset_noise": 0.0}
    )
    devices, sizes = nominal(device, RANGE), Sizes.nominal(device, RANGE)
    rng = np.random.default_rng(5)
    g = Pair(rng.uniform(3e-5, 9.8e-5, SHAPE), rng.uniform(3e-5, 8e-5, SHAPE))
    normals = Pair(*rng.standard_normal((2, 41, 2, *SHAPE)))
    after, cost = refresh(Pair(devices, devices), sizes, g, 0.85, Verify(0.5, 40, 2), normals, Reading())
    full = np.maximum(g.plus, g.minus) > 1e-6 + 0.85 * 9.9e-5
    assert 0.05 < full.mean() < 0.6
    np.testing.assert_array_equal(after.plus[~full], g.plus[~full])
    assert (cost.pulses[~full] == 0).all()
    assert (np.minimum(after.plus, after.minus)[full] < 1e-6 + 5 * sizes.up).all()
    assert np.abs(after.difference - g.difference)[full].mean() < 2 * sizes.up
    assert cost.energy[full].min() > 0
    assert cost.energy[~full] == pytest.approx(0.0)

"""Writing: verified devices come near their targets, one-sided ones through a reset; and all is counted."""

import jax
import numpy as np
import pytest

from hwsim.devices.arrays.draw import draw, nominal
from hwsim.devices.arrays.models import Devices
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import Device
from hwsim.devices.programming.rounding import Sizes
from hwsim.devices.programming.writing import Reading, Verify, rewrite, write, write_those
from hwsim.random.streams import stream

pytestmark = pytest.mark.usefixtures("jax_64_bits")

RANGE = (1e-6, 1e-4)
SHAPE = (40, 10)
VERIFY = Verify(tolerance=0.5, rounds=12, most=200)
ALL = np.ones(SHAPE, dtype=bool)


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
    done = write_those(devices, sizes, g, target, ALL, VERIFY, normals, Reading())
    blind = write(devices, g, np.round(sizes.pulses(target - g)).astype(int), normals[0, 0])
    assert (abs(sizes.pulses(target - done.g)) <= 1).mean() > 0.93
    assert (abs(sizes.pulses(target - blind.g)) <= 1).mean() < 0.2
    assert ((done.reads >= 1) & (done.reads <= VERIFY.rounds)).all()
    assert done.energy.min() > 0
    compiled = jax.jit(write_those, static_argnums=(5, 7))(devices, sizes, g, target, ALL, VERIFY, normals, Reading())
    for ours, theirs in zip(done, compiled, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-9)


def test_a_device_that_is_there_is_only_read() -> None:
    """On its target a device takes no pulse and one read, whose energy is v²·t·g."""
    device, devices = several("ecram")
    g = devices.begin(np.full(SHAPE, 3e-5))
    read = Reading(volts=0.2, seconds=1e-6)
    done = write_those(devices, Sizes.nominal(device, RANGE), g, g, ALL, VERIFY, np.ones((12, 2, *SHAPE)), read)
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
    """Up or down, phase-change memory reaches its target; those that must go down are reset, those that are there are only read."""
    device, devices = several("pcm", noise=presets.load("pcm").noise.model_copy(update={"cycle": 0.1}))
    sizes, rng = Sizes.nominal(device, RANGE), np.random.default_rng(1)
    quiet = nominal(device.model_copy(update={"noise": type(device.noise)()}), RANGE)
    curve = quiet.pulse(np.full(300, RANGE[0]), np.arange(300), np.zeros(300))
    g = devices.begin(rng.uniform(4e-5, 6e-5, SHAPE))
    target, where = rng.uniform(5e-5, 8e-5, SHAPE), rng.random(SHAPE) < 0.9
    done = rewrite(devices, curve, g, target, where, Verify(0.5, 30, 3), rng.standard_normal((31, 2, *SHAPE)), Reading())
    assert (abs(done.g - target) < 3 * sizes.up)[where].mean() > 0.95
    np.testing.assert_array_equal(done.g[~where], g[~where])
    assert (done.pulses[~where] == 0).all()
    hard = where & (target < g - 2 * sizes.up)
    assert done.pulses[hard].min() > 1
    assert done.energy[hard].min() > 0
    there = rewrite(devices, curve, g, g, where, Verify(0.5, 3, 3), rng.standard_normal((4, 2, *SHAPE)), Reading())
    np.testing.assert_array_equal(there.g, g)
    np.testing.assert_array_equal(there.reads, where)

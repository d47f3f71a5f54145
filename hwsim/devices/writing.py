"""Write and verify: pulse, read, and pulse again until every device is near its target, with what that costs. Pure."""

from typing import NamedTuple

import numpy as np

from circuits.units import Second, Volt
from hwsim.devices.models import Devices
from hwsim.devices.rounding import Sizes, limited, nearest
from hwsim.engine import Array


class Written(NamedTuple):
    """What programming left, and what it cost, device by device.

    Parameters
    ----------
    g
        The new conductances [S].
    pulses, reads
        How many each device was sent, resets among the pulses, and how often it was read.
    energy
        What these took [J].

    """

    g: Array
    pulses: Array
    reads: Array
    energy: Array


class Reading(NamedTuple):
    """A verifying read: volts and seconds."""

    volts: Volt = 0.1
    seconds: Second = 1e-7

    def energy(self, g: Array) -> Array:
        """Give what one read takes [J]."""
        return self.volts**2 * self.seconds * g


def write(devices: Devices, g: Array, n: Array, normal: Array) -> Written:
    """Send n pulses without looking."""
    xp = g.__array_namespace__()
    after = devices.pulse(g, n, normal)
    return Written(after, xp.abs(n), xp.zeros_like(n), devices.energy(g, after, n).astype(g.dtype))


class Verify(NamedTuple):
    """How near a device must come to its target, as a share of one pulse, in how many rounds, with how many pulses a round."""

    tolerance: float = 0.5
    rounds: int = 10
    most: int = 100


def write_verify(devices: Devices, sizes: Sizes, g: Array, target: Array, verify: Verify, normals: Array, read: Reading) -> Written:  # noqa: PLR0913, PLR0917 - one physical process
    """Read, pulse those that are too far from their target, and begin again, until none is or the rounds are used up.

    Parameters
    ----------
    devices, sizes
        The devices, and what a pulse is taken for.
    g, target
        Conductances as they are and as they should be [S].
    verify
        When to stop.
    normals
        Standard normal numbers, shape (rounds, 2, *g.shape): of pulses and of reads.
    read
        A verifying read.

    """
    xp = g.__array_namespace__()
    pulses, reads = xp.zeros(g.shape, np.int32), xp.zeros(g.shape, np.int32)
    energy = xp.zeros_like(g)
    busy = xp.ones(g.shape, dtype=bool)
    for k in range(verify.rounds):
        wanted = sizes.pulses(target - devices.seen(g, normals[k, 1]))
        reads, energy = reads + busy, energy + xp.where(busy, read.energy(g), 0.0)
        busy = busy & (xp.abs(wanted) > verify.tolerance)
        at_least_one = xp.where(xp.abs(wanted) < 1, xp.sign(wanted), wanted)
        n = xp.where(busy, limited(nearest(at_least_one), verify.most), 0)
        done = write(devices, g, n, normals[k, 0])
        g, pulses, energy = done.g, pulses + done.pulses, energy + done.energy
    return Written(g, pulses, reads, energy.astype(g.dtype))


def rewrite(devices: Devices, sizes: Sizes, g: Array, target: Array, verify: Verify, normals: Array, read: Reading) -> Written:  # noqa: PLR0913, PLR0917 - one physical process
    """Write and verify one-sided devices: those above their target by more than the tolerance are reset first.

    `normals` has the shape (rounds + 1, 2, *g.shape); a reset counts as one pulse down.
    """
    xp = g.__array_namespace__()
    above = sizes.pulses(target - g) < -verify.tolerance
    low = devices.reset(g, above, normals[0, 0])
    reset = xp.where(above, -1, 0)
    done = write_verify(devices, sizes, low, xp.where(above, target, xp.maximum(target, low)), verify, normals[1:], read)
    return Written(done.g, done.pulses + above, done.reads, (done.energy + devices.energy(g, low, reset)).astype(g.dtype))

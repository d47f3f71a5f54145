"""Write and verify: pulse, read, and pulse again until every device is near its target, with what that costs. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from circuits.units import Second, Volt
from hwsim.devices.arrays.models import Devices
from hwsim.devices.kinds.loops import repeat
from hwsim.devices.programming.rounding import Sizes, limited, nearest
from hwsim.typing import Array


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
        """Return what one read takes [J]."""
        return self.volts**2 * self.seconds * g


def write(devices: Devices, g: Array, n: Array, normal: Array) -> Written:
    """Send n pulses without looking."""
    xp = g.__array_namespace__()
    after = devices.pulse(g, n, normal)
    return Written(after, xp.abs(n), xp.zeros_like(n), devices.energy(g, after, n).astype(g.dtype))


def write_exactly(devices: Devices, g: Array, dg: Array) -> Written:
    """Let exact devices change by dg [S], in one pulse each that changes."""
    xp = g.__array_namespace__()
    one = xp.sign(dg)
    after = devices.pulse(g, dg / (devices.g_max - devices.g_min), xp.zeros_like(g))
    return Written(after, xp.abs(one), xp.zeros_like(one), devices.energy(g, after, one).astype(g.dtype))


def reset_and_write(devices: Devices, curve: Array, done: Written, target: Array, where: Array, normals: Array) -> Written:
    """Reset some one-sided devices and pulse them up to their targets without looking; adds to what was done.

    Parameters
    ----------
    curve
        Conductances of a nominal device after 0, 1, 2 … pulses from its lower bound [S].
    done
        What was done before.
    target, where
        The conductances wanted [S], and of which devices.
    normals
        Standard normal numbers of the resets and of the pulses, shape (2, *g.shape).

    """
    xp = target.__array_namespace__()
    low = devices.reset(done.g, where, normals[0])
    up = xp.round(xp.interp(target, curve, xp.arange(curve.shape[0], dtype=target.dtype)))
    n = xp.where(where, up, 0.0).astype(target.dtype)
    raised = write(devices, low, n, normals[1])
    energy = devices.energy(done.g, low, xp.where(where, -1, 0)).astype(low.dtype)
    return Written(raised.g, done.pulses + where + raised.pulses, done.reads, done.energy + energy + raised.energy)


class Verify(NamedTuple):
    """How near a device must come to its target, as a share of one pulse, in how many rounds, with how many pulses a round."""

    tolerance: float = 0.5
    rounds: int = 10
    most: int = 100


def write_those(  # noqa: PLR0913, PLR0917 - one physical process
    devices: Devices, sizes: Sizes, g: Array, target: Array, where: Array, verify: Verify, normals: Array, read: Reading
) -> Written:
    """Read some devices, pulse those that are too far from their target, and begin again, until none is or the rounds are used up.

    Parameters
    ----------
    devices, sizes
        The devices, and what a pulse is taken for.
    g, target
        Conductances as they are and as they should be [S].
    where
        Which devices; no round is done where there are none.
    verify
        When to stop.
    normals
        Standard normal numbers, shape (rounds, 2, *g.shape): of pulses and of reads.
    read
        A verifying read.

    """
    rounds = _rounds(where, verify)
    return _until_near(devices, g, where, lambda seen: sizes.pulses(target - seen), verify, rounds, normals, read)


def rewrite(  # noqa: PLR0913, PLR0917 - one physical process
    devices: Devices, curve: Array, g: Array, target: Array, where: Array, verify: Verify, normals: Array, read: Reading
) -> Written:
    """Write and verify some one-sided devices: those above their target are reset first, and pulses are counted along the nominal curve.

    Parameters
    ----------
    curve
        Conductances of a nominal device after 0, 1, 2 … pulses from its lower bound [S].
    where
        Which devices.
    normals
        Standard normal numbers, shape (rounds + 1, 2, *g.shape): of resets, then of pulses and of reads. A reset counts as one pulse.

    """
    xp = g.__array_namespace__()
    number = xp.arange(curve.shape[0], dtype=g.dtype)
    there = xp.interp(target, curve, number)

    def missing(seen: Array) -> Array:
        return xp.maximum(there - xp.interp(seen, curve, number), 0.0).astype(g.dtype)

    above = where & (xp.interp(g, curve, number) - there > verify.tolerance)
    low = devices.reset(g, above, normals[0, 0])
    energy = devices.energy(g, low, xp.where(above, -1, 0))
    done = _until_near(devices, low, where, missing, verify, _rounds(where, verify), normals, read, first=1)
    return Written(done.g, done.pulses + above, done.reads, (done.energy + energy).astype(g.dtype))


def _rounds(where: Array, verify: Verify) -> Array:
    return where.__array_namespace__().where(where.any(), verify.rounds, 0)


def _until_near(  # noqa: PLR0913, PLR0917 - one physical process
    devices: Devices,
    g: Array,
    busy: Array,
    missing: Callable[[Array], Array],
    verify: Verify,
    rounds: Array,
    normals: Array,
    read: Reading,
    first: int = 0,
) -> Written:
    """Read busy devices and send what is missing, in pulses, as often as it takes; `first` is the place of the first round's numbers."""
    xp = g.__array_namespace__()

    def once(k: Array, carry: tuple[Written, Array]) -> tuple[Written, Array]:
        so_far, busy = carry
        wanted = missing(devices.seen(so_far.g, normals[k + first, 1]))
        looked = xp.where(busy, read.energy(so_far.g), 0.0)
        still = busy & (xp.abs(wanted) > verify.tolerance)
        at_least_one = xp.where(xp.abs(wanted) < 1, xp.sign(wanted), wanted)
        done = write(devices, so_far.g, xp.where(still, limited(nearest(at_least_one), verify.most), 0), normals[k + first, 0])
        energy = (so_far.energy + looked + done.energy).astype(g.dtype)
        return Written(done.g, so_far.pulses + done.pulses, so_far.reads + busy, energy), still

    none = xp.zeros_like(g)
    written: Written = repeat(once, rounds, (Written(g, none, none, none), busy), xp)[0]
    return written

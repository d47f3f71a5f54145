"""From wanted changes of conductance to whole pulses: rounding, dithering, signs, and accumulators that lose nothing. Pure."""

from typing import NamedTuple

from circuits.units import Siemens
from hwsim.devices.arrays.draw import conductance_range
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.shapes import middle
from hwsim.typing import Array

MOST = 1_000_000
"""Pulses that one device can be sent at once; more is taken for this many. All whole numbers up to it are 32-bit floats, as counts are."""


class Sizes(NamedTuple):
    """What whoever sends the pulses takes one of them for, up and down [S]: numbers, or one value a device."""

    up: Array
    down: Array

    @classmethod
    def nominal(cls, device: Device, g_range: tuple[Siemens, Siemens] | None = None) -> "Sizes":
        """Return the mean steps of a nominal device in the middle of its range; one-sided devices have one size."""
        g_min, g_max = conductance_range(device, g_range)
        up, down = middle(device.step)
        return cls(up * (g_max - g_min), (up if device.one_sided else down) * (g_max - g_min))

    def pulses(self, dg: Array) -> Array:
        """Return how many pulses, not rounded, a change dg [S] takes; negative ones are pulses down."""
        return (dg / self._of(dg)).astype(dg.dtype)

    def dithered(self, dg: Array, uniform: Array) -> Array:
        """Return whole pulses that dg [S] takes on average: rounded up with the probability of the fraction, by `uniform` in 0 … 1 − 2^-23.

        Uniform numbers that come no nearer to 1 make no pulse of a rounding error where nothing is wanted. The quotient comes last but for
        the rounding, so that XLA keeps it for all who need these numbers, and does not divide again for each.

        Source: Gokmen & Vlasov 2016, who let coincident random pulses do it.
        """
        size = self._of(dg)
        return _whole(dg.__array_namespace__().floor((dg + uniform * size) / size)).astype(dg.dtype)

    def _of(self, dg: Array) -> Array:
        return dg.__array_namespace__().where(dg > 0, self.up, self.down)


def nearest(n: Array) -> Array:
    """Round to the nearest whole number: changes of less than half a pulse are lost."""
    return _whole(n.__array_namespace__().round(n))


def stochastic(n: Array, uniform: Array) -> Array:
    """Round up with the probability of the fraction, so that the mean is exact; `uniform` lies in 0 … 1, of n's shape.

    Source: Gokmen & Vlasov 2016, who let coincident random pulses do it.
    """
    return _whole(n.__array_namespace__().floor(n + uniform))


def sign(n: Array, least: float = 0.0) -> Array:
    """Return one pulse in the wanted direction where more than `least` pulses are wanted."""
    xp = n.__array_namespace__()
    return xp.where(xp.abs(n) > least, xp.sign(n), 0.0).astype(n.dtype)


class Accumulated(NamedTuple):
    """Whole pulses to send now, and the pulses that remain wanted, whole ones too if they were limited."""

    n: Array
    left: Array


def accumulate(n: Array, left: Array, *, threshold: float = 1.0, most: int = MOST) -> Accumulated:
    """Add what is wanted to what is left, and send whole pulses once at least `threshold` of them are due; nothing is lost."""
    xp = n.__array_namespace__()
    total = left + n
    due = xp.where(xp.abs(total) >= threshold, xp.trunc(total), 0.0).astype(n.dtype)
    sent = limited(_whole(due), most)
    return Accumulated(sent, total - sent)


def limited(n: Array, most: int) -> Array:
    """Send no device more than so many pulses."""
    return n.__array_namespace__().clip(n, -most, most)


def _whole(n: Array) -> Array:
    return n.__array_namespace__().clip(n, -MOST, MOST)

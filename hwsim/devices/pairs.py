"""Two devices per weight: the weight is their difference, pulses only raise them, and both are written anew before they are full. Pure.

Source: Burr 2015; one-sided devices such as phase-change memory cannot learn otherwise.
"""

from typing import NamedTuple

from hwsim.devices.models import Devices
from hwsim.devices.rounding import Sizes
from hwsim.devices.writing import Reading, Verify, Written, rewrite, write
from hwsim.engine import Array


class Pair(NamedTuple):
    """Something of both devices of every weight."""

    plus: Array
    minus: Array

    @property
    def difference(self) -> Array:
        """The weights, when these are conductances [S]."""
        return self.plus - self.minus


def pulse_pair(devices: Pair, g: Pair, n: Array, normals: Pair) -> tuple[Pair, Written]:
    """Raise the weight by n pulses on its plus device, or lower it by −n on its minus device; gives the pair and the cost of both."""
    xp = n.__array_namespace__()
    plus = write(devices.plus, g.plus, xp.maximum(n, 0), normals.plus)
    minus = write(devices.minus, g.minus, xp.maximum(-n, 0), normals.minus)
    return _both(plus, minus)


def refresh(devices: Pair, sizes: Sizes, g: Pair, full: float, verify: Verify, normals: Pair, read: Reading) -> tuple[Pair, Written]:  # noqa: PLR0913, PLR0917 - one physical process
    """Write those weights anew of which a device has passed `full`, a share of its range: one device gets the difference, the other is low.

    `normals` hold numbers for `rewrite`, (rounds + 1, 2, *shape) each.
    """
    xp = g.plus.__array_namespace__()
    filled = xp.maximum(_filling(devices.plus, g.plus), _filling(devices.minus, g.minus)) > full
    low_plus, low_minus = devices.plus.limits()[0], devices.minus.limits()[0]
    w = g.difference
    # plus − minus = w with the smaller of them as low as both devices allow
    minus = xp.maximum(low_minus, low_plus - w)
    targets = Pair(xp.where(filled, minus + w, g.plus), xp.where(filled, minus, g.minus))
    written = [
        rewrite(one, sizes, now, target, verify, normal, read)
        for one, now, target, normal in zip(devices, g, targets, normals, strict=True)
    ]
    kept = [
        Written(*(xp.where(filled, new, old) for new, old in zip(done, (now, 0, 0, 0.0), strict=True)))
        for done, now in zip(written, g, strict=True)
    ]
    return _both(*kept)


def _filling(devices: Devices, g: Array) -> Array:
    low, high = devices.limits()
    return (g - low) / (high - low)


def _both(plus: Written, minus: Written) -> tuple[Pair, Written]:
    pair = Pair(plus.g, minus.g)
    return pair, Written(pair.difference, plus.pulses + minus.pulses, plus.reads + minus.reads, plus.energy + minus.energy)

"""Rounded drops: updates that multiply by the free drop in few bits, so that a shift or a sign stands for a multiplication."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hwsim.random.counter import Draws, purpose
from hwsim.typing import Array


@dataclass(frozen=True, slots=True)
class DropRounding:
    """What becomes of the free voltages in an update; the differences that they are multiplied by stay exact.

    A device's drop is the difference of two nodes' voltages, and each is rounded where it is measured, once for all devices there.

    Source: Lin et al. 2015, "Neural networks with few multiplications", quantised back-propagation.

    Parameters
    ----------
    to
        `power-of-two`: one of the two powers around it, by chance, so that the mean is right. A number k: one of k values, evenly from
        minus the group's largest voltage to plus, in the same way. `sign`: its sign, times the group's root mean square. None: itself.

    """

    to: Literal["power-of-two", "sign"] | int | None = None

    def __call__(self, voltages: Mapping[str, Array], x: Array, seed: Array | int) -> tuple[Mapping[str, Array], Array]:
        """Return the free voltages by node group, each (B, n) [V], and features (B, I) as an update multiplies by them."""
        if self.to is None:
            return voltages, x
        rounded = {name: self._rounded(v, seed, f"update/{name}") for name, v in voltages.items()}
        return rounded, self._rounded(x, seed, "update")

    def _rounded(self, v: Array, seed: Array | int, name: str) -> Array:
        xp = v.__array_namespace__()
        if self.to == "sign":
            return xp.sign(v) * xp.sqrt((v**2).mean())
        uniform = Draws(purpose(seed, name), v).uniform("voltage")
        return _power_of_two(xp, v, uniform) if self.to == "power-of-two" else _even(xp, v, self.to, uniform)


def _power_of_two(xp: Any, v: Array, uniform: Array) -> Array:
    """Return sgn(v)·2^(e + b) of |v| = 2^e·(1 + f), with b = 1 in a share f of all cases; the mean over these is v."""
    half, exponent = xp.frexp(xp.abs(v))  # half·2^exponent, 0.5 <= half < 1
    up = uniform < 2 * half - 1
    return xp.where(v == 0, 0.0, xp.sign(v) * xp.ldexp(xp.ones_like(v), exponent - 1 + up)).astype(v.dtype)


def _even(xp: Any, v: Array, count: Any, uniform: Array) -> Array:
    """Return one of `count` values from −max|v| to max|v|, of the two around v by chance; the mean is v."""
    most = xp.abs(v).max()
    step = 2 * xp.where(most > 0, most, 1.0) / (count - 1)
    return (xp.clip(xp.floor((v + most) / step + uniform), 0, count - 1) * step - most).astype(v.dtype)

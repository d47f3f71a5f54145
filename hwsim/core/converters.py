"""Converters of a given number of bits: the voltages that they can output or read."""

from circuits.units import Volt
from hwsim.typing import Array


def quantised(v: Array, bits: int, full_scale: Volt) -> Array:
    """Return the nearest of 2^bits − 1 voltages that lie evenly from −full_scale to +full_scale, 0 among them; for NumPy and JAX [V]."""
    most = 2 ** (bits - 1) - 1
    step = full_scale / most
    return (v / step).round().clip(-most, most) * step

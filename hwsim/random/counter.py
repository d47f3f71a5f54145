"""Random numbers of one update of all devices: the same for both engines, and alone or with other chips; 23 bits, enough for noise."""

import math
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hwsim.typing import Array

_IN_TURNS = ("round", "cycle", "write", "transfer", "verify", "refresh", "current", "voltage", "output")
"""What random numbers are for; each has its own, and others at each turn."""

_ONCE = ("dropout", "denoise", "voltage-floor", "output-floor", "label")
"""What has no turns: their numbers follow those of all turns."""

PLACES = {name: k for k, name in enumerate(_IN_TURNS)} | {name: 2**31 + k for k, name in enumerate(_ONCE)}
"""The number of each."""

_FINE = 2.0**-23
"""Distance of neighbouring uniform numbers."""

_SPREAD = 0x9E3779B1
"""A word times this one, an odd number, is a word that is independent of how many bits of the first are set, to the accuracy below."""

_GOLDEN = 0x9E3779B9
"""Spreads seeds over 32 bits: 2³² over the golden ratio, odd. Source: Knuth, The Art of Computer Programming 3, 6.4."""

_MEAN = 16 * 2**16 + 2**16 - 1
"""Of 2^16 times the number of set bits among 32, plus two numbers of 16 bits."""

_SCALE = 1 / (2.857736697 * 2**16)
"""One over the standard deviation, counted over all 2^32 words."""

_LINEAR, _CUBIC = 0.9920892715, 0.0026840705
"""They give the sum the second and the fourth moment of a normal number (Cornish & Fisher 1938), also counted over all words."""

LARGEST_NORMAL = 6.5
"""No normal number is larger: that of a word with all its bits set is 6.47."""


class Draws(NamedTuple):
    """The random numbers of one update.

    Each is a hash of its place in the array, of what it is for and of the seed. Ciphers, which JAX draws with, take ten times as long,
    longer than all else that an update does.

    Parameters
    ----------
    seed
        The update's, a whole number below 2^32.
    like
        An array of the shape and precision that the numbers shall have; NumPy's gives NumPy's.
    first, total
        The place of its first number among all that are drawn with this seed, and how many these are where there are more.

    """

    seed: Array
    like: Array
    first: int = 0
    total: int = 0

    def uniform(self, place: str) -> Array:
        """Return numbers from 0 to 1."""
        return self._on_host(self._steps(place) * np.float32(_FINE))

    def turns(self, place: str) -> "Turns":
        """Return as many standard normal numbers as are asked for, one array after the other, none before it is needed."""
        return Turns(self, place)

    def normal(self, place: str, *leading: int, turn: Array = 0) -> Array:
        """Return standard normal numbers, with leading axes on request; each turn has others.

        The bits of a word that are set, 16 of 32 in the mean, with the halves of another word, smooth what is left of steps; a cubic takes
        the rest of the curvature away. Over all 2^32 words the distribution is a normal one's to 1.6e-4, its tail beyond 4 standard
        deviations to 6 %.
        """
        import jax  # noqa: PLC0415 - only devices that are pulsed need it

        word = self._words(place, *leading, turn=turn)
        fine = word * np.uint32(_SPREAD)
        total = (jax.lax.population_count(word) << 16) + (fine & np.uint32(0xFFFF)) + (fine >> 16)
        z = (total.astype(np.float32) - np.float32(_MEAN)) * np.float32(_SCALE)
        return self._on_host(z * (np.float32(_LINEAR) + np.float32(_CUBIC) * z * z))

    def _steps(self, place: str) -> Array:
        """Return whole numbers below 2^23, as 32-bit floats."""
        return (self._words(place) >> 9).astype(np.float32)

    def _words(self, place: str, *leading: int, turn: Array = 0) -> Array:
        """Return 32 random bits each."""
        import jax  # noqa: PLC0415 - only devices that are pulsed need it

        shape = (*leading, *self.like.shape)
        places = jax.lax.iota(np.uint32, self.like.size)
        before = jax.lax.iota(np.uint32, math.prod(leading)) * np.uint32(self.total or self.like.size) + np.uint32(self.first)
        which = jax.numpy.asarray(turn, np.uint32) * np.uint32(len(_IN_TURNS)) + np.uint32(1 + PLACES[place])
        start = _mixed(_mixed(jax.numpy.asarray(self.seed, np.uint32)) + which)
        stride = _mixed(start + np.uint32(_SPREAD)) | np.uint32(1)  # with steps of one, numbers would be another update's some places on
        return _mixed((start + stride * before)[:, None] + stride * places).reshape(shape)

    def _on_host(self, numbers: Array) -> Array:
        return np.asarray(numbers, self.like.dtype) if isinstance(self.like, np.ndarray) else numbers.astype(self.like.dtype)


def seed_of(number: int, seed: Any) -> Any:
    """Return the seed of a part's random numbers, parts being numbered from 0: the update's own for the first."""
    return seed ^ np.uint32(number * _GOLDEN % 2**32) if number else seed


def purpose(seed: Array | int, name: str) -> Array:
    """Return the seed of an update for what is no place of its own, by its name: other numbers than the update's own seed gives."""
    import jax  # noqa: PLC0415 - as above

    return jax.numpy.asarray(seed, np.uint32) ^ np.uint32(zlib.crc32(name.encode()))


@dataclass(frozen=True)
class Turns:
    """Numbers of one purpose, [k, 0] and [k, 1] for each k, which stand for an array of all of them."""

    draws: Draws
    place: str
    first: int = 0

    def after(self, count: int) -> "Turns":
        """Return those behind the first `count`."""
        return Turns(self.draws, self.place, self.first + count)

    def __getitem__(self, at: tuple[Array, int]) -> Array:
        k, which = at
        return self.draws.normal(self.place, turn=2 * (self.first + k) + which)


def _mixed(x: Any) -> Any:
    """Mix 32 bits so that each depends on all: lowbias32 of Wellons' search for good hashes, 2018."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)

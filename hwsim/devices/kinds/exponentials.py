"""Exponentials made of products and sums alone: XLA works these out wherever they are needed, but stores others that several need."""

import math
from typing import NamedTuple

import numpy as np

from hwsim.typing import Array


class _Format(NamedTuple):
    """How numbers of some precision are made: the whole numbers of their size, the place and the offset of the exponent among the bits.

    `ln2` in two parts, the first of so few bits that its products with exponents are exact; `terms` of the series reach full precision;
    1 − exp(e) is 1 for all e below `furthest`.
    """

    whole: type[np.signedinteger]
    place: int
    offset: int
    ln2: tuple[float, float]
    terms: int
    furthest: float


_FORMATS = {
    4: _Format(np.int32, 23, 127, (0.693359375, -2.12194440054690583e-4), 7, -20.0),
    8: _Format(np.int64, 52, 1023, (0.693145751953125, 1.42860682030941723e-6), 13, -40.0),
}

_LARGEST = 15.0
"""More is taken for this: what grows so far has met its bound long before."""


def lost(e: Array) -> Array:
    """Return 1 − exp(e) to rounding, however small e is: 1 − 2^k·exp(f), with the series of exp for f, half of ln 2 at most.

    Source: Cody & Waite 1980, who take ln 2 in two parts.
    """
    whole, place, offset, (high, low), terms, furthest = _FORMATS[e.dtype.itemsize]
    e = e.__array_namespace__().clip(e, furthest, _LARGEST)
    k = (e * (1 / math.log(2))).round()
    f = (e - k * high) - k * low
    power = ((k.astype(whole) + offset) << place).view(e.dtype)
    series = 0.0 * f + 1 / math.factorial(terms)
    for j in range(terms - 1, 0, -1):
        series = series * f + 1 / math.factorial(j)
    return (1 - power) - power * (series * f)

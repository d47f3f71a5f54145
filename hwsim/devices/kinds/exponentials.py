"""Exponentials and logarithms made of products and sums alone: XLA works these out wherever needed, but stores others that several need."""

import math
from typing import NamedTuple

import numpy as np

from hwsim.typing import Array


class _Format(NamedTuple):
    """How numbers of some precision are made: the whole numbers of their size, the place and the offset of the exponent among the bits.

    `ln2` in two parts, the first of so few bits that its products with exponents are exact; `terms` of the exponential's series and
    `odd_terms` of the logarithm's reach full precision; 1 − exp(e) is 1 for all e below `furthest`; exp(e) overflows long after `steepest`.
    """

    whole: type[np.signedinteger]
    place: int
    offset: int
    ln2: tuple[float, float]
    terms: int
    odd_terms: int
    furthest: float
    steepest: float


_FORMATS = {
    4: _Format(np.int32, 23, 127, (0.693359375, -2.12194440054690583e-4), 7, 5, -20.0, 75.0),
    8: _Format(np.int64, 52, 1023, (0.693145751953125, 1.42860682030941723e-6), 13, 11, -40.0, 600.0),
}

_ROOT = 0x3504F3
"""The bits of a root of 2 behind its exponent, the first 23."""

LARGEST = 15.0
"""More is taken for this: what grows so far has met its bound long before."""


def lost(e: Array) -> Array:
    """Return 1 − exp(e) to rounding, however small e is: 1 − 2^k·exp(f), with the series of exp for f, half of ln 2 at most.

    Source: Cody & Waite 1980, who take ln 2 in two parts.
    """
    return _lost(e, LARGEST)


def scaled_exp(a: Array, e: Array, most: float) -> Array:
    """Return a·exp(e) to the rounding of the larger of a and this, cut to −most and most: a small a grows as far as a large one."""
    product: Array = a * (1 - _lost(e, _FORMATS[e.dtype.itemsize].steepest))
    return product.__array_namespace__().clip(product, -most, most)


def _lost(e: Array, largest: float) -> Array:
    """Return 1 − exp(e) of no more than the largest."""
    whole, place, offset, (high, low), terms, _, furthest, _ = _FORMATS[e.dtype.itemsize]
    e = e.__array_namespace__().clip(e, furthest, largest)
    k = (e * (1 / math.log(2))).round()
    f = (e - k * high) - k * low
    power = ((k.astype(whole) + offset) << place).view(e.dtype)
    series = 0.0 * f + 1 / math.factorial(terms)
    for j in range(terms - 1, 0, -1):
        series = series * f + 1 / math.factorial(j)
    return (1 - power) - power * (series * f)


def log1p(x: Array) -> Array:
    """Return ln(1 + x) to rounding for x > −1, however small x is: k·ln 2 + ln(1 + f), with the series of atanh(f/(2 + f)) for f.

    f is between the roots of ½ and of 2, less 1; where x itself is, k is 0 and f is x, to the last digit.
    """
    whole, place, offset, (high, low), _, terms, *_ = _FORMATS[x.dtype.itemsize]
    xp = x.__array_namespace__()
    bits = (1 + x).view(whole) - (_ROOT << (place - 23))
    k = (bits >> place) - offset + 1
    f = xp.where(k == 0, x, ((1 + x).view(whole) - (k << place)).view(x.dtype) - 1)
    double = f - f * f / (2 + f)  # of f/(2 + f); XLA would store a quotient that is needed twice
    square, series = double * double, 0.0 * f + 4.0 ** (1 - terms) / (2 * terms - 1)
    for j in range(terms - 2, -1, -1):
        series = series * square + 4.0**-j / (2 * j + 1)
    k = k.astype(x.dtype)
    return k * high + (k * low + double * series)

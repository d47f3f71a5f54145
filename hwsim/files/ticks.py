"""Ticks of an axis: round numbers in a range, and how each is written."""

import math
from collections.abc import Sequence
from typing import NamedTuple

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Between two ticks, times a power of ten."""

_PLAIN = 1e-3, 1e4
"""Powers of ten from the first to below the second are written out."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Ticks(NamedTuple):
    """The ticks of an axis.

    Parameters
    ----------
    places
        Of ticks that are written, in the units of the axis.
    labels
        How.
    small
        Places of ticks between them.

    """

    places: Sequence[float]
    labels: Sequence[str]
    small: Sequence[float] = ()


def linear(low: float, high: float, *, most: int = 6, whole: bool = False) -> Ticks:
    """Return about `most` ticks from `low` to `high`; `whole`: whole numbers only."""
    span = (high - low) / most
    power = 10.0 ** math.floor(math.log10(span))
    step = next(step * power for step in _STEPS if step * power >= span * (1 - 1e-9))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    digits = next(digits for digits in range(320) if math.isclose(round(step, digits), step, rel_tol=1e-9))
    return Ticks([k * step for k in numbers], [_written(k * step, digits) for k in numbers])


def logarithmic(low: float, high: float, *, most: int = 7) -> Ticks:
    """Return the powers of ten from `low` > 0 to `high`, and others between them where there are few; in a narrow range as `linear`."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    inside = [10.0**k for k in powers if low <= 10.0**k <= high]
    between = [digit * 10.0**k for k in powers for digit in range(2, 10) if low <= digit * 10.0**k <= high]
    if len(inside) > most:
        inside = inside[:: -(-len(inside) // most)]
        between = []
    elif len(inside) < 2:  # noqa: PLR2004 - a scale needs two
        readable = [value for value in between if round(value / 10.0 ** math.floor(math.log10(value) + 1e-9)) in {2, 3, 5}]
        inside = sorted(inside + readable)
    if len(inside) < 2:  # noqa: PLR2004 - as above
        return linear(low, high, most=4)
    return Ticks(inside, [_power(value) for value in inside], [value for value in between if value not in inside])


def _written(value: float, digits: int) -> str:
    """Write a number on a linear axis, whose step has so many digits behind the point."""
    if value and (digits > 5 or abs(value) >= 1e6):  # noqa: PLR2004 - zeros that nobody counts
        return f"{value:.6g}"
    return f"{value:.{digits}f}"


def _power(value: float) -> str:
    """Write a number on a logarithmic axis."""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    digit, power = round(value / 10.0**exponent), f"10{str(exponent).translate(_SUPERSCRIPT)}"
    return power if digit == 1 else f"{digit}×{power}"

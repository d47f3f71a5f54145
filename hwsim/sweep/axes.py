"""Axis: one key of the experiment that a sweep varies, over a range or over listed values."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.experiment.overriding import read_value
from hwsim.sweep.sweep_errors import SweepError

Value = Any
"""A value of a key: a number, a text, true or false, None, or a list of them."""

NOMINAL = {"data.fold"}
"""Keys whose numbers are names, without order."""

_ENDS, _GRID = 2, 3

_DIGITS = 12
"""Digits of a grid's values: 0.3, not 0.30000000000000004."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One varied key.

    Parameters
    ----------
    key
        Of the experiment, such as `training.beta`.
    listed
        Listed values, if any.
    low, high
        Ends of the range, if any.
    count
        Number of the range's values on a grid; None without a count.
    log
        Whether the range's values are spaced evenly over the logarithm.
    whole
        Whether the key only takes whole numbers, so that the range's values are rounded.

    """

    key: str
    listed: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    count: int | None = None
    log: bool = False
    whole: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        """A grid's values, in their order; none for a range without a count."""
        return self.listed if self.count is None else _unique([self.at(share) for share in np.linspace(0.0, 1.0, self.count)])

    @property
    def size(self) -> int:
        """Number of a grid's values, before equal whole numbers are merged."""
        return len(self.listed) if self.count is None else self.count

    @property
    def ranged(self) -> bool:
        """Whether there are values between the values."""
        return self.low is not None

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers, so that the error has a slope along the key."""
        return self.key not in NOMINAL and (self.ranged or self._of_numbers)

    @property
    def _of_numbers(self) -> bool:
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.listed)

    def at(self, share: float) -> Value:
        """Return the value at a share of the way from `low` to `high`, 0 to 1."""
        if self.low is None or self.high is None:
            msg = f"{self.key} has listed values and no range"
            raise SweepError(msg)
        if self.log:
            value = math.exp((1 - share) * math.log(self.low) + share * math.log(self.high))
        else:
            value = (1 - share) * self.low + share * self.high
        return round(value) if self.whole else float(f"{value:.{_DIGITS}g}")

    def scaled(self, value: Value) -> float:
        """Return the position of a value on the axis: itself, or its decimal logarithm."""
        return math.log10(value) if self.log else float(value)


def read_axis(text: str) -> Axis:
    """Read `KEY=START:STOP:COUNT`, `KEY=log:START:STOP:COUNT` (either without COUNT where none is needed) or `KEY=a,b,c`.

    Raises
    ------
    SweepError
        When it is none of these.

    """
    key, equals, given = (part.strip() for part in text.partition("="))
    if not equals or not key or not given:
        msg = f"--vary {text}: should be KEY=START:STOP:COUNT, KEY=log:START:STOP:COUNT or KEY=a,b,c, such as training.beta=log:1e-7:1e-5:5"
        raise SweepError(msg)
    log = given.startswith("log:")
    words = given.removeprefix("log:").split(":")
    numbers = [_number(word) for word in words[:_ENDS]]
    if log or (len(words) in {_ENDS, _GRID} and None not in numbers):
        return _range(text, key, words, log=log)
    return Axis(key=key, listed=_unique([_listed(text, part) for part in _split(given)]))


def axis_of(key: str, values: Any) -> Axis:
    """Make an axis of a key and its values: a list of them, or a text as in `read_axis`.

    Raises
    ------
    SweepError
        When there are none, or one is not a value of a key.

    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        return read_axis(f"{key}={values}")
    listed = [value.item() if isinstance(value, np.generic) else list(value) if isinstance(value, tuple) else value for value in values]
    if not listed:
        msg = f"--vary {key}: there are no values; pass some in a list, or a range as a text, such as '0:0.1:3'"
        raise SweepError(msg)
    return Axis(key=key.strip(), listed=_unique([_checked(f"--vary {key}", repr(value), value) for value in listed]))


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _range(text: str, key: str, words: list[str], *, log: bool) -> Axis:
    ends = [_number(word) for word in words[:_ENDS]]
    count = words[_ENDS].strip() if len(words) == _GRID else None
    low, high = ends if len(ends) == _ENDS else (None, None)
    if low is None or high is None or len(words) not in {_ENDS, _GRID} or (count is not None and not re.fullmatch(r"[0-9]{1,7}", count)):
        form = "log:START:STOP:COUNT, three" if log else "START:STOP:COUNT, three"
        msg = f"--vary {text}: a range is {form} finite numbers, COUNT a whole one"
        raise SweepError(msg)
    if low == high or (log and min(low, high) <= 0):
        remedy = "a log range lies above 0" if low != high else "its ends must differ; set a single value with --set"
        msg = f"--vary {text}: {remedy}"
        raise SweepError(msg)
    if count is not None and int(count) < _ENDS:
        msg = f"--vary {text}: a range cannot have {count} values; COUNT is at least 2"
        raise SweepError(msg)
    return Axis(key=key, low=low, high=high, count=None if count is None else int(count), log=log)


def _split(given: str) -> list[str]:
    """Split at the commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in given:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _listed(text: str, part: str) -> Value:
    if not part.strip():
        msg = f"--vary {text}: a value is missing next to a comma"
        raise SweepError(msg)
    return _checked(f"--vary {text}", part.strip(), read_value(part.strip()))


def _checked(where: str, typed: str, value: Value) -> Value:
    """Return a listed value, if it is one of a key."""
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{where}: {typed} is not a finite number"
        raise SweepError(msg)
    if not isinstance(value, bool | int | float | str | list | None):
        msg = f"{where}: {typed} is neither a number nor a text nor a list of them"
        raise SweepError(msg)
    return value


def _unique(values: list[Value]) -> tuple[Value, ...]:
    """Keep the first of equal values; true and 1 differ."""
    return tuple({f"{type(value).__name__} {value}": value for value in values}.values())

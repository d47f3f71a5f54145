"""Numbers as SPICE text. Out: plain, with all the digits that a float has, and never a suffix. In: as ngspice reads them, or refused."""

import math
import re
from decimal import Context, Decimal
from typing import Any

import numpy as np

_LONG = Context(prec=21)
"""For resistances whose conductance no float resistance gives back: 21 digits do."""

FLOAT_LENGTH = 24
"""No float is written longer than this; the longer words are those of 21 digits."""

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))((?:[edED][+-]?\d+)?)([^\d.+\-].*)?")

_LONGEST_EXPONENT = 20
"""Characters of an exponent; zeros may lead it."""

_SUFFIXES = {"meg": 6, "mil": 0, "t": 12, "g": 9, "k": 3, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}
"""Powers of ten of the suffixes, the longer ones first."""

_MIL = 25.4e-6
"""A thousandth of an inch [m]."""

_UNITS = {
    *("", "ohm", "ohms", "r", "ω", "v", "volt", "volts", "f", "farad", "farads", "h", "henry", "s", "sec", "hz", "w", "watt"),
    *("mho", "mhos", "siemens", "a", "amp", "amps", "ampere", "amperes", "c", "degc"),
}
"""What may stand behind a number and its suffix, and means nothing to ngspice."""


MILLI = 1e-3
"""What `mil` means as a parameter's value: ngspice's numparam looks at the first letter of a suffix alone."""


def plain(values: Any, what: str) -> list[str]:
    """Write numbers so that reading them gives the same floats again.

    Suffixes are never used: SPICE reads `1M` as a milli and `1kk` as `1k`.

    Parameters
    ----------
    values
        Numbers; the array is flattened, row by row.
    what
        What they are, for the message.

    Raises
    ------
    ValueError
        When a number is not finite; the message names it.

    """
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        index = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        at = f"[{', '.join(map(str, index))}]" if index else ""
        msg = f"{what}{at} = {float(array[index]):g} cannot be written into a netlist; it must be a finite number"
        raise ValueError(msg)
    return [repr(value) for value in array.ravel().tolist()]


def resistances(g: Any, what: str) -> list[str]:
    """Write conductances [S] as resistances [ohm], flattened row by row, so that `conductance` reads each exactly.

    Where no float is the inverse, 21 digits are written.

    Raises
    ------
    ValueError
        When a conductance is not a positive finite number: a netlist would hold 0 ohm or a broken wire instead.

    """
    array = np.asarray(g, dtype=np.float64)
    ok = np.isfinite(array) & (array > 0)
    if not ok.all():
        index = np.unravel_index(int(np.argmin(ok)), array.shape)
        msg = f"{what}: conductance[{', '.join(map(str, index))}] = {float(array[index]):g} S must be positive and finite"
        raise ValueError(msg)
    r = 1.0 / array
    words = plain(r, what)
    for k in np.flatnonzero((1.0 / r != array).ravel()):
        words[k] = f"{_LONG.divide(Decimal(1), Decimal(float(array.flat[k]))):.20e}"
    return words


def conductance(word: str) -> float:
    """Read a resistance [ohm] as the conductance [S] that `resistances` wrote: every digit counts.

    Raises
    ------
    ValueError
        When the word is no plain number, or no positive one.

    """
    g = 1.0 / float(word) if len(word) <= FLOAT_LENGTH else float(_LONG.divide(Decimal(1), Decimal(word)))
    if not g > 0:
        raise ValueError(word)
    return g


_BARE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
"""A number without suffix and unit, as nearly all of a large deck are."""


def read_number(word: str, *, mil: float = _MIL) -> tuple[float, str | None]:
    """Read a number with its suffix and unit as ngspice does.

    Parameters
    ----------
    word
        As it is written, in upper and lower case.
    mil
        What the suffix of that name stands for: 25.4e-6 on a card, a milli in an expression.

    Returns
    -------
    tuple
        The number, and a warning when people often mean another one.

    Raises
    ------
    ValueError
        When it is no number, or one of which ngspice would leave a part aside in silence; the message shows what would be right.

    """
    if _BARE.fullmatch(word) and math.isfinite(bare := float(word)):
        return bare, None
    match = _NUMBER.fullmatch(word)
    if not match:
        msg = f"{word!r} is no number; write it like 4700, 4.7k or 4.7e3"
        raise ValueError(msg)
    mantissa, exponent, tail = match.groups(default="")
    low = tail.lower()
    name = next((name for name in _SUFFIXES if low.startswith(name) and low[len(name) :] in _UNITS), None)
    if name is None and low[:1] not in _SUFFIXES and low[:1] != "a" and low in _UNITS:
        name = ""
    if name is None:
        raise ValueError(_misread(word, mantissa + exponent, low))
    if len(exponent) > _LONGEST_EXPONENT:
        msg = f"{word[:FLOAT_LENGTH]!r}… has an exponent beyond all numbers; write one between 1e-300 and 1e300"
        raise ValueError(msg)
    power = int(exponent[1:] or 0) + _SUFFIXES.get(name, 0)
    value = float(f"{mantissa}e{power}") * (mil if name == "mil" else 1.0)
    if not math.isfinite(value):
        msg = f"{word!r} is beyond the largest number; write one below 1.8e308"
        raise ValueError(msg)
    return value, _often_meant(word, tail, name, mantissa + exponent)


def _misread(word: str, number: str, tail: str) -> str:
    """Describe what ngspice would make of a word, and what would be right."""
    if tail.startswith("a"):
        return f"{word!r}: to ngspice from version 41 on `a` is 1e-18, before it is nothing; write {number} or {number}e-18"
    suffix = next((name for name in _SUFFIXES if tail.startswith(name)), "")
    left = tail[len(suffix) :]
    if re.match(r"\d", left):
        meant = f"{number}.{left}{suffix}" if suffix in "kmgtunp" and number.isdigit() else f"{number}{suffix}"
        return f"{word!r}: ngspice reads {number}{suffix} and leaves {left!r} aside; write {meant}"
    return f"{word!r}: ngspice reads {number}{suffix} and leaves {left!r} aside; write {number}{suffix} or the number in full, as in 4.7e3"


def _often_meant(word: str, tail: str, name: str, number: str) -> str | None:
    if name == "m" and tail.startswith("M"):
        return f"{word!r} is {number} milli, for SPICE knows no upper case; if mega is meant, write {number}meg"
    if name == "f" and tail == "F":
        return f"{word!r} is {number} femto, not farad; if that is meant, write {number}f, else {number}"
    return None

"""Numbers in words: with three digits and the prefix that their size asks for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"), (1e-18, "a"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def prefix(value: float) -> tuple[float, str]:
    """Return the largest prefix that is not above a value: its factor and its letter."""
    size = abs(value) * (1 + 1e-9)
    return next(((factor, letter) for factor, letter in _PREFIXES if size >= factor), _PREFIXES[-1] if value else (1.0, ""))


def quantity(value: float, unit: str) -> str:
    """Write 2.2e-5, "S" as 22 µS."""
    factor, letter = prefix(value)
    return f"{value / factor:.3g} {letter}{unit}"


def percent(share: float) -> str:
    """Write a share of 1 in hundredths: 2.51 %."""
    return f"{100 * share:.2f} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a task's error is called and written.

    Parameters
    ----------
    name
        What it is called after the name of a set, as in `test error`.
    long
        What it is called on an axis, without its unit.
    unit
        Of its written form; empty for the targets' own units.
    factor
        From an error to the number that is written.
    most
        The largest that it can be.

    """

    name: str
    long: str
    unit: str
    factor: float
    most: float

    def number(self, error: float) -> str:
        """Write an error, or a difference of two, without its unit; – where there is none."""
        if error != error:  # noqa: PLR0124 - NaN differs from itself
            return "–"
        return f"{self.factor * error:.2f}" if self.unit == "%" else f"{error:.4g}"

    def signed(self, difference: float) -> str:
        """Write a difference of two errors with its sign; – where there is none."""
        return f"{'+' * (difference >= 0)}{self.number(difference)}"

    def text(self, error: float) -> str:
        """Write an error with its unit; volts with the prefix that their size asks for."""
        number = self.number(error)
        if self.unit == "V" and number != "–":
            factor, letter = prefix(error)
            return f"{error / factor:.4g} {letter}V"
        return number if number == "–" or not self.unit else f"{number} {self.unit}"

    def head(self, name: str = "") -> str:
        """Return a column's head or an axis's label, such as `test error [%]`, for a set's name."""
        words = f"{name} {self.name}".strip()
        return f"{words} [{self.unit}]" if self.unit else words

    @property
    def axis(self) -> str:
        """The label of an axis of several errors: `wrong samples [%]`."""
        return f"{self.long} [{self.unit}]" if self.unit else self.long


WRONG_ANSWERS = Measure(name="error", long="wrong samples", unit="%", factor=100.0, most=1.0)
"""The share of wrong answers."""

RMSE = Measure(name="RMSE", long="root mean square error", unit="", factor=1.0, most=math.inf)
"""The root mean square error over samples and targets, in the targets' units."""

NRMSE = Measure(name="NRMSE", long="root mean square error over standard deviation", unit="", factor=1.0, most=math.inf)
"""The root of the share of the targets' variance that is not explained."""

RMSE_IN_VOLTS = Measure(name="RMSE", long="root mean square error", unit="V", factor=1.0, most=math.inf)
"""The same of targets that are voltages."""


def brief(value: Any) -> str:
    """Write a setting in a few letters: four digits of a number, a text as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def power(value: float) -> str:
    """Write a tick of a logarithmic axis: 10⁻³, 2·10⁻⁴; from 0.1 to 1000 as it is."""
    exponent = math.floor(math.log10(value) + 1e-9) if 0 < value < math.inf else 0
    if not 0 < value < math.inf or exponent in range(-1, 4):
        return f"{value:.4g}"
    mantissa = f"{value / 10.0**exponent:.3g}"
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{str(exponent).translate(_RAISED)}"


def counted(count: int, one: str, many: str = "") -> str:
    """Write 1 run, 3 runs."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the standard deviation of a sample; the latter is nan for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))

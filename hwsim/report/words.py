"""Numbers in words: with three digits and the prefix that their size asks for."""

import math
from collections.abc import Sequence

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"), (1e-18, "a"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def prefix(value: float) -> tuple[float, str]:
    """Give the largest prefix that is not above a value: its factor and its letter."""
    size = abs(value) * (1 + 1e-9)
    return next(((factor, letter) for factor, letter in _PREFIXES if size >= factor), _PREFIXES[-1] if value else (1.0, ""))


def quantity(value: float, unit: str) -> str:
    """Write 2.2e-5, "S" as 22 µS."""
    factor, letter = prefix(value)
    return f"{value / factor:.3g} {letter}{unit}"


def percent(share: float) -> str:
    """Write a share of 1 in hundredths: 2.51 %."""
    return f"{100 * share:.2f} %"


def power(value: float) -> str:
    """Write a power of ten, such as a tick on a logarithmic axis: 10⁻³; other numbers as they are."""
    exponent = round(math.log10(value)) if value > 0 else 0
    if value > 0 and math.isclose(value, 10.0**exponent, rel_tol=1e-6):
        return f"{value:g}" if exponent in range(-1, 4) else f"10{str(exponent).translate(_RAISED)}"
    return f"{value:.3g}"


def counted(count: int, one: str, many: str = "") -> str:
    """Write 1 run, 3 runs."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Give the mean and the standard deviation of a sample; the latter is nan for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))

"""Durations with their units: 30d is 2,592,000 s, and the other way round."""

import math
import re

from circuits.units import Second

UNITS: dict[str, Second] = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "y": 365.25 * 86400.0}
"""A year is a Julian one."""

_FORM = re.compile(r"\s*(?P<number>[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?P<unit>[a-z]+)\s*")


def seconds(text: str) -> Second:
    """Read a number with its unit, such as 30d.

    Raises
    ------
    ValueError
        When it is not one; the message describes what it should be.

    """
    form = _FORM.fullmatch(text)
    try:
        value = float(form["number"]) * UNITS[form["unit"]] if form else math.nan
    except (ValueError, KeyError):
        value = math.nan
    if not math.isfinite(value):
        msg = f"should be a finite number, not negative, and a unit ({', '.join(UNITS)}), such as 30d"
        raise ValueError(msg)
    return value


def spelled(value: Second) -> str:
    """Write seconds in the largest unit of which there is one or more: 30 d."""
    unit = next((unit for unit, size in reversed(UNITS.items()) if value >= size), "s")
    return f"{value / UNITS[unit]:.4g} {unit}"

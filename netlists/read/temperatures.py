"""Temperatures: those that a deck sets, checked, and what they make of a diode's law."""

from typing import Any

import numpy as np

from circuits.constants import ZERO_CELSIUS
from circuits.diode import BAND_GAP, XTI, junction_at

_HOTTEST = 1e4
"""°C; no solid is left at 4,000 °C."""


def checked(celsius: float, what: str) -> float:
    """Return a temperature [°C] at which matter can be.

    Raises
    ------
    ValueError
        When it is at or below absolute zero, or beyond all solids; `what` begins the message.

    """
    if not -ZERO_CELSIUS < celsius <= _HOTTEST:
        msg = f"{what} = {celsius:g} °C must be above {-ZERO_CELSIUS} °C and at most {_HOTTEST:g} °C"
        raise ValueError(msg)
    return celsius


def junction(i_sat: Any, n: Any, celsius: float, nominal: float, *, eg: Any = BAND_GAP, xti: Any = XTI) -> tuple[Any, Any]:
    """Return the saturation current [A] and the emission coefficient that stand for a junction at a temperature, as `junction_at` does.

    Parameters
    ----------
    i_sat, n
        At `nominal`, numbers or arrays.
    celsius, nominal
        Temperatures [°C] that were checked.
    eg, xti
        Energy gap [eV] and exponent of temperature.

    Raises
    ------
    ValueError
        When no 64-bit number holds the result.

    """
    try:
        with np.errstate(all="ignore"):
            i_sat, n = junction_at(i_sat, n, celsius + ZERO_CELSIUS, nominal=nominal + ZERO_CELSIUS, eg=eg, xti=xti)
    except ArithmeticError:  # of plain numbers; arrays become infinite instead
        i_sat = np.inf
    if not (np.isfinite(i_sat) & np.greater(i_sat, 0)).all():
        msg = f"at {celsius:g} °C its saturation current is no number that 64 bits hold; correct is, n, eg, xti or tnom"
        raise ValueError(msg)
    return i_sat, n

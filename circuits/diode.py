"""The junction diode's law, the one that ngspice computes, for NumPy and JAX arrays alike."""

import math
from typing import Any

from circuits.constants import GMIN, V_T

_CUBIC_FROM = 3.0
"""ngspice leaves the exponential below -3·n·v_t for a cubic tail (dioload.c)."""


def diode_current(v: Any, i_sat: Any, n: Any, e: Any = None) -> tuple[Any, Any]:
    """Give the current through a junction and its derivative.

    i(v) = i_sat·(exp(v / (n·v_t)) − 1) + gmin·v for v ≥ −3·n·v_t, and
    i(v) = −i_sat·(1 + (3·n·v_t / (e·v))³) + gmin·v below.

    Parameters
    ----------
    v
        Voltage from anode to cathode [V], an array of NumPy or JAX.
    i_sat
        Saturation current [A], broadcast against `v`; 0 stands for no diode (but for `gmin`).
    n
        Emission coefficient, broadcast against `v`.
    e
        exp(v / (n·v_t)), where the caller knows it already; what it is below −3·n·v_t does not matter.

    Returns
    -------
    tuple of arrays
        Current from anode to cathode [A] and small-signal conductance [S].

    Notes
    -----
    Source: ngspice 39, `dioload.c`; confirmed against it to 1e-15 A by the tests.

    """
    xp = v.__array_namespace__()
    per_volt = 1.0 / (n * V_T)
    tail_from = -_CUBIC_FROM * n * V_T
    forward = v >= tail_from
    if e is None:
        e = xp.exp(xp.where(forward, v, tail_from) * per_volt)
    tail = (tail_from / math.e) / xp.where(forward, tail_from, v)  # between 0 and 1/e
    cube = tail * tail * tail
    i = (xp.where(forward, e, cube) - 1.0) * i_sat + GMIN * v
    g = xp.where(forward, e, math.e * cube * tail) * (i_sat * per_volt) + GMIN
    return i, g

"""The junction diode's law, the one that ngspice computes, for NumPy and JAX arrays alike."""

import math
from typing import Any

from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE, GMIN, TEMPERATURE, V_T
from circuits.units import Ampere, Kelvin

CUBIC_FROM = 3.0
"""ngspice leaves the exponential below -3·n·v_t for a cubic tail (dioload.c)."""

BAND_GAP = 1.11
"""eV, SPICE's EG of silicon."""

XTI = 3.0
"""SPICE's exponent of temperature in the saturation current."""

I_SAT_1N4148: Ampere = 4.352e-9
"""Source: 1N4148, SPICE model of NXP."""

N_1N4148 = 1.906
"""Source: 1N4148, SPICE model of NXP."""


def is_silicon(eg: Any, xti: Any) -> bool:
    """Whether energy gaps [eV] and exponents are all SPICE's defaults, those of a p-n junction in silicon."""
    return bool((eg == BAND_GAP).all() and (xti == XTI).all())


def junction_at(
    i_sat: Any, n: Any, kelvin: Kelvin, *, nominal: Kelvin = TEMPERATURE, eg: Any = BAND_GAP, xti: Any = XTI
) -> tuple[Any, Any]:
    """Return the saturation current [A] and the emission coefficient that make the law below, at 27 °C, one of another temperature.

    i_sat·exp((T/T_nominal − 1)·eg/(n·kT/q) + xti/n·ln(T/T_nominal)), as SPICE has it, with the energy gap `eg` [eV] and the exponent
    `xti`; the thermal voltage that grows with T is taken up by n·T/300.15 K. Numbers and arrays.

    Notes
    -----
    Source: ngspice 39, `diotemp.c`; confirmed against it by the tests.

    """
    if kelvin != nominal:
        ratio, v_t = kelvin / nominal, BOLTZMANN * kelvin / ELEMENTARY_CHARGE
        exponent = (ratio - 1.0) * eg / (n * v_t) + xti / n * math.log(ratio)
        i_sat = i_sat * (math.exp(exponent) if isinstance(exponent, float) else exponent.__array_namespace__().exp(exponent))
    return i_sat, n if kelvin == TEMPERATURE else n * kelvin / TEMPERATURE


def diode_current(v: Any, i_sat: Any, n: Any, e: Any = None) -> tuple[Any, Any]:
    """Return the current through a junction and its derivative.

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
    tail_from = -CUBIC_FROM * n * V_T
    forward = v >= tail_from
    if e is None:
        e = xp.exp(xp.where(forward, v, tail_from) * per_volt)
    tail = (tail_from / math.e) / xp.where(forward, tail_from, v)  # between 0 and 1/e
    cube = tail * tail * tail
    i = (xp.where(forward, e, cube) - 1.0) * i_sat + GMIN * v
    g = xp.where(forward, e, math.e * cube * tail) * (i_sat * per_volt) + GMIN
    return i, g

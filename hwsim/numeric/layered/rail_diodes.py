"""Diodes at rails: what one, or a pair, carries out of a column, with the derivatives that a search for its voltage uses."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from circuits.constants import GMIN, V_T
from circuits.diode import CUBIC_FROM, diode_current
from hwsim.typing import Array

_NEAR = 40.0
"""Rails that lie within this many n·v_t let both diodes of a pair share one exponential; farther apart it would lose digits or overflow."""


class RailJunction(NamedTuple):
    """Diodes of one direction, one value a column: where there is none, `i_sat` is 0 and `rail` infinitely far (±inf)."""

    i_sat: Array
    n: Array
    rail: Array


def place(junction: RailJunction) -> Array:
    """Return the rail, or 0 V where there is none."""
    return jnp.where(jnp.isfinite(junction.rail), junction.rail, 0.0)


def junction_current(u: Array, junction: RailJunction, direction: float) -> tuple[Array, Array, Array]:
    """Return the current out of the column [A], its derivative [S], and its second one [S/V] but for the small one of tails."""
    v, per_volt = direction * (u - place(junction)), 1.0 / (junction.n * V_T)
    e = jnp.exp(v * per_volt)
    i, g = diode_current(v, junction.i_sat, junction.n, e)
    exponential = jnp.where(v >= -CUBIC_FROM * junction.n * V_T, e, 0.0)
    carried = direction * i, g, exponential * (direction * junction.i_sat * per_volt * per_volt)
    if isinstance(junction.rail, np.ndarray) and np.isfinite(junction.rail).all():
        return carried
    present = jnp.isfinite(junction.rail)  # not even gmin where there is no diode
    return jnp.where(present, carried[0], 0.0), jnp.where(present, carried[1], 0.0), jnp.where(present, carried[2], 0.0)


def are_pairs(high: RailJunction, low: RailJunction) -> bool:
    """Whether every column carries two diodes with one n; unknown, so no, where chips that are solved at once differ in n or rails."""
    if not all(isinstance(value, np.ndarray) for value in (high.n, high.rail, low.n, low.rail)):
        return False
    return bool((high.n == low.n).all() and np.isfinite(high.rail - low.rail).all())


def are_near(high: RailJunction, low: RailJunction) -> bool:
    """Whether every column carries a pair of diodes whose rails are near."""
    return are_pairs(high, low) and bool((abs(high.rail - low.rail) <= _NEAR * V_T * high.n).all())


def pair_curve(high: RailJunction, low: RailJunction, u: Array) -> tuple[Array, Array, Array]:
    """Return the same of pairs whose rails are near, both diodes together: with one exponential, and mostly one division.

    The diode that is nearer to conducting has e = exp(v/(n·v_t)), and the other one a constant over e, or a cubic tail: one quotient. Only
    in a dead zone that is wide are both in their tails.
    """
    per_volt, tail_from = 1.0 / (high.n * V_T), -CUBIC_FROM * high.n * V_T
    w, apart = u - (high.rail + low.rail) / 2, (high.rail - low.rail) / 2
    upwards, off = w >= 0, jnp.abs(w)
    e = np.exp(-apart * per_volt) * jnp.exp(off * per_volt)
    near = off <= -tail_from - apart
    quotient = jnp.where(near, np.exp(-2 * apart * per_volt), tail_from / math.e) / jnp.where(near, e, -off - apart)
    cube = quotient * quotient * quotient
    ends = e, jnp.where(near, quotient, 0.0)
    carried, slope = (e, jnp.where(near, quotient, cube)), (e, jnp.where(near, quotient, math.e * cube * quotient))
    if (apart > -tail_from).any():
        conducts = off - apart >= tail_from
        tail = (tail_from / math.e) / jnp.where(conducts, tail_from, off - apart)
        ends = jnp.where(conducts, e, 0.0), ends[1]
        carried = jnp.where(conducts, e, tail * tail * tail), carried[1]
        slope = jnp.where(conducts, e, math.e * (tail * tail) * (tail * tail)), slope[1]
    if _alike(high.i_sat, low.i_sat):
        i, bend, g = high.i_sat * (carried[0] - carried[1]), high.i_sat * (ends[0] - ends[1]), high.i_sat * (slope[0] + slope[1])
    else:
        of_one, of_other = jnp.where(upwards, high.i_sat, low.i_sat), jnp.where(upwards, low.i_sat, high.i_sat)
        i = of_one * (carried[0] - 1) - of_other * (carried[1] - 1)
        bend, g = of_one * ends[0] - of_other * ends[1], of_one * slope[0] + of_other * slope[1]
    i, bend = jnp.where(upwards, i, -i), jnp.where(upwards, bend, -bend)
    return i + (2 * GMIN) * w, g * per_volt + 2 * GMIN, bend * (per_volt * per_volt)


def _alike(a: Array, b: Array) -> bool:
    """Whether two arrays are the same numbers; unknown, so no, where chips that are solved at once differ."""
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and bool((a == b).all())

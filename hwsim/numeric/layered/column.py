"""One column by itself: the scalar equation a·u + i(u) = c, solved for whole arrays of columns at once."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from circuits.constants import V_T
from hwsim.numeric.layered.rail_diodes import RailJunction, are_near, are_pairs, junction_current, pair_curve, place
from hwsim.typing import Array

_LEAP = 10.0
"""Newton's method may carry a voltage this many n·v_t beyond the rail, or farther beyond it, in a step: so no exponential overflows."""

_SCALE = 2.0**30
"""1/S; of 32 bits it makes squares of conductances from 1e-28 to 1e9 S normal numbers."""


class Neuron(NamedTuple):
    """What hangs on the columns of a stage: diodes that conduct above `high.rail` and below `low.rail`, and what leaks past a dead zone.

    None: no such diodes, no leak; else a conductance a column [S].
    """

    high: RailJunction | None
    low: RailJunction | None
    leak: Array | None = None


def current(neuron: Neuron, u: Array, *, ideal: bool) -> tuple[Array, Array]:
    """Return i(u) [A] out of the column and its derivative [S]; with `ideal`, rails are hard clamps, whose current no law gives: 0."""
    if ideal:
        return jnp.zeros_like(u), jnp.zeros_like(u)
    return curve(neuron, u)[:2]


def curve(neuron: Neuron, u: Array) -> tuple[Array, Array, Array]:
    """Return i(u) [A] of real diodes and leaks, its derivative [S], and its second derivative [S/V]."""
    i, g, bend = jnp.zeros_like(u), jnp.zeros_like(u), jnp.zeros_like(u)
    high, low = neuron.high, neuron.low
    if high is not None and low is not None and are_near(high, low):
        i, g, bend = pair_curve(high, low, u)
    else:
        for junction, direction in ((high, 1.0), (low, -1.0)):
            if junction is not None:
                di, dg, turn = junction_current(u, junction, direction)
                i, g, bend = i + di, g + dg, bend + turn
    if neuron.leak is not None:
        i, g = i + neuron.leak * u, g + neuron.leak
    return i, g, bend


def _reach(junction: RailJunction, excess: Array) -> Array:
    """How far beyond its rail a diode can be pushed by a surplus of current: n·v_t·log1p(excess / i_sat)."""
    i_sat = jnp.where(junction.i_sat > 0, junction.i_sat, 1.0)
    return junction.n * V_T * jnp.log1p(jnp.maximum(excess, 0.0) / i_sat)


def bounds(neuron: Neuron, a: Array, c: Array, *, ideal: bool) -> tuple[Array | None, Array | None]:
    """Return voltages below and above the root of a·u + i(u) = c; None where nothing bounds it on that side.

    What leaks only brings the root nearer to 0 V, where a dead zone has its rails.
    """
    low = high = None
    for junction, direction in ((neuron.high, 1.0), (neuron.low, -1.0)):
        if junction is None:
            continue
        bound = junction.rail
        if not ideal:
            bound = bound + direction * _reach(junction, direction * (c - a * place(junction)))
        low, high = (low, bound) if direction > 0 else (bound, high)
    return low, high


def _at_least(u: Array, bound: Array | float) -> Array:
    """Return u, or the bound that it is below; NaN for NaN. XLA's maximum looks for NaN on both sides, and takes three times as long."""
    return jnp.where(u < bound, bound, u)


def _at_most(u: Array, bound: Array) -> Array:
    """Return u, or the bound that it is above; NaN for NaN."""
    return jnp.where(u > bound, bound, u)


def _clip(u: Array, low: Array | None, high: Array | None) -> Array:
    u = u if low is None else jnp.maximum(u, low)
    return u if high is None else jnp.minimum(u, high)


def is_linear(neuron: Neuron) -> bool:
    """Whether nothing hangs on the columns."""
    return neuron.high is None and neuron.low is None and neuron.leak is None


def start(neuron: Neuron, a: Array, c: Array, *, ideal: bool) -> Array:
    """Return a first guess: c/a, or the bound that it exceeds; where diodes bend the curve, a step from there."""
    if ideal or is_linear(neuron):
        return _clip(c / a, *bounds(neuron, a, c, ideal=ideal))
    return step(neuron, a, c, _nearest_bound(neuron, a, c), ideal=False)


def _nearest_bound(neuron: Neuron, a: Array, c: Array) -> Array:
    high, low = neuron.high, neuron.low
    if high is None or low is None or not _in_order(high, low):
        return _clip(c / a, *bounds(neuron, a, c, ideal=False))
    # it exceeds one bound at most: one logarithm is enough
    above, below = c - a * high.rail, a * low.rail - c
    reach = high.n * V_T * jnp.log(1 + _at_least(_at_least(above * (1 / high.i_sat), below * (1 / low.i_sat)), 0.0))
    return _at_most(_at_least(c / a, low.rail - reach), high.rail + reach)


def _in_order(high: RailJunction, low: RailJunction) -> bool:
    """Whether every column carries a pair of diodes with one n, of which never both conduct."""
    return are_pairs(high, low) and bool((low.rail <= high.rail).all())


def bounded(neuron: Neuron, a: Array, c: Array, u: Array, *, ideal: bool) -> Array:
    """Bring a voltage from anywhere to between the root's bounds, where no exponential overflows."""
    return _clip(u, *bounds(neuron, a, c, ideal=ideal))


def step(neuron: Neuron, a: Array, c: Array, u: Array, *, ideal: bool) -> Array:
    """Do one step of Halley's method, cut short where it would leap far into conduction: each has about three times the digits.

    With f = a·u + i(u) − c it is f·f′/(f′² − ½·f·i″), no more than twice a step of Newton's method. i(u) bends away from the axis on both
    sides, so the steps that are not cut approach the root from outside and never cycle.
    """
    if is_linear(neuron) or ideal:
        return start(neuron, a, c, ideal=ideal)
    i, g, bend = curve(neuron, u)
    new = u - halley(a * u + i - c, a + g, bend)
    high, low = neuron.high, neuron.low
    if high is not None:
        new = _at_most(new, _at_least(u, high.rail) + _LEAP * V_T * high.n)
    if low is not None:
        new = _at_least(new, _at_most(u, low.rail) - _LEAP * V_T * low.n)
    return new


def halley(f: Array, slope: Array, bend: Array) -> Array:
    """Return f·f′/(f′² − ½·f·f″), no more than 2·f/f′: in 32 bits with one division, in 64 with two, which square nothing.

    Exponents of 64 bits are for voltages and conductances as far apart as they come, and squares would halve them.
    """
    if f.dtype != np.float32:
        return f / _at_least(slope - 0.5 * f * (bend / slope), 0.5 * slope)
    f, slope, bend = _SCALE * f, _SCALE * slope, _SCALE * bend
    square = slope * slope
    return f * slope / _at_least(square - 0.5 * f * bend, 0.5 * square)


class Law(NamedTuple):
    """What holds at a voltage u of a column.

    Parameters
    ----------
    surplus
        The sum of currents out of the column, a·u + i(u) − c [A]; where an ideal diode holds the column, a·(u − rail) instead.
    slope
        di/du [S].
    clamped
        Where an ideal diode holds the column.

    """

    surplus: Array
    slope: Array
    clamped: Array


def law(neuron: Neuron, a: Array, c: Array, u: Array, *, ideal: bool) -> Law:
    """Return what holds at u, near the root or far from it."""
    i, g = current(neuron, u, ideal=ideal)
    if not ideal:
        return Law(a * u + i - c, g, jnp.zeros(u.shape, bool))
    free = c / a
    root = _clip(free, *bounds(neuron, a, c, ideal=True))
    return Law(a * (u - root), g, root != free)

"""The circuit of displacements: what is left of a layered circuit when its free state is taken off, solved for by the same sweeps.

    a·d + i(u₀ + d) − i(u₀) = c

Sources are 0, a nudge's current is what drives it, and the difference of the neurons' currents is computed without taking near numbers
off each other. So a displacement keeps its digits however small it is next to the voltages, in 32 bits too.
"""

from typing import NamedTuple

import jax.numpy as jnp

from circuits.constants import GMIN, V_T
from circuits.diode import CUBIC_FROM, diode_current
from hwsim.numeric.layered import column
from hwsim.numeric.layered.column import Law, Neuron
from hwsim.numeric.layered.layers import Layers, LayerState
from hwsim.numeric.layered.rail_diodes import RailJunction, place
from hwsim.typing import Array

_LEAP = 10.0
"""Most n·v_t of a step into conduction, as of a column's own."""


class Displaced(NamedTuple):
    """Neurons about the voltages `free` (B, n) [V] across them, stage by stage; their slopes there are `at` [S]."""

    layers: Layers
    free: tuple[Array, ...]
    at: tuple[Array, ...]

    @classmethod
    def of(cls, layers: Layers, state: LayerState, at: tuple[Array, ...]) -> "Displaced":
        """Take the voltages across the neurons from a free state."""
        behind = (state.behind[k] for k in range(len(state.columns)))
        return cls(layers, tuple(v if other is None else v - other for v, other in zip(state.columns, behind, strict=True)), at)

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Return the root to first order, not far beyond where diodes bend."""
        return (c / (a + self.at[k])).clip(-_LEAP * V_T, _LEAP * V_T)

    def step(self, k: int, a: Array, c: Array, u: Array) -> Array:
        """Do a step of Halley's method towards the root; it is cut short where it would leap far into conduction."""
        neuron, free = self.layers.parameters[k].neuron, self.free[k]
        if column.is_linear(neuron):
            return c / a
        _, g, bend = column.curve(neuron, free + u)
        new = u - column.halley(a * u + difference(neuron, free, u) - c, a + g, bend)
        if neuron.high is not None:
            new = jnp.minimum(new, jnp.maximum(u, neuron.high.rail - free) + _LEAP * V_T * neuron.high.n)
        if neuron.low is not None:
            new = jnp.maximum(new, jnp.minimum(u, neuron.low.rail - free) - _LEAP * V_T * neuron.low.n)
        return new

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Return what holds at a displacement."""
        neuron, free = self.layers.parameters[k].neuron, self.free[k]
        slope = column.current(neuron, free + u, ideal=False)[1]
        return Law(a * u + difference(neuron, free, u) - c, slope, jnp.zeros(u.shape, bool))


def difference(neuron: Neuron, free: Array, d: Array) -> Array:
    """Return i(free + d) − i(free) of a neuron [A], as exact as d."""
    total = jnp.zeros_like(d) if neuron.leak is None else neuron.leak * d
    for junction, direction in ((neuron.high, 1.0), (neuron.low, -1.0)):
        if junction is not None:
            total = total + direction * _risen(junction, direction * (free - place(junction)), direction * d)
    return total


def _risen(junction: RailJunction, v: Array, d: Array) -> Array:
    """Return the rise of a junction's current when its voltage v rises by d [A]."""
    i_sat, n_v_t = junction.i_sat, junction.n * V_T
    tail_from = -CUBIC_FROM * n_v_t
    forward, still = v >= tail_from, v + d >= tail_from
    # exp(v/nv_t)·expm1(d/nv_t); the tail is −i_sat·(1 + t³/v³) with t = 3·n·v_t/e
    e = i_sat * jnp.exp(jnp.where(forward, v, tail_from) / n_v_t) * jnp.expm1(jnp.where(still, d, 0.0) / n_v_t)
    was, now = jnp.where(forward, tail_from, v), jnp.where(still, tail_from, v + d)
    cube = (tail_from / jnp.e / was) ** 3
    tail = i_sat * cube * d * (was * was + was * now + now * now) / now**3
    across = diode_current(v + d, i_sat, junction.n)[0] - diode_current(v, i_sat, junction.n)[0] - GMIN * d
    risen = jnp.where(forward & still, e, jnp.where(forward | still, across, -tail)) + GMIN * d
    return jnp.where(jnp.isfinite(junction.rail), risen, 0.0)

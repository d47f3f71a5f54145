"""Sweeps over the layers: each column one step of Newton's method, its neighbours held, and the outputs eliminated exactly.

Within a layer the columns do not touch each other: given its neighbours, each is a scalar equation a·v + i(v) = c with a, the sum of
its conductances, and c, the current that its neighbours push in. A sweep brings every voltage nearer to equilibrium, from anywhere.
"""

from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp

from hwsim.engine import Push
from hwsim.numeric import neuron
from hwsim.numeric.layered import Layers, Linear, Outputs, State
from hwsim.numeric.neuron import Law
from hwsim.numeric.parameters import Coupling

Array = Any


class Columns(Protocol):
    """What hangs on the columns of each stage: the neurons, or what they are in an adjoint circuit."""

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Give a first guess of the root of a·u + i(u) = c in stage k."""
        ...

    def step(self, k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        """Step towards that root; give the new u and the sum of currents at the old one [A]."""
        ...

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Give what holds at u."""
        ...


class Neurons(NamedTuple):
    """The neurons of a circuit on its columns."""

    layers: Layers

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Give c/a, or the bound that it exceeds."""
        return neuron.start(self.layers.parameters[k].neuron, a, c, ideal=self.layers.stages[k].kind == "ideal")

    def step(self, k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        """Do one step of Newton's method within the root's bounds."""
        return neuron.step(self.layers.parameters[k].neuron, a, c, u, ideal=self.layers.stages[k].kind == "ideal")

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Give what the diodes carry, or where ideal ones hold the columns."""
        return neuron.law(self.layers.parameters[k].neuron, a, c, u, ideal=self.layers.stages[k].kind == "ideal")


class Slopes(NamedTuple):
    """Small-signal conductances (B, n) [S] in the neurons' places, stage by stage; infinite where an ideal diode holds the column."""

    values: tuple[Array, ...]

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Give the root itself."""
        return c / (a + self.values[k])

    def step(self, k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        """Give the root itself."""
        new = self.start(k, a, c)
        return new, a * (u - new)

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Give what the conductances carry."""
        held = jnp.isinf(self.values[k])
        slope = jnp.where(held, 0.0, self.values[k])
        return Law(jnp.where(held, a * u, (a + slope) * u - c), slope, held)


class System(NamedTuple):
    """All that the equilibria of a batch depend on."""

    layers: Layers
    parts: tuple[Linear, ...]
    push: Push
    columns: Columns


def _forward(coupling: Coupling | None, drivers: Array) -> Array:
    return drivers if coupling is None else coupling.gain * drivers


def _backward(coupling: Coupling | None, current: Array) -> Array:
    return current if coupling is None else coupling.back * current


def pushed_in(system: System, state: State, k: int) -> tuple[Array, Array]:
    """Give the currents that the neighbours push into the columns of stage k, and into its drivers; each (B, n) [A]."""
    parts, couplings = system.parts, system.layers.couplings
    c, c_behind = parts[k].fixed, -parts[k].drawn
    w = parts[k].w
    if w is not None:
        c = c + _forward(couplings[k - 1], state.drivers[k - 1]) @ w
    if k + 1 < len(parts):
        next_w = parts[k + 1].w
        assert next_w is not None  # noqa: S101 - for the type checker: every stage but the first has signal rows
        c_behind = c_behind + _backward(couplings[k], state.columns[k + 1] @ next_w.T)
    return c, c_behind


class _Guess(NamedTuple):
    """Columns that step to their first guess."""

    columns: Columns

    def start(self, k: int, a: Array, c: Array) -> Array:
        return self.columns.start(k, a, c)

    def step(self, k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        return self.columns.start(k, a, c), jnp.zeros_like(u)

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        return self.columns.law(k, a, c, u)


def first_guess(system: System) -> State:
    """Guess layer by layer, as if nothing came back from the layers behind."""
    zeros = tuple(jnp.zeros_like(part.fixed) for part in system.parts)
    return sweep(system._replace(columns=_Guess(system.columns)), State(zeros, zeros))[0]


def sweep(system: System, state: State) -> tuple[State, Array, Array]:
    """Pass once over the layers; give the state, the largest change (B,) [V] and the largest residual met on the way (B,) [A]."""
    columns, drivers = list(state.columns), list(state.drivers)
    change = residual = jnp.zeros(len(columns[-1]), columns[-1].dtype)
    for k, stage in enumerate(system.layers.stages[:-1]):
        c, c_behind = pushed_in(system, State(tuple(columns), tuple(drivers)), k)
        a, a_behind = system.parts[k].a, system.parts[k].a_behind
        if stage.behind is None:
            old = columns[k]
            columns[k], surplus = system.columns.step(k, a + a_behind, c + c_behind, old)
            drivers[k] = columns[k]
            change = jnp.maximum(change, jnp.abs(columns[k] - old).max(1))
        else:
            # both nodes in one unknown, u = v − v_behind: A·u + i(u) = A·u0
            series, u0 = a * a_behind / (a + a_behind), c / a - c_behind / a_behind
            u, surplus = system.columns.step(k, series, series * u0, columns[k] - drivers[k])
            through = series * (u0 - u)
            for values, new in ((columns, (c - through) / a), (drivers, (c_behind + through) / a_behind)):
                change = jnp.maximum(change, jnp.abs(new - values[k]).max(1))
                values[k] = new
        residual = jnp.maximum(residual, jnp.abs(surplus).max(1))
    c, _ = pushed_in(system, State(tuple(columns), tuple(drivers)), len(columns) - 1)
    old = columns[-1]
    columns[-1] = drivers[-1] = _settle_outputs(system.layers.outputs, system.parts[-1].a, c, system.push)
    return State(tuple(columns), tuple(drivers)), jnp.maximum(change, jnp.abs(columns[-1] - old).max(1)), residual


def _settle_outputs(outputs: Outputs, a: Array, c: Array, push: Push) -> Array:
    """Solve the output columns exactly: a·v = c + push, 2×2 for a pair, shape (B, n) [V]."""
    v = c / a
    inward = push.beta * push.target + push.current
    c_plus, a_plus = c[:, outputs.plus] + inward, a[outputs.plus]
    if outputs.minus is None:
        return v.at[:, outputs.plus].set(c_plus / (a_plus + push.beta))
    c_minus, a_minus = c[:, outputs.minus] - inward, a[outputs.minus]
    determinant = a_plus * a_minus + push.beta * (a_plus + a_minus)
    v_plus = ((a_minus + push.beta) * c_plus + push.beta * c_minus) / determinant
    v_minus = ((a_plus + push.beta) * c_minus + push.beta * c_plus) / determinant
    return v.at[:, outputs.plus].set(v_plus).at[:, outputs.minus].set(v_minus)

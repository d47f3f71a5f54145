"""Equilibria of layered circuits: sweeps over the layers, each column one step of Newton's method, the outputs eliminated exactly.

Within a layer the columns do not touch each other: given its neighbours, each is a scalar equation a·v + i(v) = c with a, the sum of
its conductances, and c, the current that its neighbours push in. All functions here are pure and take arrays of any batch.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from circuits.nodes import Nodes
from hwsim.engine import Conductances, Push, Result
from hwsim.numeric import neuron
from hwsim.numeric.parameters import Coupling, StageParameters
from hwsim.numeric.structure import Stage

Array = Any

_ADJOINT_TOLERANCE = 1e-13
"""Change in a sweep, as a share of the largest adjoint voltage at the outputs."""

Column = Callable[[int, Array, Array, Array], tuple[Array, Array]]
"""(stage, a, c, u) -> new u and the sum of currents at the old one: a step towards the root of a column's equation."""


class Linear(NamedTuple):
    """The linear part of a stage for given conductances and inputs.

    Parameters
    ----------
    w
        Conductances of the signal rows, shape (m, n) [S]; None in the first stage.
    a
        Sum of the conductances on each column, shape (n,) [S].
    fixed
        Current that fixed rows push into the columns, shape (B, n) [A].
    a_behind
        Load of the next stage on each driver, back·gain·(row sums), shape (n,) [S]; 0 for the outputs.
    drawn
        Current that amplifier offsets draw from the drivers, shape (n,) [A].

    """

    w: Array | None
    a: Array
    fixed: Array
    a_behind: Array
    drawn: Array


class State(NamedTuple):
    """Voltages of the free nodes, stage by stage: the `columns`, and `drivers` of the next stage (the columns, but for dead zones)."""

    columns: tuple[Array, ...]
    drivers: tuple[Array, ...]


class Settled(NamedTuple):
    """A state, with each sample's largest sum of currents into a node [A], sweeps, and `Result` code; all of shape (B,)."""

    state: State
    residual: Array
    steps: Array
    result: Array


class Outputs(NamedTuple):
    """Places of the read and nudged columns among those of the last stage; `minus` is None where the outputs are single-ended."""

    plus: Nodes
    minus: Nodes | None


class Layers(NamedTuple):
    """A layered circuit on a chip: its stages, the numbers of each, and what is read."""

    stages: Sequence[Stage]
    parameters: Sequence[StageParameters]
    outputs: Outputs

    @property
    def couplings(self) -> list[Coupling | None]:
        """What stands between each stage and the next."""
        return [numbers.coupling for numbers in self.parameters]


def linear_parts(layers: Layers, g: Conductances, x: Array) -> tuple[Linear, ...]:
    """Work out what stays the same through all sweeps and phases of a batch; `x` is (B, I)."""
    parts: list[Linear] = []
    for k, (stage, numbers) in enumerate(zip(layers.stages, layers.parameters, strict=True)):
        conductances = g[stage.crossbar]
        fixed = _fixed_current(stage, numbers, conductances, x)
        w = None if stage.signal is None else conductances[stage.signal]
        coupling = layers.couplings[k - 1] if k else None
        if w is not None and coupling is not None:
            fixed += (coupling.gain * coupling.offset) @ w
        nothing = jnp.zeros_like(conductances[0])
        parts.append(Linear(w, conductances.sum(0), fixed, nothing, nothing))
        if w is not None:
            row_sums = w.sum(1) if coupling is None else coupling.back * coupling.gain * w.sum(1)
            drawn = jnp.zeros_like(row_sums) if coupling is None else coupling.offset * row_sums
            parts[k - 1] = parts[k - 1]._replace(a_behind=row_sums, drawn=drawn)
    return tuple(parts)


def _fixed_current(stage: Stage, numbers: StageParameters, conductances: Array, x: Array) -> Array:
    """Sum the currents from rows that sources hold into the columns, shape (B, n) [A]. Runs with the same features share a product."""
    current = jnp.zeros((len(x), conductances.shape[1]), x.dtype)
    weights: dict[bytes, Array] = {}
    features = {}
    for rows, values in zip(stage.fixed, numbers.sources, strict=True):
        block = conductances[rows.span]
        if rows.features is None:
            current += values @ block
            continue
        key = rows.features.tobytes()
        features[key] = rows.features
        weights[key] = weights.get(key, 0.0) + values[:, None] * block
    for key, weight in weights.items():
        whole = len(features[key]) == x.shape[1] and (features[key] == range(x.shape[1])).all()
        current += (x if whole else x[:, features[key]]) @ weight
    return current


def _forward(coupling: Coupling | None, drivers: Array) -> Array:
    return drivers if coupling is None else coupling.gain * drivers


def _backward(coupling: Coupling | None, current: Array) -> Array:
    return current if coupling is None else coupling.back * current


def _pushed_in(parts: Sequence[Linear], couplings: Sequence[Coupling | None], state: State, k: int) -> tuple[Array, Array]:
    """Give the currents that the neighbours push into the columns of stage k, and into its drivers; each (B, n) [A]."""
    c, c_behind = parts[k].fixed, -parts[k].drawn
    w = parts[k].w
    if w is not None:
        c = c + _forward(couplings[k - 1], state.drivers[k - 1]) @ w
    if k + 1 < len(parts):
        next_w = parts[k + 1].w
        assert next_w is not None  # noqa: S101 - for the type checker: every stage but the first has signal rows
        c_behind = c_behind + _backward(couplings[k], state.columns[k + 1] @ next_w.T)
    return c, c_behind


def _sweep(
    stages: Sequence[Stage],
    parts: Sequence[Linear],
    couplings: Sequence[Coupling | None],
    state: State,
    column: Column,
    settle_outputs: Callable[[Array], Array],
) -> tuple[State, Array, Array]:
    """Pass once over the layers; give the state, the largest change (B,) [V] and the largest residual met on the way (B,) [A]."""
    columns, drivers = list(state.columns), list(state.drivers)
    change = residual = jnp.zeros(len(columns[-1]), columns[-1].dtype)
    for k, stage in enumerate(stages[:-1]):
        c, c_behind = _pushed_in(parts, couplings, State(tuple(columns), tuple(drivers)), k)
        a, a_behind = parts[k].a, parts[k].a_behind
        if stage.behind is None:
            old = columns[k]
            columns[k], surplus = column(k, a + a_behind, c + c_behind, old)
            drivers[k] = columns[k]
            change = jnp.maximum(change, jnp.abs(columns[k] - old).max(1))
        else:
            # both nodes in one unknown, u = v − v_behind: A·u + i(u) = A·u0
            series, u0 = a * a_behind / (a + a_behind), c / a - c_behind / a_behind
            u, surplus = column(k, series, series * u0, columns[k] - drivers[k])
            through = series * (u0 - u)
            for values, new in ((columns, (c - through) / a), (drivers, (c_behind + through) / a_behind)):
                change = jnp.maximum(change, jnp.abs(new - values[k]).max(1))
                values[k] = new
        residual = jnp.maximum(residual, jnp.abs(surplus).max(1))
    c, _ = _pushed_in(parts, couplings, State(tuple(columns), tuple(drivers)), len(stages) - 1)
    old = columns[-1]
    columns[-1] = drivers[-1] = settle_outputs(c)
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


def _is_convex(outputs: Outputs, a: Array, beta: Array) -> Array:
    """Whether every output holds against a negative nudge: its conductance with the nudge's must stay positive."""
    a_plus = a[outputs.plus]
    if outputs.minus is None:
        return jnp.all(a_plus + beta > 0)
    a_minus = a[outputs.minus]
    return jnp.all(a_plus * a_minus + beta * (a_plus + a_minus) > 0)


def _newton_column(layers: Layers) -> Column:
    def column(k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        return neuron.step(layers.parameters[k].neuron, a, c, u, ideal=layers.stages[k].kind == "ideal")

    return column


def _start_column(layers: Layers) -> Column:
    def column(k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        return neuron.start(layers.parameters[k].neuron, a, c, ideal=layers.stages[k].kind == "ideal"), jnp.zeros_like(u)

    return column


def settle(layers: Layers, parts: Sequence[Linear], push: Push, *, start: State | None, tolerance: Array, max_steps: int) -> Settled:
    """Find the equilibria of a batch.

    Parameters
    ----------
    start
        Where to search from; None: from the neurons' own first guess, layer by layer.
    tolerance
        A sample has settled when no voltage changed by more than this in a sweep, shape (B,) [V].
    max_steps
        Most sweeps to spend.

    """

    def settle_outputs(c: Array) -> Array:
        return _settle_outputs(layers.outputs, parts[-1].a, c, push)

    def sweep(state: State, column: Column) -> tuple[State, Array, Array]:
        return _sweep(layers.stages, parts, layers.couplings, state, column, settle_outputs)

    if start is None:
        zeros = tuple(jnp.zeros_like(part.fixed) for part in parts)
        start, _, _ = sweep(State(zeros, zeros), _start_column(layers))
    column = _newton_column(layers)
    batch = len(parts[0].fixed)

    def unsettled(loop: tuple[State, Array, Array, Array]) -> Array:
        _, change, _, count = loop
        return jnp.any(change > tolerance) & (count < max_steps)

    def once(loop: tuple[State, Array, Array, Array]) -> tuple[State, Array, Array, Array]:
        state, change, steps, count = loop
        state, new_change, _ = sweep(state, column)
        return state, new_change, steps + (change > tolerance), count + 1

    everything = (start, jnp.full(batch, jnp.inf, tolerance.dtype), jnp.zeros(batch, jnp.int32), 0)
    state, change, steps, _ = jax.lax.while_loop(unsettled, once, everything)
    state, _, residual = sweep(state, column)  # met before this last sweep, so the state is nearer than its residual says
    result = jnp.where(change <= tolerance, int(Result.CONVERGED), int(Result.MAX_STEPS))
    result = jnp.where(jnp.isfinite(change) & jnp.isfinite(residual), result, int(Result.NOT_FINITE))
    result = jnp.where(_is_convex(layers.outputs, parts[-1].a, push.beta), result, int(Result.NOT_CONVEX))
    return Settled(state, residual, steps, result)


def settle_adjoint(layers: Layers, parts: Sequence[Linear], free: State, error: Array, *, max_steps: int) -> State:
    """Solve the adjoint of a settled circuit, driven by currents `error` (B, K) at the outputs: a linear circuit of the same layers."""
    couplings = [None if c is None else Coupling(c.back, c.gain, jnp.zeros_like(c.offset)) for c in layers.couplings]
    at = zip(layers.stages, layers.parameters, free.columns, free.drivers, strict=True)
    slopes = [_slope(*stage) for stage in at]
    quiet = [part._replace(fixed=jnp.zeros_like(part.fixed), drawn=jnp.zeros_like(part.drawn)) for part in parts]
    push = Push(current=error)

    def settle_outputs(c: Array) -> Array:
        return _settle_outputs(layers.outputs, parts[-1].a, c, push)

    def column(k: int, a: Array, c: Array, u: Array) -> tuple[Array, Array]:
        new = c / (a + slopes[k])
        return new, jnp.zeros_like(u)

    def unsettled(loop: tuple[State, Array, Array]) -> Array:
        state, change, count = loop
        size = jnp.abs(state.columns[-1]).max(1)
        return jnp.any(change > _ADJOINT_TOLERANCE * size) & (count < max_steps)

    def once(loop: tuple[State, Array, Array]) -> tuple[State, Array, Array]:
        state, change, _ = _sweep(layers.stages, quiet, couplings, loop[0], column, settle_outputs)
        return state, change, loop[2] + 1

    zeros = tuple(jnp.zeros_like(part.fixed) for part in parts)
    return jax.lax.while_loop(unsettled, once, once((State(zeros, zeros), jnp.zeros(len(error)), 0)))[0]


def _slope(stage: Stage, numbers: StageParameters, columns: Array, drivers: Array) -> Array:
    """Give the neurons' small-signal conductance (B, n) [S]: infinite where an ideal diode conducts."""
    if stage.kind != "ideal":
        u = columns if stage.behind is None else columns - drivers
        return neuron.current(numbers.neuron, u, ideal=False)[1]
    clamped = jnp.zeros(columns.shape, bool)
    high, low = numbers.neuron
    if high is not None:
        clamped |= columns >= high.rail
    if low is not None:
        clamped |= columns <= low.rail
    return jnp.where(clamped, jnp.inf, 0.0)

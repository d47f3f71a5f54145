"""Sweeps over the layers: each column one step towards its root, its neighbours held, and plain outputs eliminated exactly.

Within a layer the columns do not touch each other: given its neighbours, each is a scalar equation a·v + i(v) = c with a, the sum of
its conductances, and c, the current that its neighbours push in. A sweep brings every voltage nearer to equilibrium, from anywhere.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np

from hwsim.numeric.layered import column
from hwsim.numeric.layered.column import Law
from hwsim.numeric.layered.layers import Layers, LayerState, StageLinear
from hwsim.numeric.layered.output_nudge import OutputNudge
from hwsim.numeric.layered.parameters import Coupling
from hwsim.typing import Array

_SLICES, _LEAST = 16, 4
"""Parts of a row that are compared with each other, and columns that each of them has at least."""


class ColumnEquations(Protocol):
    """What hangs on the columns of each stage: the neurons, or what they are in an adjoint circuit."""

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Return a first guess of the root of a·u + i(u) = c in stage k."""
        ...

    def step(self, k: int, a: Array, c: Array, u: Array) -> Array:
        """Step towards that root."""
        ...

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Return what holds at u."""
        ...


class Neurons(NamedTuple):
    """The neurons of a circuit on its columns."""

    layers: Layers

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Return c/a, or the bound that it exceeds."""
        return column.start(self.layers.parameters[k].neuron, a, c, ideal=self.layers.stages[k].kind == "ideal")

    def step(self, k: int, a: Array, c: Array, u: Array) -> Array:
        """Step towards the root, within its bounds."""
        return column.step(self.layers.parameters[k].neuron, a, c, u, ideal=self.layers.stages[k].kind == "ideal")

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Return what the diodes carry, or where ideal ones hold the columns."""
        return column.law(self.layers.parameters[k].neuron, a, c, u, ideal=self.layers.stages[k].kind == "ideal")


class _Bounded(Neurons):
    """Neurons whose step only brings a voltage to between the root's bounds."""

    def step(self, k: int, a: Array, c: Array, u: Array) -> Array:
        return column.bounded(self.layers.parameters[k].neuron, a, c, u, ideal=self.layers.stages[k].kind == "ideal")


class Slopes(NamedTuple):
    """Small-signal conductances (B, n) [S] in the neurons' places, stage by stage; infinite where an ideal diode holds the column."""

    values: tuple[Array, ...]

    def start(self, k: int, a: Array, c: Array) -> Array:
        """Return the root itself."""
        return c / (a + self.values[k])

    def step(self, k: int, a: Array, c: Array, u: Array) -> Array:  # noqa: ARG002 - what is linear needs no start
        """Return the root itself."""
        return self.start(k, a, c)

    def law(self, k: int, a: Array, c: Array, u: Array) -> Law:
        """Return what the conductances carry."""
        clamped = jnp.isinf(self.values[k])
        slope = jnp.where(clamped, 0.0, self.values[k])
        return Law(jnp.where(clamped, a * u, (a + slope) * u - c), slope, clamped)


class System(NamedTuple):
    """All that the equilibria of a batch depend on."""

    layers: Layers
    parts: tuple[StageLinear, ...]
    output_nudge: OutputNudge
    columns: ColumnEquations


def _forward(part: StageLinear, coupling: Coupling | None, drivers: Array, columns: Array) -> Array:
    """Return the current that drivers (B, m) [V] push into the columns of the next stage, which are at `columns` (B, n) [V]."""
    assert part.w is not None  # noqa: S101 - for the type checker: a stage that drivers push into has signal rows
    if coupling is None:
        return part.w.forward(part.rows(drivers, columns))
    if part.kept is None and isinstance(coupling.gain, np.ndarray) and (coupling.gain == coupling.gain[0]).all():
        return coupling.gain[0] * part.w.forward(drivers)  # the smaller array
    return part.w.forward(part.rows(coupling.gain * drivers, columns))


def pushed_back(system: System, k: int, columns: Array) -> Array:
    """Return the current into the drivers of stage k, (B, m) [A], that columns (B, n) [V] of the next push back."""
    pulled, coupling = system.parts[k + 1].pulled(columns), system.layers.couplings[k]
    return pulled if coupling is None else coupling.back * pulled


def pushed_in(system: System, state: LayerState, k: int) -> tuple[Array, Array]:
    """Return the currents that the neighbours push into the columns of stage k, and into its drivers; each (B, n) [A]."""
    parts, couplings = system.parts, system.layers.couplings
    c, c_behind = parts[k].fixed, -parts[k].drawn
    if parts[k].w is not None:
        c = c + _forward(parts[k], couplings[k - 1], state.drivers(k - 1), state.columns[k])
    if k + 1 < len(parts):
        c_behind = c_behind + pushed_back(system, k, state.columns[k + 1])
    return c, c_behind


def first_guess(system: System) -> LayerState:
    """Guess layer by layer, as if nothing came back from the layers behind."""
    parts, last = system.parts, len(system.parts) - 1
    columns: list[Array] = []
    behind: list[Array | None] = []
    for k, stage in enumerate(system.layers.stages):
        before = LayerState((*columns, jnp.zeros_like(parts[k].fixed)), (*behind, None))
        c = parts[k].fixed if k == 0 else pushed_in(system._replace(parts=parts[: k + 1]), before, k)[0]
        a, a_behind, c_behind = parts[k].a, parts[k].a_behind, -parts[k].drawn
        if k == last:
            columns.append(settle_outputs(system, c))
            behind.append(None)
        elif stage.behind is None:
            columns.append(system.columns.start(k, a + a_behind, c + c_behind))
            behind.append(None)
        else:
            series, u0 = _in_series(a, a_behind, c, c_behind)
            settled = _ends(a, a_behind, c, c_behind, series * (u0 - system.columns.start(k, series, series * u0)))
            columns.append(settled[0])
            behind.append(settled[1])
    return LayerState(tuple(columns), tuple(behind))


def enter(system: System, state: LayerState) -> LayerState:
    """Bring a state from anywhere to where neurons can be evaluated."""
    return sweep(system._replace(columns=_Bounded(system.layers)), state).state


def _in_series(a: Array, a_behind: Array, c: Array, c_behind: Array) -> tuple[Array, Array]:
    """Put both nodes of a dead zone in one unknown, u = v − v_behind: A·u + i(u) = A·u0; give A and u0."""
    return a * a_behind / (a + a_behind), c / a - c_behind / a_behind


def _ends(a: Array, a_behind: Array, c: Array, c_behind: Array, through: Array) -> tuple[Array, Array]:
    """Return the voltages of both nodes of a dead zone that carries a current."""
    return (c - through) / a, (c_behind + through) / a_behind


class Met(NamedTuple):
    """What a sweep met in a stage, before its step: c (B, n) [A] and u (B, n) [V] of each column's equation a·u + i(u) = c."""

    c: Array
    u: Array


class Swept(NamedTuple):
    """A new state, and what the sweep met in each stage but the last."""

    state: LayerState
    met: tuple[Met, ...]


def sweep(system: System, state: LayerState) -> Swept:
    """Pass once over the layers. Given the state of the others, outputs that carry nothing are exact."""
    columns, behind, met = list(state.columns), list(state.behind), []
    last = len(columns) - 1
    for k in range(last):
        c, c_behind = pushed_in(system, LayerState(tuple(columns), tuple(behind)), k)
        a, a_behind = system.parts[k].a, system.parts[k].a_behind
        old = behind[k]
        if old is None:
            met.append(Met(c + c_behind, columns[k]))
            columns[k] = system.columns.step(k, a + a_behind, *met[k])
        else:
            series, u0 = _in_series(a, a_behind, c, c_behind)
            met.append(Met(series * u0, columns[k] - old))
            u = system.columns.step(k, series, *met[k])
            columns[k], behind[k] = _ends(a, a_behind, c, c_behind, series * (u0 - u))
    c, old = pushed_in(system, LayerState(tuple(columns), tuple(behind)), last)[0], columns[last]
    columns[last] = settle_outputs(system, c, old)
    if bent(system):
        met.append(Met(c + system.output_nudge.at(old), old))
    elif system.parts[last].series is not None:  # outputs depend on each other through the rows, as they were
        met.append(Met(system.parts[last].a * columns[last] - system.output_nudge.at(columns[last]) + system.output_nudge.at(old), old))
    return Swept(LayerState(tuple(columns), tuple(behind)), tuple(met))


def unmet(system: System, state: LayerState) -> tuple[Met, ...]:
    """Return what stands for what a sweep meets before there was one."""
    looked = state.columns if bent(system) or system.parts[-1].series is not None else state.columns[:-1]
    return tuple(Met(jnp.zeros_like(columns), jnp.zeros_like(columns)) for columns in looked)


def residual(system: System, met: Sequence[Met]) -> Array:
    """Return the largest sum of currents into a node that a sweep met, shape (B,) [A]."""
    sums = [jnp.zeros(len(system.parts[0].fixed), system.parts[0].a.dtype)]
    for k, (c, u) in enumerate(met):
        a, a_behind = system.parts[k].a, system.parts[k].a_behind
        a = a + a_behind if system.layers.stages[k].behind is None else a * a_behind / (a + a_behind)
        surplus = jnp.abs(system.columns.law(k, a, c, u).surplus)
        sums.append(largest_of_rows(jnp.where(jnp.isnan(u), jnp.nan, surplus)))
    return largest(sums)


def change(layers: Layers, new: LayerState, old: LayerState) -> Array:
    """Return the largest difference of two states, shape (B,) [V]; what amplifiers would multiply counts for more."""
    changes = []
    for weight, *columns, after, before in zip(layers.weights, new.columns, old.columns, new.behind, old.behind, strict=True):
        changes.append(weight.astype(columns[0].dtype) * largest_of_rows(jnp.abs(columns[0] - columns[1])))
        if after is not None and before is not None:
            changes.append(largest_of_rows(jnp.abs(after - before)))
    return largest(changes)


def largest_of_rows(values: Array) -> Array:
    """Return the largest of each row's values, which are not negative, shape (B,); NaN or infinite where one of them is no finite number.

    XLA goes through a row one by one, each step waiting for the last; slices of it are compared many at once.
    """
    if values.shape[1] < _SLICES:
        return values.max(1)
    width = max(-(-values.shape[1] // _SLICES), _LEAST)
    slices = [values[:, first : first + width] for first in range(0, values.shape[1] - width + 1, width)]
    rest = values[:, len(slices) * width :]
    most = functools.reduce(_larger, map(_unless_nan, slices)).max(1)
    most = most if not rest.shape[1] else _larger(most, _unless_nan(rest).max(1))
    return jnp.where(most < jnp.inf, most, jnp.nan)


def _unless_nan(values: Array) -> Array:
    return jnp.where(values < jnp.inf, values, jnp.inf)  # a choice: XLA's maximum looks for NaN on both sides


def _larger(one: Array, other: Array) -> Array:
    return jnp.where(one < other, other, one)


def largest(values: Sequence[Array]) -> Array:
    """Return the element-wise maximum of arrays."""
    return functools.reduce(jnp.maximum, values)


def bent(system: System) -> bool:
    """Whether neurons hang on the output columns."""
    return not column.is_linear(system.layers.parameters[-1].neuron)


def settle_outputs(system: System, c: Array, old: Array | None = None) -> Array:
    """Solve the output columns, (B, n) [V], for the currents (B, n) [A] that the layer before pushes in: exactly, if they carry nothing.

    Under neurons they go one step from where they were, or to a first guess.
    """
    nudge, a, last = system.output_nudge, system.parts[-1].a, len(system.parts) - 1
    if not bent(system):
        return nudge.settled(a, c)
    columns, loaded, pushed = system.columns, a + nudge.loading(c), c + nudge.fixed_at(c)
    return columns.start(last, loaded, pushed) if old is None else columns.step(last, loaded, pushed, old)

"""The response of free equilibria to nudges, to first order: where the search for the nudged ones starts."""

import jax.numpy as jnp

from circuits.constants import V_T
from hwsim.numeric.layered import column
from hwsim.numeric.layered.gauss_seidel import System, bent, pushed_back, pushed_in, settle_outputs
from hwsim.numeric.layered.layers import Layers, LayerState
from hwsim.numeric.layered.parameters import StageParameters
from hwsim.numeric.layered.stage import Stage
from hwsim.typing import Array

_FAR = 10 * V_T
"""V; diodes bend so sharply that what is to first order beyond this is of no use."""


def slopes(layers: Layers, state: LayerState) -> tuple[Array, ...]:
    """Return the neurons' small-signal conductances (B, n) [S], stage by stage: infinite where an ideal diode conducts."""
    return tuple(_slope(*stage, state, k) for k, stage in enumerate(zip(layers.stages, layers.parameters, strict=True)))


def _slope(stage: Stage, numbers: StageParameters, state: LayerState, k: int) -> Array:
    columns = state.columns[k]
    if stage.kind != "ideal":
        u = columns if stage.behind is None else columns - state.drivers(k)
        return column.current(numbers.neuron, u, ideal=False)[1]
    clamped = jnp.zeros(columns.shape, bool)
    high, low = numbers.neuron.high, numbers.neuron.low
    if high is not None:
        clamped |= columns >= high.rail
    if low is not None:
        clamped |= columns <= low.rail
    return jnp.where(clamped, jnp.inf, 0.0)


def nudged(system: System, free: LayerState, at: tuple[Array, ...]) -> tuple[LayerState, LayerState]:
    """Linearized response of free equilibria to their nudges: the outputs, then the layers before them, then the outputs again.

    `at` are the neurons' slopes at the free equilibria. Layers before dead zones do not change yet.

    Returns
    -------
    tuple
        The state when only the outputs had changed, and the last.

    """
    layers, parts, last = system.layers, system.parts, len(system.parts) - 1
    outputs = _moved_outputs(system, free.columns[last], at[last])
    columns = [*free.columns[:last], outputs]
    for k in range(last - 1, -1, -1):
        if layers.stages[k].behind is not None:
            break
        moved = pushed_back(system, k, columns[k + 1] - free.columns[k + 1]) / (parts[k].a + parts[k].a_behind + at[k])
        columns[k] = free.columns[k] + moved.clip(-_FAR, _FAR)
    begun = free._replace(columns=(*free.columns[:last], outputs))
    moved = begun._replace(columns=tuple(columns))
    return begun, moved._replace(columns=(*columns[:last], settle_outputs(system, pushed_in(system, moved, last)[0], outputs)))


def _moved_outputs(system: System, free: Array, slope: Array) -> Array:
    """Return where a nudge alone moves the outputs (B, n) [V]; neurons on them have this slope (B, n) [S]."""
    a = system.parts[-1].a
    if not bent(system):
        return settle_outputs(system, a * free)
    moved = system.output_nudge.at(free) / (a + slope + system.output_nudge.loading(free))
    return free + moved.clip(-_FAR, _FAR)

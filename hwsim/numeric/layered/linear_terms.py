"""From conductances and features to the linear parts of a circuit's stages: sums of columns, and currents from what is fixed."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hwsim.core.blocks import Blocks
from hwsim.numeric.layered.layers import Layers, SignalConductances, StageLinear
from hwsim.numeric.layered.parameters import Coupling, is_zero
from hwsim.numeric.layered.stage import Feed
from hwsim.typing import Array

_FEW = 4
"""Samples whose products with a crossbar take less than to read or write it once more."""


def resistive_parts(layers: Layers, g: Blocks, sums: Blocks | None = None) -> tuple[StageLinear, ...]:
    """Work out what depends on the conductances alone, with nothing fixed; arrays of NumPy and JAX.

    `sums` are those of some blocks' columns, (n,) [S], where they are known.
    """
    parts: list[StageLinear] = []
    of_blocks = sums or {}
    for k, stage in enumerate(layers.stages):
        kept = series = None
        w = None if stage.signal is None else SignalConductances(stage.signal.array, _conductances(layers, k, stage.signal, g))
        a = sum(
            of_blocks[feed.block] if feed.block in of_blocks else feed.array.column_sum(_conductances(layers, k, feed, g))
            for feed in stage.feeds
        )
        a = a + sum(feed.array.column_sum(g[feed.block]) for feed in stage.learned_loads) if stage.learned_loads else a
        fixed = layers.parameters[k].load
        if fixed is not None:
            a = a + fixed.g
        if w is not None:
            a, coupling = a + w.column_sum, layers.couplings[k - 1]
            load = w.row_sum if coupling is None else coupling.back * coupling.gain * w.row_sum
            kept, series = _behind(coupling, w)
            load = load if kept is None else kept * load
            drawn = 0.0 * load if coupling is None else coupling.offset * load
            parts[k - 1] = parts[k - 1]._replace(a_behind=load, drawn=drawn)
        parts.append(StageLinear(w, a, 0.0 * a[None], 0.0 * a, 0.0 * a, kept, series))
    return tuple(parts)


def _conductances(layers: Layers, k: int, feed: Feed[Any], g: Blocks) -> Array:
    """Return the conductances of a feed of stage k [S]: those of its block, or the chip's."""
    return g[feed.block] if feed.block else layers.parameters[k].fixed


def _behind(coupling: Coupling | None, w: SignalConductances) -> tuple[Array | None, Array | None]:
    """Eliminate the rows behind output resistances: v = e − r·(Σg·v − Σg·u) = (e + r·Σg·u)/(1 + r·Σg); give 1/(1 + r·Σg), and times r."""
    if coupling is None or coupling.resistance is None:
        return None, None
    kept = 1 / (1 + coupling.resistance * w.row_sum)
    return kept, kept * coupling.resistance


def linear_parts(layers: Layers, g: Blocks, x: Array) -> tuple[StageLinear, ...]:
    """Work out what stays the same through all sweeps and phases of a batch; `x` is (B, I)."""
    at_once = _of_few(layers, g, x) if len(x) <= _FEW else {}
    parts = resistive_parts(layers, g, {block: values[-1] for block, values in at_once.items()})
    pushed = {block: values[:-1] for block, values in at_once.items()}
    return tuple(part._replace(fixed=_fixed(layers, k, part, g, x, pushed)) for k, part in enumerate(parts))


def _of_few(layers: Layers, g: Blocks, x: Array) -> dict[str, Array]:
    """Return by block what features push into the columns (B, n) [A], and below it the sums of the columns (n,) [S]: in one product."""
    of_blocks = {}
    for stage, numbers in zip(layers.stages, layers.parameters, strict=True):
        for rows, feed, values in zip(stage.fixed, stage.feeds, numbers.sources, strict=True):
            block = feed.block
            if rows.features is not None and feed.array.grid:
                of_blocks[block] = (
                    jnp.concatenate([_of_features(x, rows.features) * values, jnp.ones((1, len(values)), x.dtype)]) @ g[block]
                )
    return of_blocks


def _of_features(x: Array, features: NDArray[np.intp]) -> Array:
    return x if np.array_equal(features, np.arange(x.shape[1])) else x[:, features]


def _fixed(layers: Layers, k: int, part: StageLinear, g: Blocks, x: Array, pushed: Blocks) -> Array:
    """Sum the currents that fixed rows, and amplifiers' offsets, push into the columns, (B, n) [A]; `pushed` are those known, by block.

    Runs of rows with the same features share a product.
    """
    stage, numbers, coupling = layers.stages[k], layers.parameters[k], layers.couplings[k - 1]
    current = jnp.zeros((1 if k else len(x), stage.size), x.dtype)
    merged: dict[tuple[bytes, Any], tuple[Feed[Any], NDArray[np.intp], Array]] = {}
    for rows, feed, values, offset in zip(stage.fixed, stage.feeds, numbers.sources, numbers.offsets, strict=True):
        array, of_stage = feed.array, _conductances(layers, k, feed, g)
        if offset is not None:
            current = current + array.forward(of_stage, offset)
        if rows.features is None:
            current = current + array.forward(of_stage, values)
        elif feed.block in pushed:
            current = current + pushed[feed.block]
        elif (scaled := array.times_rows(of_stage, values)) is None:
            current = current + array.forward(of_stage, _of_features(x, rows.features) * values)
        else:
            key = rows.features.tobytes(), array.pattern
            merged[key] = feed, rows.features, merged[key][2] + scaled if key in merged else scaled
    for feed, seen, weight in merged.values():
        current = current + feed.array.forward(weight, _of_features(x, seen))
    if numbers.load is not None:
        current = current + numbers.load.i
    if part.w is not None and coupling is not None and not is_zero(coupling.offset):
        driven = coupling.gain * coupling.offset
        current = current + part.w.forward(driven if part.kept is None else part.kept * driven)
    return current

"""A layered circuit as arrays: what stays the same while its equilibria are searched, and the states that are searched through."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from circuits.nodes import Nodes
from hwsim.engine import Conductances
from hwsim.numeric.parameters import Coupling, StageParameters
from hwsim.numeric.structure import Stage

Array = Any


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

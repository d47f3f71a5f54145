"""A chip's numbers, stage by stage, as trees of arrays that JAX can map over."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from circuits.chip import Chip
from circuits.rows import RowRun
from hwsim.numeric.neuron import Junction, Neuron
from hwsim.numeric.structure import Junctions, Stage

Array = Any


class Coupling(NamedTuple):
    """An amplifier's numbers, one value a column: v_row = gain·(v + offset), and the column feeds back·i_row."""

    gain: Array
    back: Array
    offset: Array


class StageParameters(NamedTuple):
    """The numbers of one stage on one chip; `coupling` is None where drivers and rows are joined, `sources` follow the fixed rows."""

    neuron: Neuron
    coupling: Coupling | None
    sources: tuple[Array, ...]


def collect(stages: Sequence[Stage], chip: Chip, dtype: Any) -> tuple[StageParameters, ...]:
    """Collect a chip's numbers for every stage."""
    return tuple(_of_stage(stage, chip, dtype) for stage in stages)


def _of_stage(stage: Stage, chip: Chip, dtype: Any) -> StageParameters:
    neuron = Neuron(_junction(stage, stage.high, jnp.inf, chip, dtype), _junction(stage, stage.low, -jnp.inf, chip, dtype))
    coupling = None
    if stage.amplifier is not None:
        coupling = Coupling(*(jnp.asarray(chip(stage.amplifier, name), dtype) for name in Coupling._fields))
    return StageParameters(neuron, coupling, tuple(_values(rows, chip, dtype) for rows in stage.fixed))


def _values(rows: RowRun, chip: Chip, dtype: Any) -> Array:
    return jnp.asarray(chip(rows.source or "", "v" if rows.features is None else "scale")[rows.places], dtype)


def _junction(stage: Stage, parts: Sequence[Junctions], nowhere: float, chip: Chip, dtype: Any) -> Junction | None:
    """Lay out the diodes of one direction by column; `nowhere` is the rail of a column that has none."""
    if not parts:
        return None
    i_sat, n, rail = (jnp.full(stage.size, value, dtype) for value in (0.0, 1.0, nowhere))
    for part in parts:
        if stage.kind != "ideal":
            i_sat = i_sat.at[part.columns].set(jnp.asarray(chip(part.diodes, "i_sat"), dtype))
            n = n.at[part.columns].set(jnp.asarray(chip(part.diodes, "n"), dtype))
        rail = rail.at[part.columns].set(0.0 if part.rail is None else jnp.asarray(chip(part.rail, "v")[part.rails], dtype))
    return Junction(i_sat, n, rail)

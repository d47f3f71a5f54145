"""A chip's numbers, stage by stage, as trees of NumPy arrays: constants of a compiled program, unless JAX maps over them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.chip import Chip
from circuits.rows import RowRun
from hwsim.numeric.layered.column import Neuron
from hwsim.numeric.layered.rail_diodes import RailJunction
from hwsim.numeric.layered.stage import Junctions, Stage
from hwsim.typing import Array

_LEAST = 1e-3
"""V; tolerances are never shares of less."""


class Coupling(NamedTuple):
    """An amplifier's numbers, one value a column: v_row = gain·(v + offset) − resistance·i_row, and the column feeds back·i_row.

    `resistance` is None where there is none.
    """

    gain: Array
    back: Array
    offset: Array
    resistance: Array | None = None


class Load(NamedTuple):
    """Fixed resistors on columns: their conductance, (n,) [S], and the current that rails push through them into the column, (n,) [A]."""

    g: Array
    i: Array


class StageParameters(NamedTuple):
    """The numbers of one stage on one chip.

    Parameters
    ----------
    neuron
        Of the columns.
    coupling
        Of the amplifiers; None where drivers and rows are joined.
    sources
        Of each run of fixed rows: volts, or volts per unit of the features.
    offsets
        Of each run of fixed rows that carry features: what is added [V]; None where nothing is.
    pushed
        How many times as strong nudges are as they should be; None: as strong.
    load
        Of the fixed resistors; None where there are none.
    fixed
        Conductances of the stage's array where nothing learns them, as its operators take them [S]; else None.

    """

    neuron: Neuron
    coupling: Coupling | None
    sources: tuple[Array, ...]
    offsets: tuple[Array | None, ...]
    pushed: Array | None = None
    load: Load | None = None
    fixed: Array | None = None


def collect(stages: Sequence[Stage], chip: Chip, dtype: Any) -> tuple[StageParameters, ...]:
    """Collect a chip's numbers for every stage."""
    *hidden, last = (_of_stage(stage, chip, dtype) for stage in stages)
    return (*hidden, last._replace(pushed=_unless(1.0, chip(chip.circuit.outputs.name, "gain"), dtype)))


def _unless(usual: float, values: Array, dtype: Any) -> Array | None:
    """Return values, or None where all are what they usually are."""
    return None if (values == usual).all() else np.asarray(values, dtype)


class Scales(NamedTuple):
    """What the largest voltage of a chip's sources is made of: at least `fixed` [V], or `feature` [V] times the largest feature."""

    fixed: Array
    feature: Array

    @classmethod
    def of(cls, stages: Sequence[Stage], parameters: Sequence[StageParameters]) -> Self:
        """Look through the sources of all stages."""
        fixed, feature = _LEAST, 0.0
        for stage, numbers in zip(stages, parameters, strict=True):
            for rows, values in zip(stage.fixed, numbers.sources, strict=True):
                most = float(np.abs(values).max(initial=0.0))
                fixed, feature = (max(fixed, most), feature) if rows.features is None else (fixed, max(feature, most))
        return cls(fixed, feature)


def is_zero(values: Array) -> bool:
    """Whether values are known to be 0."""
    return isinstance(values, np.ndarray) and not values.any()


def _of_stage(stage: Stage, chip: Chip, dtype: Any) -> StageParameters:
    high, low = _junction(stage, stage.high, np.inf, chip, dtype), _junction(stage, stage.low, -np.inf, chip, dtype)
    neuron = Neuron(high, low, _leak(stage, chip, dtype))
    coupling = None
    if stage.amplifier is not None:
        gain, back, offset = (np.asarray(chip(stage.amplifier, name), dtype) for name in ("gain", "back", "offset"))
        coupling = Coupling(gain, back, offset, _unless(0.0, chip(stage.amplifier, "output_resistance"), dtype))
    offsets = (
        None if rows.features is None else _unless(0.0, chip(rows.source or "", "offset")[rows.places], dtype) for rows in stage.fixed
    )
    sources = tuple(_values(rows, chip, dtype) for rows in stage.fixed)
    return StageParameters(neuron, coupling, sources, tuple(offsets), load=_load(stage, chip, dtype), fixed=_fixed(stage, chip, dtype))


def _fixed(stage: Stage, chip: Chip, dtype: Any) -> Array | None:
    learned = stage.signal is None or bool(stage.signal.block)
    return None if learned else (1.0 / chip(stage.crossbar, "r")).astype(dtype)


def _load(stage: Stage, chip: Chip, dtype: Any) -> Load | None:
    if not stage.loads:
        return None
    g, i = np.zeros(stage.size), np.zeros(stage.size)
    for load in stage.loads:
        each = 1.0 / chip(load.resistors, "r")[load.places]
        np.add.at(g, load.columns, each)
        if load.rail is not None:
            np.add.at(i, load.columns, each * chip(load.rail, "v")[load.rails])
    return Load(g.astype(dtype), i.astype(dtype))


def _leak(stage: Stage, chip: Chip, dtype: Any) -> Array | None:
    if not stage.bridges:
        return None
    g = np.zeros(stage.size)
    for bridge in stage.bridges:
        np.add.at(g, bridge.columns, 1.0 / chip(bridge.resistors, "r")[bridge.places])
    return g.astype(dtype)


def _values(rows: RowRun, chip: Chip, dtype: Any) -> Array:
    return np.asarray(chip(rows.source or "", "v" if rows.features is None else "scale")[rows.places], dtype)


def _junction(stage: Stage, parts: Sequence[Junctions], nowhere: float, chip: Chip, dtype: Any) -> RailJunction | None:
    """Lay out the diodes of one direction by column; `nowhere` is the rail of a column that has none."""
    if not parts:
        return None
    i_sat, n, rail = (np.full(stage.size, value, dtype) for value in (0.0, 1.0, nowhere))
    for part in parts:
        if stage.kind != "ideal":
            i_sat[part.columns] = chip(part.diodes, "i_sat")
            n[part.columns] = chip(part.diodes, "n")
        rail[part.columns] = 0.0 if part.rail is None else chip(part.rail, "v")[part.rails]
    return RailJunction(i_sat, n, rail)

"""A layered circuit as arrays: what stays the same while its equilibria are searched, and the states that are searched through."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from circuits.nodes import Nodes
from circuits.operators import Operators
from hwsim.numeric.layered.parameters import Coupling, StageParameters
from hwsim.numeric.layered.stage import Stage
from hwsim.typing import Array

_AMPLE = 4.0
"""Amplifiers may multiply what is off by this much on its way before it counts for more."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class SignalConductances:
    """Conductances `g` [S] between the signal rows and the columns of a stage, with the operators of their array."""

    array: Operators = field(metadata={"static": True})
    g: Array

    def forward(self, v: Array) -> Array:
        """Return what rows (B, m) [V] push into the columns, (B, n) [A]."""
        return self.array.forward(self.g, v)

    def backward(self, v: Array) -> Array:
        """Return what columns (B, n) [V] push into the rows, (B, m) [A]."""
        return self.array.backward(self.g, v)

    @property
    def row_sum(self) -> Array:
        """The sum at each row, (m,) [S]."""
        return self.array.row_sum(self.g)

    @property
    def column_sum(self) -> Array:
        """The sum at each column, (n,) [S]."""
        return self.array.column_sum(self.g)

    @property
    def matrix(self) -> Array:
        """Between each row and each column, (m, n) [S]."""
        return self.array.matrix(self.g)


class StageLinear(NamedTuple):
    """The linear part of a stage for given conductances and inputs.

    Parameters
    ----------
    w
        Conductances of the signal rows; None in the first stage.
    a
        Sum of the conductances on each column, shape (n,) [S].
    fixed
        Current that fixed rows push into the columns, shape (B, n) [A], or (1, n) where it is one for all samples.
    a_behind
        Load of the next stage on each driver, back·gain·(row sums), shape (n,) [S]; 0 for the outputs.
    drawn
        Current that amplifier offsets draw from the drivers, shape (n,) [A], or (B, n) with noise.
    kept
        Behind output resistances: the share of the amplifiers' voltages that the signal rows have alone, 1/(1 + r·(row sums)), shape (m,).
        None: there are none.
    series
        kept·r: what a current into a row lifts it by, shape (m,) [ohm].
    lifted
        What noise lifts the rows by, shape (B, m) [V]; None: nothing does.

    """

    w: SignalConductances | None
    a: Array
    fixed: Array
    a_behind: Array
    drawn: Array
    kept: Array | None = None
    series: Array | None = None
    lifted: Array | None = None

    def rows(self, driven: Array, columns: Array) -> Array:
        """Return the voltages of the signal rows (B, m) [V] from those that amplifiers drive them with, and from the columns (B, n) [V]."""
        if self.kept is None or self.series is None or self.w is None:
            return driven
        return self.kept * driven + self.series * self.w.backward(columns)

    def lift(self, rows: Array) -> Array:
        """Return the voltages of the signal rows with what noise adds to them; in the columns' equations `fixed` holds that."""
        return rows if self.lifted is None else rows + self.lifted

    def pulled(self, columns: Array) -> Array:
        """Return the current that columns (B, n) [V] push back through the signal rows, (B, m) [A]."""
        assert self.w is not None  # noqa: S101 - for the type checker: every stage but the first has signal rows
        pulled = self.w.backward(columns)
        return pulled if self.kept is None else self.kept * pulled


def repeated(parts: Sequence[StageLinear], count: int) -> tuple[StageLinear, ...]:
    """Return the same batch `count` times over."""
    return tuple(part._replace(fixed=jnp.tile(part.fixed, (count, 1)) if len(part.fixed) > 1 else part.fixed) for part in parts)


class LayerState(NamedTuple):
    """Voltages of the free nodes, stage by stage: the `columns`, and the nodes `behind` dead zones (None where there are none)."""

    columns: tuple[Array, ...]
    behind: tuple[Array | None, ...]

    def drivers(self, k: int) -> Array:
        """Return what stage k hands on: the nodes behind its columns, or the columns."""
        behind = self.behind[k]
        return self.columns[k] if behind is None else behind


class Settled(NamedTuple):
    """A state, with each sample's largest sum of currents into a node [A], sweeps, and `Result` code; all of shape (B,)."""

    state: LayerState
    residual: Array
    steps: Array
    result: Array


class OutputColumns(NamedTuple):
    """Places of the read and nudged columns among those of the last stage; `minus` is None where the outputs are single-ended."""

    plus: Nodes
    minus: Nodes | None
    columns: int

    @property
    def signs(self) -> NDArray[np.float64]:
        """Return the share of each column in each read-out, shape (K, columns): +1, −1 or 0."""
        signs = np.zeros((len(self.plus), self.columns))
        signs[np.arange(len(self.plus)), self.plus] = 1.0
        if self.minus is not None:
            signs[np.arange(len(self.plus)), self.minus] = -1.0
        return signs

    @property
    def partners(self) -> Nodes:
        """Return for every column the other one of its output, or itself, shape (columns,)."""
        partners = np.arange(self.columns)
        if self.minus is not None:
            partners[self.plus], partners[self.minus] = self.minus, self.plus
        return partners


class Layers(NamedTuple):
    """A layered circuit on a chip: its stages, the numbers of each, and its outputs."""

    stages: Sequence[Stage]
    parameters: Sequence[StageParameters]
    outputs: OutputColumns

    @property
    def couplings(self) -> list[Coupling | None]:
        """What stands between each stage and the next."""
        return [numbers.coupling for numbers in self.parameters]

    @property
    def resistive(self) -> bool:
        """Whether columns depend on each other through rows, which amplifiers with an output resistance drive."""
        return any(coupling is not None and coupling.resistance is not None for coupling in self.couplings)

    @property
    def units(self) -> list[Array]:
        """The voltage in each stage's columns that amplifiers make of 1 V in the first's."""
        units = [np.ones(())]
        for coupling in self.couplings[:-1]:
            units.append(units[-1] if coupling is None else units[-1] * coupling.gain.mean())
        return units

    @property
    def weights(self) -> list[Array]:
        """How much more a change in each stage's columns counts than one where voltages are largest: amplifiers multiply it on its way."""
        units = self.units
        maximum = np.maximum if all(isinstance(unit, np.ndarray | np.generic) for unit in units) else jnp.maximum  # many chips' are JAX's
        return [(functools.reduce(maximum, units) / unit / _AMPLE).clip(1.0) for unit in units]


def adjoint_layers(layers: Layers) -> Layers:
    """Return the layers of the adjoint circuit: gain and back exchanged, without offsets."""
    return _coupled(layers, lambda c, zero: Coupling(c.back, c.gain, zero, c.resistance))


def sourceless(layers: Layers) -> Layers:
    """Return the layers without what amplifiers' offsets are to them, as a response of the circuit knows them."""
    return _coupled(layers, lambda c, zero: c._replace(offset=zero))


def _coupled(layers: Layers, change: Callable[[Coupling, Array], Coupling]) -> Layers:
    """Change what stands between the stages, given offsets of 0."""
    changed = [None if c is None else change(c, np.zeros(c.offset.shape, c.offset.dtype)) for c in layers.couplings]
    return layers._replace(parameters=[old._replace(coupling=new) for old, new in zip(layers.parameters, changed, strict=True)])

"""A stage of a layered circuit: a crossbar, and what hangs on its columns."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible
from circuits.nodes import Nodes
from circuits.operators import Operators
from circuits.rows import RowRun

Indices = NDArray[np.intp]

A_co = TypeVar("A_co", bound=Operators, covariant=True)
"""A kind of array."""


@dataclass(frozen=True, slots=True)
class Junctions:
    """Diodes of one direction on a stage's columns: element array, place in it, and the source that holds the far end.

    `columns`, `places` and `rails` have one entry a diode; `rail` is None where the far end is ground or, in a dead zone, no rail.
    """

    diodes: str
    columns: Indices
    rail: str | None
    rails: Indices


@dataclass(frozen=True, slots=True)
class Loads:
    """Fixed resistors from a stage's columns to ground or rails: their array, places in it, columns, and the sources' array and places.

    Where the far end is ground, `rail` is None.
    """

    resistors: str
    places: Indices
    columns: Indices
    rail: str | None
    rails: Indices


@dataclass(frozen=True, slots=True)
class Bridges:
    """Fixed resistors across a stage's dead zones, as gmin is: their array, places in it, and columns."""

    resistors: str
    places: Indices
    columns: Indices


@dataclass(frozen=True, slots=True)
class Feed(Generic[A_co]):
    """What joins a run of rows to a stage's columns: operators, and the block of their conductances; empty: fixed ones, the chip's."""

    array: A_co
    block: str


@dataclass(slots=True)
class Stage:
    """A crossbar, or what is in its place, and its columns. Rows are `signal` rows of the stage before, and fixed runs, each with a feed.

    `kind` is what the columns carry: "linear", "diodes", "ideal" or "dead-zone"; `behind` are the nodes behind a dead zone. Through
    `learned_loads` columns are joined to ground.
    """

    crossbar: str
    columns: Nodes
    signal: Feed[Operators] | None
    fixed: list[RowRun]
    feeds: list[Feed[Divisible]]
    kind: str = "linear"
    high: list[Junctions] = field(default_factory=list)
    low: list[Junctions] = field(default_factory=list)
    loads: list[Loads] = field(default_factory=list)
    bridges: list[Bridges] = field(default_factory=list)
    behind: Nodes | None = None
    amplifier: str | None = None
    rows: Nodes | None = None
    learned_loads: list[Feed[Operators]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def drivers(self) -> Nodes:
        """The nodes that lead on to the next stage: the columns, or the nodes behind a dead zone."""
        return self.columns if self.behind is None else self.behind

"""Shared load: equal conductances from the columns of a layer to ground, whose one value is learned: the gain of the layer."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from circuits.arrays import FlatDevices, Memristors, Sides, Trainable
from circuits.nodes import Nodes
from circuits.outer import Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedLoad(Memristors):
    """As many conductances as there are columns, from each to ground, all of one value: g has shape (1,).

    A column with the sum a of its memristors has a/(a + g) of the swing that it would have without. Each is a resistor of any kind that one
    voltage sets for the whole layer, as a transistor's gate does: no memristor, and not programmed as these are.

    Parameters
    ----------
    a, b
        The columns, and ground for each.
    devices
        How many memristors in parallel conduct as much as one of them: by this, steps and initial conductances are multiplied.

    """

    memristive: ClassVar[bool] = False

    devices: float = field(default=1.0)  # else the property of Trainable would be its default

    def __post_init__(self) -> None:
        """Check the bounds; all have the same."""
        Trainable.__post_init__(self)

    @property
    def shape(self) -> tuple[int]:
        """(1,): one number for all."""
        return (1,)

    @property
    def shared(self) -> bool:
        """All share it."""
        return True

    @property
    def kind(self) -> str:
        """What people call it."""
        return "shared load"

    @property
    def numbers(self) -> Nodes:
        """The column of each."""
        return np.arange(len(self))[:, None]

    def expand(self, g: Array) -> FlatDevices:
        """Repeat the one value."""
        return FlatDevices(*self.ends, self.column_sum(g))

    def row_sum(self, g: Array) -> Array:
        """Repeat the one value."""
        return self.column_sum(g)

    def column_sum(self, g: Array) -> Array:
        """Repeat the one value."""
        return g.__array_namespace__().broadcast_to(g, (len(self),))

    def outer(self, p: Array, q: Array) -> Array:
        """Sum over all of them too."""
        return (p * q).sum().reshape(1)

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Sum over all of them too."""
        return self.outer(p[0] - p[1], q[0] - q[1])

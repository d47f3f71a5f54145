"""Pooling: equal resistors from the pixels of a window over feature maps to one node, channel by channel, which so is their average."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from circuits.elements import Resistors
from circuits.nodes import Nodes
from circuits.operators import Operators
from circuits.outer import Array
from circuits.units import Ohm
from circuits.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooling(Resistors, Operators):
    """Fixed resistors, position by position, pixel by pixel, channel by channel; its conductances are 1/r, shape (resistors,).

    Column number p·channels + c is the average of channel c at position p of the window.
    """

    rows: Nodes = field()  # else the properties of Operators would be their defaults
    columns: Nodes = field()
    window: Window

    @classmethod
    def over(cls, name: str, rows: Nodes, columns: Nodes, window: Window, r: Ohm) -> Self:
        """Join the pixels of each window, which has no padding, to its columns."""
        a = rows[window.places].ravel()
        b = np.broadcast_to(columns.reshape(window.positions, 1, -1), (window.positions, window.size**2, window.channels)).ravel()
        return cls(name=name, a=a, b=b, r=r, rows=rows, columns=columns, window=window)

    def _at_pixels(self, g: Array) -> Array:
        return g.reshape(self.window.positions, self.window.size**2, self.window.channels)

    def forward(self, g: Array, v: Array) -> Array:
        """Sum over the pixels of each window."""
        seen = self.window.patches(v.reshape(-1, len(self.rows)))
        currents = (seen.reshape(-1, *self._at_pixels(g).shape) * self._at_pixels(g)).sum(axis=2)
        return currents.reshape(*v.shape[:-1], len(self.columns))

    def backward(self, g: Array, v: Array) -> Array:
        """Spread to the pixels of each window."""
        spread = v.reshape(-1, self.window.positions, 1, self.window.channels) * self._at_pixels(g)
        return self.window.fold(spread.reshape(-1, self.window.positions, self.window.taps)).reshape(*v.shape[:-1], len(self.rows))

    def row_sum(self, g: Array) -> Array:
        """Sum over the windows that cover a pixel."""
        return self.window.fold(g.reshape(1, self.window.positions, self.window.taps))[0]

    def column_sum(self, g: Array) -> Array:
        """Sum over the pixels of a window."""
        return self._at_pixels(g).sum(axis=1).reshape(-1)

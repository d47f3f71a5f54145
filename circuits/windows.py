"""Windows: which nodes of feature maps each position of a kernel sees, and the sums over them that convolutions and pools need.

A map of `channels` has height × width pixels; its nodes are in the order (row, column, channel), that of an image's numbers. A window of
size × size pixels stands at positions `stride` pixels apart; its taps are in the same order. Arrays are of NumPy or JAX.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.outer import Array


@dataclass(frozen=True, kw_only=True)
class Window:
    """A square window that moves over maps.

    Parameters
    ----------
    height, width, channels
        Of the maps.
    size
        Pixels along a side of the window.
    stride
        Pixels from one position to the next.
    padding
        Pixels around the maps that windows may cover; there is ground.

    Raises
    ------
    CircuitError
        When the window does not fit.

    """

    height: int
    width: int
    channels: int
    size: int
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        """Refuse a window that is larger than the padded maps, or padding that holds whole windows."""
        least = min(self.height, self.width) + 2 * self.padding
        if not 0 < self.size <= least:
            msg = f"a window of {self.size}×{self.size} pixels does not fit on {self.height}×{self.width} ones padded by {self.padding}"
            raise CircuitError(f"{msg}; make it at most {least}")
        if not 0 <= self.padding < self.size:
            msg = f"padding = {self.padding} puts whole windows of {self.size} pixels on ground; make it less than their size, 0 or more"
            raise CircuitError(msg)
        if self.stride < 1:
            msg = f"stride = {self.stride} must be at least 1 pixel"
            raise CircuitError(msg)

    @property
    def rows(self) -> int:
        """Nodes of the maps."""
        return self.height * self.width * self.channels

    @property
    def taps(self) -> int:
        """Nodes that a position sees."""
        return self.size**2 * self.channels

    @property
    def across(self) -> tuple[int, int]:
        """Positions from top to bottom and from left to right."""
        down, right = ((n + 2 * self.padding - self.size) // self.stride + 1 for n in (self.height, self.width))
        return down, right

    @property
    def positions(self) -> int:
        """Positions of the window."""
        down, right = self.across
        return down * right

    @cached_property
    def places(self) -> Nodes:
        """Which of the maps' nodes each tap of each position is, shape (positions, taps); −1 for ground."""
        numbers = np.arange(self.rows).reshape(1, self.height, self.width, self.channels)
        edges = ((0, 0), (self.padding, self.padding), (self.padding, self.padding), (0, 0))
        return np.asarray(self._cut(np.pad(numbers, edges, constant_values=-1))[0])

    def patches(self, v: Array) -> Array:
        """Return what each tap of each position sees of the nodes' v (B, rows), 0 beyond the maps; shape (B, positions, taps)."""
        maps = v.reshape(-1, self.height, self.width, self.channels)
        if self.padding:
            maps = v.__array_namespace__().pad(maps, ((0, 0), (self.padding, self.padding), (self.padding, self.padding), (0, 0)))
        return self._cut(maps)

    def _cut(self, maps: Array) -> Array:
        """Cut padded maps (B, height, width, channels) into windows."""
        down, right = (1 + (n - 1) * self.stride for n in self.across)
        shifted = [
            maps[:, a : a + down : self.stride, b : b + right : self.stride] for a in range(self.size) for b in range(self.size)
        ]  # fmt: skip
        stacked = maps.__array_namespace__().stack(shifted, axis=3)
        return stacked.reshape(len(maps), self.positions, self.taps)

    def fold(self, i: Array) -> Array:
        """Sum what taps (B, positions, taps) bring to their nodes, shape (B, rows): the transpose of `patches`."""
        xp, (down, right) = i.__array_namespace__(), self.across
        taps = i.reshape(-1, down, right, self.size, self.size, self.channels)
        # a padded pixel at stride·n + k is tap stride·m + k of position n − m: sums of shifted maps, then interleaved
        high, wide = (-(-(n + 2 * self.padding) // self.stride) for n in (self.height, self.width))
        rows = []
        for k in range(self.stride):
            columns = [self._shifted(xp, taps, (k, across), (high, wide)) for across in range(self.stride)]
            rows.append(xp.stack(columns, axis=3))  # (B, high, wide, stride, channels)
        whole = xp.stack(rows, axis=2).reshape(len(taps), high * self.stride, wide * self.stride, self.channels)
        inside = whole[:, self.padding : self.padding + self.height, self.padding : self.padding + self.width]
        return inside.reshape(len(taps), self.rows)

    def _shifted(self, xp: Any, taps: Array, first: tuple[int, int], extent: tuple[int, int]) -> Array:
        """Sum the taps that see the pixels `stride` apart from the first one on, shape (B, *extent, channels)."""
        (down, right), (high, wide) = self.across, extent
        total = xp.zeros((len(taps), high, wide, self.channels), dtype=taps.dtype)
        for a in range(first[0], self.size, self.stride):
            for b in range(first[1], self.size, self.stride):
                y, x = a // self.stride, b // self.stride
                edges = ((0, 0), (y, high - down - y), (x, wide - right - x), (0, 0))
                total = total + xp.pad(taps[:, :, :, a, b], edges)
        return total


@dataclass(frozen=True, kw_only=True)
class Everywhere:
    """Rows that every position sees: bias rows."""

    rows: int
    positions: int

    @property
    def taps(self) -> int:
        """All rows."""
        return self.rows

    @property
    def places(self) -> Nodes:
        """The rows, at each position."""
        return np.broadcast_to(np.arange(self.rows), (self.positions, self.rows))

    def patches(self, v: Array) -> Array:
        """Repeat v (B, rows) for each position."""
        return v.__array_namespace__().broadcast_to(v[:, None, :], (len(v), self.positions, self.rows))

    def fold(self, i: Array) -> Array:
        """Sum over the positions, shape (B, rows)."""
        return i.sum(axis=1)

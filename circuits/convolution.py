"""Convolution: one small crossbar, the kernel, at every position of feature maps, as tied copies or each with conductances of its own."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, ClassVar, Self

import numpy as np

from circuits.arrays import Divisible, FlatDevices, Sides
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from circuits.outer import Array, outer_sum
from circuits.windows import Everywhere, Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convolution(Divisible):
    """Memristors between the taps of windows over the rows, and the channels of the columns.

    The rows are what `windows` see, one after the other; all have the same positions. Column number p·channels + o is channel o at
    position p. A tap beyond the maps ends at ground, as if it were a row at 0 V, so that each column has a device for every tap.

    Parameters
    ----------
    rows, columns
        Its nodes.
    windows
        What each position sees.
    channels
        Columns at each position.
    tied
        Whether the devices of all positions are equal: g has the shape (taps, channels), and a gradient sums over the copies.
        Otherwise each has its own: (taps, columns).

    """

    terminals: ClassVar[tuple[str, ...]] = ("rows", "columns")

    rows: Nodes = field()  # else the properties of Trainable would be their defaults
    columns: Nodes = field()
    windows: tuple[Window | Everywhere, ...]
    channels: int
    tied: bool = True

    @property
    def positions(self) -> int:
        """Places of the windows, each with `channels` columns."""
        return self.windows[0].positions

    @property
    def taps(self) -> int:
        """Devices of a column."""
        return sum(window.taps for window in self.windows)

    @property
    def shape(self) -> tuple[int, int]:
        """(taps, channels), or (taps, columns)."""
        return self.taps, self.channels if self.tied else len(self.columns)

    @property
    def shared(self) -> bool:
        """Whether devices share conductances."""
        return self.tied

    def __len__(self) -> int:
        return self.taps * len(self.columns)

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """Row, or ground, and column of each device, tap by tap."""
        nodes = [np.concatenate([self.rows[span], GROUND])[window.places] for window, span in self._windowed()]
        at_taps = np.concatenate(nodes, axis=1).T  # (taps, positions); place −1 is ground
        return np.repeat(at_taps.ravel(), self.channels), np.tile(self.columns, self.taps)

    @property
    def numbers(self) -> Nodes:
        """Tap and column."""
        return np.indices((self.taps, len(self.columns))).reshape(2, -1).T

    @property
    def order(self) -> Nodes:
        """The last column first, as a crossbar's."""
        return np.arange(len(self)).reshape(self.taps, -1)[:, ::-1].T.ravel()

    @property
    def kind(self) -> str:
        """Convolution, or local convolution."""
        return "convolution" if self.tied else "local convolution"

    @property
    def axes(self) -> tuple[str, str]:
        """Taps, and channels or columns."""
        return "tap", "channel" if self.tied else "column"

    @property
    def legend(self) -> str:
        """What the numbers of a device mean."""
        copies = "all positions alike" if self.tied else "each position with its own"
        counts = f"{self.taps} taps, {self.positions} positions, {copies}"
        return f"tap i of the windows and column j = position·{self.channels} + channel; {counts}"

    @property
    def pattern(self) -> Hashable:
        """The windows."""
        return self.windows

    def expand(self, g: Array) -> FlatDevices:
        """Repeat the kernel at each position."""
        g = g.reshape(self.taps, -1, self.channels)
        each = g.__array_namespace__().broadcast_to(g, (self.taps, self.positions, self.channels))
        return FlatDevices(*self.ends, each.reshape(-1))

    def of_g(self, rows: slice) -> slice:
        """Return the taps that see these rows, which are those of whole windows."""
        first = sum(window.taps for window, span in self._windowed() if span.stop <= rows.start)
        return slice(first, first + sum(window.taps for window, _ in self._inside(rows)))

    def part(self, rows: slice) -> Self:
        """Return the convolution of these rows, which are those of whole windows."""
        windows = tuple(window for window, _ in self._inside(rows))
        if sum(window.rows for window in windows) != len(self.rows[rows]):
            msg = f"{self.name}: rows {rows.start} to {rows.stop - 1} are a part of a feature map; let one array of sources drive all of it"
            raise CircuitError(msg)
        return type(self)(
            name=self.name, rows=self.rows[rows], columns=self.columns, windows=windows, channels=self.channels, tied=self.tied
        )

    def _windowed(self) -> list[tuple[Window | Everywhere, slice]]:
        """List the windows, each with its rows."""
        ends = [0, *accumulate(window.rows for window in self.windows)]
        return [(window, slice(ends[k], ends[k + 1])) for k, window in enumerate(self.windows)]

    def _inside(self, rows: slice) -> list[tuple[Window | Everywhere, slice]]:
        return [(window, span) for window, span in self._windowed() if rows.start <= span.start and span.stop <= rows.stop]

    def _patches(self, v: Array) -> Array:
        """Return what the taps see of rows (B, rows), shape (B, positions, taps)."""
        seen = [window.patches(v[:, span]) for window, span in self._windowed()]
        return seen[0] if len(seen) == 1 else v.__array_namespace__().concatenate(seen, axis=2)

    def _fold(self, i: Array) -> Array:
        """Sum what taps (B, positions, taps) bring to the rows, shape (B, rows)."""
        sums, first = [], 0
        for window in self.windows:
            sums.append(window.fold(i[:, :, first : first + window.taps]))
            first += window.taps
        return sums[0] if len(sums) == 1 else i.__array_namespace__().concatenate(sums, axis=1)

    def _local(self, g: Array) -> Array:
        """Lay out conductances of its own for each position, shape (positions, taps, channels)."""
        return g.reshape(self.taps, self.positions, self.channels).transpose(1, 0, 2)

    def forward(self, g: Array, v: Array) -> Array:
        """Correlate with the kernel, as one product of all patches."""
        seen = self._patches(v.reshape(-1, len(self.rows)))
        local = not self.tied
        currents = (seen.transpose(1, 0, 2) @ self._local(g)).transpose(1, 0, 2) if local else seen.reshape(-1, self.taps) @ g
        return currents.reshape(*v.shape[:-1], len(self.columns))

    def backward(self, g: Array, v: Array) -> Array:
        """Convolve with the kernel."""
        if self.tied:
            taps = v.reshape(-1, self.channels) @ g.T
        else:
            taps = (self._at_positions(v).transpose(1, 0, 2) @ self._local(g).transpose(0, 2, 1)).transpose(1, 0, 2)
        currents = self._fold(taps.reshape(-1, self.positions, self.taps))
        return currents.reshape(*v.shape[:-1], len(self.rows))

    def _at_positions(self, v: Array) -> Array:
        return v.reshape(-1, self.positions, self.channels)

    def row_sum(self, g: Array) -> Array:
        """Sum what covers a row."""
        each = g.reshape(self.taps, -1, self.channels).sum(axis=2).T  # (1 or positions, taps)
        return self._fold(g.__array_namespace__().broadcast_to(each, (self.positions, self.taps))[None])[0]

    def column_sum(self, g: Array) -> Array:
        """Sum the taps; those at ground count."""
        return g.__array_namespace__().broadcast_to(g.sum(axis=0).reshape(-1, self.channels), (self.positions, self.channels)).reshape(-1)

    def of_columns(self, values: Array) -> Array:
        """Sum over the columns that share conductances, where they do."""
        return values.reshape(self.positions, self.channels).sum(axis=0) if self.tied else values

    def times_rows(self, g: Array, values: Array) -> Array | None:
        """Multiply by the rows' value if it is known to be one for all."""
        is_one = isinstance(values, np.ndarray) and (values == values[0]).all()
        return values[0] * g if is_one else None

    def outer(self, p: Array, q: Array) -> Array:
        """Sum over the positions as well where they share conductances."""
        seen = self._patches(p)
        if self.tied:
            return outer_sum(seen.reshape(-1, self.taps), q.reshape(-1, self.channels))
        each = seen.transpose(1, 2, 0) @ self._at_positions(q).transpose(1, 0, 2)  # (positions, taps, channels)
        return each.transpose(1, 0, 2).reshape(self.shape)

    def drop_products(self, p: Sides, q: Sides) -> Array:
        """Expand the product into products of patches."""
        of_rows, of_columns = ((one * other).sum(axis=0) for one, other in zip(p, q, strict=True))
        at_taps: Any = self._patches(of_rows[None])[0]  # (positions, taps)
        rows = at_taps.sum(axis=0)[:, None] if self.tied else at_taps.T.repeat(self.channels, axis=1)
        return self.of_columns(of_columns) + rows - self.outer(p[0], q[1]) - self.outer(q[0], p[1])

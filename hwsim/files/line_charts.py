"""Line charts side by side, as a PNG: drawn by `pixels` alone, for what is drawn after every training."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hwsim.files.pixels import BLACK, GREY, Colour, Pixels
from hwsim.files.ticks import Ticks, linear, logarithmic
from hwsim.typing import Floats

FIRST, SECOND, THIRD = (31, 119, 180), (255, 127, 14), (44, 160, 44)
"""Colours of curves."""

_INCH = 150
"""Pixels."""

_MARKED = 50
"""Points from which on a curve is drawn without marks: they would run together."""

_DENSE = 8
"""Points a column of pixels from which on not all of them are drawn."""

_ROOM = 0.05
"""Of a range, that stays free on both sides of the curves."""


_MOST = 1e290
"""Numbers beyond which, and below whose inverse, no scale goes."""


class ChartCurve(NamedTuple):
    """A curve over the values that all curves of a panel share.

    Parameters
    ----------
    values
        One for each; what is not finite is left out.
    colour, width
        Of the line; the width is in points.
    label
        What it is called in the legend; None: not there.
    end
        What is written at its end.
    alpha
        How much it covers what is below it.

    """

    values: Sequence[float]
    colour: Colour = FIRST
    label: str | None = None
    end: str = ""
    width: float = 1.3
    alpha: float = 1.0


class Panel(NamedTuple):
    """Curves over the same numbers, between axes.

    Parameters
    ----------
    title, x_label, y_label
        What stands above and next to it.
    x
        Whole numbers, one for each value of a curve.
    curves
        From the lowest layer to the top.
    logarithmic
        Whether the values are shown on a logarithmic scale; all are positive then.

    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float]
    curves: Sequence[ChartCurve]
    logarithmic: bool = False


def charts(panels: Sequence[Panel], title: str, width: float, height: float) -> bytes:
    """Draw panels side by side below a title, in a picture of a size [inches]; returns the PNG's bytes."""
    picture = Pixels(round(width * _INCH), round(height * _INCH), _INCH)
    _centred(picture, title, picture.width / 2, picture.points(4), picture.width, "ma")
    each = picture.width / len(panels)
    for k, panel in enumerate(panels):
        _Axes(picture, panel, k * each, (k + 1) * each).draw()
    return picture.png()


class _Axes:
    """A panel's axes in a picture, from one column of it to another."""

    def __init__(self, picture: Pixels, panel: Panel, left: float, right: float) -> None:
        self.picture, self.panel = picture, panel
        self.x = np.asarray(panel.x, dtype=np.float64)
        self.low, self.high = self._range()
        margin = 0.0 if len(self.x) > 1 else 0.5  # of a point by itself
        self.x_low, self.x_high = _widened(self.x[0] - margin, self.x[-1] + margin)
        self.ticks: Ticks = logarithmic(self.low, self.high) if panel.logarithmic else linear(self.low, self.high)
        points, length = picture.points, picture.length
        ends = max((length(curve.end) for curve in panel.curves), default=0.0)
        self.left = left + points(4 + 10 + 5 + 7) + max(map(length, self.ticks.labels), default=0.0)
        # what is written at a curve's end begins where the curve ends, inside of the axes
        room = right - points(6) - self.left
        inside = _ROOM / (1 + 2 * _ROOM)
        self.right = self.left + min(room - points(2), (room - points(5) - ends) / (1 - inside))
        self.top, self.bottom = points(42), picture.height - points(36)

    def _range(self) -> tuple[float, float]:
        """Return the range of values that is shown: with 0, unless it is logarithmic."""
        values = np.concatenate([self._shown(curve) for curve in self.panel.curves])
        values = values[np.isfinite(values)]
        if self.panel.logarithmic:
            exponents = np.log10(values) if len(values) else np.zeros(1)
            low, high = _widened(float(exponents.min()), float(exponents.max()))
            return 10.0**low, 10.0**high
        high = float(values.max(initial=0.0)) or 1.0
        return min(0.0, float(values.min(initial=0.0))), high * (1 + _ROOM)

    def draw(self) -> None:
        """Draw all."""
        picture, panel, points = self.picture, self.panel, self.picture.points
        middle = (self.left + self.right) / 2
        _centred(picture, panel.title, middle, self.top - points(6), self.right - self.left, "ms")
        picture.words(panel.x_label, middle, picture.height - points(6), anchor="ms")
        widest = max(map(picture.length, self.ticks.labels), default=0.0)
        picture.words_upwards(panel.y_label, self.left - points(7 + 5) - widest, (self.top + self.bottom) / 2)
        self._grid()
        for curve in panel.curves:
            places = self._places(curve)
            picture.line(places, curve.width, curve.colour, curve.alpha)
            if len(self.x) < _MARKED and curve.alpha == 1.0:
                picture.discs(places, 3.0, curve.colour)
        for curve in panel.curves:
            x, y = self._places(curve)[-1]
            if curve.end and np.isfinite(y):
                picture.words(curve.end, x + points(4), y - points(3), colour=curve.colour)
        self._legend()

    def _grid(self) -> None:
        """Draw the axes, their ticks, and lines from these."""
        picture, thick = self.picture, self.picture.points(0.8)
        along = linear(self.x_low, self.x_high, most=7, whole=True)
        for place, label in zip(along.places, along.labels, strict=True):
            x = self._column(np.asarray(place)).item()
            picture.box(x - thick / 2, self.top, x + thick / 2, self.bottom, GREY)
            picture.box(x - thick / 2, self.bottom, x + thick / 2, self.bottom + picture.points(3.5), BLACK)
            picture.words(label, x, self.bottom + picture.points(7), anchor="ma")
        for place, label in zip(self.ticks.places, self.ticks.labels, strict=True):
            y = self._row(np.asarray(place)).item()
            picture.box(self.left, y - thick / 2, self.right, y + thick / 2, GREY)
            picture.box(self.left - picture.points(3.5), y - thick / 2, self.left, y + thick / 2, BLACK)
            picture.words(label, self.left - picture.points(7), y, anchor="rm")
        for place in self.ticks.small:
            y = self._row(np.asarray(place)).item()
            picture.box(self.left - picture.points(2), y - 0.5, self.left, y + 0.5, BLACK)
        picture.box(self.left - thick / 2, self.top, self.left + thick / 2, self.bottom + thick / 2, BLACK)
        picture.box(self.left - thick / 2, self.bottom - thick / 2, self.right, self.bottom + thick / 2, BLACK)

    def _legend(self) -> None:
        """Draw the legend in the corner where the fewest points are."""
        picture, points = self.picture, self.picture.points
        named = [curve for curve in self.panel.curves if curve.label]
        if not named:
            return
        line, high = points(14), points(24)
        width = points(36) + max(picture.length(curve.label or "") for curve in named)
        height = line * len(named) + points(6)
        left, top = min(self._corners(width, height), key=lambda corner: self._covered(corner, width, height))
        picture.box(left - 1, top - 1, left + width + 1, top + height + 1, GREY)
        picture.box(left + 1, top + 1, left + width - 1, top + height - 1, (255, 255, 255))
        for k, curve in enumerate(named):
            y = top + points(3) + (k + 0.5) * line
            places = [(left + points(4), y), (left + points(4) + high, y)]
            picture.line(places, curve.width, curve.colour, curve.alpha)
            picture.words(curve.label or "", left + points(8) + high, y, anchor="lm")

    def _corners(self, width: float, height: float) -> Iterator[tuple[float, float]]:
        """Return where a box may begin: right above, left above, left below, right below."""
        room = self.picture.points(5)
        left, right = self.left + room, self.right - room - width
        top, bottom = self.top + room, self.bottom - room - height
        yield from ((right, top), (left, top), (left, bottom), (right, bottom))

    def _covered(self, corner: tuple[float, float], width: float, height: float) -> int:
        """Count the points of curves, and of lines between them, that a box covers."""
        (left, top), count = corner, 0
        for curve in self.panel.curves:
            places = self._places(curve)
            steps = np.linspace(0.0, 1.0, 9)[:, None, None]
            x, y = np.moveaxis(places[:1] if len(places) == 1 else places[:-1] + steps * np.diff(places, axis=0), -1, 0)
            count += int(((x >= left) & (x <= left + width) & (y >= top) & (y <= top + height)).sum())
        return count

    def _places(self, curve: ChartCurve) -> Floats:
        """Return the places of a curve's points in the picture, (n, 2); of many, those that show."""
        places = np.stack([self._column(self.x), self._row(self._shown(curve))], axis=-1)
        return _outline(places) if len(places) > _DENSE * (self.right - self.left) else places

    def _shown(self, curve: ChartCurve) -> Floats:
        """Return a curve's values as far as a scale goes: what is infinite, or 0 on a logarithmic one, is left out."""
        values = np.asarray(curve.values, dtype=np.float64)
        values = np.where(np.isfinite(values), np.clip(values, -_MOST, _MOST), np.nan)
        small: Floats = np.where(np.abs(values) < 1 / _MOST, np.nan if self.panel.logarithmic else 0.0, values)
        return small

    def _column(self, x: Floats) -> Floats:
        columns: Floats = self.left + (x - self.x_low) / (self.x_high - self.x_low) * (self.right - self.left)
        return columns

    def _row(self, y: Floats) -> Floats:
        low, high = self.low, self.high
        if self.panel.logarithmic:
            low, high, y = float(np.log10(low)), float(np.log10(high)), np.log10(y)
        rows: Floats = self.bottom - (y - low) / (high - low) * (self.bottom - self.top)
        return rows


def _centred(picture: Pixels, text: str, x: float, y: float, room: float, anchor: str) -> None:
    """Write a title in a room [pixels]: in smaller words where they are many, and without its end where they are too many."""
    sizes = (12, 10, 8)
    size = next((size for size in sizes if picture.length(text, size) <= room), sizes[-1])
    while len(text) > 1 and picture.length(text, size) > room:
        text = f"{text[:-2].rstrip()}…"
    picture.words(text, x, y, size=size, anchor=anchor)


def _outline(places: Floats) -> Floats:
    """Return of a line through places, (n, 2), the first, lowest, highest and last in each column of pixels."""
    x, y = places.T
    begins = np.flatnonzero(np.diff(np.floor(x), prepend=-np.inf))
    ends = np.append(begins[1:], len(x)) - 1
    lowest, highest = np.fmin.reduceat(y, begins), np.fmax.reduceat(y, begins)
    rows = np.stack([y[begins], lowest, highest, y[ends]], axis=-1)
    columns = np.stack([x[begins], x[begins], x[ends], x[ends]], axis=-1)
    shown: Floats = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    return shown


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return a range with room on both sides."""
    room = _ROOM * ((high - low) or abs(high) or 1.0)
    return low - room, high + room

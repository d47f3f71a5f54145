"""A sheet for schematics: wires and symbols, gathered by style, so that a picture of a thousand devices is a handful of paths."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hwsim.inspection.palette import INK, PAPER, SERIES, SOFT

Point = tuple[float, float]

SOURCE, MEMRISTOR, NEURON, AMPLIFIER, OUTPUT, FIXED = SERIES
"""Colours of parts."""

INCH = 0.3
"""Of a unit of length on the sheet."""

LETTER = 0.22
"""Units: about the width of a letter."""

REACH = 0.85
"""Units: of a device of a crossbar, from its row to its column, each way."""

_SMALL, _LARGE = 7.5, 9.0
"""Points; of names and values, and of titles."""

_STEPS = np.array([(-0.36, 0), (-0.22, 0), (-0.22, 1), (-0.06, 1), (-0.06, -1), (0.1, -1), (0.1, 0), (0.26, 0)])
"""Units along a memristor and shares of its half width across: the meander of its symbol."""


class _Style(NamedTuple):
    """How a path is drawn; lower `order` lies below."""

    order: int
    edge: str | None
    fill: str | None = None
    width: float = 1.0
    alpha: float = 1.0


class Sheet:
    """A drawing, in units of length, y upwards; `show` puts it on axes."""

    def __init__(self) -> None:
        self._paths: dict[_Style, list[tuple[np.ndarray[Any, Any], bool]]] = {}
        self._texts: list[tuple[Point, str, dict[str, Any]]] = []
        self.low, self.high = np.full(2, np.inf), np.full(2, -np.inf)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height [inches]."""
        width, height = INCH * (self.high - self.low)
        return float(width), float(height)

    def _add(self, style: _Style, points: Sequence[Point] | np.ndarray[Any, Any], *, closed: bool = False) -> None:
        corners = np.asarray(points, dtype=float)
        self._paths.setdefault(style, []).append((corners, closed))
        self._cover(corners)

    def _cover(self, corners: np.ndarray[Any, Any]) -> None:
        self.low = np.minimum(self.low, corners.min(axis=0) - 0.15)
        self.high = np.maximum(self.high, corners.max(axis=0) + 0.15)

    def wire(self, *points: Point, bus: bool = False, colour: str = INK) -> None:
        """Draw a wire through points; a `bus` of several wires is thick."""
        self._add(_Style(2, colour, width=2.4 if bus else 1.0), points)

    def slash(self, x: float, y: float, count: int) -> None:
        """Mark a wire as a bus of `count` wires."""
        self.wire((x - 0.14, y - 0.24), (x + 0.14, y + 0.24))
        self.text(x + 0.1, y + 0.25, f"{count:,}", SOFT, va="bottom")

    def dot(self, x: float, y: float) -> None:
        """Draw a joint of wires."""
        turn = np.linspace(0, 2 * np.pi, 9)[:-1]
        self._add(_Style(5, None, INK), np.stack([x + 0.08 * np.cos(turn), y + 0.08 * np.sin(turn)], axis=1), closed=True)

    def terminal(self, x: float, y: float) -> None:
        """Draw the open end of a wire, at which a voltage is read."""
        turn = np.linspace(0, 2 * np.pi, 17)[:-1]
        self._add(_Style(5, OUTPUT, PAPER), np.stack([x + 0.13 * np.cos(turn), y + 0.13 * np.sin(turn)], axis=1), closed=True)

    def text(self, x: float, y: float, words: str, colour: str = INK, **style: Any) -> None:
        """Write words, centred unless `style`, matplotlib's, sets another alignment."""
        style = dict[str, Any](ha="center", va="center", fontsize=_SMALL) | style
        self._texts.append(((x, y), words, style | {"color": colour}))
        long, high = LETTER * max(map(len, words.split("\n"))) * style["fontsize"] / _SMALL, 0.4 * (1 + words.count("\n"))
        if style.get("rotation"):
            long, high = high, long
        left = x - {"left": 0.0, "center": long / 2, "right": long}[style["ha"]]
        bottom = y - {"bottom": 0.0, "center": high / 2, "top": high}[style["va"]]
        self._cover(np.array([(left, bottom), (left + long, bottom + high)]))

    def panel(self, left: float, bottom: float, right: float, top: float, title: str, colour: str) -> None:
        """Draw the tinted ground of a group of parts, with its title above."""
        self._add(_Style(0, None, colour, alpha=0.09), [(left, bottom), (right, bottom), (right, top), (left, top)], closed=True)
        self.text((left + right) / 2, top + 0.12, title, colour, fontsize=_LARGE, weight="bold", va="bottom")

    def flag(self, x: float, y: float, words: str, colour: str = SOURCE) -> None:
        """Draw a label whose tip, at `x`, `y`, a source drives."""
        left, half = x - flag_width(words), 0.36
        self._add(
            _Style(4, colour, PAPER), [(left, y - half), (x - 0.3, y - half), (x, y), (x - 0.3, y + half), (left, y + half)], closed=True
        )
        self.text((left + x - 0.2) / 2, y, words, colour)

    def rail(self, x: float, y: float, words: str) -> None:
        """Draw the bar of a rail, with its voltage next to it."""
        self.wire((x - 0.28, y), (x + 0.28, y), colour=NEURON)
        self.text(x + 0.42, y, words, NEURON, ha="left")

    def diode(self, start: Point, end: Point, *, ideal: bool = False) -> None:
        """Draw a diode that conducts from `start` to `end`; an ideal one is filled."""
        a, b = np.array(start), np.array(end)
        along = (b - a) / np.linalg.norm(b - a)
        across = np.array([-along[1], along[0]])
        middle = (a + b) / 2
        back, tip, wide = middle - 0.17 * along, middle + 0.17 * along, 0.2 * across
        self.wire(start, end)
        self._add(_Style(4, NEURON, NEURON if ideal else PAPER, 1.1), [back + wide, back - wide, tip], closed=True)
        self._add(_Style(4, NEURON, width=1.1), [tip + wide, tip - wide])

    def device(self, x: float, y: float, shade: float | None) -> None:
        """Draw a device of a crossbar from the row at `y` to the column at `x`: a memristor `shade` dark, or a fixed resistor."""
        start, end = np.array((x - REACH, y)), np.array((x, y - REACH))
        along, across = (end - start) / np.linalg.norm(end - start), np.array([1.0, 1.0]) / np.sqrt(2)
        middle, half, thick = (start + end) / 2, 0.36 * (end - start) / np.linalg.norm(end - start), 0.15 * across
        colour = FIXED if shade is None else MEMRISTOR
        self.wire(tuple(start), tuple(middle - half))
        self.wire(tuple(middle + half), tuple(end))
        box = [middle - half - thick, middle - half + thick, middle + half + thick, middle + half - thick]
        self._add(_Style(3, None, PAPER), box, closed=True)
        if shade is not None:
            self._add(_Style(3, None, MEMRISTOR, alpha=round(0.05 + 0.7 * shade, 1)), box, closed=True)
            self._add(_Style(4, INK, width=0.6), middle + _STEPS[:, :1] * along + 0.08 * _STEPS[:, 1:] * across)
            self._add(_Style(4, None, colour), [box[2], box[3], box[3] - 0.1 * along, box[2] - 0.1 * along], closed=True)
        self._add(_Style(4, colour, width=0.9), box, closed=True)
        self.dot(*start)
        self.dot(*end)

    def grid(self, x: float, y: float, words: str) -> None:
        """Draw the devices of a whole crossbar, between the bus of its rows at `y` and that of its columns at `x`, as a grid."""
        half, middle = 0.45, (x - 1.1, y - 1.1)
        left, bottom, right, top = middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half
        self.wire((left - 0.35, y), (left, top))
        self.wire((right, bottom), (x, bottom - 0.35))
        self._add(_Style(3, MEMRISTOR, PAPER), [(left, bottom), (right, bottom), (right, top), (left, top)], closed=True)
        for k in (1, 2, 3):
            at = 2 * half * k / 4
            for line in ([(left + at, bottom), (left + at, top)], [(left, bottom + at), (right, bottom + at)]):
                self._add(_Style(4, MEMRISTOR, width=0.7), line)
        self.dot(left - 0.35, y)
        self.dot(x, bottom - 0.35)
        self.text(left - 0.1, middle[1], words, MEMRISTOR, ha="right")

    def amplifier(self, x: float, y: float, gain: str, back: str) -> None:
        """Draw a bidirectional amplifier from `x` to the right, with its gain, and its back-action below."""
        self._add(_Style(4, AMPLIFIER, PAPER, 1.2), [(x, y - 0.62), (x, y + 0.62), (x + 1.25, y)], closed=True)
        self.text(x + 0.08, y, gain, AMPLIFIER, ha="left")
        self.text(x + 0.75, y - 0.38, back, AMPLIFIER, ha="left", va="top")

    def brace(self, left: float, right: float, y: float, words: str) -> None:
        """Draw a bracket below two wires, and the name of the pair."""
        self.wire((left, y + 0.15), (left, y), (right, y), (right, y + 0.15), colour=OUTPUT)
        self.text((left + right) / 2, y - 0.12, words, OUTPUT, va="top", fontsize=_LARGE)

    def show(self, axes: Any) -> None:
        """Put everything on axes that are as large as it."""
        from matplotlib.patches import PathPatch  # noqa: PLC0415 - only those who draw need it
        from matplotlib.path import Path  # noqa: PLC0415

        axes.set_axis_off()
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), aspect="equal")
        for style, pieces in sorted(self._paths.items(), key=lambda item: item[0].order):
            corners = np.concatenate([np.concatenate([points, points[:1]]) if closed else points for points, closed in pieces])
            codes = [
                code for points, closed in pieces for code in [Path.MOVETO] + [Path.LINETO] * (len(points) - 1) + [Path.CLOSEPOLY] * closed
            ]
            look = {"edgecolor": style.edge or "none", "facecolor": style.fill or "none", "alpha": style.alpha, "linewidth": style.width}
            drawn = PathPatch(Path(corners, codes), zorder=style.order, capstyle="round", joinstyle="round", **look)
            axes.add_artist(drawn)  # as a patch, it would be searched for the limits of the axes, which are set
        for at, words, style_of_text in self._texts:
            axes.text(*at, words, zorder=8, **style_of_text)


def flag_width(words: str) -> float:
    """Return the width [units] of a flag with these words."""
    return LETTER * len(words) + 0.75

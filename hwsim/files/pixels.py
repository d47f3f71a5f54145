"""A picture of pixels: lines, discs and words with smooth edges, written as PNG.

What a run draws after each training is lines: to load matplotlib and lay them out there takes a second, longer than a small training.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.files.png import encode
from hwsim.typing import Floats

Colour = tuple[int, int, int]

BLACK, GREY = (0, 0, 0), (226, 226, 226)


class Pixels:
    """A white picture; places are pixels from the left upper corner, to the right and down.

    Parameters
    ----------
    width, height
        In pixels.
    dpi
        Pixels an inch, by which sizes in points, 1/72 of an inch, are drawn.

    """

    def __init__(self, width: int, height: int, dpi: int = 150) -> None:
        self.width, self.height, self.dpi = width, height, dpi
        self._image = np.full((height, width, 3), 255, dtype=np.uint8)

    def points(self, size: float) -> float:
        """Return a size in points as pixels."""
        return size * self.dpi / 72

    def line(self, places: ArrayLike, width: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw a line through places, (n, 2), `width` points wide, with round ends; it breaks where a place is not finite."""
        whole = np.asarray(places, dtype=np.float64)
        self._strokes(whole[:-1], whole[1:], width, colour, alpha)

    def discs(self, places: ArrayLike, diameter: float, colour: Colour) -> None:
        """Draw a disc, `diameter` points wide, at each of the places, (n, 2)."""
        whole = np.asarray(places, dtype=np.float64)
        self._strokes(whole, whole, diameter, colour)

    def _strokes(self, begins: Floats, ends: Floats, width: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw strokes with round ends, from places to places, both (n, 2); those without a place are left out."""
        some = np.isfinite(begins).all(axis=1) & np.isfinite(ends).all(axis=1)
        if not some.any():
            return
        begins, ends = begins[some], ends[some]
        half = self.points(width) / 2
        first = np.floor(np.minimum(begins, ends) - half - 1).astype(int).clip(0, (self.width, self.height))
        last = np.ceil(np.maximum(begins, ends) + half + 1).astype(int).clip(0, (self.width, self.height))
        left, top = first.min(axis=0)
        right, bottom = last.max(axis=0)
        mask = np.zeros((bottom - top, right - left), dtype=np.float32)
        x, y = np.arange(self.width)[None, :] + 0.5, np.arange(self.height)[:, None] + 0.5
        for (x0, y0), (x1, y1), (a, t), (z, b) in zip(begins, ends, first, last, strict=True):
            along, across, right_of, below = x1 - x0, y1 - y0, x[:, a:z] - x0, y[t:b] - y0
            share = np.clip((right_of * along + below * across) / ((along * along + across * across) or 1.0), 0.0, 1.0)
            off = np.hypot(right_of - share * along, below - share * across)
            part = mask[t - top : b - top, a - left : z - left]
            np.maximum(part, np.clip(half + 0.5 - off, 0.0, 1.0), out=part)
        self._blend(mask, int(left), int(top), colour, alpha)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle, to whole pixels."""
        self._image[round(top) : round(bottom), round(left) : round(right)] = colour

    def words(self, text: str, x: float, y: float, *, size: float = 10, colour: Colour = BLACK, anchor: str = "ls") -> None:
        """Write words, `size` points high, at a place: `anchor`, of what, as for PIL (left, middle, right; ascender, middle, baseline)."""
        mask, (left, top) = self._drawn(text, size, anchor)
        self._blend(mask, round(x) + left, round(y) + top, colour)

    def words_upwards(self, text: str, x: float, y: float, *, size: float = 10) -> None:
        """Write words from below upwards, `x` their baseline and `y` the middle."""
        mask, (_, top) = self._drawn(text, size, "ms")
        turned = np.rot90(mask)
        self._blend(turned, round(x) + top, round(y - turned.shape[0] / 2), BLACK)

    def length(self, text: str, size: float = 10) -> float:
        """Return how wide words are [pixels]."""
        return float(_font(self.points(size)).getlength(text))

    def _drawn(self, text: str, size: float, anchor: str) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return words as shares of pixels, and where their left upper corner is from the anchor."""
        from PIL import Image, ImageDraw  # noqa: PLC0415 - only those who draw need it

        font = _font(self.points(size))
        box: tuple[float, float, float, float] = font.getbbox(text, anchor=anchor)
        left, top, right, bottom = map(round, box)
        image = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
        ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font, anchor=anchor)
        shares: NDArray[np.float32] = np.asarray(image, dtype=np.float32) / np.float32(255)
        return shares, (left, top)

    def _blend(self, mask: NDArray[np.float32], left: int, top: int, colour: Colour, alpha: float = 1.0) -> None:
        """Paint a colour where a mask of shares stands; what is beyond the edges is cut off."""
        rows = slice(max(top, 0), min(top + mask.shape[0], self.height))
        columns = slice(max(left, 0), min(left + mask.shape[1], self.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        places = np.nonzero(part)  # few, of a line
        share, under = alpha * part[places][:, None], self._image[rows, columns]
        under[places] = np.rint(under[places] + share * (np.asarray(colour, dtype=np.float32) - under[places]))

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        return encode(self._image, self.dpi)


@cache
def _font(size: float) -> Any:
    """Load the font that comes with matplotlib, which is not loaded for that, of a size [pixels]."""
    from PIL import ImageFont  # noqa: PLC0415 - only those who draw need it

    package = find_spec("matplotlib")
    file = Path(package.origin or "").parent / "mpl-data/fonts/ttf/DejaVuSans.ttf" if package else None
    return ImageFont.truetype(file, size) if file and file.exists() else ImageFont.load_default(size)

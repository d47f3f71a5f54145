"""PNG pictures: how pixels become one, and what marks one as drawn by hwsim, so that no other is replaced unasked."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_MARK = b"Software\0hwsim"
"""What we write into a picture, and no date and version: the same numbers are the same bytes."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How every PNG begins (PNG specification, third edition, 5.2)."""

_UP = 2
"""A row is written as its difference from the one above (9.2): most rows of a drawing repeat, and searching row by row takes longest."""

_LEVEL = 1
"""Of compression: files are 2 % larger than with level 3, and made in three quarters of its time."""


def encode(image: NDArray[np.uint8], dpi: float) -> bytes:
    """Return pixels, (height, width, 3) of red, green and blue, as a PNG file with our mark (third edition, 11)."""
    height, width, colours = image.shape
    rows = np.empty((height, 1 + colours * width), dtype=np.uint8)
    rows[:, 0] = _UP
    for colour in range(colours):  # one by one: of pixels with a fourth number each, a third of the time of all at once
        shades, differences = image[:, :, colour], rows[:, 1 + colour :: colours]
        differences[:1] = shades[:1]
        np.subtract(shades[1:], shades[:-1], out=differences[1:])
    per_metre = round(dpi / 0.0254)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"tEXt", _MARK),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)),
        (b"IEND", b""),
    ]
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def is_ours(head: bytes) -> bool:
    """Whether the beginning of a file, up to its pixels, shows a picture with our mark; earlier versions of hwsim drew without it."""
    about = head.partition(b"IDAT")[0]
    return head.startswith(SIGNATURE) and b"tEXt" + _MARK in about

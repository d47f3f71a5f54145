"""Shifts: training images moved by whole pixels, drawn again in every epoch, so that a circuit learns what does not depend on position."""

import math

import numpy as np

from hwsim.random.streams import stream
from hwsim.typing import Array


def draw(most: int, seed: int, epoch: int, shape: tuple[int, int]) -> Array | None:
    """Draw how many pixels each image of an epoch moves down and to the right, (steps, batch, 2), −most … most; None if none moves."""
    return stream(seed, f"shift/{epoch}").integers(-most, most, (*shape, 2), dtype=np.int32, endpoint=True) if most else None


def moved(images: Array, chosen: Array, shifts: Array) -> Array:
    """Return the chosen images (B,) of square ones (n, side²), each moved by its shift (B, 2) [pixels]; what comes in from outside is 0."""
    xp = images.__array_namespace__()
    side = math.isqrt(images.shape[1])
    places = np.arange(side, dtype=np.int32)
    rows, columns = places - shifts[:, :1], places - shifts[:, 1:]  # where each pixel comes from, (B, side)
    sources = rows[:, :, None] * side + columns[:, None, :]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[:, None, :]
    picked = images[chosen[:, None], xp.where(inside, sources, 0).reshape(len(chosen), -1)]
    return xp.where(inside.reshape(picked.shape), picked, xp.zeros((), images.dtype))

"""Augmentation: training images shifted and mirrored, drawn again in every epoch, so that a circuit learns what does not depend on it."""

import numpy as np

from circuits.maps import Maps
from hwsim.random.streams import stream
from hwsim.typing import Array


def draw(most: int, seed: int, epoch: int, shape: tuple[int, int], *, flip: bool = False) -> Array | None:
    """Draw how each image of an epoch is moved; None if none is.

    Parameters
    ----------
    most
        Pixels by which it is shifted at most.
    flip
        Whether it is mirrored half of the time.

    Returns
    -------
    moves
        Pixels down, pixels to the right, and whether it is mirrored first, 1 or 0; shape (steps, batch, 3).

    """
    if not (most or flip):
        return None
    shifts = stream(seed, f"shift/{epoch}").integers(-most, most, (*shape, 2), dtype=np.int32, endpoint=True)
    mirrored = stream(seed, f"flip/{epoch}").integers(0, int(flip), (*shape, 1), dtype=np.int32, endpoint=True)
    return np.concatenate([shifts, mirrored], axis=2)


def moved(images: Array, chosen: Array, moves: Array, shape: Maps) -> Array:
    """Return the chosen images (B,) of some (n, numbers), each moved by its moves (B, 3); what comes in from outside is 0."""
    xp = images.__array_namespace__()
    height, width, channels = shape
    rows = np.arange(height, dtype=np.int32) - moves[:, :1]  # where each pixel comes from, (B, height) and (B, width)
    columns = np.arange(width, dtype=np.int32) - moves[:, 1:2]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    columns = xp.where(moves[:, 2:] == 1, width - 1 - columns, columns)
    pixels = xp.where(inside, rows[:, :, None] * width + columns[:, None, :], 0)
    picked = images.reshape(-1, height * width, channels)[chosen[:, None, None], pixels]
    return xp.where(inside[..., None], picked, xp.zeros((), images.dtype)).reshape(len(chosen), -1)

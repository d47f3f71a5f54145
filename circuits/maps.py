"""Maps: the nodes of a layer, or the features of a sample, as maps of pixels."""

import math
from typing import NamedTuple

from circuits.errors import CircuitError
from circuits.windows import Window


class Maps(NamedTuple):
    """Feature maps: node (row·width + column)·channels + channel; those of a dense layer have one pixel."""

    height: int
    width: int
    channels: int

    @property
    def size(self) -> int:
        """Nodes."""
        return self.height * self.width * self.channels

    def __str__(self) -> str:
        return str(self.channels) if self[:2] == (1, 1) else f"{self.height}×{self.width}×{self.channels}"

    def window(self, size: int, stride: int, padding: int) -> Window:
        """Return a window that moves over the maps."""
        return Window(height=self.height, width=self.width, channels=self.channels, size=size, stride=stride, padding=padding)


def image(inputs: int, shape: tuple[int, ...] | None) -> Maps:
    """Return the maps that the features are: images of `shape`, (height, width) or (height, width, channels); None: square ones.

    Raises
    ------
    CircuitError
        When there is no such image.

    """
    side = math.isqrt(inputs)
    if shape is None and side**2 != inputs:
        msg = f"network: {inputs} inputs are no square image; set image to its height, width and channels"
        raise CircuitError(msg)
    maps = Maps(side, side, 1) if shape is None else Maps(*(*shape, 1)[:3])
    if maps.size != inputs or min(maps) < 1:
        msg = f"network: image = {list(shape or ())} has {maps.size} numbers and inputs is {inputs}; their product must be the inputs"
        raise CircuitError(msg)
    return maps

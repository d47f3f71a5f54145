"""Feedback in a loop: how what a read-out makes of a row becomes the input of the next row, where targets are the inputs that come next."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.errors import CircuitError
from hwsim.typing import Floats

_EXACT = 1e-9
"""Share of an input's spread by which it may differ from what the target before it stands for: rounding alone."""


@dataclass(frozen=True, slots=True)
class LoopFeedback:
    """x(t + 1) = slope·ŷ(t) + offset, an input each.

    Parameters
    ----------
    slope, offset
        Of each input, shape (I,) [1/V] and [units of the features].

    """

    slope: Floats
    offset: Floats

    @classmethod
    def of_series(cls, x: Floats, y: Floats, name: str) -> Self:
        """Fit it to inputs x (T, I) and targets y (T, K) [V] of one series, row by row.

        Raises
        ------
        CircuitError
            When the targets of a row are not the inputs of the next one, each in the units of its own.

        """
        if x.shape[1] != y.shape[1]:
            msg = f"{name}: {y.shape[1]} targets of {x.shape[1]} inputs close no loop; let each input have its next value as a target"
            raise CircuitError(msg)
        following, before = x[1:], y[:-1]
        moved = before - before.mean(axis=0)
        square = (moved**2).sum(axis=0)
        slope = (moved * following).sum(axis=0) / np.where(square > 0, square, 1.0)
        offset = following.mean(axis=0) - slope * before.mean(axis=0)
        off = np.abs(slope * before + offset - following).max(axis=0, initial=0.0)
        if not square.all() or (off > _EXACT * following.std(axis=0)).any():
            msg = f"{name}: its targets are not the inputs of the next row, and close no loop; set data.horizon to 1, or choose other data"
            raise CircuitError(msg)
        return cls(slope, offset)

    def __call__(self, outputs: Floats) -> Floats:
        """Return the inputs (…, I) that outputs (…, I) [V] become."""
        fed: Floats = self.slope * outputs + self.offset
        return fed

"""The scale of features, fitted to a training set: what turns any sample's features into the numbers that a circuit learns from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureScale:
    """For each of I features (x · 2^−exponent − low − centre) / width, or 0.

    Parameters
    ----------
    bytes_to_one
        Whether features are whole numbers to 255, of which 255 becomes 1.
    exponent
        Binary exponents by which numbers near the ends of 64 bits are scaled down first, shape (I,).
    low
        What is subtracted before the mean is computed, shape (I,); 0 where that loses no digits.
    centre, width
        What becomes 0, and the distance that becomes 1, shapes (I,).
    constant
        Features that are constant in the training set, and 0 afterwards, shape (I,).
    clip
        Where features are cut off, to either side, after scaling; None: nowhere.

    """

    bytes_to_one: bool = False
    exponent: NDArray[np.int32] | None = None
    low: Floats | None = None
    centre: Floats | None = None
    width: Floats | None = None
    constant: NDArray[np.bool_] | None = None
    clip: float | None = None

    def apply(self, x: NDArray[np.generic]) -> Floats:
        """Scale features (n, I), in a copy."""
        with np.errstate(all="ignore"):  # whatever becomes infinite is looked for afterwards
            scaled = np.array(x, dtype=np.float64)
            if self.bytes_to_one:
                scaled /= 255.0
            self.shrink(scaled)
            self.centred(scaled)
        return self.clipped(scaled)

    def shrink(self, x: Floats) -> None:
        """Do the first step in place: scale down by powers of two, which changes no digit."""
        if self.exponent is not None and self.exponent.any():  # most data need none
            np.ldexp(x, -self.exponent, out=x)

    def centred(self, x: Floats) -> None:
        """Do the second step in place: subtract and divide."""
        if self.centre is None or self.width is None:
            return
        if self.low is not None and self.low.any():
            np.subtract(x, self.low, out=x)
        np.subtract(x, self.centre, out=x)
        np.divide(x, self.width, out=x)
        x[:, self.constant] = 0.0

    def clipped(self, x: Floats) -> Floats:
        """Do the last step in place: cut off; return the array."""
        if self.clip is not None:
            np.clip(x, -self.clip, self.clip, out=x)
        return x

"""The scale of features, fitted to a training set: what turns any sample's features into the numbers that a circuit learns from."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Floats

_CENTRE, _WIDTH, _LOW, _EXPONENT, _CONSTANT = (f"feature_{name}" for name in ("centre", "width", "low", "exponent", "constant"))
"""Keys of the scale in a run's record: a number for each feature, and the places of the constant ones; what is 0 throughout is left out."""

_LARGEST_EXPONENT = 2000


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

    def record(self) -> dict[str, Any]:
        """Return what was fitted as a run's record keeps it; nothing where nothing was."""
        if self.centre is None or self.width is None or self.low is None or self.exponent is None or self.constant is None:
            return {}
        kept = {_CENTRE: self.centre.tolist(), _WIDTH: self.width.tolist(), _CONSTANT: np.flatnonzero(self.constant).tolist()}
        return kept | {key: values.tolist() for key, values in ((_LOW, self.low), (_EXPONENT, self.exponent)) if values.any()}

    @classmethod
    def recorded(cls, record: dict[str, Any]) -> Self | None:
        """Read back what was fitted from a run's record; None where there is nothing.

        Raises
        ------
        ValueError
            When it is no scale.

        """
        if _CENTRE not in record:
            return None
        count = len(record[_CENTRE]) if isinstance(record[_CENTRE], list) else 0
        zeros = [0] * count
        lists = [record.get(_CENTRE), record.get(_WIDTH), record.get(_LOW, zeros), record.get(_EXPONENT, zeros)]
        places = record.get(_CONSTANT)
        if not count or not isinstance(places, list) or not all(type(k) is int and 0 <= k < count for k in places):
            msg = f"{_CENTRE} and {_CONSTANT} are not a number for each feature and places of some"
            raise ValueError(msg)
        if not all(isinstance(one, list) and len(one) == count and all(isinstance(x, int | float) for x in one) for one in lists):
            msg = f"{_WIDTH}, {_LOW} and {_EXPONENT} are not a number for each feature of {_CENTRE}"
            raise ValueError(msg)
        centre, width, low, exponent = (np.array(one, dtype=np.float64) for one in lists)
        constant = np.zeros(count, dtype=bool)
        constant[places] = True
        usable = np.isfinite([centre, width, low]).all() and (constant | (width > 0)).all()
        if not usable or not (np.abs(exponent) <= _LARGEST_EXPONENT).all():
            msg = f"{_CENTRE}, {_WIDTH} and {_LOW} must be finite, {_WIDTH} positive, and {_EXPONENT} within ±{_LARGEST_EXPONENT}"
            raise ValueError(msg)
        return cls(exponent=exponent.astype(np.int32), low=low, centre=centre, width=width, constant=constant)

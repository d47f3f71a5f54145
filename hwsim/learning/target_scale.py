"""The scale of real targets: volts = offset + slope · target, for each target by itself, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from circuits.quoting import quote
from circuits.units import Volt
from hwsim.files.raw import DataError
from hwsim.settings.sections import TargetScaling
from hwsim.typing import Array, Floats

_DEVIATIONS = 2.0
"""Standard deviations to either side of the mean that `standard` maps on the ends of the range: 95 % of normal targets are within them."""

NAMES, OFFSETS, SLOPES = "targets", "target_offset_V", "target_V_per_unit"
"""Keys of the scale in a run's record: texts and numbers, one for each target."""


@dataclass(frozen=True, slots=True)
class TargetScale:
    """An affine map for each of K targets.

    Parameters
    ----------
    names
        What the targets are called.
    offset
        The voltage that stands for a target of 0, shape (K,) [V].
    slope
        Volts for one unit of a target, shape (K,), not 0 [V per unit].

    """

    names: tuple[str, ...]
    offset: Floats
    slope: Floats

    @classmethod
    def fitted(cls, name: str, y: Floats, names: Sequence[str], scaling: TargetScaling, low: Volt, high: Volt) -> Self:
        """Fit the scale to the targets y (n, K) of a training set, so that they are between `low` and `high` [V].

        Raises
        ------
        DataError
            When a target does not vary in the training set.

        """
        if scaling == "none":
            return cls.volts_themselves(names)
        if scaling == "minmax":
            least, most = y.min(axis=0), y.max(axis=0)
        else:
            spread = _DEVIATIONS * y.std(axis=0)
            least, most = y.mean(axis=0) - spread, y.mean(axis=0) + spread
        with np.errstate(all="ignore"):
            slope = (high - low) / (most - least)
        offset = low - slope * least
        if (odd := np.flatnonzero(~np.isfinite(slope) | ~np.isfinite(offset) | (slope == 0))).size:
            k = int(odd[0])
            msg = f"{name}: target {quote(names[k])} is {y[0, k]:g} in all {len(y)} training samples, or too large to scale; choose another"
            raise DataError(f"{msg} (data.targets), or data.target_scaling = 'none'")
        return cls(tuple(names), offset, slope)

    @classmethod
    def volts_themselves(cls, names: Sequence[str]) -> Self:
        """Return the scale of targets that are voltages."""
        return cls(tuple(names), np.zeros(len(names)), np.ones(len(names)))

    @property
    def units(self) -> Floats:
        """Units of each target for one volt, shape (K,): an error in volts times this is one in units."""
        return np.abs(1.0 / self.slope)

    def volts(self, y: Array) -> Array:
        """Return the voltages that stand for targets (…, K) [V]."""
        return self.offset + self.slope * y

    def targets(self, volts: Array) -> Array:
        """Return the targets that voltages (…, K) [V] stand for."""
        return (volts - self.offset) / self.slope

    def lines(self) -> list[str]:
        """Write the map of each target as a formula."""
        each = zip(self.names, self.offset.tolist(), self.slope.tolist(), strict=True)
        return [f"{quote(name)}: V = {offset:.6g} + {slope:.6g} * target" for name, offset, slope in each]

    def record(self) -> dict[str, Any]:
        """Return the scale as a run's record keeps it."""
        return {NAMES: list(self.names), OFFSETS: self.offset.tolist(), SLOPES: self.slope.tolist()}

    @classmethod
    def recorded(cls, record: dict[str, Any]) -> Self | None:
        """Read the scale of a run's record back; None where there is none.

        Raises
        ------
        ValueError
            When it is no scale.

        """
        if not any(key in record for key in (NAMES, OFFSETS, SLOPES)):
            return None
        names, *numbers = (record.get(key) for key in (NAMES, OFFSETS, SLOPES))
        whole = isinstance(names, list) and all(isinstance(one, list) and len(one) == len(names) > 0 for one in numbers)
        if not whole or not all(isinstance(one, int | float) for each in numbers for one in each or ()):
            msg = f"{NAMES}, {OFFSETS} and {SLOPES} are not a name and two numbers for each target"
            raise ValueError(msg)
        offset, slope = (np.array(one, dtype=np.float64) for one in numbers)
        if not (np.isfinite(offset).all() and np.isfinite(slope).all() and slope.all()):
            msg = f"{OFFSETS} and {SLOPES} must be finite, and {SLOPES} not 0"
            raise ValueError(msg)
        return cls(tuple(str(name) for name in names or ()), offset, slope)


def explained(mean_square: float, variance: float) -> float:
    """Return R², 1 − the mean squared error over the variance; of targets that do not vary 1 for a perfect prediction, else 0."""
    return 1 - mean_square / variance if variance else float(not mean_square)

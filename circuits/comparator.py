"""Comparator: a neuron that quantises, of amplifiers between clamps, one for each threshold."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from circuits.builder import Builder
from circuits.bundles import Bundles
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.clamps import add_pair, check_rails
from circuits.elements import Amplifiers, IdealDiodes
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.units import Ohm, Volt

_MOST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """A column's voltage in few levels: for each threshold, an amplifier whose output clamps hold between two rails, and their mean.

    With two levels it is one comparator, a binary activation, and with k levels k − 1 of them, whose thresholds are midway between the
    levels, as in a flash converter. The gain is finite: around a threshold, over the width (v_high − v_low)/gain, the output is
    proportional to the column, and only there does an error pass back. So there is an energy, and equilibrium propagation computes the
    gradient of the circuit as it is; an ideal comparator, whose gradient is 0 everywhere, is the limit of a large gain.

    Parameters
    ----------
    levels
        Voltages that it may have, 2 to 16, evenly spaced from `v_low` to `v_high`.
    v_low, v_high
        The lowest and the highest [V].
    gain, back
        Of the amplifiers: of the voltage, forward, and of the current, backward.
    r
        Of the resistors behind the amplifiers, and of those to and from several of them [ohm]; low next to what the node drives.

    Raises
    ------
    CircuitError
        When a field is of the wrong type, the rails are crossed, or a number is out of its range.

    References
    ----------
    J. Laydevant et al. 2021, arXiv 2103.08953, with binary activations.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> step = hw.Comparator(levels=3, v_low=-0.1, v_high=0.1, gain=1000.0)
    >>> step.output(np.array([-0.4, -0.06, 0.01, 0.06])).round(3).tolist()  # of a node that drives nothing
    [-0.1, -0.1, 0.0, 0.1]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["comparator"] = "comparator"
    levels: int = 2
    v_low: Volt = -0.1
    v_high: Volt = 0.1
    gain: float = 20.0
    back: float = 0.05
    r: Ohm = 100.0

    def __post_init__(self) -> None:
        """Check the fields, that the rails are in order, and the numbers."""
        check_fields(self)
        check_rails(self.kind, self.v_low, self.v_high)
        if not 2 <= self.levels <= _MOST:  # noqa: PLR2004 - one is no choice
            msg = f"{self.kind}: levels = {self.levels} must be from 2 to {_MOST}"
            raise CircuitError(msg)
        for name in ("gain", "back", "r"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                msg = f"{self.kind}: {name} = {getattr(self, name):g} must be positive and finite"
                raise CircuitError(msg)

    @property
    def odd(self) -> bool:
        """Whether its output is an odd function of the column."""
        return self.v_low == -self.v_high

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """The voltages at which it changes its level, shape (levels − 1,) [V]."""
        steps = self.levels - 1
        return self.v_low + (self.v_high - self.v_low) * (np.arange(steps) + 0.5) / steps

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add amplifiers, resistors and clamps; the nodes behind them, or those of their means, lead on to the next layer."""
        size, steps = len(columns), self.levels - 1
        before = columns
        if steps > 1:
            before = builder.group(f"{name}_copy", size * steps)
            builder.add(Bundles.over(f"{name}_copies", columns, before, size, self.r))
        middle = (self.v_low + self.v_high) / 2
        amplified, clamped = builder.group(f"{name}_compared", len(before)), builder.group(f"{name}_level", len(before))
        offsets = np.tile(middle / self.gain - self.thresholds, size)
        builder.add(
            Amplifiers(name=f"{name}_comparator", input=before, output=amplified, gain=self.gain, back=self.back, offset=offsets),
            Bundles.over(f"{name}_outputs", amplified, clamped, len(before), self.r),
        )
        add_pair(builder, name, clamped, self.v_low, self.v_high, partial(IdealDiodes))
        if steps == 1:
            return clamped
        mean = builder.group(f"{name}_mean", size)
        builder.add(Bundles.over(f"{name}_means", clamped, mean, size, self.r))
        return mean

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A] from the column: what amplifiers draw back for the currents of their clamps, where they drive nothing else.

        Several of them draw it through `r`, which is left out here.
        """
        around = self._amplified(v)
        drawn: NDArray[np.float64] = self.back / self.r * (around - around.clip(self.v_low, self.v_high)).sum(axis=-1)
        return drawn

    def output(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the voltage [V] behind it, where that drives nothing, for voltages v of the column."""
        mean: NDArray[np.float64] = self._amplified(v).clip(self.v_low, self.v_high).mean(axis=-1)
        return mean

    def _amplified(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each amplifier makes of v, (…, levels − 1) [V]."""
        around: NDArray[np.float64] = self.gain * (np.asarray(v)[..., None] - self.thresholds) + (self.v_low + self.v_high) / 2
        return around

"""An oscillating nudge that is slow: at each moment the circuit is at equilibrium, and a lock-in reads how devices follow the sine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.rules.nudged import Comparison
from hwsim.learning.rules.nudges import Sides
from hwsim.typing import Array

_MOMENTS = 8
"""Of a period, half a distance from where the sine is 0: harmonics up to the sixth cancel in the lock-in."""

HEIGHTS = tuple(float(np.sin(2 * np.pi * (k + 0.5) / _MOMENTS)) for k in range(_MOMENTS // 4))
"""Of the sine at these moments; each comes four times, rising and falling, up and down."""


@dataclass(frozen=True, slots=True)
class Oscillating(EquilibriumPropagation):
    """dC/dg = (c_l/c_L)·mean over a period of Δv²·sin(ωt) / beta under a nudge beta·sin(ωt): each device's power at the nudge's frequency.

    The limit of ω → 0, in which a circuit settles faster than its nudge moves. The error falls as beta², and is three quarters of that of
    nudges by ±beta.

    Source: Anisetti, Kandala, Scellier & Schwarz 2024, "Frequency propagation", arXiv 2208.08862.
    """

    name: ClassVar[str] = "oscillating"

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample: free, and up and down by each height."""
        return 1 + 2 * len(HEIGHTS)

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that the nudge adds to an output [S]."""
        return min(0.0, self.nudge.conductance(-max(HEIGHTS)))

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:  # noqa: ARG002 - nothing is drawn
        """Compare up with down at each height; as the mean of sin² is ½, the shares add up to 1."""
        return [Comparison(2 * k + 1, 2 * k + 2, 2 * s, 8 * s * s / _MOMENTS) for k, s in enumerate(HEIGHTS)]

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:  # noqa: ARG002 - as above
        """Return a push a side and height."""
        return Sides(self.nudge, tuple(side for s in HEIGHTS for side in (s, -s))).pushes(outputs, cotangent, target)

"""Richardson's extrapolation: equilibrium propagation at one nudge and at twice as much, of which the leading errors cancel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.learning.rules.equilibrium_propagation import SIDES, EquilibriumPropagation
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.rules.nudged import Comparison
from hwsim.learning.rules.nudges import Sides
from hwsim.typing import Array


@dataclass(frozen=True, slots=True)
class Richardson(EquilibriumPropagation):
    """[4·ĝ(beta) − ĝ(2·beta)]/3 of centred estimates, whose error falls as beta⁴; 2·ĝ(beta) − ĝ(2·beta) of one-sided ones, as beta².

    So a nudge may be about ten times larger at equal bias, and read noise counts a tenth as much.
    """

    name: ClassVar[str] = "richardson"

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample: free, and each side nudged twice."""
        return 5 if self.method == "centred" else 3

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that a nudge adds to an output [S]."""
        return min(0.0, *(2 * self.nudge.conductance(side) for side in SIDES[self.method]))

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:
        """Compare at either size, and weigh both."""
        (near,) = EquilibriumPropagation.comparisons(self, draw)
        both = near.second > 0
        far = Comparison(near.first + (2 if both else 1), near.second + 2 if both else 0, 2 * near.apart)
        near_share, far_share = (4 / 3, -1 / 3) if both else (2.0, -1.0)
        return near._replace(share=near_share), far._replace(share=far_share)

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:
        """Return a push a side and size."""
        once = self.taken(draw)
        return Sides(self.nudge, (*once, *(2 * side for side in once))).pushes(outputs, cotangent, target)

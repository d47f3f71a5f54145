"""Coupled learning: the outputs are clamped a little nearer to their targets, and each device compares its squared drops."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.learning.rules.estimator import Draw
from hwsim.learning.rules.nudged import Comparison, NudgedRule
from hwsim.typing import Array

_RESOLVED = 1e-4
"""A share of the way that 64 bits resolve."""


@dataclass(frozen=True, slots=True)
class CoupledLearning(NudgedRule):
    """Clamps the outputs a share `eta` of the way to the target and compares: (c_l/c_L)·(Δv_clamped² − Δv_free²) / (2·eta) [V²].

    The clamp is a nudge of large transconductance, `stiffness` [S]. What descends is a contrast of two physical states, not the loss:
    the result is a direction like the gradient's, in V² instead of V²/S, and wants another rate.

    Source: Stern, Hexner, Rocks & Liu 2021, Phys. Rev. X 11, 021045.
    """

    name: ClassVar[str] = "coupled-learning"
    phases: ClassVar[int] = 2
    descends: ClassVar[bool] = False
    from_free: ClassVar[bool] = True
    eta: float
    stiffness: Siemens

    @property
    def size(self) -> str:
        """Key and value of the clamp's share."""
        return f"training.rule.eta = {self.eta:g}"

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:  # noqa: ARG002 - no sign to draw
        """Compare the clamped phase with the free one."""
        return (Comparison(1, 0, 1),)

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:  # noqa: ARG002 - no sign to draw
        """Clamp the outputs at free + eta·(y − free); without targets at free − eta·dC/dŷ, which is the same for the squared error."""
        towards = -cotangent if target is None else target - outputs
        return (Push(beta=self.stiffness, target=outputs + self.eta * towards),)

    def beta_of(self, cotangent: Array, outputs: Array) -> float:  # noqa: ARG002 - it is fixed
        """Return eta."""
        return self.eta

    def resolved(self, conductance: Siemens) -> Self:  # noqa: ARG002 - a clamp is stiffer than any output
        """Return the rule with a clamp that 64 bits resolve."""
        return replace(self, eta=max(self.eta, _RESOLVED))

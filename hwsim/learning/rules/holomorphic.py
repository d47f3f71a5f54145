"""Holomorphic equilibrium propagation: nudges on a circle in the complex plane, whose mean is the gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from circuits.units import Siemens
from hwsim.core.protocol import Capability, Equilibrium, Phases, Push
from hwsim.learning.rules.estimator import Draw, Residuals
from hwsim.learning.rules.nudged import Comparison, NudgedRule
from hwsim.learning.rules.nudges import NudgeKind, Sides
from hwsim.typing import Array


@dataclass(frozen=True, slots=True)
class Holomorphic(NudgedRule):
    """dC/dg = (c_l/c_L)·mean over k of ½Δv(beta_k)²/beta_k, with beta_k = beta·e^(2πik/N); its error falls as beta^N.

    Voltages at conjugate nudges are conjugate, so that half of the circle is solved. No circuit does this: it is what a circuit's nudges
    are compared with at the size that they need.

    Source: Laborieux & Zenke 2022.

    Parameters
    ----------
    nudge
        What flows into the outputs.
    points
        N, an even number.

    """

    name: ClassVar[str] = "holomorphic"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.HOLOMORPHIC})
    traceable: ClassVar[bool] = False
    in_one_go: ClassVar[bool] = False
    nudge: NudgeKind
    points: int = 6

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample: the free one, and half of the circle with both its ends."""
        return 2 + self.points // 2

    @property
    def sides(self) -> tuple[complex, ...]:
        """The nudges on the upper half of the circle; its ends are real."""
        half = self.points // 2
        return (1.0, *(complex(np.exp(2j * np.pi * k / self.points)) for k in range(1, half)), -1.0)

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:  # noqa: ARG002 - nothing is drawn
        """Compare each with the free phase: the mean of 1/beta_k is 0. Those within the half circle stand for their conjugates too."""
        last = len(self.sides)
        return [Comparison(k, 0, side, (1 if k in {1, last} else 2) / self.points) for k, side in enumerate(self.sides, start=1)]

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:  # noqa: ARG002 - as above
        """Return a push a point."""
        return Sides(self.nudge, self.sides).pushes(outputs, cotangent, target)

    def beta_of(self, cotangent: Array, outputs: Array) -> Array | Siemens:
        """Return the nudge's beta [S]."""
        return self.nudge.beta_of(cotangent, outputs)

    def _nudged_phases(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None) -> tuple[Equilibrium, ...]:
        complex_: Any = solver
        phases: tuple[Equilibrium, ...] = complex_.holomorphic(
            residuals.g, residuals.x, self.pushes(residuals.outputs, cotangent, target, residuals.draw)
        )
        return phases

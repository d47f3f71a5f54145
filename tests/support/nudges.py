"""Nudges and rules as the zoo has them: following for the squared error, frozen for other losses."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.core.protocol import Push
from hwsim.learning.losses import Loss, SquaredError
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation, Method
from hwsim.learning.rules.estimator import LossNudge
from hwsim.learning.rules.nudges import Following, Frozen, NudgeKind, Sides


def nudge_of(loss: Loss, beta: Any) -> NudgeKind:
    """Return the nudge of a loss, of transconductance beta [S]."""
    return Following(beta) if isinstance(loss, SquaredError) else Frozen(beta)


def nudges(loss: Loss, *betas: float) -> LossNudge:
    """Return what nudges once for every beta [S]."""
    return LossNudge(Sides(nudge_of(loss, 1.0), betas), loss)


def propagation(loss: Loss, beta: Any, method: Method = "centred", **options: Any) -> EquilibriumPropagation:
    """Return equilibrium propagation by the nudge of a loss."""
    return EquilibriumPropagation(nudge_of(loss, beta), method, **options)


@dataclass(frozen=True)
class Currents:
    """Nudges all outputs by fixed currents of a size [A], there and back."""

    size: float

    def pushes(self, outputs: Any, y: Any) -> tuple[Push, ...]:  # noqa: ARG002 - a nudge is asked so
        """Push with the current, and against it."""
        return Push(current=np.full_like(outputs, self.size)), Push(current=np.full_like(outputs, -self.size))

"""The small-signal rule: the limit of a vanishing nudge, measured on the circuit linearised at its free state."""

from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.core.protocol import Capability, Phases
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.rules.estimator import Backward, EstimatorRule, Residuals
from hwsim.typing import Array


@dataclass(frozen=True, slots=True)
class SmallSignal(EstimatorRule):
    """dC/dg = (c_l/c_L)·Δv_free·Δv_ac, with Δv_ac the response to currents −dC/dŷ into the outputs [V/S].

    In circuit terms: freeze the diodes at their slopes, zero the sources, drive the outputs with the error. No nudge has a size, and the
    gradient is exact where the circuit is reciprocal, as equilibrium propagation's is in the limit of beta → 0.

    Source: Chaffey et al. 2025, arXiv 2509.13793.
    """

    name: ClassVar[str] = "small-signal"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SMALL_SIGNAL})

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:  # noqa: ARG002 - any loss
        """Drive the linearised circuit with the error."""
        linearised: Any = solver
        g, x, free = residuals.g, residuals.x, residuals.free
        response = linearised.small_signal(g, free, -cotangent)
        xp = cotangent.__array_namespace__()
        free = free._replace(result=xp.maximum(free.result, response.result))
        factors = energy_factors(solver.circuit, solver.chip)
        seen = self.instruments.seen(solver, (free,), residuals.draw.seed)[0]
        products = weighted_drop_products(solver.circuit, solver.chip, response.v, seen.v, x, factors=factors, scale=1.0)
        dx = -input_gradient(solver.circuit, solver.chip, g, response.v, x, factors)
        return Backward(products, dx, (free,))

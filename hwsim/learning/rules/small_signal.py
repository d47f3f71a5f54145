"""The small-signal rule: the limit of a vanishing nudge, measured on the circuit linearised at its free state."""

from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.core.protocol import Capability, Equilibrium, Phases
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Backward, Draw, EstimatorRule, Gradient, Residuals
from hwsim.typing import Array, Conductances


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
        response, products = self._driven(solver, residuals, cotangent)
        factors = energy_factors(solver.circuit, solver.chip)
        dx = -input_gradient(solver.circuit, solver.chip, residuals.g, response.v, residuals.x, factors)
        return Backward(products, dx, (_worse(residuals.free, response),))

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss; that by the inputs, which not every circuit has, is left out."""
        outputs, residuals = self.forward(solver, g, x, draw)
        response, products = self._driven(solver, residuals, loss.error(outputs, y))
        by_block = {block: product / len(x) for block, product in products.items()}
        return Gradient(by_block, loss.value(outputs, y), (_worse(residuals.free, response),), outputs)

    def _driven(self, solver: Any, residuals: Residuals, cotangent: Array) -> tuple[Equilibrium, dict[str, Array]]:
        """Return the response to the error, and the gradient of the summed loss by block."""
        circuit, chip = solver.circuit, solver.chip
        response = solver.small_signal(residuals.g, residuals.free, -cotangent)
        free = _worse(residuals.free, response)
        seen = self.instruments.seen(solver, (free,), residuals.draw.seed)[0]
        counted, x = self.rounding(seen.v, residuals.x, residuals.draw.seed)
        factors = energy_factors(circuit, chip)
        return response, weighted_drop_products(circuit, chip, response.v, counted, x, factors=factors, scale=1.0)


def _worse(free: Equilibrium, response: Equilibrium) -> Equilibrium:
    """Return free equilibria with the worse of both results."""
    return free._replace(result=free.result.__array_namespace__().maximum(free.result, response.result))

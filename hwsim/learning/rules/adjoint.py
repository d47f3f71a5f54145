"""The adjoint: the exact gradient by implicit differentiation, from one more linear circuit."""

from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.core.protocol import Capability, Equilibrium, Phases
from hwsim.learning.gradient.drops import drop_products
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Backward, Draw, EstimatorRule, Gradient, Residuals
from hwsim.typing import Array, Conductances


@dataclass(frozen=True, slots=True)
class Adjoint(EstimatorRule):
    """dC/dg = −Σ Δλ·Δv, with λ the voltages of the adjoint circuit, driven by dC/dŷ at the outputs; dC/dx is what λ pushes into the inputs.

    Exact for mismatched amplifiers too. It needs a solver of the adjoint circuit: the numeric engine's.

    Source: Director & Rohrer 1969, "The generalized adjoint network and network sensitivities".
    """

    name: ClassVar[str] = "adjoint"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ADJOINT})

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:  # noqa: ARG002 - any loss
        """Solve the adjoint circuit."""
        g, x = residuals.g, residuals.x
        response, free = self._solved(solver, residuals, cotangent)
        products = drop_products(solver.circuit, solver.chip, response.v, *self.rounding(free.v, x, residuals.draw.seed))
        ones = dict.fromkeys((element.name for element in solver.circuit.trainable), 1.0)
        dx = input_gradient(solver.circuit, solver.chip, g, response.v, x, ones)
        return Backward({name: -product for name, product in products.items()}, dx, (free,))

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss."""
        outputs, residuals = self.forward(solver, g, x, draw)
        response, free = self._solved(solver, residuals, loss.error(outputs, y))
        products = drop_products(solver.circuit, solver.chip, response.v, *self.rounding(free.v, x, draw.seed))
        by_block = {name: product * (-1 / len(x)) for name, product in products.items()}
        return Gradient(by_block, loss.value(outputs, y), (free,), outputs)

    def _solved(self, solver: Any, residuals: Residuals, cotangent: Array) -> tuple[Equilibrium, Equilibrium]:
        """Return the adjoint voltages, and the free equilibria with the worse of both results."""
        adjoint, free = solver.adjoint(residuals.g, residuals.free, cotangent), residuals.free
        xp = cotangent.__array_namespace__()
        return adjoint, free._replace(result=xp.maximum(free.result, adjoint.result))

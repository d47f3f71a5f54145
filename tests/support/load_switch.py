"""A local rule: a resistor is switched to every output, and each device compares its squared drops; no error, no target."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hwsim.core.protocol import Capability, Drive, Push
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Draw, Gradient
from hwsim.typing import Array, Conductances


@dataclass(frozen=True)
class LoadSwitch:
    """Raises the goodness Σŷ²: d(Σŷ²)/dg = (c_l/c_L)·(Δv(κ)² − Δv(0)²)/κ, off by O(κ)."""

    kappa: float
    phases: ClassVar[int] = 2
    needs: ClassVar[frozenset[Capability]] = frozenset()
    traceable: ClassVar[bool] = True
    descends: ClassVar[bool] = False
    least_beta: ClassVar[float] = 0.0
    size: ClassVar[str | None] = None

    @property
    def quiet(self) -> Self:
        """It is never noisy."""
        return self

    def resolved(self, conductance: float) -> Self:  # noqa: ARG002 - as it is
        """Return the rule."""
        return self

    def gradient(
        self,
        solver: Any,
        g: Conductances,
        x: Array,
        y: Array,
        loss: Loss,
        draw: Draw = NO_DRAW,  # noqa: ARG002 - nothing is drawn
    ) -> Gradient:
        """Return minus the mean direction in which the goodness rises; the loss is only reported."""
        free, loaded = solver.solve(g, Drive(x)), solver.solve(g, Drive(x, Push(beta=self.kappa, target=0.0 * y)))
        difference = {name: loaded.v[name] - free.v[name] for name in free.v}
        outputs = free.outputs(solver.circuit)
        both, factors = {n: loaded.v[n] + free.v[n] for n in free.v}, energy_factors(solver.circuit, solver.chip)
        scale = -1 / (self.kappa * len(x))
        by_block = weighted_drop_products(solver.circuit, solver.chip, difference, both, x, phases=2, factors=factors, scale=scale)
        return Gradient(by_block, loss.value(outputs, y), (free, loaded), outputs)

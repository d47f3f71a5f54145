"""Nudged rules: estimators that compare equilibria under different nudges, each device by its own drops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from hwsim.core import blocks
from hwsim.core.protocol import Equilibrium, Phases, Push
from hwsim.learning.gradient.drops import drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Backward, Draw, Gradient, LossNudge, Residuals, Rule
from hwsim.typing import Array, Conductances


class Comparison(NamedTuple):
    """Two phases by their numbers, the free one being 0; how many betas apart their nudges are; and the share of it in the estimate."""

    first: int
    second: int
    apart: Array | float
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class NudgedRule(Rule):
    """dC/dg = Σ share·(c_l/c_L)·(Δv(first)² − Δv(second)²) / (2·apart·beta), summed over comparisons of phases and over the batch.

    The same contrast of currents at the inputs is dC/dx.
    """

    phases: ClassVar[Any]

    def comparisons(self, draw: Draw) -> Sequence[Comparison]:
        """Return which phases are compared."""
        raise NotImplementedError

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:
        """Return the push of each nudged phase, from the free read-outs, dC/dŷ, and the targets, each (B, K)."""
        raise NotImplementedError

    def beta_of(self, cotangent: Array) -> Array | float:
        """Return what an estimate divides by: one number, or one a sample, (B, 1)."""
        raise NotImplementedError

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:
        """Find the nudged equilibria, and compare."""
        g, x, free, outputs, draw, noise = residuals
        pushes = self.pushes(outputs, cotangent, target, draw)
        phases = solver.nudged(g, x, free, pushes, noise=noise)
        seen, beta = self.instruments.seen(solver, phases, draw.seed), self.beta_of(cotangent)
        dg = self._compared(solver, seen, x, beta, draw, over=1)
        factors = energy_factors(solver.circuit, solver.chip)
        dx: Any = 0.0
        for first, second, apart, share in self.comparisons(draw):
            response = {name: (seen[first].v[name] - seen[second].v[name]) * (share / (apart * beta)) for name in free.v}
            dx = dx - input_gradient(solver.circuit, solver.chip, g, response, x, factors)
        return Backward(dg, dx, phases)

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss: forward, loss and backward with all phases solved in one go, which engines do faster."""
        self.require(solver)
        phases = self.instruments.phases(solver, g, x, y, LossNudge(self, loss, draw), draw.seed)
        outputs = self.instruments.outputs(solver, phases[0], draw.seed)
        seen, beta = self.instruments.seen(solver, phases, draw.seed), self.beta_of(loss.error(outputs, y))
        by_block = self._compared(solver, seen, x, beta, draw, over=len(x))
        return Gradient(by_block, loss.value(outputs, y), phases, outputs)

    def _compared(
        self, solver: Phases, seen: Sequence[Equilibrium], x: Array, beta: Array | float, draw: Draw, over: int
    ) -> dict[str, Array]:
        """Return Σ_b of the comparisons, divided by `over`."""
        factors = energy_factors(solver.circuit, solver.chip)
        total: dict[str, Array] = {}
        for first, second, apart, share in self.comparisons(draw):
            a, b = seen[first].v, seen[second].v
            scale = share / (2 * (apart * beta) * over)
            difference = {name: a[name] - b[name] for name in a}
            drops = drop_products(solver.circuit, solver.chip, difference, {name: a[name] + b[name] for name in a}, x, phases=2)
            for block, part in weighted(drops, factors, scale).items():
                total[block] = total[block] + part if block in total else part
        return total


def weighted(drops: Mapping[str, Array], factors: Mapping[str, Any], scale: Array | float) -> dict[str, Array]:
    """Multiply products of drops by their weights in the energy, c_l/c_L, and a common scale."""
    found = {}
    for block, drop in drops.items():
        factor = factors[blocks.element_of(block)]
        found[block] = drop * ((factor if isinstance(factor, float) else factor.astype(drop.dtype)) * scale)
    return found

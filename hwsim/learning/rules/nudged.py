"""Nudged rules: estimators that compare equilibria under different nudges, each device by its own drops."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from circuits.circuit import Circuit
from hwsim.core.protocol import Equilibrium, Phases, Push
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Backward, Draw, EstimatorRule, Gradient, LossNudge, Residuals
from hwsim.typing import Array, Conductances


class Comparison(NamedTuple):
    """Two phases by their numbers, the free one being 0; how many betas apart their nudges are; and the share of it in the estimate."""

    first: int
    second: int
    apart: Array | float
    share: float = 1.0


class _Fields(NamedTuple):
    """The difference and the sum of the voltages of two phases, by node group, features as they count there, and what to divide by."""

    difference: Mapping[str, Array]
    total: Mapping[str, Array]
    x: Array
    scale: Array | float


@dataclass(frozen=True, slots=True)
class NudgedRule(EstimatorRule):
    """dC/dg = Σ share·(c_l/c_L)·(Δv(first)² − Δv(second)²) / (2·apart·beta), summed over comparisons of phases and over the batch.

    The same contrast of currents at the inputs is dC/dx.
    """

    in_displacements: ClassVar[Any] = False
    """Whether nudged phases are displacements from the free one."""

    in_one_go: ClassVar[Any] = True
    """Whether an engine may solve the nudged phases right behind the free one, where all are its ordinary equilibria."""

    @abstractmethod
    def comparisons(self, draw: Draw) -> Sequence[Comparison]:
        """Return which phases are compared."""

    @abstractmethod
    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: Draw) -> tuple[Push, ...]:
        """Return the push of each nudged phase, from the free read-outs, dC/dŷ, and the targets, each (B, K)."""

    @abstractmethod
    def beta_of(self, cotangent: Array, outputs: Array) -> Array | float:
        """Return what an estimate divides by, from dC/dŷ and the free read-outs: one number, or one a sample, (B, 1)."""

    def at(self, circuit: Circuit, g: Conductances) -> Self:  # noqa: ARG002 - nudges are fixed
        """Return the rule with its nudge at these conductances [S]."""
        return self

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:
        """Find the nudged equilibria, and compare."""
        rule = self.at(solver.circuit, residuals.g)
        phases = rule._nudged_phases(solver, residuals, cotangent, target)  # noqa: SLF001 - its own kind
        beta = rule.beta_of(cotangent, residuals.outputs)
        seen = self.instruments.seen(solver, phases, residuals.draw.seed)
        fields = self._fields(seen, residuals.x, beta, residuals.draw, over=1)
        factors, dx = energy_factors(solver.circuit, solver.chip), 0.0 * residuals.x
        for field in fields:
            response = {name: _real(v * (2 * field.scale)) for name, v in field.difference.items()}
            dx = dx - input_gradient(solver.circuit, solver.chip, residuals.g, response, residuals.x, factors)
        return Backward(_summed(solver, fields), dx, phases)

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss; all phases are solved in one go where they can, which engines do faster."""
        if not self.in_one_go or loss.by_sample:
            return EstimatorRule.gradient(self, solver, g, x, y, loss, draw)
        self.require(solver)
        nudge = LossNudge(self, loss, Draw(draw.sign))  # without the seed, which differs in each step: a nudge is compiled in
        phases = self.instruments.phases(solver, g, x, y, nudge, draw.seed)
        outputs = self.instruments.outputs(solver, phases[0], draw.seed)
        seen, beta = self.instruments.seen(solver, phases, draw.seed), self.beta_of(outputs, outputs)
        return Gradient(_summed(solver, self._fields(seen, x, beta, draw, over=len(x))), loss.value(outputs, y), phases, outputs)

    def _nudged_phases(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None) -> tuple[Equilibrium, ...]:
        g, x, free, outputs, draw, noise = residuals
        pushes = self.pushes(outputs, cotangent, target, draw)
        return solver.displaced(g, x, free, pushes) if self.in_displacements else solver.nudged(g, x, free, pushes, noise=noise)

    def _fields(self, seen: Sequence[Equilibrium], x: Array, beta: Array | float, draw: Draw, over: int) -> list[_Fields]:
        """Return what the comparisons of a batch with features x (B, I) are made of, divided by `over`."""
        fields = []
        for first, second, apart, share in self.comparisons(draw):
            a, b = seen[first].v, seen[second].v
            if self.in_displacements:
                free, b = seen[0].v, b if second else dict.fromkeys(a, 0.0)
                total = {name: 2 * free[name] + a[name] + b[name] for name in a}
            else:
                total = {name: a[name] + b[name] for name in a}
            counted = self.rounding(total, x, draw.seed)
            fields.append(_Fields({name: a[name] - b[name] for name in a}, *counted, share / (2 * (apart * beta) * over)))
        return fields


def _summed(solver: Phases, fields: Sequence[_Fields]) -> dict[str, Array]:
    """Return Σ_b of what is compared, by block."""
    factors = energy_factors(solver.circuit, solver.chip)
    total: dict[str, Array] = {}
    for difference, voltages, x, scale in fields:
        each = difference if not getattr(scale, "ndim", 0) else {name: v * scale for name, v in difference.items()}
        common = 1.0 if each is not difference else scale
        drops = weighted_drop_products(solver.circuit, solver.chip, each, voltages, x, phases=2, factors=factors, scale=common)
        for block, part in drops.items():
            total[block] = total[block] + part if block in total else part
    return {block: _real(values) for block, values in total.items()}


def _real(values: Array) -> Array:
    """Return the real part of what complex nudges computed."""
    return values.real if values.dtype.kind == "c" else values

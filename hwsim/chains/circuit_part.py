"""A circuit block in a chain: driven by converters, settled, read by converters; its backward is that of its learning rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import numpy as np

from hwsim.chains.chain_part import ForwardContext, ForwardPass
from hwsim.core.converters import quantised
from hwsim.core.protocol import Phases
from hwsim.learning.rules.estimator import Backward, Draw, EstimatorRule, Residuals
from hwsim.random.counter import seed_of
from hwsim.typing import Array, Conductances


@dataclass(frozen=True)
class Converters:
    """The digital-to-analog converters between blocks.

    Parameters
    ----------
    bits, full_scale
        Voltages that they make: 2^bits − 1 of them, from −full_scale to +full_scale [V].
    scale
        By which a number becomes a voltage [V per unit].

    """

    bits: int
    full_scale: float
    scale: float

    def driven(self, x: Array) -> Array:
        """Return the numbers that the converters can make."""
        return quantised(x * self.scale, self.bits, self.full_scale) / self.scale

    def passed_on(self, x: Array, dx: Array) -> Array:
        """Return the gradient by what is converted: as if it were not rounded, and 0 beyond the full scale."""
        return dx * (abs(x * self.scale) <= self.full_scale).astype(dx.dtype)


@dataclass(frozen=True)
class CircuitPart:
    """How a circuit block computes and learns. Pure and hashable.

    Parameters
    ----------
    number
        Of the block, from 0 on.
    names
        Its element arrays that learn.
    rule
        The learning rule, and what it reads voltages with.
    converters
        What drives its inputs; None: the numbers as they are.

    """

    number: int
    names: tuple[str, ...]
    rule: EstimatorRule
    converters: Converters | None = None

    @property
    def rules(self) -> tuple[EstimatorRule, ...]:
        """Its learning rule."""
        return (self.rule,)

    def by(self, changed: Callable[[EstimatorRule], EstimatorRule]) -> Self:
        """Return the circuit that learns by another rule."""
        return replace(self, rule=changed(self.rule))

    def forward(self, solver: Phases, g: Conductances, x: Array, context: ForwardContext) -> ForwardPass:
        """Return the outputs (B, K) [V] of the free phase at inputs x (B, I), and what the backward needs."""
        x = on_host(x)
        driven = x if self.converters is None else self.converters.driven(x)
        outputs, residuals = self.rule.forward(solver, self.of_block(g), driven, self.drawn(context.draw))
        return ForwardPass(outputs, (x, residuals), residuals.free)

    def backward(self, solver: Phases, kept: tuple[Array, Residuals], cotangent: Array) -> Backward:
        """Return the gradients of the summed loss from its derivative by the outputs, dC/dŷ (B, K)."""
        x, residuals = kept
        back = self.rule.backward(solver, residuals, on_host(cotangent))
        return back if self.converters is None else back._replace(dx=self.converters.passed_on(x, back.dx))

    def drawn(self, draw: Draw) -> Draw:
        """Return what the block draws where an update draws this."""
        return Draw(draw.sign, seed_of(self.number, draw.seed))

    def of_block(self, g: Mapping[str, Array]) -> dict[str, Array]:
        """Return the block's own conductances."""
        return {name: values for name, values in g.items() if name.partition("[")[0] in self.names}


def on_host(tree: Any) -> Any:
    """Return what digital layers computed in arrays of NumPy, which every engine takes; inside of compiled functions they stay."""
    return jax.tree.map(lambda x: x if isinstance(x, jax.core.Tracer) else np.asarray(x), tree)

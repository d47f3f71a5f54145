"""The learning rule of a chain: forward through all blocks, and the error back block by block.

Each circuit is nudged by the error that back-propagation through the digital layers behind it brings to its outputs, frozen at the free
phase; the current that its nudged phases add at its inputs is the error of what drives it.

Source: Nest & Ernoult 2024, "Towards training digitally-tied analog blocks via hybrid gradient computation" (feed-forward-tied blocks).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.units import Siemens
from hwsim.chains.circuit_part import CircuitPart, on_host
from hwsim.chains.digital_part import DigitalPart
from hwsim.chains.digital_stack import TESTED_ERROR, TESTING, TRAINING, Mode
from hwsim.core.protocol import Capability, Equilibrium, Result
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Draw, EstimatorRule, Gradient
from hwsim.numeric.jax_scope import jax_scope
from hwsim.typing import Array, Conductances

ChainPart = CircuitPart | DigitalPart


class Boundary(NamedTuple):
    """The numbers at a block's ends, of a batch: what comes in (B, I), what comes out (B, K), and dC/dŷ of the latter (B, K)."""

    x: Array
    outputs: Array
    error: Array


@dataclass(frozen=True)
class ChainRule:
    """The gradient of a chain, its blocks' parts in order. A chain of one circuit computes what its rule does."""

    parts: tuple[ChainPart, ...]

    @property
    def circuits(self) -> list[CircuitPart]:
        """How its circuits compute and learn."""
        return [part for part in self.parts if isinstance(part, CircuitPart)]

    @property
    def phases(self) -> int:
        """Equilibria of a sample as reports count them: all circuits' free ones as one, and the nudged ones as one."""
        return 2

    @property
    def needs(self) -> frozenset[Capability]:
        """What solvers must be able to do for it."""
        return frozenset().union(*(part.rule.needs for part in self.circuits))

    @property
    def traceable(self) -> bool:
        """Whether it compiles into a training step."""
        return all(part.rule.traceable for part in self.circuits)

    @property
    def descends(self) -> bool:
        """It computes the gradient of the loss."""
        return True

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that nudges add to an output [S]."""
        return min((part.rule.least_beta for part in self.circuits), default=0.0)

    @property
    def size(self) -> None:
        """Each block has a nudge of its own."""
        return

    @property
    def noisy(self) -> bool:
        """Whether currents of noise flow in its circuits."""
        return any(part.rule.noisy for part in self.circuits)

    @property
    def quiet(self) -> Self:
        """The rule without noise."""
        return self.by(lambda part: part.rule.quiet)

    def resolved(self, conductance: Siemens) -> Self:
        """Return the rule with nudges that 64 bits resolve."""
        return self.by(lambda part: part.rule.resolved(conductance))

    def by(self, changed: Callable[[CircuitPart], EstimatorRule]) -> Self:
        """Return the chain whose circuits learn by other rules."""
        return replace(self, parts=tuple(_with(part, changed) for part in self.parts))

    @jax_scope()
    def gradient(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss, and the change of running averages, by block of conductances and by parameter."""
        outputs, kept, good = self._forward(solver, g, x, draw)
        error = loss.error(outputs, y)
        by_block, _, phases = self._backward(solver, kept, error * good[:, None].astype(error.dtype))
        mean = {name: values / len(x) for name, values in by_block.items()}
        gradient: Gradient = on_host(Gradient(mean | _moved(g, kept), loss.value(outputs, y), phases, outputs))
        return gradient

    @jax_scope()
    def with_inputs(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> tuple[Array, dict[str, Array], Array]:
        """Return each sample's loss (B,), the gradient of their sum by array, and by the inputs (B, I)."""
        outputs, kept, _ = self._forward(solver, g, x, NO_DRAW)
        by_block, dx, _ = self._backward(solver, kept, loss.error(outputs, y))
        return loss.value(outputs, y), by_block, dx

    @jax_scope()
    def read(self, solver: Any, g: Conductances, x: Array, seed: Any = 0, *, training: bool = False) -> tuple[Array, Equilibrium]:
        """Return the outputs (B, K), and residual, steps and result of the free equilibria; `training` normalises by the batch."""
        outputs, kept, _ = self._forward(solver, g, x, Draw(seed=seed), TRAINING if training else TESTING)
        read: tuple[Array, Equilibrium] = on_host(
            (outputs, _summary([residuals.free for _, residuals in kept if residuals is not None], x))
        )
        return read

    def boundaries(self, solver: Any, g: Conductances, x: Array, seed: Any = 0) -> list[tuple[Array, Array]]:
        """Return what comes into each block, and what comes out of it, of samples x (n, I) that are tested."""
        boundaries: list[tuple[Array, Array]] = []
        with jax_scope():
            self._forward(solver, g, x, Draw(seed=seed), TESTING, boundaries)
        return boundaries

    @jax_scope()
    def errors(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> list[Boundary]:
        """Return what comes into each block of tested samples, what comes out, and the error that is passed back to there."""
        boundaries: list[tuple[Array, Array]] = []
        passed: list[Array] = []
        outputs, kept, _ = self._forward(solver, g, x, NO_DRAW, TESTED_ERROR, boundaries)
        self._backward(solver, kept, loss.error(on_host(outputs), y), passed)
        return [on_host(Boundary(*ends, error)) for ends, error in zip(boundaries, passed, strict=True)]

    def _forward(
        self, solver: Any, g: Conductances, x: Array, draw: Draw, mode: Mode = TRAINING, boundaries: list[Any] | None = None
    ) -> tuple[Array, list[tuple[Any, Any]], Array]:
        """Return the outputs, what each block's backward needs, and which samples settled in all circuits."""
        kept: list[tuple[Any, Any]] = []
        good: Any = np.ones(len(x), bool)
        for part, block_solver in zip(self.parts, solver.solvers, strict=True):
            begun = x
            if isinstance(part, CircuitPart):
                x, (driven, residuals) = part.forward(block_solver, g, x, draw)
                good = good & (residuals.free.result == Result.CONVERGED)
                kept.append((driven, residuals))
            else:
                x, after, back = part.forward(g, x, mode)
                kept.append(((after, back), None))
            if boundaries is not None:
                boundaries.append((begun, x))
        return x, kept, good

    def _backward(
        self, solver: Any, kept: list[tuple[Any, Any]], cotangent: Array, errors: list[Array] | None = None
    ) -> tuple[dict[str, Array], Array, tuple[Equilibrium, ...]]:
        """Return the gradient of the summed loss by block and parameter, and by the inputs, and all circuits' phases, summed up."""
        by_block: dict[str, Array] = {}
        free: list[Equilibrium] = []
        nudged: list[Equilibrium] = []
        for part, block_solver, (first, residuals) in reversed(list(zip(self.parts, solver.solvers, kept, strict=True))):
            if errors is not None:
                errors.insert(0, cotangent)
            if isinstance(part, CircuitPart):
                dg, cotangent, phases = part.backward(block_solver, (first, residuals), cotangent)
                by_block |= dg
                free.append(phases[0])
                nudged += phases[1:]
            else:
                dp, cotangent = first[1](cotangent)
                by_block |= {name: values for name, values in dp.items() if name not in part.running}
        return by_block, cotangent, (_summary(free, cotangent), _summary(nudged or free, cotangent))


def _with(part: ChainPart, changed: Callable[[CircuitPart], EstimatorRule]) -> ChainPart:
    return replace(part, rule=changed(part)) if isinstance(part, CircuitPart) else part


def _moved(g: Conductances, kept: Sequence[tuple[Any, Any]]) -> dict[str, Array]:
    """Return the change that running averages wait for: what they are less what they become, as a gradient that a step of 1 follows."""
    averages = [first[0] for first, residuals in kept if residuals is None]
    return {name: g[name] - values for after in averages for name, values in after.items()}


def _summary(phases: Sequence[Equilibrium], x: Array) -> Equilibrium:
    """Return several circuits' equilibria of the same samples as one: the largest residual, all steps, the worst result; no voltages."""
    xp = x.__array_namespace__()
    nothing = Equilibrium({}, xp.zeros(len(x), x.dtype), xp.zeros(len(x), np.int32), xp.zeros(len(x), np.int32))

    def add(one: Equilibrium, other: Equilibrium) -> Equilibrium:
        residual, result = xp.maximum(one.residual, other.residual), xp.maximum(one.result, other.result)
        return Equilibrium({}, residual, one.steps + other.steps, result)

    return reduce(add, phases, nothing)

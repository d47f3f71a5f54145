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
from hwsim.chains.chain_part import ChainPart, ForwardContext, ForwardPass
from hwsim.chains.circuit_part import on_host
from hwsim.chains.digital_stack import TESTED_ERROR, TESTING, TRAINING, Mode
from hwsim.chains.feedback import EXACT, Feedback
from hwsim.core.protocol import Capability, Equilibrium, Result
from hwsim.learning.losses import Loss
from hwsim.learning.rules.estimator import NO_DRAW, Draw, EstimatorRule, Gradient
from hwsim.numeric.jax_scope import jax_scope
from hwsim.typing import Array, Conductances


class Boundary(NamedTuple):
    """The numbers at a block's ends, of a batch: what comes in (B, I), what comes out (B, K), and dC/dŷ of the latter (B, K)."""

    x: Array
    outputs: Array
    error: Array


@dataclass(frozen=True)
class ChainRule:
    """The gradient of a chain. A chain of one circuit computes what its rule does.

    A layer of the chain is a circuit and the digital blocks in front of it; digital blocks at the end are one more. Inside of a layer the
    error comes back as it is, and from layer to layer as `feedback` has it.

    Parameters
    ----------
    parts
        Of the blocks, in order.
    feedback
        How an error passes from layer to layer.
    skipping
        Whether samples that do not settle are skipped, so that batch norms count the others alone.

    """

    parts: tuple[ChainPart, ...]
    feedback: Feedback = EXACT
    skipping: bool = False

    @property
    def layers(self) -> tuple[range, ...]:
        """The numbers of the blocks of each layer."""
        last = len(self.parts)
        ends = [k + 1 for k, part in enumerate(self.parts) if part.rules]
        starts = [0, *ends]
        return tuple(range(*both) for both in zip(starts, [*ends, last], strict=True) if both[0] < both[1])

    @property
    def rules(self) -> tuple[EstimatorRule, ...]:
        """How its circuits learn."""
        return tuple(rule for part in self.parts for rule in part.rules)

    @property
    def phases(self) -> int:
        """Equilibria of a sample as reports count them: all circuits' free ones as one, and the nudged ones as one."""
        return 2

    @property
    def needs(self) -> frozenset[Capability]:
        """What solvers must be able to do for it."""
        return frozenset().union(*(rule.needs for rule in self.rules))

    @property
    def traceable(self) -> bool:
        """Whether it compiles into a training step."""
        return all(rule.traceable for rule in self.rules)

    @property
    def descends(self) -> bool:
        """It computes the gradient of the loss."""
        return True

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that nudges add to an output [S]."""
        return min((rule.least_beta for rule in self.rules), default=0.0)

    @property
    def size(self) -> str | None:
        """Key and value of the size of the first nudge; each block has its own. None: its circuits learn from no difference."""
        sizes = ((k, rule.size) for k, part in enumerate(self.parts) for rule in part.rules)
        return next((f"blocks[{k}].{size.removeprefix('training.')}" for k, size in sizes if size is not None), None)

    @property
    def noisy(self) -> bool:
        """Whether currents of noise flow in its circuits."""
        return any(rule.noisy for rule in self.rules)

    @property
    def quiet(self) -> Self:
        """The rule without noise."""
        return self.by(lambda rule: rule.quiet)

    def resolved(self, conductance: Siemens) -> Self:
        """Return the rule with nudges that 64 bits resolve."""
        return self.by(lambda rule: rule.resolved(conductance))

    def by(self, changed: Callable[[EstimatorRule], EstimatorRule]) -> Self:
        """Return the chain whose circuits learn by other rules."""
        return replace(self, parts=tuple(part.by(changed) for part in self.parts))

    @jax_scope()
    def gradient(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss, and the change of running averages, by block of conductances and by parameter."""
        outputs, passed, good = self.forward(solver, g, x, draw)
        error = loss.error(outputs, y)
        by_block, _, phases = self._backward(solver, passed, error * good[:, None].astype(error.dtype))
        mean = {name: values / len(x) for name, values in by_block.items()}
        gradient: Gradient = on_host(Gradient(mean | moved(g, passed), loss.value(outputs, y), phases, outputs))
        return gradient

    @jax_scope()
    def with_inputs(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> tuple[Array, dict[str, Array], Array]:
        """Return each sample's loss (B,), the gradient of their sum by array, and by the inputs (B, I)."""
        outputs, passed, _ = self.forward(solver, g, x, NO_DRAW)
        by_block, dx, _ = self._backward(solver, passed, loss.error(outputs, y))
        return loss.value(outputs, y), by_block, dx

    @property
    def passes_back(self) -> bool:
        """Whether the gradient is that of the chain's loss, by the inputs too; others have a loss a layer."""
        return self.feedback.exact

    @jax_scope()
    def by_parameter(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> dict[str, Array]:
        """Return the sum over samples of what `gradient` averages, by array."""
        return self.with_inputs(solver, g, x, y, loss)[1]

    def objectives(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss, errors: Sequence[Boundary]) -> list[float]:
        """Return the sum over samples of what each layer descends on; what is behind it counts by the `errors` that are passed back."""
        boundaries: list[tuple[Array, Array]] = []
        with jax_scope():
            outputs, _, _ = self.forward(solver, g, x, NO_DRAW, TRAINING, boundaries)
        whole = float(np.asarray(loss.value(on_host(outputs), y)).sum())
        *hidden, _ = self.layers
        if self.passes_back:
            return [whole for _ in self.layers]
        return [*(float(np.vdot(np.asarray(boundaries[layer[-1]][1]), np.asarray(errors[layer[-1]].error))) for layer in hidden), whole]

    def by_layer(self, solver: Any, g: Conductances, x: Array, y: Array) -> dict[str, float]:  # noqa: ARG002 - of rules with a loss a layer
        """Return what each layer makes of samples by itself: nothing, as layers work together."""
        return {}

    @jax_scope()
    def read(self, solver: Any, g: Conductances, x: Array, seed: Any = 0, *, training: bool = False) -> tuple[Array, Equilibrium]:
        """Return the outputs (B, K), and residual, steps and result of the free equilibria; `training` normalises by the batch."""
        outputs, passed, _ = self.forward(solver, g, x, Draw(seed=seed), TRAINING if training else TESTING)
        free = [one.free for one in passed if one.free is not None]
        read: tuple[Array, Equilibrium] = on_host((outputs, _summary(free, x)))
        return read

    def boundaries(self, solver: Any, g: Conductances, x: Array, seed: Any = 0) -> list[tuple[Array, Array]]:
        """Return what comes into each block, and what comes out of it, of samples x (n, I) that are tested."""
        boundaries: list[tuple[Array, Array]] = []
        with jax_scope():
            self.forward(solver, g, x, Draw(seed=seed), TESTING, boundaries)
        return boundaries

    @jax_scope()
    def errors(self, solver: Any, g: Conductances, x: Array, y: Array, loss: Loss) -> list[Boundary]:
        """Return what comes into each block of tested samples, what comes out, and the error that is passed back to there."""
        boundaries: list[tuple[Array, Array]] = []
        errors: list[Array] = []
        outputs, passed, _ = self.forward(solver, g, x, NO_DRAW, TESTED_ERROR, boundaries)
        self._backward(solver, passed, loss.error(on_host(outputs), y), errors)
        return [on_host(Boundary(*ends, error)) for ends, error in zip(boundaries, errors, strict=True)]

    def forward(
        self, solver: Any, g: Conductances, x: Array, draw: Draw, mode: Mode = TRAINING, boundaries: list[Any] | None = None
    ) -> tuple[Array, list[ForwardPass], Array]:
        """Return the outputs, what each block makes, and which samples settled in all circuits; solvers may be of more blocks."""
        passed: list[ForwardPass] = []
        good: Any = np.ones(len(x), bool)
        for part, block_solver in zip(self.parts, solver.solvers, strict=False):
            begun, one = x, part.forward(block_solver, g, x, ForwardContext(draw, mode, good if self.skipping else None))
            x = one.outputs
            passed.append(one)
            if one.free is not None:
                good = good & (one.free.result == Result.CONVERGED)
            if boundaries is not None:
                boundaries.append((begun, x))
        return x, passed, good

    def _backward(
        self, solver: Any, passed: list[ForwardPass], cotangent: Array, errors: list[Array] | None = None
    ) -> tuple[dict[str, Array], Array, tuple[Equilibrium, ...]]:
        """Return the gradient of the summed loss by block and parameter, and by the inputs, and all circuits' phases, summed up."""
        by_block: dict[str, Array] = {}
        phases: list[tuple[Equilibrium, ...]] = []
        end = cotangent
        for number, layer in reversed(list(enumerate(self.layers))):
            dg, dx, of_layer = self._through(layer, solver, passed, cotangent, errors)
            cotangent = self.feedback.error(number - 1, dx, cotangent, end) if number else dx
            by_block |= dg
            phases += of_layer
        return by_block, cotangent, summed_up(phases, cotangent)

    def _through(
        self, layer: range, solver: Any, passed: Sequence[ForwardPass], cotangent: Array, errors: list[Array] | None = None
    ) -> tuple[dict[str, Array], Array, list[tuple[Equilibrium, ...]]]:
        """Return the gradient by the parameters of a layer and by its inputs, and its circuits' phases, from dC/dŷ (B, K) at its end."""
        by_block: dict[str, Array] = {}
        phases: list[tuple[Equilibrium, ...]] = []
        for k in reversed(layer):
            if errors is not None:
                errors.insert(0, cotangent)
            dg, cotangent, of_block = self.parts[k].backward(solver.solvers[k], passed[k].kept, cotangent)
            by_block |= dg
            phases.append(of_block)
        return by_block, cotangent, phases


def summed_up(phases: Sequence[tuple[Equilibrium, ...]], x: Array) -> tuple[Equilibrium, Equilibrium]:
    """Return the free equilibria of all circuits as one, and the nudged ones as one."""
    free = [each[0] for each in phases if each]
    nudged = [one for each in phases for one in each[1:]]
    return _summary(free, x), _summary(nudged or free, x)


def moved(g: Conductances, passed: Sequence[ForwardPass]) -> dict[str, Array]:
    """Return the change that running averages wait for: what they are less what they become, as a gradient that a step of 1 follows."""
    return {name: g[name] - values for one in passed for name, values in one.averages.items()}


def _summary(phases: Sequence[Equilibrium], x: Array) -> Equilibrium:
    """Return several circuits' equilibria of the same samples as one: the largest residual, all steps, the worst result; no voltages."""
    xp = x.__array_namespace__()
    nothing = Equilibrium({}, xp.zeros(len(x), x.dtype), xp.zeros(len(x), np.int32), xp.zeros(len(x), np.int32))

    def add(one: Equilibrium, other: Equilibrium) -> Equilibrium:
        residual, result = xp.maximum(one.residual, other.residual), xp.maximum(one.result, other.result)
        return Equilibrium({}, residual, one.steps + other.steps, result)

    return reduce(add, phases, nothing)

"""What a learning rule is: an estimator, a forward and a backward with the loss between them, or a local rule, which knows no loss.

Rules work on any engine's solver and on the numeric engine's traced one, so that a whole training step compiles.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from circuits.units import Siemens
from hwsim.core import blocks
from hwsim.core.protocol import Capability, Equilibrium, Phases, Push, UnsupportedCircuitError
from hwsim.learning.gradient.rounded_drops import DropRounding
from hwsim.learning.losses import Loss
from hwsim.learning.readout import Instruments
from hwsim.settings.variation_settings import NoiseSettings
from hwsim.typing import Array, Conductances


class Draw(NamedTuple):
    """What an update draws: `sign`, +1 or −1, the side of a random-sign nudge; `seed`, that of its noise."""

    sign: Array | float = 1.0
    seed: Array | int = 0


NO_DRAW = Draw()


class Residuals(NamedTuple):
    """What a backward needs of its forward: arrays alone, so that a compiled function may return it.

    Parameters
    ----------
    g
        Conductances [S].
    x
        Inputs, shape (B, I).
    free
        The free equilibria.
    outputs
        What was read of them, shape (B, K) [V].
    draw
        What the update drew.
    noise
        Currents into free nodes of the phases to come, where the circuit is noisy.

    """

    g: Conductances
    x: Array
    free: Equilibrium
    outputs: Array
    draw: Draw
    noise: Sequence[Mapping[str, Array]] | None


class Backward(NamedTuple):
    """What a backward computes.

    Parameters
    ----------
    dg
        dC/dg of the summed loss, by block of the conductances [V²/S].
    dx
        dC/dx of each sample, shape (B, I) [V² per unit of the features].
    phases
        All equilibria, the free ones first.

    """

    dg: dict[str, Array]
    dx: Array
    phases: tuple[Equilibrium, ...]


class Gradient(NamedTuple):
    """What a rule computes of a batch.

    Parameters
    ----------
    by_block
        dC/dg of the mean loss, block by block of the conductances [V²/S].
    loss
        Loss of each sample in the free phase, shape (B,) [V²].
    phases
        The equilibria, the free ones first.
    outputs
        What was read in the free phase, shape (B, K) [V].

    """

    by_block: dict[str, Array]
    loss: Array
    phases: tuple[Equilibrium, ...]
    outputs: Array

    @property
    def g(self) -> dict[str, Array]:
        """DC/dg by trainable element array, in the shape of its conductances [V²/S]."""
        return blocks.join(self.by_block)


class LearningRule(Protocol):
    """What a training asks of a rule. It declares what it needs and does; nobody looks at its type."""

    @property
    def phases(self) -> int:
        """Number of equilibria of a sample, the free one included."""
        ...

    @property
    def needs(self) -> frozenset[Capability]:
        """What a solver must be able to do for it."""
        ...

    @property
    def traceable(self) -> bool:
        """Whether it compiles into a training step."""
        ...

    @property
    def descends(self) -> bool:
        """Whether it computes the gradient of the loss; others compute a direction of their own."""
        ...

    @property
    def least_beta(self) -> Siemens:
        """The lowest transconductance that its nudges add to an output [S]: negative where they push away from the target."""
        ...

    @property
    def size(self) -> str | None:
        """Key and value of the size of its nudge, where it learns from a difference of equilibria; None: it learns from none."""
        ...

    @property
    def noisy(self) -> bool:
        """Whether currents of noise flow in its circuits."""
        ...

    @property
    def quiet(self) -> Self:
        """The rule without noise, and without rounding of drops; converters stay, as nudges depend on them."""
        ...

    def resolved(self, conductance: Siemens) -> Self:
        """Return the rule with a nudge that 64 bits resolve at outputs of this conductance, or a larger one where it has one."""
        ...

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = ...) -> Gradient:
        """Return the gradient of the mean loss at inputs x (B, I) with targets y (B, K) [V].

        Raises
        ------
        UnsupportedCircuitError
            When the solver is not able to do what the rule needs.

        """
        ...


class LocalRule(LearningRule, Protocol):
    """A rule whose layers each have a goodness of their own: no error is passed, so that there is no backward to what stands before.

    `gradient` returns minus the direction in which each layer's goodness is to change; the loss is only reported.
    """


class Estimator(LearningRule, Protocol):
    """A rule that passes an error through: a forward, any loss of its outputs, and a backward of the loss's derivative."""

    def forward(self, solver: Phases, g: Conductances, x: Array, draw: Draw = ...) -> tuple[Array, Residuals]:
        """Return the outputs (B, K) [V] of the free phase at inputs x (B, I), and what the backward needs."""
        ...

    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:
        """Return the gradients of the summed loss from its derivative by the outputs, dC/dŷ (B, K).

        `target` (B, K) [V] is for nudges that draw the outputs to it as they move.
        """
        ...


def free_phase(
    instruments: Instruments, solver: Phases, g: Conductances, x: Array, draw: Draw = NO_DRAW, phases: int = 1
) -> tuple[Array, Residuals]:
    """Return the outputs (B, K) [V] of the free phase at inputs x (B, I), and what a backward needs that goes through `phases` in all."""
    free, noise = instruments.free(solver, g, x, draw.seed, phases)
    outputs = instruments.outputs(solver, free, draw.seed)
    return outputs, Residuals(g, x, free, outputs, draw, noise)


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """What rules have in common: instruments, the rounding of free drops in updates, and declarations that a plain one does not change."""

    instruments: Instruments = field(default_factory=Instruments, kw_only=True)
    rounding: DropRounding = field(default_factory=DropRounding, kw_only=True)
    name: ClassVar[str]
    phases: ClassVar[Any] = 1
    needs: ClassVar[frozenset[Capability]] = frozenset()
    traceable: ClassVar[bool] = True
    descends: ClassVar[bool] = True
    least_beta: ClassVar[Any] = 0.0
    size: ClassVar[Any] = None

    @property
    def noisy(self) -> bool:
        """Whether currents of noise flow in its circuits."""
        return self.instruments.noise.in_currents

    @property
    def quiet(self) -> Self:
        """The rule without noise, and without rounding by chance."""
        return replace(self, instruments=replace(self.instruments, noise=NoiseSettings()), rounding=DropRounding())

    def resolved(self, conductance: Siemens) -> Self:  # noqa: ARG002 - it has no nudge
        """Return the rule itself."""
        return self

    def require(self, solver: Phases) -> None:
        """Refuse a solver that is not able to do what the rule needs.

        Raises
        ------
        UnsupportedCircuitError
            Naming what, and an engine that is.

        """
        if missing := sorted(capability.value for capability in self.needs - solver.capabilities):
            msg = (
                f"rule {self.name} needs a solver that {missing[0]}, and this engine's does not; use --engine numeric, or rule "
                "equilibrium-propagation"
            )
            raise UnsupportedCircuitError(msg)

    @abstractmethod
    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss."""


@dataclass(frozen=True, slots=True)
class EstimatorRule(Rule):
    """What estimators have in common: the free phase is their forward, and a gradient is a forward, a loss and a backward."""

    @abstractmethod
    def backward(self, solver: Phases, residuals: Residuals, cotangent: Array, target: Array | None = None) -> Backward:
        """Return the gradients of the summed loss from its derivative by the outputs."""

    def gradient(self, solver: Phases, g: Conductances, x: Array, y: Array, loss: Loss, draw: Draw = NO_DRAW) -> Gradient:
        """Return the gradient of the mean loss: forward, loss, backward."""
        outputs, residuals = self.forward(solver, g, x, draw)
        dg, _, phases = self.backward(solver, residuals, loss.error(outputs, y), loss.drawn_to(outputs, y))
        return Gradient({block: values / len(x) for block, values in dg.items()}, loss.value(outputs, y), phases, outputs)

    def forward(self, solver: Phases, g: Conductances, x: Array, draw: Draw = NO_DRAW) -> tuple[Array, Residuals]:
        """Return the outputs (B, K) [V] of the free phase at inputs x (B, I), and what the backward needs."""
        self.require(solver)
        return free_phase(self.instruments, solver, g, x, draw, self.phases)


@dataclass(frozen=True, slots=True)
class LossNudge:
    """The nudges of a rule, or of anything with `pushes`, for a loss: what an engine that solves all phases in one go calls."""

    of: Any
    loss: Loss
    draw: Draw = NO_DRAW

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Return a push a nudged phase."""
        pushes: tuple[Push, ...] = self.of.pushes(outputs, self.loss.error(outputs, y), y, self.draw)
        return pushes

"""Nudges of the outputs: what flows into them at a side of a nudge, +1, −1 or a multiple, and by which beta an estimate divides.

A cotangent is dC/dŷ of the free phase, (B, K).
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.typing import Array


class OutputNudge(Protocol):
    """A kind of nudge."""

    @property
    def size(self) -> str:
        """Key and value of its size, as messages show it."""
        ...

    @property
    def from_free(self) -> bool:
        """Whether it depends on what was read in the free phase."""
        ...

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:
        """Return what flows into the outputs."""
        ...

    def beta_of(self, cotangent: Array) -> Array | Siemens:
        """Return the transconductance of side 1 [S]: one number, or one a sample, (B, 1)."""
        ...

    def conductance(self, side: float) -> Siemens:
        """Return what the nudge of a side adds to an output's conductance [S]."""
        ...

    def times(self, factor: Array | float) -> "OutputNudge":
        """Return the nudge that is larger by a factor."""
        ...

    def resolved(self, beta: Siemens) -> "OutputNudge":
        """Return the nudge with at least this transconductance [S]."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """A transconductance to the target: beta·(y − ŷ) with ŷ as it moves: beta·½Σ(y − ŷ)² in the co-content. It needs the target."""

    from_free: ClassVar[bool] = False
    beta: Siemens | Array

    @property
    def size(self) -> str:
        """Key and value."""
        return f"training.nudge.beta = {self.beta:.2g} S"

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:  # noqa: ARG002 - it follows from the target
        """Return beta·(y − ŷ)."""
        if target is None:
            msg = "a nudge of kind following draws the outputs to targets, and there are none; use kind frozen"
            raise ValueError(msg)
        return Push(beta=side * self.beta, target=target)

    def beta_of(self, cotangent: Array) -> Array | Siemens:  # noqa: ARG002 - it is fixed
        """Return beta."""
        return self.beta

    def conductance(self, side: float) -> Siemens:
        """Return side·beta."""
        return side * float(self.beta)

    def times(self, factor: Array | float) -> "Following":
        """Return the nudge that is larger by a factor."""
        return Following(self.beta * factor)

    def resolved(self, beta: Siemens) -> "Following":
        """Return the nudge with the larger beta."""
        return Following(max(self.beta, beta))


@dataclass(frozen=True, slots=True)
class Frozen:
    """A current −beta·dC/dŷ, fixed at the free phase's cotangent: beta·C to first order, for any loss; it adds no conductance."""

    from_free: ClassVar[bool] = True
    beta: Siemens | Array

    @property
    def size(self) -> str:
        """Key and value."""
        return f"training.nudge.beta = {self.beta:.2g} S"

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:  # noqa: ARG002 - any loss has a cotangent
        """Return −beta·dC/dŷ."""
        return Push(current=-(side * self.beta) * cotangent)

    def beta_of(self, cotangent: Array) -> Array | Siemens:  # noqa: ARG002 - it is fixed
        """Return beta."""
        return self.beta

    def conductance(self, side: float) -> Siemens:  # noqa: ARG002 - whatever side
        """Return 0."""
        return 0.0

    def times(self, factor: Array | float) -> "Frozen":
        """Return the nudge that is larger by a factor."""
        return Frozen(self.beta * factor)

    def resolved(self, beta: Siemens) -> "Frozen":
        """Return the nudge with the larger beta."""
        return Frozen(max(self.beta, beta))


@dataclass(frozen=True, slots=True)
class Sides:
    """A nudge at some sides, one a nudged phase."""

    nudge: OutputNudge
    sides: tuple[Array | float, ...]

    @property
    def from_free(self) -> bool:
        """Whether it depends on what was read in the free phase."""
        return self.nudge.from_free

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: object = None) -> tuple[Push, ...]:  # noqa: ARG002 - as rules have it
        """Return a push a side."""
        return tuple(self.nudge.push(side, cotangent, target) for side in self.sides)

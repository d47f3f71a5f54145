"""Nudges of the outputs: what flows into them at a side of a nudge, +1, −1 or a multiple, and by which beta an estimate divides.

A cotangent is dC/dŷ of the free phase, (B, K).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from circuits.circuit import Circuit
from circuits.units import Siemens, Volt
from hwsim.core.protocol import Push
from hwsim.learning.gradient.output_conductance import output_conductance
from hwsim.typing import Array, Conductances


class NudgeKind(Protocol):
    """A kind of nudge."""

    @property
    def size(self) -> str:
        """Key and value of its size, as messages show it."""
        ...

    @property
    def from_free(self) -> bool:
        """Whether it depends on what was read in the free phase."""
        ...

    @property
    def in_displacements(self) -> bool:
        """Whether its phases are solved as displacements from the free state."""
        ...

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:
        """Return what flows into the outputs."""
        ...

    def beta_of(self, cotangent: Array, outputs: Array) -> Array | Siemens:
        """Return the transconductance of side 1 [S] from dC/dŷ and the free read-outs: one number, or one a sample, (B, 1)."""
        ...

    def conductance(self, side: float) -> Siemens:
        """Return what the nudge of a side adds to an output's conductance [S]."""
        ...

    def times(self, factor: Array | float) -> "NudgeKind":
        """Return the nudge that is larger by a factor."""
        ...

    def at(self, circuit: Circuit, g: Conductances) -> "NudgeKind":
        """Return the nudge at conductances [S], on which one in volts depends."""
        ...

    def resolved(self, beta: Siemens) -> "NudgeKind":
        """Return the nudge with at least this transconductance [S]."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """A transconductance to the target: beta·(y − ŷ) with ŷ as it moves: beta·½Σ(y − ŷ)² in the co-content. It needs the target."""

    from_free: ClassVar[bool] = False
    in_displacements: ClassVar[bool] = False
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

    def beta_of(self, cotangent: Array, outputs: Array) -> Array | Siemens:  # noqa: ARG002 - it is fixed
        """Return beta."""
        return self.beta

    def conductance(self, side: float) -> Siemens:
        """Return side·beta."""
        return side * float(self.beta)

    def times(self, factor: Array | float) -> "Following":
        """Return the nudge that is larger by a factor."""
        return Following(self.beta * factor)

    def at(self, circuit: Circuit, g: Conductances) -> "Following":  # noqa: ARG002 - it is fixed
        """Return the nudge itself."""
        return self

    def resolved(self, beta: Siemens) -> "Following":
        """Return the nudge with the larger beta."""
        return Following(max(self.beta, beta))


@dataclass(frozen=True, slots=True)
class Frozen:
    """A current −beta·dC/dŷ, fixed at the free phase's cotangent: beta·C to first order, for any loss; it adds no conductance."""

    from_free: ClassVar[bool] = True
    in_displacements: ClassVar[bool] = False
    beta: Siemens | Array

    @property
    def size(self) -> str:
        """Key and value."""
        return f"training.nudge.beta = {self.beta:.2g} S"

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:  # noqa: ARG002 - any loss has a cotangent
        """Return −beta·dC/dŷ."""
        return Push(current=-(side * self.beta) * cotangent)

    def beta_of(self, cotangent: Array, outputs: Array) -> Array | Siemens:  # noqa: ARG002 - it is fixed
        """Return beta."""
        return self.beta

    def conductance(self, side: float) -> Siemens:  # noqa: ARG002 - whatever side
        """Return 0."""
        return 0.0

    def times(self, factor: Array | float) -> "Frozen":
        """Return the nudge that is larger by a factor."""
        return Frozen(self.beta * factor)

    def at(self, circuit: Circuit, g: Conductances) -> "Frozen":  # noqa: ARG002 - it is fixed
        """Return the nudge itself."""
        return self

    def resolved(self, beta: Siemens) -> "Frozen":
        """Return the nudge with the larger beta."""
        return Frozen(max(self.beta, beta))


@dataclass(frozen=True, slots=True)
class Volts:
    """A frozen current that moves the output of each sample's largest error by about `u` [V]: −beta·dC/dŷ with a beta a sample.

    beta = u·Σg / max_k|dC/dŷ_k|, Σg being the conductance of an output. The response to one beta for all shrinks with the error, and is
    lost in the end; this one stays where it was. A sample without any error gives no gradient.
    """

    from_free: ClassVar[bool] = True
    in_displacements: ClassVar[bool] = True
    u: Volt | Array
    sum_g: Siemens | Array = 0.0

    @property
    def size(self) -> str:
        """Key and value."""
        return f"training.nudge.u = {self.u:.2g} V"

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:  # noqa: ARG002 - any loss has a cotangent
        """Return −beta·dC/dŷ, of largest entry u·Σg."""
        xp, largest = cotangent.__array_namespace__(), _largest(cotangent)
        return Push(current=-(side * self.u * self.sum_g) * (cotangent / xp.where(largest > 0, largest, 1.0)))

    def beta_of(self, cotangent: Array, outputs: Array) -> Array:  # noqa: ARG002 - it goes by the error alone
        """Return the beta of each sample, (B, 1) [S]; infinite where there is no error."""
        xp, largest = cotangent.__array_namespace__(), _largest(cotangent)
        return xp.where(largest > 0, self.u * self.sum_g / xp.where(largest > 0, largest, 1.0), xp.inf)

    def conductance(self, side: float) -> Siemens:  # noqa: ARG002 - whatever side
        """Return 0."""
        return 0.0

    def times(self, factor: Array | float) -> "Volts":
        """Return the nudge that is larger by a factor."""
        return replace(self, u=self.u * factor)

    def at(self, circuit: Circuit, g: Conductances) -> "Volts":
        """Return the nudge at these conductances [S] of the outputs."""
        return replace(self, sum_g=output_conductance(circuit, g))

    def resolved(self, beta: Siemens) -> "Volts":  # noqa: ARG002 - it does not shrink
        """Return the nudge itself: 64 bits resolve it."""
        return self


@dataclass(frozen=True, slots=True)
class SwitchedLoad:
    """A load `kappa` switched on from each output to ground: kappa·½Σŷ² in the co-content, for losses of the goodness G = Σŷ² alone.

    Their dC/dŷ is 2ŷ·dC/dG, so that the squared drops of each sample's devices, with the load and without, differ by its dG/dg, times
    kappa; dC/dG weighs the samples. The one switch serves all samples, and no current depends on what was read.
    """

    from_free: ClassVar[bool] = False
    in_displacements: ClassVar[bool] = False
    kappa: Siemens | Array

    @property
    def size(self) -> str:
        """Key and value."""
        return f"nudge.kappa = {self.kappa:.2g} S"

    def push(self, side: Array | float, cotangent: Array, target: Array | None) -> Push:  # noqa: ARG002 - it draws outputs to ground
        """Return −kappa·ŷ."""
        return Push(beta=side * self.kappa, target=0.0 * cotangent, current=0.0 * cotangent)

    def beta_of(self, cotangent: Array, outputs: Array) -> Array:
        """Return kappa / (2·dC/dG) of each sample, (B, 1) [S]; infinite where G does not count."""
        xp = outputs.__array_namespace__()
        along, goodness = (cotangent * outputs).sum(axis=1)[:, None], (outputs**2).sum(axis=1)[:, None]
        counts = (along != 0) & (goodness > 0)
        return xp.where(counts, self.kappa * goodness / xp.where(counts, along, 1.0), xp.inf)

    def conductance(self, side: float) -> Siemens:
        """Return side·kappa."""
        return side * float(self.kappa)

    def times(self, factor: Array | float) -> "SwitchedLoad":
        """Return the load that is larger by a factor."""
        return SwitchedLoad(self.kappa * factor)

    def at(self, circuit: Circuit, g: Conductances) -> "SwitchedLoad":  # noqa: ARG002 - it is fixed
        """Return the load itself."""
        return self

    def resolved(self, beta: Siemens) -> "SwitchedLoad":
        """Return the larger load."""
        return SwitchedLoad(max(self.kappa, beta))


def _largest(cotangent: Array) -> Array:
    return abs(cotangent).max(axis=1)[:, None]


@dataclass(frozen=True, slots=True)
class Sides:
    """A nudge at some sides, one a nudged phase."""

    nudge: NudgeKind
    sides: tuple[Array | float, ...]

    @property
    def from_free(self) -> bool:
        """Whether it depends on what was read in the free phase."""
        return self.nudge.from_free

    def pushes(self, outputs: Array, cotangent: Array, target: Array | None, draw: object = None) -> tuple[Push, ...]:  # noqa: ARG002 - as rules have it
        """Return a push a side."""
        return tuple(self.nudge.push(side, cotangent, target) for side in self.sides)

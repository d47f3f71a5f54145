"""What a solver can do besides solving: it declares its capabilities, and the protocols name the methods that each brings."""

from typing import Any, Protocol, Self, TypeGuard

from hwsim.core.protocol import Capability, Equilibrium, Phases
from hwsim.typing import Array, Conductances


class Traced(Phases, Protocol):
    """A solver inside of compiled functions. What chips and data change is an argument of theirs, so that one program serves them all."""

    @property
    def arguments(self) -> Any:
        """A tree of the arrays and numbers that a compiled function takes as arguments and hands to `holding`."""
        ...

    @property
    def bare(self) -> Self:
        """The solver without its arguments: hashable, and equal where the same is compiled."""
        ...

    def holding(self, arguments: Any) -> Self:
        """Return the solver with other arguments."""
        ...


class Traceable(Protocol):
    """A solver that compiles into a training step."""

    @property
    def share(self) -> float:
        """The tolerance as a share of the largest voltage."""
        ...

    def needs_newton(self, g: Conductances, beta: float = 0.0) -> bool:
        """Whether a circuit of these conductances, under nudges of at least `beta` [S], needs the slower program."""
        ...

    def traced(self, *, newton: bool, largest_feature: float | None = None) -> "Traced":
        """Return the solver for use inside of compiled functions."""
        ...


class Adjoined(Phases, Protocol):
    """A solver of the adjoint circuit too."""

    def adjoint(self, g: Conductances, free: Equilibrium, error: Array) -> Equilibrium:
        """Solve the adjoint circuit of an equilibrium for an error dC/dŷ (B, K) [V]; a Solver's takes `throw` too, as its `solve` does."""
        ...


def is_traceable(solver: Any) -> TypeGuard[Traceable]:
    """Whether a solver compiles into a training step."""
    return Capability.TRACEABLE in solver.capabilities


def has_adjoint(solver: Phases) -> TypeGuard[Adjoined]:
    """Whether a solver solves the adjoint circuit."""
    return Capability.ADJOINT in solver.capabilities

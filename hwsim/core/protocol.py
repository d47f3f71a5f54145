"""What every engine promises: Engine, Solver, and what its solvers do besides solving.

What they take and return is in equilibrium.py, and what most of them share in nudging.py and closing.py; all of it can be imported from
here. B is the batch, I the inputs, K the outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from hwsim.core.closing import Closing, Whole
from hwsim.core.equilibrium import FREE, ConvergenceError, Drive, Equilibrium, Push, Result
from hwsim.core.nudging import Find, Nudge, Nudging, displacements, free_and_nudged
from hwsim.typing import Array, Conductances

__all__ = [
    "FREE",
    "Capability",
    "Closing",
    "ConvergenceError",
    "Drive",
    "Engine",
    "Equilibrium",
    "Find",
    "Nudge",
    "Nudging",
    "Phases",
    "Push",
    "Result",
    "Solver",
    "UnsupportedCircuitError",
    "Whole",
    "displacements",
    "free_and_nudged",
]


class Capability(Enum):
    """What a solver does besides solving. It declares it; nobody looks for methods."""

    TRACEABLE = "compiles into a training step"
    ADJOINT = "solves the adjoint circuit"
    SMALL_SIGNAL = "solves the circuit linearised at an equilibrium"
    HOLOMORPHIC = "solves nudges that are complex numbers"
    MANY_CHIPS = "solves many chips as one computation"
    TRANSIENT = "integrates circuits in time"
    VERIFIED = "verifies every equilibrium by Kirchhoff's law"


class Phases(Protocol):
    """What a learning rule needs of a solver; compiled functions have it too."""

    @property
    def circuit(self) -> Circuit:
        """The circuit that is solved."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it does besides."""
        ...

    @property
    def chip(self) -> AnyChip:
        """The chip that the circuit is on."""
        ...

    def wrapped(self, wrapper: Callable[[Any], Any]) -> Any:
        """Return the solver within a wrapper; of a solver of many circuits, each of theirs."""
        ...

    def solve(self, g: Conductances, drive: Drive) -> Equilibrium:
        """Find the equilibria of a batch."""
        ...

    def phases(
        self, g: Conductances, x: Array, y: Array, nudge: Nudge, *, noise: Sequence[Mapping[str, Array]] | None = None
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; `noise` are currents into free nodes, as a Drive's, for each phase."""
        ...

    def nudged(
        self,
        g: Conductances,
        x: Array,
        free: Equilibrium,
        pushes: Sequence[Push],
        *,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones; `noise` are currents for each nudged phase.

        What `phases` does in one go, for pushes that come from elsewhere.
        """
        ...

    def displaced(self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push]) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and how far currents into the outputs displace each node from there [V], nudge by nudge."""
        ...


class Solver(Phases, Protocol):
    """A circuit on a chip, ready to be solved for any conductances and drives."""

    @property
    def chip(self) -> Chip:
        """The chip that the circuit is on."""
        ...

    @property
    def tolerance(self) -> float | None:
        """The tolerance that was set, as a share of the largest voltage; None: none was."""
        ...

    def solve(self, g: Conductances, drive: Drive, *, start: Equilibrium | None = None, throw: bool = True) -> Equilibrium:
        """Find the equilibria of a batch; `start` is where to search from. With `throw`, failed samples raise ConvergenceError."""
        ...

    def phases(
        self,
        g: Conductances,
        x: Array,
        y: Array,
        nudge: Nudge,
        *,
        throw: bool = True,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Find the free equilibria, then each nudged one from there; `noise` are currents into free nodes, as a Drive's, for each phase."""
        ...

    def pause(self) -> None:
        """Release until the next batch what others have to do without while the solver is at work (the processor's threads)."""
        ...

    def close(self) -> None:
        """Release what the solver holds (processes, files)."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Engine(Protocol):
    """A way to solve circuits. `prepare` looks at the structure once; the solver then takes numbers many times."""

    name: ClassVar[str]

    def prepare(self, circuit: Circuit, chip: Chip) -> Solver:
        """Make a solver.

        Raises
        ------
        UnsupportedCircuitError
            When the circuit holds something that this engine does not solve; the message names an engine that does.
        CircuitError
            When it has no inputs or no outputs.

        """
        ...


class UnsupportedCircuitError(ValueError):
    """Raised when an engine cannot solve a circuit; the message names the element and the engine that can."""

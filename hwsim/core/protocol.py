"""What every engine promises: Engine, Solver, Drive, Equilibrium and what went wrong when there is none.

B is the batch, I the inputs, K the outputs. Arrays are NumPy's from ngspice and JAX's or NumPy's from the numeric engine.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, IntEnum
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from circuits.units import Siemens
from hwsim.core.gathering import gather
from hwsim.typing import Array, Conductances


class Push(NamedTuple):
    """What the nudges do in one phase: `beta`·(target − ŷ) + current flows into each output.

    Parameters
    ----------
    beta
        Transconductance [S], one number; negative values push away from the target.
    target
        Voltages that the outputs are drawn to, shape (B, K) [V].
    current
        A fixed current into each output, shape (B, K) [A].

    """

    beta: Siemens | Array = 0.0
    target: Array = 0.0
    current: Array = 0.0


FREE = Push()
"""The free phase: nothing pushes."""


class Drive(NamedTuple):
    """What is applied from outside.

    Parameters
    ----------
    x
        Inputs, shape (B, I) [units of the features].
    push
        What the nudges do at the outputs.
    noise
        Currents into the free nodes of groups, each (B, n) [A]; None: nothing is noisy.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, outputs=1).compile()
    >>> with hw.NumericEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
    ...     equilibrium = solver.solve({"w1": np.full((5, 2), 1e-5)}, hw.Drive(np.array([[0.1, 0.2], [0.3, 0.4]])))
    >>> equilibrium.outputs(circuit).shape
    (2, 1)

    """

    x: Array
    push: Push = FREE
    noise: Mapping[str, Array] | None = None


class Result(IntEnum):
    """How the search for one equilibrium ended; `advice` is what to try."""

    CONVERGED = 0
    MAX_STEPS = 1
    NOT_FINITE = 2
    NOT_CONVEX = 3
    ENGINE_FAILED = 4
    UNBALANCED = 5

    @property
    def advice(self) -> str:
        """What happened, and what to try."""
        return _ADVICE[self]


_ADVICE = {
    Result.CONVERGED: "converged",
    Result.MAX_STEPS: "the residual is still above the tolerance; set solver.newton to true, or raise solver.max_steps or solver.tolerance",
    Result.NOT_FINITE: "voltages overflowed; check inputs and conductances for extreme values",
    Result.NOT_CONVEX: (
        "the state that was found would not last: the negative nudge makes an output unstable, so bring beta nearer to 0; "
        "without one, amplifiers far apart in gain and back feed back more than the circuit takes up"
    ),
    Result.ENGINE_FAILED: "the engine gave no answer for this sample; its messages are above",
    Result.UNBALANCED: "currents do not balance at the voltages that were found; compare with --engine ngspice, and report it",
}


class ConvergenceError(RuntimeError):
    """Some samples have no equilibrium within the tolerance; the message names them, how far off they are, and what to try.

    Examples
    --------
    >>> import hwsim as hw
    >>> experiment = hw.load("xor", {"solver.max_steps": 1, "solver.newton": False})
    >>> try:
    ...     hw.solve(experiment, [[1.0, -1.0]])
    ... except hw.ConvergenceError as error:
    ...     print("max_steps" in str(error))
    True

    """


class Equilibrium(NamedTuple):
    """Where a batch of samples settled.

    Parameters
    ----------
    v
        Voltages by node group, each of shape (B, n) [V]; groups of fixed voltage too.
    residual
        Largest sum of the currents into a node (0 by Kirchhoff's law), shape (B,) [A].
    steps
        Iterations that a sample took, shape (B,).
    result
        Codes of `Result`, shape (B,).

    """

    v: Mapping[str, Array]
    residual: Array
    steps: Array
    result: Array

    def at(self, circuit: Circuit, nodes: Array) -> Array:
        """Return the voltages at node numbers, shape (B, len(nodes)) [V]; ground is 0 V."""
        return gather(circuit, self.v, nodes)

    def outputs(self, circuit: Circuit) -> Array:
        """Return the read-outs ŷ = v(plus) − v(minus), shape (B, K) [V]."""
        return self.at(circuit, circuit.outputs.plus) - self.at(circuit, circuit.outputs.minus)

    def check(self, circuit: Circuit) -> Self:
        """Hand on an equilibrium, or raise when a sample did not converge.

        Raises
        ------
        ConvergenceError
            Naming the first failed sample, its residual and what to try.

        """
        failed = np.flatnonzero(np.asarray(self.result) != Result.CONVERGED)
        if len(failed):
            k = int(failed[0])
            code = Result(int(np.asarray(self.result)[k]))
            msg = (
                f"{circuit.name}: {len(failed)} of {len(self.result)} samples found no equilibrium; sample {k}: "
                f"residual {float(np.asarray(self.residual)[k]):.3g} A after {int(np.asarray(self.steps)[k])} steps: {code.advice}"
            )
            raise ConvergenceError(msg)
        return self


class Nudge(Protocol):
    """Turns what the free phase read into the pushes of the nudged phases; works on NumPy and JAX arrays, and can be pickled."""

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Return a push a nudged phase, from the free read-outs (B, K) [V] and the targets (B, K) [V]."""
        ...


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

    def close(self) -> None:
        """Release what the solver holds (processes, files)."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


Find = Callable[[Push, Mapping[str, Array] | None, bool], Equilibrium]
"""Finds the equilibria under a push, with noise currents or without; the last argument is whether to start from the free ones."""


def free_and_nudged(
    circuit: Circuit, y: Array, nudge: Nudge, noise: Sequence[Mapping[str, Array]] | None, find: Find
) -> tuple[Equilibrium, ...]:
    """Find the free equilibria, then each nudged one towards targets y (B, K) [V]; `noise` are currents for each phase."""
    of_free, *of_nudged = [None] if noise is None else noise
    free = find(FREE, of_free, False)  # noqa: FBT003 - the free phase has nothing to start from
    pushes = nudge.pushes(free.outputs(circuit), y)
    each = of_nudged or [None] * len(pushes)
    return free, *(find(push, currents, True) for push, currents in zip(pushes, each, strict=True))  # noqa: FBT003


class Nudging:
    """Finds nudged equilibria one by one, by the solver's own `solve`."""

    solve: Any

    def nudged(
        self,
        g: Conductances,
        x: Array,
        free: Equilibrium,
        pushes: Sequence[Push],
        *,
        throw: bool = True,
        noise: Sequence[Mapping[str, Array]] | None = None,
    ) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and from there the nudged ones."""
        each: Sequence[Any] = noise or [None] * len(pushes)
        drives = [Drive(x, push, currents) for push, currents in zip(pushes, each, strict=True)]
        return free, *(self.solve(g, drive, start=free, throw=throw) for drive in drives)

    def displaced(
        self, g: Conductances, x: Array, free: Equilibrium, pushes: Sequence[Push], *, throw: bool = True
    ) -> tuple[Equilibrium, ...]:
        """Return free equilibria, and the displacements from there."""
        return displacements(self.nudged(g, x, free, pushes, throw=throw))


def displacements(phases: tuple[Equilibrium, ...]) -> tuple[Equilibrium, ...]:
    """Take the first of some phases off the others."""
    free, *nudged = phases
    return free, *(phase._replace(v={name: v - free.v[name] for name, v in phase.v.items()}) for phase in nudged)


class Whole:
    """A solver of one circuit, which a wrapper goes around as a whole; one of many circuits is wrapped circuit by circuit."""

    def wrapped(self, wrapper: Callable[[Any], Any]) -> Any:
        """Return the solver within a wrapper."""
        return wrapper(self)


class Closing(Whole):
    """What is closed at the end of a `with`."""

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


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

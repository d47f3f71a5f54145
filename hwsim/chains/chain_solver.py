"""The solvers of a chain's circuits as one: what a trainer prepares, compiles, wraps and closes. Who passes what on is the chain's rule."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

from circuits.chip import AnyChip
from hwsim.chains.chain_chip import AnyChips, ChainChip
from hwsim.chains.chain_circuit import ChainCircuit
from hwsim.core.capabilities import Traced
from hwsim.core.protocol import Capability
from hwsim.typing import Conductances


def shared(solvers: Sequence[Any]) -> frozenset[Capability]:
    """Return what all solvers do besides; of none, all that a chain without circuits does."""
    each = [solver.capabilities for solver in solvers if solver is not None]
    common = frozenset.intersection(*each) if each else frozenset({Capability.TRACEABLE})
    return common - {Capability.MANY_CHIPS}


@dataclass(frozen=True)
class ChainSolver:
    """Solvers of the circuits of a chain.

    Parameters
    ----------
    circuit
        The chain.
    solvers
        One a block; None where it is digital.

    """

    circuit: ChainCircuit
    solvers: tuple[Any, ...]

    @property
    def chip(self) -> ChainChip:
        """The chips that they are on."""
        return ChainChip.of_blocks(self.circuit, [None if solver is None else solver.chip for solver in self.solvers])

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What all of them do besides."""
        return shared(self.solvers)

    @property
    def tolerance(self) -> float | None:
        """The tolerance that was set for all."""
        return next((solver.tolerance for solver in self.solvers if solver is not None), None)

    def wrapped(self, wrapper: Callable[[Any], Any]) -> "ChainSolver":
        """Return the solvers, each within a wrapper."""
        return replace(self, solvers=tuple(None if solver is None else solver.wrapped(wrapper) for solver in self.solvers))

    def needs_newton(self, g: Conductances, beta: float = 0.0) -> bool:
        """Whether one of the circuits needs the slower program."""
        numbered = self.circuit.circuits
        return any(self.solvers[k].needs_newton({e.name: g[e.name] for e in circuit.trainable}, beta) for k, circuit in numbered)

    def traced(self, *, newton: bool, largest_feature: float | None = None) -> "ChainTrace":
        """Return the solvers for use inside of compiled functions; the largest feature is that of what a first circuit is driven by."""
        first = next((k for k, _ in self.circuit.circuits if k == 0), None)
        each = [
            None if solver is None else solver.traced(newton=newton, largest_feature=largest_feature if k == first else None)
            for k, solver in enumerate(self.solvers)
        ]
        return ChainTrace(self.circuit, tuple(each))

    def pause(self) -> None:
        """Release what the solvers need only at work."""
        for solver in self.solvers:
            if solver is not None:
                solver.pause()

    def close(self) -> None:
        """Release what the solvers hold."""
        with ExitStack() as stack:
            for solver in self.solvers:
                if solver is not None:
                    stack.callback(solver.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True)
class ChainTrace:
    """The solvers of a chain inside of compiled functions: a key of what is compiled once its arguments are out."""

    circuit: ChainCircuit
    solvers: tuple[Traced | None, ...]

    @property
    def arguments(self) -> Any:
        """What a compiled function takes as arguments and hands to `holding`."""
        return tuple(None if solver is None else solver.arguments for solver in self.solvers)

    @property
    def bare(self) -> "ChainTrace":
        """The same without arguments."""
        return replace(self, solvers=tuple(None if solver is None else solver.bare for solver in self.solvers))

    def holding(self, arguments: Any) -> "ChainTrace":
        """Return the same with other arguments."""
        each = zip(self.solvers, arguments, strict=True)
        return replace(self, solvers=tuple(None if solver is None else solver.holding(argument) for solver, argument in each))

    @property
    def chip(self) -> AnyChip:
        """The chips that they are on."""
        return AnyChips(self.circuit.owners, [None if solver is None else solver.chip for solver in self.solvers])

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What all of them do besides."""
        return shared(self.solvers)

    def wrapped(self, wrapper: Callable[[Any], Any]) -> "ChainTrace":
        """Return the solvers, each within a wrapper."""
        return replace(self, solvers=tuple(None if solver is None else solver.wrapped(wrapper) for solver in self.solvers))

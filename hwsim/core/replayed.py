"""A stand-in for a solver: it returns equilibria of earlier calls, whatever it is asked for."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from circuits.circuit import Circuit
from hwsim.core.protocol import Capability, Equilibrium


class Replayed(NamedTuple):
    """Equilibria of earlier phases, the free one first."""

    circuit: Circuit
    chip: Any
    equilibria: Sequence[Equilibrium]
    capabilities: frozenset[Capability] = frozenset(Capability)

    def wrapped(self, wrapper: Callable[[Any], Any]) -> Any:
        """Return it within a wrapper."""
        return wrapper(self)

    def solve(self, *_: Any, **__: Any) -> Equilibrium:
        """Return the free phase."""
        return self.equilibria[0]

    def phases(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases."""
        return tuple(self.equilibria)

    def displaced(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases: displacements, where these are."""
        return tuple(self.equilibria)

    def nudged(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases."""
        return tuple(self.equilibria)

"""A stand-in for a solver: it returns equilibria that were found before, whatever it is asked for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from circuits.circuit import Circuit
from hwsim.core.protocol import Capability, Equilibrium


class Replayed(NamedTuple):
    """Phases that were found before, the free one first."""

    circuit: Circuit
    chip: Any
    found: Sequence[Equilibrium]
    capabilities: frozenset[Capability] = frozenset(Capability)

    def solve(self, *_: Any, **__: Any) -> Equilibrium:
        """Return the free phase."""
        return self.found[0]

    def phases(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases."""
        return tuple(self.found)

    def displaced(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases: displacements, where these were found."""
        return tuple(self.found)

    def nudged(self, *_: Any, **__: Any) -> tuple[Equilibrium, ...]:
        """Return all phases."""
        return tuple(self.found)

"""Nudged phases: which pushes follow the free phase, and how their equilibria are found one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from circuits.circuit import Circuit
from hwsim.core.equilibrium import FREE, Drive, Equilibrium, Push
from hwsim.typing import Array, Conductances


class Nudge(Protocol):
    """Turns what the free phase read into the pushes of the nudged phases; works on NumPy and JAX arrays, and can be pickled."""

    def pushes(self, outputs: Array, y: Array) -> tuple[Push, ...]:
        """Return a push a nudged phase, from the free read-outs (B, K) [V] and the targets (B, K) [V]."""
        ...


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
    return free, *(find(push, currents, True) for push, currents in zip(pushes, each, strict=True))  # noqa: FBT003 - from the free one


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

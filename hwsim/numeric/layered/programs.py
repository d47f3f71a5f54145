"""A solver's methods as compiled functions, one set for all solvers of a structure."""

from functools import lru_cache
from typing import Any

import jax

from hwsim.core.protocol import Drive, Equilibrium, Nudge
from hwsim.numeric.kept_programs import kept
from hwsim.numeric.layered.layers import LayerState
from hwsim.numeric.layered.source_voltages import held_groups
from hwsim.numeric.layered.structure import Numbers
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.typing import Array, Conductances

KEPT = 32
"""Most structures whose programs are kept, the last that were used; what a sweep compiles must not fill the memory."""


class Programs:
    """A traced solver's methods, compiled; they return the voltages of groups with free nodes. The chip's numbers are arguments.

    Each compiles once for each shape of its arguments.
    """

    def __init__(self, bare: TracedSolver) -> None:
        fixed = held_groups(bare.circuit)

        def free_only(equilibrium: Equilibrium) -> Equilibrium:
            return equilibrium._replace(v={name: volts for name, volts in equilibrium.v.items() if name not in fixed})

        def on(numbers: Numbers) -> TracedSolver:
            return bare.holding((numbers, None))

        def solve(numbers: Numbers, g: Conductances, drive: Drive, *, start: LayerState | None, amplified: Array) -> Equilibrium:
            return free_only(on(numbers).solve(g, drive, start=start, amplified=amplified))

        def phases(
            numbers: Numbers, g: Conductances, batch: tuple[Array, Array], nudge: Nudge, *, amplified: Array, noise: Any
        ) -> tuple[Equilibrium, ...]:
            return tuple(map(free_only, on(numbers).phases(g, *batch, nudge, amplified=amplified, noise=noise)))

        def adjoint(numbers: Numbers, g: Conductances, free: Equilibrium, error: Array, *, amplified: Array) -> Equilibrium:
            return free_only(on(numbers).adjoint(g, free, error, amplified=amplified))

        def many(numbers: Numbers, g: Conductances, drive: Drive, amplified: Array) -> Equilibrium:
            return on(numbers).solve(g, drive, amplified=amplified)

        def small_signal(numbers: Numbers, g: Conductances, free: Equilibrium, current: Array, *, amplified: Array) -> Equilibrium:
            return free_only(on(numbers).small_signal(g, free, current, amplified=amplified))

        self.solve: Any = kept(jax.jit(solve), ("solve", bare))
        self.phases: Any = jax.jit(phases, static_argnames="nudge")
        self.adjoint: Any = jax.jit(adjoint)
        self.small_signal: Any = jax.jit(small_signal)
        self.many: Any = kept(jax.jit(jax.vmap(many)), ("many", bare))


@lru_cache(maxsize=KEPT)
def programs(bare: TracedSolver) -> Programs:
    """Return the programs of a bare traced solver."""
    return Programs(bare)

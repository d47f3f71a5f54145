"""A solver's methods as compiled functions."""

from typing import Any

import jax

from hwsim.core.protocol import Drive, Equilibrium, Nudge
from hwsim.numeric.layered.layers import State
from hwsim.numeric.layered.source_voltages import held_groups
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.typing import Array, Conductances


class Programs:
    """A traced solver's methods, compiled; they give the voltages of groups with free nodes."""

    def __init__(self, traced: TracedSolver) -> None:
        held = held_groups(traced.circuit)

        def free_only(found: Equilibrium) -> Equilibrium:
            return found._replace(v={name: volts for name, volts in found.v.items() if name not in held})

        def solve(g: Conductances, drive: Drive, *, start: State | None, amplified: Array) -> Equilibrium:
            return free_only(traced.solve(g, drive, start=start, amplified=amplified))

        def phases(g: Conductances, x: Array, y: Array, nudge: Nudge, *, amplified: Array, noise: Any) -> tuple[Equilibrium, ...]:
            return tuple(map(free_only, traced.phases(g, x, y, nudge, amplified=amplified, noise=noise)))

        def adjoint(g: Conductances, free: Equilibrium, error: Array, *, amplified: Array) -> Equilibrium:
            return free_only(traced.adjoint(g, free, error, amplified=amplified))

        def small_signal(g: Conductances, free: Equilibrium, current: Array, *, amplified: Array) -> Equilibrium:
            return free_only(traced.small_signal(g, free, current, amplified=amplified))

        self.solve: Any = jax.jit(solve)
        self.phases: Any = jax.jit(phases, static_argnames="nudge")
        self.adjoint: Any = jax.jit(adjoint)
        self.small_signal: Any = jax.jit(small_signal)

"""Chips: many chips of one layered circuit, solved side by side, or inside of compiled functions that map over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from circuits.circuit import Circuit
from hwsim.core.protocol import FREE, Drive, Equilibrium, Push, Result
from hwsim.numeric.layered import error_bound
from hwsim.numeric.layered.layered_solver import MARGIN, LayeredSolver
from hwsim.numeric.layered.stack import stack
from hwsim.numeric.layered.traced import OnChip, TracedSolver
from hwsim.typing import Array, Conductances

Values = dict[tuple[str, str], Any]


class _Numbers(NamedTuple):
    """What a solver takes from a chip; `values[element, parameter]` are those that some chip has other than nominal."""

    stages: Any
    scales: Any
    values: Values


@dataclass(frozen=True)
class _Standing:
    """Stands in a chip's place; its values may be what JAX maps over."""

    circuit: Circuit
    values: Values

    def __call__(self, element: str, parameter: str) -> Array:
        found = self.values.get((element, parameter))
        return np.asarray(getattr(self.circuit[element], parameter)) if found is None else found


class Chips:
    """The solvers of one circuit on many chips, side by side.

    `mapped` holds the chips' differing numbers, each (chips, …): a compiled function takes it and, mapped over, hands each chip's share
    to `traced`. What is equal on all chips is compiled in.
    """

    def __init__(self, solvers: Sequence[LayeredSolver]) -> None:
        self._solvers, self._first = solvers, solvers[0]
        keys = set[tuple[str, str]]().union(*(solver.chip.changed for solver in solvers))
        self._numbers = stack([_numbers(solver, sorted(keys)) for solver in solvers])
        self.mapped = self._numbers.mapped
        self._programs = {newton: jax.jit(jax.vmap(self._program(newton=newton))) for newton in (False, True)}

    def traced(self, mapped: Sequence[Array], *, newton: bool, largest_feature: Array | None = None) -> TracedSolver:
        """Give the solver of the chip that these numbers are of."""
        numbers: _Numbers = self._numbers.one(mapped)
        layers = self._first.on.layers._replace(parameters=numbers.stages)
        on = OnChip(layers, numbers.scales, _Standing(self._first.circuit, numbers.values))
        return TracedSolver(self._first.problem, on, newton=newton, largest_feature=largest_feature)

    def _program(self, *, newton: bool) -> Any:
        def solve(mapped: Sequence[Array], g: Conductances, drive: Drive, amplified: Array) -> Equilibrium:
            return self.traced(mapped, newton=newton).solve(g, drive, amplified=amplified)

        return solve

    def solve(self, g: Sequence[Conductances], x: Array, push: Push = FREE) -> Equilibrium:
        """Find equilibria of every chip, by sweeps or, where these are too slow for a chip or settle not all, by Newton's method.

        Parameters
        ----------
        g
            Each chip's conductances [S].
        x
            Features (chips, B, I).
        push
            Its parts (chips,) or (chips, B, K).

        Returns
        -------
        Equilibrium
            Its arrays begin with the axis of chips. What failed is in `result`; nothing is raised.

        """
        amplified = np.array([solver.amplification(own) for solver, own in zip(self._solvers, g, strict=True)])
        dtype, shape = self._first.dtype, (len(x), x.shape[1], len(self._first.circuit.outputs))
        beta = np.broadcast_to(np.asarray(push.beta, dtype), shape[:1])
        whole = Push(beta, *(np.broadcast_to(np.asarray(part, dtype), shape) for part in (push.target, push.current)))
        beside = {name: np.stack([np.asarray(own[name], dtype) for own in g]) for name in g[0]}
        arguments = (self.mapped, beside, Drive(np.asarray(x, dtype), whole), amplified)
        forced = self._first.options.newton
        if forced is not None:
            return _on_host(self._programs[forced](*arguments))
        found = _on_host(self._programs[False](*arguments))
        slow = ~(amplified * MARGIN <= error_bound.TRUST) | (found.result == Result.MAX_STEPS).any(axis=1)
        if not slow.any():
            return found
        again = _on_host(self._programs[True](*arguments))
        chosen: Equilibrium = jax.tree.map(lambda a, b: np.where(slow.reshape(-1, *(1,) * (a.ndim - 1)), b, a), found, again)
        return chosen


def _numbers(solver: LayeredSolver, keys: Sequence[tuple[str, str]]) -> _Numbers:
    values = {key: np.asarray(solver.chip(*key), solver.dtype) for key in keys}
    return _Numbers(solver.on.layers.parameters, solver.on.scales, values)


def _on_host(found: Equilibrium) -> Equilibrium:
    host: Equilibrium = jax.tree.map(np.asarray, found)
    return host

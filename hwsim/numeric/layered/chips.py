"""Chips: many chips of one layered circuit, solved side by side, or inside of compiled functions that map over them."""

from collections.abc import Sequence

import jax
import numpy as np

from hwsim.core.protocol import FREE, Drive, Equilibrium, Push, Result
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.layered import error_bound
from hwsim.numeric.layered.layered_solver import MARGIN, LayeredSolver
from hwsim.numeric.layered.programs import programs
from hwsim.numeric.layered.structure import divided
from hwsim.numeric.layered.traced import TracedSolver
from hwsim.typing import Array, Conductances


class Chips:
    """The solvers of one circuit on many chips, side by side.

    `mapped` holds the chips' numbers, each (chips, …): a compiled function takes it and, mapped over, hands each chip's share to `holding`
    of a traced solver.
    """

    def __init__(self, solvers: Sequence[LayeredSolver]) -> None:
        self._solvers, self._first = solvers, solvers[0]
        first = self._first.structure
        chips, precision = [solver.chip for solver in solvers], self._first.options.precision
        self.structure, each = divided(first.problem, first.outputs, chips, precision, alone=False)
        self.mapped = tuple(np.stack(numbers) for numbers in zip(*each, strict=True))

    def traced(self, *, newton: bool, largest_feature: Array | None = None) -> TracedSolver:
        """Return the solver of many chips, whose arguments begin with the axis of chips: for compiled functions that map over it."""
        return TracedSolver(self.structure, self.mapped, newton, self.structure.tolerance(self.mapped, largest_feature))

    @jax_scope()
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
        amplified = np.array([solver.amplification(of_chip) for solver, of_chip in zip(self._solvers, g, strict=True)])
        dtype, shape = self._first.dtype, (len(x), x.shape[1], len(self._first.circuit.outputs))
        beta = np.broadcast_to(np.asarray(push.beta, dtype), shape[:1])
        whole = Push(beta, *(np.broadcast_to(np.asarray(part, dtype), shape) for part in (push.target, push.current)))
        stacked = {name: np.stack([np.asarray(of_chip[name], dtype) for of_chip in g]) for name in g[0]}
        arguments = (self.mapped, stacked, Drive(np.asarray(x, dtype), whole), amplified)

        def find(*, newton: bool) -> Equilibrium:
            return _on_host(programs(self.traced(newton=newton).bare).many(*arguments))

        forced = self._first.options.newton
        if forced is not None:
            return find(newton=forced)
        swept = find(newton=False)
        slow = ~(amplified * MARGIN <= error_bound.TRUST) | (swept.result == Result.MAX_STEPS).any(axis=1)
        if not slow.any():
            return swept
        again = find(newton=True)
        chosen: Equilibrium = jax.tree.map(lambda a, b: np.where(slow.reshape(-1, *(1,) * (a.ndim - 1)), b, a), swept, again)
        return chosen


def _on_host(equilibrium: Equilibrium) -> Equilibrium:
    host: Equilibrium = jax.tree.map(np.asarray, equilibrium)
    return host

"""A time-multiplexed kernel in a chain: one circuit that settles at every position of the maps that come in, one after the other.

Positions are samples to its learning rule: each has an equilibrium and a nudge of its own. Conductances are the same at all of them, so
that their gradient is the sum over positions, as that of a tied convolution is, and the error that is passed back at a pixel is the sum
over the windows that see it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import numpy as np

from circuits.windows import Window
from hwsim.chains.chain_part import ForwardContext, ForwardPass
from hwsim.chains.circuit_part import CircuitPart, on_host
from hwsim.core.protocol import Equilibrium, Phases
from hwsim.learning.rules.estimator import Backward, EstimatorRule
from hwsim.typing import Array, Conductances

_AT_ONCE = 2**22
"""Most node voltages of a phase that are computed at once: 32 MB in 64 bits, and a solver holds some tens of such arrays."""

_ODD = 0x85EBCA6B
"""Spreads seeds over 32 bits. Source: Appleby, MurmurHash3, a constant of its finaliser."""


@dataclass(frozen=True)
class KernelPart:
    """How a kernel computes and learns. Pure and hashable.

    Parameters
    ----------
    part
        The circuit at one position.
    window
        What it sees at each.

    """

    part: CircuitPart
    window: Window

    @property
    def rules(self) -> tuple[EstimatorRule, ...]:
        """Its learning rule."""
        return self.part.rules

    def by(self, changed: Callable[[EstimatorRule], EstimatorRule]) -> Self:
        """Return the kernel that learns by another rule."""
        return replace(self, part=self.part.by(changed))

    def forward(self, solver: Phases, g: Conductances, x: Array, context: ForwardContext) -> ForwardPass:
        """Return the maps (B, positions·K) [V] that it makes of maps x (B, I), and what the backward needs."""
        draw = context.draw

        def of_some(x: Array, salt: Array) -> tuple[Any, ...]:
            salted = context._replace(draw=draw._replace(seed=draw.seed ^ salt))
            outputs, (driven, residuals), *_ = self.part.forward(solver, g, self._at_positions(x), salted)
            kept = (driven, residuals._replace(g=(), draw=())) if context.mode.back else ()
            return self._as_maps(outputs), kept, self._of_samples(residuals.free)

        outputs, kept, free = _in_parts(of_some, self._parts(solver, len(x)), on_host(x))
        return ForwardPass(outputs, (g, draw, kept), free)

    def backward(self, solver: Phases, kept: Any, cotangent: Array) -> Backward:
        """Return the gradients of the summed loss from its derivative by the outputs, dC/dŷ (B, positions·K)."""
        g, draw, of_forward = kept

        def of_some(given: tuple[Any, Array], salt: Array) -> tuple[Any, ...]:
            (x, residuals), error = given
            whole = residuals._replace(g=self.part.of_block(g), draw=self.part.drawn(draw._replace(seed=draw.seed ^ salt)))
            dg, dx, phases = self.part.backward(solver, (x, whole), self._at_outputs(error))
            passed = self.window.fold(dx.reshape(-1, self.window.positions, self.window.taps))
            return {name: values[None] for name, values in dg.items()}, passed, tuple(self._of_samples(phase) for phase in phases)

        parts = self._parts(solver, len(cotangent))
        dg, dx, phases = _in_parts(of_some, parts, (of_forward, on_host(cotangent)))
        return Backward({name: values.sum(axis=0) for name, values in dg.items()}, dx, phases)

    def _at_positions(self, x: Array) -> Array:
        """Return what the window sees, (B·positions, taps)."""
        return self.window.patches(x).reshape(-1, self.window.taps)

    def _as_maps(self, outputs: Array) -> Array:
        return outputs.reshape(-1, self.window.positions * outputs.shape[1])

    def _at_outputs(self, error: Array) -> Array:
        return error.reshape(len(error) * self.window.positions, -1)

    def _of_samples(self, phase: Equilibrium) -> Equilibrium:
        """Return the largest residual, number of steps and code over each sample's positions, without voltages."""
        residual, steps, result = (values.reshape(-1, self.window.positions).max(axis=1) for values in phase[1:])
        return Equilibrium({}, residual, steps, result)

    def _parts(self, solver: Phases, samples: int) -> int:
        """Return into how many equal parts so many samples are divided."""
        most = max(1, _AT_ONCE // (self.window.positions * solver.circuit.size))
        return next(parts for parts in range(-(-samples // most), samples + 1) if samples % parts == 0)


def _in_parts(of_some: Callable[[Any, Array], Any], parts: int, given: Any) -> Any:
    """Return what a function computes of some samples, part by part, for all; parts are of equal size."""
    salts = np.arange(parts, dtype=np.uint32) * np.uint32(_ODD)  # parts draw noise of their own; the first draws as all at once would
    if parts == 1:
        return of_some(given, salts[0])
    divided = jax.tree.map(lambda values: values.reshape(parts, -1, *values.shape[1:]), given)
    if any(isinstance(values, jax.core.Tracer) for values in jax.tree.leaves(given)):
        done = jax.lax.map(lambda one: of_some(*one), (divided, salts))
        return jax.tree.map(lambda values: values.reshape(-1, *values.shape[2:]), done)
    each = [of_some(jax.tree.map(lambda values, k=k: values[k], divided), salts[k]) for k in range(parts)]
    return jax.tree.map(lambda *values: np.concatenate(values), *each)

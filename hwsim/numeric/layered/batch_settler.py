"""BatchSettler: the free and the nudged phases of one batch, which share their linear parts, first guess and limits."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from circuits.circuit import Circuit
from hwsim.core.protocol import Push
from hwsim.numeric.layered import linearized_start, settle
from hwsim.numeric.layered.gauss_seidel import System
from hwsim.numeric.layered.layers import LayerState, Settled, repeated
from hwsim.numeric.layered.noise_terms import with_noise
from hwsim.numeric.layered.output_nudge import OutputNudge
from hwsim.numeric.layered.settle import SettleLimits
from hwsim.typing import Array

Noise = Mapping[str, Array] | None
"""Currents into the free nodes of groups, each (B, n) [A]."""


class BatchSettler(NamedTuple):
    """Settles a batch under pushes, from a start or from the first guess, with all that its phases share."""

    circuit: Circuit
    free: System
    guess: LayerState
    limits: SettleLimits

    def under(self, push: Push, noise: Noise = None) -> System:
        """Return all that equilibria under a push depend on."""
        layers, circuit = self.free.layers, self.circuit
        parts = with_noise(circuit, layers, self.free.parts, noise)
        return self.free._replace(parts=parts, output_nudge=OutputNudge.of(push, layers.outputs, layers.parameters[-1].pushed))

    def __call__(self, push: Push, start: LayerState | None, noise: Noise) -> Settled:
        """Settle."""
        if start is None:
            return settle.settle(self.under(push, noise), self.guess, self.limits, self.guess.columns[-1])
        return settle.settle(self.under(push, noise), start, self.limits)

    def nudged(self, free: LayerState, pushes: Sequence[Push], noise: Sequence[Noise]) -> list[Settled]:
        """Settle each nudged phase from free equilibria; `noise` is empty where nothing is noisy."""
        return (self._one_by_one if self.limits.newton else self._together)(free, pushes, noise)

    def nudged_phase(self, push: Push, free: LayerState, slopes: tuple[Array, ...], noise: Noise) -> Settled:
        """Settle one nudged phase from free equilibria, at which the neurons have these slopes."""
        system = self.under(push, noise)
        begun, start = linearized_start.nudged(system, free, slopes)
        updated_layers = 0 if any(stage.behind is not None for stage in system.layers.stages) else 1
        limits = self.limits._replace(unchecked_sweeps=None if self.limits.unchecked_sweeps is None else 0, updated_layers=updated_layers)
        return settle.settle(system, start, limits, start.columns[-1] - begun.columns[-1])

    def _together(self, free: LayerState, pushes: Sequence[Push], noise: Sequence[Noise]) -> list[Settled]:
        """Settle all nudged phases as one batch: few large products instead of many small ones."""
        count, batch = len(pushes), len(free.columns[-1])
        if not all(isinstance(push.beta, float) and push.beta == 0.0 for push in pushes):
            ones = jnp.ones((batch, 1), free.columns[-1].dtype)
            pushes = [push._replace(beta=push.beta * ones) for push in pushes]
        stacked = jax.tree.map(lambda *parts: jnp.concatenate(parts) if jnp.ndim(parts[0]) else parts[0], *pushes)
        slopes = linearized_start.slopes(self.free.layers, free)
        again: tuple[LayerState, tuple[Array, ...]] = jax.tree.map(lambda v: jnp.concatenate([v] * count), (free, slopes))
        of_all = jax.tree.map(lambda *parts: jnp.concatenate(parts), *noise) if noise else None
        settled = self._repeated(count).nudged_phase(stacked, *again, of_all)
        return [jax.tree.map(lambda v, k=k: v[k * batch : (k + 1) * batch], settled) for k in range(count)]

    def _one_by_one(self, free: LayerState, pushes: Sequence[Push], noise: Sequence[Noise]) -> list[Settled]:
        """Settle one nudged phase after the other in one loop: what it does is compiled once."""
        dtype = free.columns[-1].dtype
        stacked: Push = jax.tree.map(lambda *parts: jnp.stack([jnp.asarray(part, dtype) for part in parts]), *pushes)
        of_all = jax.tree.map(lambda *parts: jnp.stack(parts), *noise) if noise else None
        slopes = linearized_start.slopes(self.free.layers, free)
        nudged = jax.lax.map(lambda phase: self.nudged_phase(phase[0], free, slopes, phase[1]), (stacked, of_all))
        return [jax.tree.map(lambda values, k=k: values[k], nudged) for k in range(len(pushes))]

    def _repeated(self, count: int) -> "BatchSettler":
        """Return what settles the same batch `count` times over; `guess` stays that of one."""
        tolerance = self.limits.tolerance
        limits = self.limits._replace(tolerance=jnp.tile(tolerance, count) if jnp.ndim(tolerance) else tolerance)
        return self._replace(free=self.free._replace(parts=repeated(self.free.parts, count)), limits=limits)

"""Depth-one Anderson acceleration of the sweeps.

The error is soon dominated by one mode, because layers of positive conductances first move all outputs together, and decays
geometrically; its rate is estimated from the outputs. A sweep from the extrapolated state still decides whether it is an equilibrium.

Source: Anderson 1965, "Iterative procedures for nonlinear integral equations", with a depth of one; Aitken 1926.
"""

from typing import NamedTuple, Self

import jax
import jax.numpy as jnp

from hwsim.numeric.layered.layers import LayerState
from hwsim.typing import Array

_FORWARD, _BACK = 2.0, 0.5
"""Bounds of the extrapolation: at most so many of the last change forward, or a part of it back."""


class AndersonState(NamedTuple):
    """Results of the last two sweeps.

    Parameters
    ----------
    state, before
        After the last sweep, and after the one before it.
    moved, moved_before
        By how much each moved the outputs, (B, n) [V].

    """

    state: LayerState
    before: LayerState
    moved: Array
    moved_before: Array

    @classmethod
    def of(cls, state: LayerState, moved: Array | None) -> Self:
        """Begin at a state; `moved` (B, n) [V] is the last change of the outputs, if a step like a sweep led there."""
        nothing = jnp.zeros_like(state.columns[-1])
        return cls(state, state, nothing if moved is None else moved, nothing)

    def push(self, begun: LayerState, state: LayerState) -> Self:
        """Append a sweep from one state to another."""
        return type(self)(state, self.state, state.columns[-1] - begun.columns[-1], self.moved)

    def extrapolate(self, wanted: Array) -> LayerState:
        """Extrapolate the `wanted` samples (B,) whose changes shrink; the first columns follow from the others."""
        turned = self.moved - self.moved_before
        square = (turned * turned).sum(1)
        shrinks = wanted & ((self.moved * self.moved).sum(1) < (self.moved_before * self.moved_before).sum(1)) & (square > 0)
        share = -(self.moved * turned).sum(1) / jnp.where(shrinks, square, 1.0)
        share = jnp.where(shrinks, share, 0.0).clip(-_BACK, _FORWARD)[:, None]
        columns, behind = jax.tree.map(lambda now, then: now + share * (now - then), self.state, self.before)
        return LayerState((self.state.columns[0], *columns[1:]), (self.state.behind[0], *behind[1:]))

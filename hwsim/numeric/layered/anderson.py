"""Where the last two sweeps led: what they changed alike, the next ones would change too, so that a sample may start ahead of them.

What is off fades by one share a sweep, soon, because layers of positive conductances move all outputs together first of all. That share is
seen in what the outputs do. A sweep from there has the last word on whether a state is an equilibrium, as from anywhere.

Source: Anderson 1965, "Iterative procedures for nonlinear integral equations", with a depth of one; Aitken 1926.
"""

from typing import NamedTuple, Self

import jax
import jax.numpy as jnp

from hwsim.numeric.layered.layers import State
from hwsim.typing import Array

_AHEAD, _BACK = 2.0, 0.5
"""A sample starts at most so many of the last change ahead, or a part of it back."""


class Trail(NamedTuple):
    """What two sweeps in a row found.

    Parameters
    ----------
    state, before
        After the last sweep, and after the one before it.
    moved, moved_before
        By how much each moved the outputs, (B, n) [V].

    """

    state: State
    before: State
    moved: Array
    moved_before: Array

    @classmethod
    def of(cls, state: State, moved: Array | None) -> Self:
        """Begin at a state; `moved` says by how much the outputs were moved to it, if something like a sweep led there."""
        nothing = jnp.zeros_like(state.columns[-1])
        return cls(state, state, nothing if moved is None else moved, nothing)

    def then(self, begun: State, state: State) -> Self:
        """Give what there is after a sweep from one state to another."""
        return type(self)(state, self.state, state.columns[-1] - begun.columns[-1], self.moved)

    def ahead(self, wanted: Array) -> State:
        """Start the `wanted` samples (B,) where changes like the last lead, if these shrink; the first columns follow of themselves."""
        turned = self.moved - self.moved_before
        square = (turned * turned).sum(1)
        shrinks = wanted & ((self.moved * self.moved).sum(1) < (self.moved_before * self.moved_before).sum(1)) & (square > 0)
        share = -(self.moved * turned).sum(1) / jnp.where(shrinks, square, 1.0)
        share = jnp.where(shrinks, share, 0.0).clip(-_BACK, _AHEAD)[:, None]
        columns, behind = jax.tree.map(lambda now, then: now + share * (now - then), self.state, self.before)
        return State((self.state.columns[0], *columns[1:]), (self.state.behind[0], *behind[1:]))

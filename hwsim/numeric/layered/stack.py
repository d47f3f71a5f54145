"""Trees of arrays side by side: what all of them share stays one, what differs gets an axis that JAX maps over."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

Tree = Any


class Stack(NamedTuple):
    """Trees of one form, leaf by leaf.

    Parameters
    ----------
    form
        How leaves make a tree.
    shared
        The leaves that are the same in all trees; None where they differ.
    mapped
        The others, each (trees, …).

    """

    form: Any
    shared: tuple[Any, ...]
    mapped: tuple[Any, ...]

    def one(self, mapped: Sequence[Any], shared: Sequence[Any] | None = None) -> Tree:
        """Make a tree of its mapped leaves and the shared ones, or of what a compiled function was handed in their places."""
        differing = iter(mapped)
        leaves = [next(differing) if leaf is None else leaf for leaf in (self.shared if shared is None else shared)]
        return jax.tree.unflatten(self.form, leaves)

    def laid(self, trees: Sequence[Tree]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the mapped and the shared leaves of other trees of this form, divided as these are."""
        leaves = list(zip(*map(jax.tree.leaves, trees), strict=True))
        mapped = tuple(np.stack(each) for each, leaf in zip(leaves, self.shared, strict=True) if leaf is None)
        return mapped, tuple(None if leaf is None else each[0] for each, leaf in zip(leaves, self.shared, strict=True))


def stack(trees: Sequence[Tree]) -> Stack:
    """Lay trees of NumPy arrays and numbers side by side.

    Raises
    ------
    ValueError
        When they differ in more than the values of their leaves.

    """
    form: Any = jax.tree.structure(trees[0])
    if any(jax.tree.structure(tree) != form for tree in trees[1:]):
        msg = "chips that have different parts cannot be solved side by side; solve them one by one"
        raise ValueError(msg)
    shared, mapped = [], []
    for leaves in zip(*map(jax.tree.leaves, trees), strict=True):
        first = leaves[0]
        if all(leaf is first or np.array_equal(leaf, first) for leaf in leaves):
            shared.append(first)
        else:
            shared.append(None)
            mapped.append(np.stack(leaves))
    return Stack(form, tuple(shared), tuple(mapped))

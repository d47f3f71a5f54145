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
    axes
        Of each leaf None where it is the same in all trees; 0 where it is stacked, (trees, …).
    leaves
        The leaves.

    """

    form: Any
    axes: tuple[int | None, ...]
    leaves: tuple[Any, ...]


def stack(trees: Sequence[Tree], axes: Sequence[int | None] | None = None) -> Stack:
    """Lay trees of NumPy arrays and numbers side by side; `axes` are those of other trees that these stand in for.

    Raises
    ------
    ValueError
        When they differ in more than the values of their leaves.

    """
    form: Any = jax.tree.structure(trees[0])
    if any(jax.tree.structure(tree) != form for tree in trees[1:]):
        msg = "chips that have different parts cannot be solved side by side; solve them one by one"
        raise ValueError(msg)
    each = list(zip(*map(jax.tree.leaves, trees), strict=True))
    axis_of_each = [_axis(leaves) for leaves in each] if axes is None else axes
    stacked = (leaves[0] if axis is None else np.stack(leaves) for leaves, axis in zip(each, axis_of_each, strict=True))
    return Stack(form, tuple(axis_of_each), tuple(stacked))


def _axis(leaves: Sequence[Any]) -> int | None:
    first = leaves[0]
    return None if all(leaf is first or np.array_equal(leaf, first) for leaf in leaves) else 0


def stack_trees(trees: Sequence[Tree]) -> Tree:
    """Stack trees of one form, on the host: each leaf gets an axis of trees in front."""
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)

"""Where the currents of branches add up: what depends on the nodes of elements alone is found once, block by block as they fit the cache."""

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from circuits.elements import Elements
from circuits.nodes import Nodes
from hwsim.typing import Floats

_AT_ONCE = 1 << 15
"""Currents that are computed at a time: with the voltages that they follow from, they stay in the cache."""


class Ends(NamedTuple):
    """The nodes at one side of some branches.

    Parameters
    ----------
    numbers
        The node of each, (n,).
    places
        Where sums are: a slice where numbers rise one by one, else the nodes, each once.
    order, starts
        Where several branches meet at a node: the branches by node, and where in that order each node's begin; else empty.

    """

    numbers: Nodes
    places: Nodes | slice
    order: Nodes
    starts: Nodes

    @classmethod
    def of(cls, nodes: Nodes) -> Self:
        """Look for runs, and for nodes at which several meet."""
        none = nodes[:0]
        if not len(nodes) or (nodes[-1] - nodes[0] == len(nodes) - 1 and (np.diff(nodes) == 1).all()):
            return cls(nodes, slice(nodes[0], nodes[-1] + 1) if len(nodes) else slice(0, 0), none, none)
        order = np.argsort(nodes, kind="stable")
        starts = np.flatnonzero(np.diff(nodes[order], prepend=-1))
        several = len(starts) < len(nodes)
        return cls(nodes, nodes[order[starts]] if several else nodes, *((order, starts) if several else (none, none)))

    def at(self, v: Floats) -> Floats:
        """Return voltages of the branches' nodes, (n, B), out of those of all nodes, (N + 1, B); a run is no copy."""
        return v[self.places if isinstance(self.places, slice) else self.numbers]

    def combine(self, change: np.ufunc, sums: Floats, values: Floats) -> None:
        """Change what nodes have, (N + 1, …), by values of branches, (n, …): add, subtract, or take the larger."""
        if len(self.order):
            each = np.add if change is np.subtract else change
            values = each.reduceat(values[self.order], self.starts, axis=0)
        if isinstance(self.places, slice):
            change(sums[self.places], values, out=sums[self.places])
        else:
            sums[self.places] = change(sums[self.places], values)


class Block(NamedTuple):
    """Some of an element's branches, and the nodes where they begin and end."""

    some: slice
    a: Ends
    b: Ends


@lru_cache(maxsize=64)  # every equilibrium's verification asks for the same
def blocks(element: Elements, samples: int) -> tuple[Block, ...]:
    """Cut the branches of an element into blocks for so many samples."""
    a, b = np.broadcast_arrays(*element.ends)
    return tuple(Block(some, Ends.of(a[some]), Ends.of(b[some])) for some in cut(len(a), samples))


def cut(count: int, samples: int) -> list[slice]:
    """Cut so many nodes or branches into blocks for so many samples."""
    length = max(_AT_ONCE // max(samples, 1), 1)
    return [slice(first, first + length) for first in range(0, count, length)]


def peaks(values: Floats) -> Floats:
    """Return the largest magnitude of each sample, (B,), of values (n, B); NaN where there is any, and 0 where there are none."""
    most: Floats = np.zeros(values.shape[1])
    for some in cut(*values.shape):
        magnitude = np.abs(values[some])
        while (rest := len(magnitude) // 2) > 0:  # halves, one against the other: rows of few samples are slow one by one
            np.maximum(magnitude[:rest], magnitude[-rest:], out=magnitude[:rest])
            magnitude = magnitude[: len(magnitude) - rest]
        np.maximum(most, magnitude[0], out=most)
    return most

"""Where the currents of branches add up: what depends on the nodes of elements alone is found once a circuit."""

from copy import copy
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.circuit import Circuit
from circuits.elements import Elements, Resistors
from circuits.nodes import Nodes
from hwsim.typing import Floats

_MANY = 1 << 11
"""Conductances of a circuit; more of them are worth SciPy's sparse matrices."""

_ROWS = 32
"""Rows of values that are compared as one: rows of few samples are slow one by one."""


class BranchEnds(NamedTuple):
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


@lru_cache(maxsize=64)  # every equilibrium's verification asks
def ends_of(element: Elements) -> tuple[BranchEnds, BranchEnds]:
    """Return where an element's branches begin and end."""
    a, b = np.broadcast_arrays(*element.ends)
    return BranchEnds.of(a), BranchEnds.of(b)


class Incidence(NamedTuple):
    """Where a circuit's conductances begin and end.

    Parameters
    ----------
    a, b
        The nodes, (n,).
    order
        Which of the conductances, listed element by element, each is: the first of every element, then the second of every one. Those of
        a wired crossbar that share a node are then near each other, and the node's voltages are in the cache.
    nodes
        How many nodes there are, N + 1.
    matrix
        1 and −1 there, a row a conductance, (n, N + 1): one of SciPy's, where there are many.

    """

    a: BranchEnds
    b: BranchEnds
    order: Nodes
    nodes: int
    matrix: Any

    def drops(self, v: Floats) -> Floats:
        """Return the voltages across all, (n, B) [V], from those of all nodes, (N + 1, B)."""
        drops: Floats = self.a.at(v) - self.b.at(v) if self.matrix is None else self.matrix @ v
        return drops

    def sums(self, g: Floats, drops: Floats) -> Floats:
        """Return what the currents of conductances g (n,) [S] with voltages (n, B) across sum up to out of each node, (N + 1, B) [A]."""
        if self.matrix is None:
            sums, i = np.zeros((self.nodes, drops.shape[1])), g[:, None] * drops
            self.a.combine(np.add, sums, i)
            self.b.combine(np.subtract, sums, i)
        else:
            times = copy(self.matrix)  # its places are shared, its numbers are not
            times.data = times.data * np.repeat(g, np.diff(times.indptr))
            sums = times.T @ drops
        return sums


def conductances(circuit: Circuit) -> list[Any]:
    """List the elements that are conductances between two nodes each, but for divisible arrays."""
    return [element for element in circuit.of(Resistors, Trainable) if not isinstance(element, Divisible)]


@lru_cache(maxsize=4)  # every equilibrium's verification asks
def incidence(circuit: Circuit) -> Incidence:
    """Collect the conductances' nodes."""
    none, elements = np.zeros(0, dtype=np.intp), conductances(circuit)
    order = np.argsort(np.concatenate([none, *(np.arange(len(element)) / len(element) for element in elements)]), kind="stable")
    a, b = (np.concatenate([none, *(element.ends[k] for element in elements)])[order] for k in (0, 1))
    matrix = None
    if len(a) > _MANY:
        from scipy.sparse import csr_array  # noqa: PLC0415 - only circuits with many need it

        one, row = np.ones(len(a)), np.arange(len(a))
        entries = np.concatenate([one, -one]), (np.concatenate([row, row]), np.concatenate([a, b]))
        matrix = csr_array(entries, shape=(len(a), circuit.size + 1))
    return Incidence(BranchEnds.of(a), BranchEnds.of(b), order, circuit.size + 1, matrix)


def peaks(values: Floats) -> Floats:
    """Return the largest magnitude of each sample, (B,), of values (n, B); NaN where there is any, and 0 where there are none."""
    most: Floats = np.zeros(values.shape[1])
    many = len(values) // _ROWS * _ROWS if values.flags.c_contiguous else 0  # else sample by sample in memory
    for part in (values[:many].reshape(-1, _ROWS * len(most)), values[many:]) if len(most) else ():
        largest = np.maximum(part.max(axis=0, initial=0.0), -part.min(axis=0, initial=0.0))
        np.maximum(most, largest.reshape(-1, len(most)).max(axis=0), out=most)
    return most

"""Ports that share a voltage: diodes between the same nodes, but for nodes that sources hold, need one unknown of Newton's method.

    p_k = p₀_k + sign_k·(p_m − p₀_m)

A pair of diodes on a column, each with a rail of its own, is the common case: the two see the same circuit, one of them reversed.
"""

from typing import NamedTuple, Self

import numpy as np

from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.nodes import Nodes
from circuits.rows import fixed_nodes
from hwsim.typing import Array, Floats


def sensing(circuit: Circuit) -> bool:
    """Whether the current of some source may be sensed: then what flows into a node that one holds is not without effect."""
    return bool(circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources))


class SharedPorts(NamedTuple):
    """Which ports share a voltage.

    Parameters
    ----------
    first
        The first port of each group, (M,).
    group
        The group of each port, (P,).
    sign
        1 where a port has the direction of the first of its group, else -1; (P,).
    members
        1 where a port is one of a group, else 0; (P, M), or (0, 0) where every port is a group of its own.

    """

    first: Nodes
    group: Nodes
    sign: Floats
    members: Floats

    @classmethod
    def of(cls, circuit: Circuit, a: Nodes, b: Nodes, count: int) -> Self:
        """Compare the ends of the first `count` of the ports from `a` to `b`; those behind them, the outputs, stay by themselves."""
        fixed = np.zeros(circuit.size + 1, dtype=bool) if sensing(circuit) else fixed_nodes(circuit)
        ends = np.stack([np.where(fixed[nodes], 0, nodes) for nodes in (a, b)], axis=1)
        apart = ends.copy()
        apart.sort(axis=1)
        single = np.arange(len(a)) >= count
        keys = np.column_stack([apart, np.where(single, np.arange(len(a)), -1)])
        _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        group = group.reshape(-1)
        shared = len(first) < len(a)
        members = np.equal(group[:, None], np.arange(len(first))).astype(np.float64) if shared else np.zeros((0, 0))
        return cls(first, group, np.where((ends == ends[first][group]).all(axis=1), 1.0, -1.0), members)

    def summed(self, values: Array) -> Array:
        """Sum what ports have, (B, P), over the ports of each group, (B, M)."""
        if not self.members.size:
            return values.take(self.first, axis=1)
        summed: Array = values @ self.members
        return summed

    def moved(self, p: Array, p0: Floats, q: Floats, i: Array, slope: Array, near: "Tangents | None" = None) -> Array:
        """Return a whole step of Newton's method, (B, P) [V], from port voltages, currents and slopes, and `q` between the groups.

        With ε what a port is off its group, the step of the group's first is that of (I + Q·Σs)·δ = −(p − p₀ + Q·Σ±(i − s·ε)), and the
        port's own is ±δ − ε. Ports whose current does not depend on their voltage, as outputs that a fixed current nudges, need no unknown.
        With `near`, the matrix is that of a state nearby.
        """
        sign, apart = self.sign, p - p0
        off = apart.take(self.first, axis=1)
        apart -= sign * off.take(self.group, axis=1)
        step = off + self.summed(sign * (i - slope * apart)) @ q.T
        np.negative(step, out=step)
        (Tangents.of(q, self.summed(slope)) if near is None else near).solve(step)
        return sign * step.take(self.group, axis=1) - apart

    def tangents(self, q: Floats, slope: Array) -> "Tangents":
        """Return the matrix I + Q·Σs of groups at slopes (B, P) [S]."""
        return Tangents.of(q, self.summed(slope))

    def seen(self, q: Floats, slope: Floats, ports: slice) -> Floats:
        """Return what some ports, each alone in its group, see of the circuit with these slopes (B, P) [S] at all: (B, K, K) [ohm]."""
        some = self.group[ports]
        seen: Floats = np.linalg.solve(_jacobian(q, self.summed(slope)), np.broadcast_to(q[:, some], (len(slope), len(q), len(some))))[
            :, some
        ]
        return seen

    def between(self, across: Floats) -> Floats:
        """Return Q between the groups, (M, M) [ohm], from that between the ports."""
        return across[np.ix_(self.first, self.first)]


class Tangents(NamedTuple):
    """I + Q·s between groups of ports, of which the steep ones are solved for, and the flat ones, whose slope is 0, follow.

    Parameters
    ----------
    q
        (M, M) [ohm].
    slopes
        (B, M) [S].
    steep, flat
        Which groups have a slope in some sample, and which in none.
    matrix
        That of the steep ones, (B, S, S), or with `inverted` its inverse; (1, S, S) where all samples have the same slopes.

    """

    q: Floats
    slopes: Array
    steep: Nodes
    flat: Nodes
    matrix: Array
    inverted: bool = False

    @classmethod
    def of(cls, q: Floats, slopes: Array) -> Self:
        """Look for slopes."""
        some, different = slopes.any(axis=0), slice(None) if (slopes != slopes[:1]).any() else slice(1)
        steep, flat = np.flatnonzero(some), np.flatnonzero(~some)
        return cls(q, slopes, steep, flat, _jacobian(q[np.ix_(steep, steep)], slopes[different, steep]))

    def inverse(self) -> Self:
        """Invert the matrix, for many steps.

        Raises
        ------
        LinAlgError
            When it is singular.

        """
        return self._replace(matrix=np.linalg.inv(self.matrix), inverted=True)

    def repeated(self, times: int) -> Self:
        """Return so many batches, one behind the other."""
        matrix = self.matrix if len(self.matrix) == 1 else np.tile(self.matrix, (times, 1, 1))
        return self._replace(slopes=np.tile(self.slopes, (times, 1)), matrix=matrix)

    def solve(self, right: Array) -> None:
        """Solve for right sides (B, M), in their place.

        Raises
        ------
        LinAlgError
            When the matrix is singular.

        """
        of_steep = right.take(self.steep, axis=1)
        if len(self.matrix) == 1:
            solved = (self.matrix[0] @ of_steep.T if self.inverted else np.linalg.solve(self.matrix[0], of_steep.T)).T
        else:
            each = of_steep[:, :, None]
            solved = (self.matrix @ each if self.inverted else np.linalg.solve(self.matrix, each))[:, :, 0]
        right[:, self.steep] = solved
        if len(self.flat):
            right[:, self.flat] -= (self.slopes.take(self.steep, axis=1) * solved) @ self.q[np.ix_(self.flat, self.steep)].T


def _jacobian(q: Floats, slopes: Array) -> Array:
    """Return I + Q·s, (B, M, M), for the slopes of groups, (B, M) [S]."""
    jacobian = q * slopes[:, None, :]
    k = np.arange(len(q))
    jacobian[:, k, k] += 1.0
    return jacobian

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
from hwsim.numeric.general.tangents import Couplings, Tangents, jacobian
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

    def moved(self, p: Array, p0: Floats, couplings: Couplings, i: Array, slope: Array, near: Tangents | None = None) -> Array:
        """Return a whole step of Newton's method, (B, P) [V], from port voltages, currents and slopes.

        With ε what a port is off its group, the step of the group's first is that of (I + Q·Σs)·δ = −(p − p₀ + Q·Σ±(i − s·ε)), and the
        port's own is ±δ − ε. Ports whose current does not depend on their voltage, as outputs that a fixed current nudges, need no unknown.
        With `near`, the matrix is that of a state nearby.
        """
        sign, apart = self.sign, p - p0
        off = apart.take(self.first, axis=1)
        apart -= sign * off.take(self.group, axis=1)
        step = off + self.summed(sign * (i - slope * apart)) @ couplings.q.T
        np.negative(step, out=step)
        (self.tangents(couplings, slope) if near is None else near).solve(step)
        return sign * step.take(self.group, axis=1) - apart

    def tangents(self, couplings: Couplings, slope: Array) -> Tangents:
        """Return the matrix I + Q·Σs of groups at slopes (B, P) [S]."""
        return couplings.tangents(self.summed(slope))

    def seen(self, q: Floats, slope: Floats, ports: slice) -> Floats:
        """Return what some ports, each alone in its group, see of the circuit with these slopes (B, P) [S] at all: (B, K, K) [ohm]."""
        some, matrix = self.group[ports], jacobian(q, self.summed(slope))
        seen: Floats = np.linalg.solve(matrix, np.broadcast_to(q[:, some], (len(slope), len(q), len(some))))[:, some]
        return seen

    def between(self, across: Floats) -> Couplings:
        """Return Q between the groups, from that between the ports, (P, P) [ohm]."""
        return Couplings.of(across[np.ix_(self.first, self.first)])

"""Ports that share a voltage: diodes between the same nodes, but for nodes that sources hold, need one unknown of Newton's method.

    p_k = p₀_k + sign_k·(p_m − p₀_m)

A pair of diodes on a column, each with a rail of its own, is the common case: the two see the same circuit, one of them reversed.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.typing import Array, Floats


def sensing(circuit: Circuit) -> bool:
    """Whether the current of some source may be sensed: then what flows into a node that one holds is not without effect."""
    return bool(circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources))


def grounded(circuit: Circuit) -> NDArray[np.bool_]:
    """Return which nodes a source holds at a voltage to ground, (N + 1,); ground is not among them."""
    fixed = np.zeros(circuit.size + 1, dtype=bool)
    for source in circuit.of(VoltageSources, InputSources):
        for a, b in source.pairs:
            ends = np.broadcast_arrays(a, b)
            fixed[ends[0][ends[1] == 0]] = fixed[ends[1][ends[0] == 0]] = True
    fixed[0] = False
    return fixed


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

    """

    first: Nodes
    group: Nodes
    sign: Floats

    @classmethod
    def of(cls, circuit: Circuit, a: Nodes, b: Nodes, count: int) -> Self:
        """Compare the ends of the first `count` of the ports from `a` to `b`; those behind them, the outputs, stay by themselves."""
        fixed = np.zeros(circuit.size + 1, dtype=bool) if sensing(circuit) else grounded(circuit)
        ends = np.stack([np.where(fixed[nodes], 0, nodes) for nodes in (a, b)], axis=1)
        apart = ends.copy()
        apart.sort(axis=1)
        single = np.arange(len(a)) >= count
        keys = np.column_stack([apart, np.where(single, np.arange(len(a)), -1)])
        _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        group = group.reshape(-1)
        return cls(first, group, np.where((ends == ends[first][group]).all(axis=1), 1.0, -1.0))

    def summed(self, values: Array) -> Array:
        """Sum what ports have, (B, P), over the ports of each group, (B, M)."""
        if len(self.first) == len(self.group):
            return values[:, self.first]
        return values @ np.equal(self.group[:, None], np.arange(len(self.first))).astype(np.float64)

    def moved(self, p: Array, p0: Floats, across: Floats, i: Array, slope: Array) -> Array:
        """Return a whole step of Newton's method, (B, P) [V], from port voltages, currents and slopes.

        With ε what a port is off its group, the step of the group's first is that of (I + Q·Σs)·δ = −(p − p₀ + Q·Σ±(i − s·ε)), and the
        port's own is ±δ − ε. Ports whose current does not depend on their voltage, as outputs that a fixed current nudges, need no unknown.
        """
        first, sign = self.first, self.sign
        off = (p - p0)[:, first]
        apart = p - p0 - sign * off[:, self.group]
        q, slopes = self._between(across), self.summed(slope)
        step = -(off + self.summed(sign * (i - slope * apart)) @ q.T)
        steep, flat = np.flatnonzero(slopes.any(axis=0)), np.flatnonzero(~slopes.any(axis=0))  # the flat ones follow from the others
        jacobian = _jacobian(q[np.ix_(steep, steep)], slopes[:, steep])
        with np.errstate(all="ignore"):
            step[:, steep] = np.linalg.solve(jacobian, step[:, steep, None])[:, :, 0]
            step[:, flat] -= (slopes * step)[:, steep] @ q[np.ix_(flat, steep)].T
        return sign * step[:, self.group] - apart

    def seen(self, across: Floats, slope: Floats, ports: slice) -> Floats:
        """Return what some ports, each alone in its group, see of the circuit with these slopes (B, P) [S] at all: (B, K, K) [ohm]."""
        q, some = self._between(across), self.group[ports]
        jacobian = _jacobian(q, self.summed(slope))
        seen: Floats = np.linalg.solve(jacobian, np.broadcast_to(q[:, some], (len(slope), len(q), len(some))))[:, some]
        return seen

    def _between(self, across: Floats) -> Floats:
        """Return Q between the groups, (M, M) [ohm]."""
        return across[np.ix_(self.first, self.first)]


def _jacobian(q: Floats, slopes: Array) -> Array:
    """Return I + Q·s, (B, M, M), for the slopes of groups, (B, M) [S]."""
    jacobian = q * slopes[:, None, :]
    k = np.arange(len(q))
    jacobian[:, k, k] += 1.0
    return jacobian

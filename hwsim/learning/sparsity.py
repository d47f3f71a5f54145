"""Sparsity: how many columns of a layer conduct through their diodes, and how many devices an update moves."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes
from hwsim.core.clamping import CLAMP_TOLERANCE
from hwsim.core.gathering import gather
from hwsim.core.protocol import Equilibrium
from hwsim.typing import Array, Conductances, Floats


def conducting(circuit: Circuit, chip: Chip, g: Conductances, equilibrium: Equilibrium) -> dict[str, float]:
    """Return the share of columns whose diodes conduct, over all samples, by the node group of the columns.

    A column conducts where the small-signal conductance of one of its diodes exceeds that of all its memristors together: the diode holds
    its voltage more than they do.
    """
    total, size = _memristors(circuit, g), circuit.size + 1
    v = {name: np.asarray(values, np.float64) for name, values in equilibrium.v.items()}
    conducts, clamped = np.zeros((len(equilibrium.result), size), dtype=bool), np.zeros(size, dtype=bool)
    for diodes in circuit.of(Diodes, IdealDiodes):
        drop = gather(circuit, v, diodes.anode) - gather(circuit, v, diodes.cathode)
        column = np.where(total[diodes.anode] >= total[diodes.cathode], diodes.anode, diodes.cathode)
        np.logical_or.at(conducts.T, column, (_slope(diodes, chip, drop) > total[column]).T)
        clamped[column] = True
    shares = {group.name: conducts[:, group.nodes[clamped[group.nodes]]] for group in circuit.groups}
    return {name: float(of_group.mean()) for name, of_group in shares.items() if of_group.size}


def _slope(diodes: Diodes | IdealDiodes, chip: Chip, drop: Floats) -> Floats:
    """Return the small-signal conductances (B, diodes) [S] at drops [V]."""
    if isinstance(diodes, IdealDiodes):
        return np.where(drop >= -CLAMP_TOLERANCE, np.inf, 0.0)
    slope: Floats = diode_current(drop, chip(diodes.name, "i_sat"), chip(diodes.name, "n"))[1]
    return slope


def _memristors(circuit: Circuit, g: Conductances) -> Floats:
    """Return the sum of the conductances of all memristors at each node, (N + 1,) [S]."""
    total = np.zeros(circuit.size + 1)
    for array in circuit.trainable:
        values = np.asarray(g[array.name], np.float64)
        np.add.at(total, array.rows, array.row_sum(values))
        np.add.at(total, array.columns, array.column_sum(values))
    return total


def moved(before: Mapping[str, Array], after: Mapping[str, Any]) -> float:
    """Return the share of devices whose conductance an update changed; both by block [S]."""
    changed = sum(int((np.asarray(after[block]) != np.asarray(values)).sum()) for block, values in before.items())
    return float(changed / max(sum(values.size for values in before.values()), 1))

"""Ideal diodes: at their threshold they carry what is needed in their forward direction."""

import numpy as np
from numpy.typing import NDArray

from circuits.checks import HOLDING
from circuits.circuit import Circuit
from circuits.components import components
from circuits.elements import IdealDiodes
from circuits.nodes import Nodes
from circuits.passed import Passed
from hwsim.core.branch_sums import BranchEnds
from hwsim.typing import Floats

CLAMP_TOLERANCE = 1e-9
"""V; an ideal diode counts as conducting from this far below its threshold on."""


def absorb(circuit: Circuit, v: Floats, leaving: Floats, at: Nodes | None = None) -> None:
    """Let ideal diodes that conduct take up their nodes' surplus, in the columns `at` of what leaves nodes; without, in their own.

    Where each of them has an end that sources hold, which takes whatever comes, its other end is balanced by itself. Where one has none,
    what it takes from its anode comes out at its cathode.
    """
    diodes = circuit.of(IdealDiodes)
    if not diodes:
        return
    anode, cathode = (np.concatenate([getattr(each, end) for each in diodes]) for end in ("anode", "cathode"))
    conducts = v[:, anode] - v[:, cathode] >= -CLAMP_TOLERANCE
    at = np.arange(circuit.size + 1) if at is None else at
    ends = at[anode], at[cathode]
    joined = [tuple(at[node] for node in np.broadcast_arrays(*pair)) for source in circuit.of(*HOLDING) for pair in source.pairs]
    union = components(joined, int(at.max())).astype(np.intp)
    if ((union[ends[0]] > 0) & (union[ends[1]] > 0)).any():
        takes_all = union[np.concatenate([np.zeros(1, dtype=np.intp), *(at[passed.nodes] for passed in circuit.of(Passed))])]
        _carry(leaving, ends, conducts, union, takes_all)
        return
    for nodes, forward in ((ends[0], -1.0), (ends[1], 1.0)):
        taken = np.zeros(leaving.shape[::-1])
        BranchEnds.of(nodes).combine(np.maximum, taken, np.where(conducts & (forward * leaving[:, nodes] > 0), 1.0, 0.0).T)
        leaving.T[taken > 0] = 0.0


def _carry(leaving: Floats, ends: tuple[Nodes, Nodes], conducts: NDArray[np.bool_], union: Nodes, takes_all: Nodes) -> None:
    """Let diodes carry what balances the nodes best that sources join, sample by sample; unions `takes_all` need no balance."""
    from scipy.optimize import nnls  # noqa: PLC0415 - only such circuits need it

    touched, place = np.unique(union[np.concatenate(ends)], return_inverse=True)
    count = len(ends[0])
    incidence = np.zeros((len(touched), count))
    np.add.at(incidence, (place[:count], np.arange(count)), 1.0)
    np.subtract.at(incidence, (place[count:], np.arange(count)), 1.0)
    incidence[np.isin(touched, takes_all)] = 0.0
    for sample, some in zip(leaving, conducts, strict=True):
        surplus = np.bincount(union, sample, int(union.max()) + 1)[touched]
        scale = np.abs(surplus).max()
        if not (some.any() and 0 < scale < np.inf):
            continue
        i = scale * nnls(incidence[:, some], -surplus / scale)[0]
        np.add.at(sample, ends[0][some], i)
        np.subtract.at(sample, ends[1][some], i)

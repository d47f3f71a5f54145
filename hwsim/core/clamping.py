"""Ideal diodes: at their threshold they carry what is needed in their forward direction."""

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import IdealDiodes
from circuits.nodes import Nodes
from hwsim.typing import Floats

CLAMP_TOLERANCE = 1e-9
"""V; an ideal diode counts as conducting from this far below its threshold on."""


def absorb(circuit: Circuit, v: Floats, leaving: Floats, at: Nodes | None = None) -> None:
    """Let ideal diodes that conduct take up their nodes' surplus, in the columns `at` of what leaves nodes; without, in their own."""
    for diodes in circuit.of(IdealDiodes):
        conducts = v[:, diodes.anode] - v[:, diodes.cathode] >= -CLAMP_TOLERANCE
        for nodes, forward in ((diodes.anode, -1.0), (diodes.cathode, 1.0)):
            where = nodes if at is None else at[nodes]
            surplus = leaving[:, where]
            leaving[:, where] = np.where(conducts & (forward * surplus > 0), 0.0, surplus)

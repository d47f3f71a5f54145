"""Currents of sources, as an ammeter in series with each would read: from any engine's voltages, by Kirchhoff's law."""

import numpy as np

from circuits.checks import HOLDING
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes
from circuits.passed import Passed
from hwsim.core.branch_currents import balanced
from hwsim.core.clamping import CLAMP_TOLERANCE
from hwsim.core.current_flow import flow
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Equilibrium, UnsupportedCircuitError
from hwsim.core.stiff_resistors import StiffResistors, drops, limit
from hwsim.typing import Conductances, Floats

_UNKNOWN = 1e4
"""Times the conductance from which on resistors are stiff: of what better ones carry, roundings of their voltages hide a share."""


def source_currents(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> dict[str, Floats]:
    """Find the current of every source of voltage, by array, each (B, n) [A].

    It flows from `plus` to `minus` inside the source, as ngspice counts it: what a source delivers is negative. An amplifier's flows from
    its output to ground, an inductor's from `a` to `b`. Ideal diodes at their threshold carry what is needed, and stiff resistors what
    roundings of their voltages hide.

    Raises
    ------
    UnsupportedCircuitError
        When the circuit holds parts whose currents only ngspice knows.

    """
    if circuit.of(Passed):
        opaque = ", ".join(element.name for element in circuit.of(Passed))
        msg = f"{circuit.name}: ngspice alone computes the currents of {opaque}; hwsim compile --measure power prints what sources deliver"
        raise UnsupportedCircuitError(msg)
    v = by_number(circuit, equilibrium)
    leaving = flow(circuit, chip, g, drive, v, every=True, above=_UNKNOWN * limit(circuit, chip)).leaving
    stiff = StiffResistors.of(circuit, chip, beyond=_UNKNOWN)
    shown = drops(v[:, stiff.a], v[:, stiff.b]) / stiff.r
    np.add.at(leaving.T, stiff.a, shown.T)
    np.subtract.at(leaving.T, stiff.b, shown.T)
    ends = [(diodes.anode, diodes.cathode) for diodes in circuit.of(IdealDiodes)]
    conducts = np.concatenate([np.zeros((len(v), 0), dtype=bool), *(v[:, a] - v[:, b] >= -CLAMP_TOLERANCE for a, b in ends)], axis=1)
    anode, cathode = (np.concatenate([np.zeros(0, dtype=np.intp), *(pair[k] for pair in ends)]) for k in (0, 1))
    currents = {element.name: np.zeros((len(v), len(element))) for element in circuit.of(*HOLDING)}
    patterns, which = np.unique(conducts, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        some = which.ravel() == k
        clamps, left = (anode[pattern], cathode[pattern]), leaving[some]
        for extra in ([clamps], [clamps, (stiff.a, stiff.b)])[: 1 + bool(len(stiff.r))]:  # what roundings hide comes last
            of_some = balanced(circuit, chip, left, extra)
            for name, i in currents.items():
                i[some] += of_some.i[:, of_some.first[name] + np.arange(i.shape[1])]
            left = of_some.left
    return currents

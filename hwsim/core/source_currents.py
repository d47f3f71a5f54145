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
from hwsim.core.stiff_resistors import StiffResistors
from hwsim.typing import Conductances, Floats

_HIDDEN = 1e-4
"""Of the voltages at its ends: less across a stiff resistor shows too few digits of its current, which others then determine."""


def source_currents(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> dict[str, Floats]:
    """Find the current of every source of voltage, by array, each (B, n) [A].

    It flows from `plus` to `minus` inside the source, as ngspice counts it: what a source delivers is negative. An amplifier's flows from
    its output to ground, an inductor's from `a` to `b`. Ideal diodes at their threshold carry what is needed, and so do stiff resistors
    across which there is next to no voltage.

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
    stiff = StiffResistors.of(circuit, chip, g)
    leaving = flow(circuit, chip, g, drive, v, every=True, above=stiff.limit).leaving
    drops, most = v[:, stiff.a] - v[:, stiff.b], np.maximum(np.abs(v[:, stiff.a]), np.abs(v[:, stiff.b]))
    hidden = (np.abs(drops) < _HIDDEN * most).any(axis=0)
    shown = drops[:, ~hidden] / stiff.r[~hidden]
    np.add.at(leaving.T, stiff.a[~hidden], shown.T)
    np.subtract.at(leaving.T, stiff.b[~hidden], shown.T)
    ends = [(diodes.anode, diodes.cathode) for diodes in circuit.of(IdealDiodes)]
    conducts = np.concatenate([np.zeros((len(v), 0), dtype=bool), *(v[:, a] - v[:, b] >= -CLAMP_TOLERANCE for a, b in ends)], axis=1)
    anode, cathode = (np.concatenate([np.zeros(0, dtype=np.intp), *(pair[k] for pair in ends)]) for k in (0, 1))
    currents = {element.name: np.zeros((len(v), len(element))) for element in circuit.of(*HOLDING)}
    patterns, which = np.unique(conducts, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        some = which.ravel() == k
        of_some = balanced(circuit, chip, leaving[some], [(anode[pattern], cathode[pattern]), (stiff.a[hidden], stiff.b[hidden])])
        for name, i in currents.items():
            i[some] = of_some.i[:, of_some.first[name] + np.arange(i.shape[1])]
    return currents

"""Ideal diodes, which SPICE has not, become very sharp junction diodes."""

from dataclasses import replace

from circuits.circuit import Circuit
from circuits.constants import SHARP_I_SAT, SHARP_N
from circuits.elements import Diodes, IdealDiodes


def sharpened(circuit: Circuit) -> Circuit:
    """Give the circuit with a sharp diode, about a tenth of a millivolt from ideal, in the place of each ideal one."""
    if not circuit.of(IdealDiodes):
        return circuit
    elements = [
        Diodes(name=e.name, anode=e.anode, cathode=e.cathode, i_sat=SHARP_I_SAT, n=SHARP_N) if isinstance(e, IdealDiodes) else e
        for e in circuit.elements
    ]
    return replace(circuit, elements=tuple(elements))

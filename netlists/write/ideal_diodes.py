"""Ideal diodes, which SPICE has not, become very sharp junction diodes."""

from dataclasses import replace

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import SHARP_I_SAT, SHARP_N, TEMPERATURE
from circuits.elements import Diodes, IdealDiodes


def sharpened(circuit: Circuit) -> Circuit:
    """Return the circuit with a sharp diode, about a tenth of a millivolt from ideal, in the place of each ideal one."""
    if not circuit.of(IdealDiodes):
        return circuit
    elements = [
        Diodes(name=e.name, anode=e.anode, cathode=e.cathode, i_sat=SHARP_I_SAT, n=SHARP_N) if isinstance(e, IdealDiodes) else e
        for e in circuit.elements
    ]
    return replace(circuit, elements=tuple(elements))


def sharpened_chip(chip: Chip) -> Chip:
    """Return a chip of the sharpened circuit.

    Sharp diodes stay as they are at any temperature; so where there are some, the deck is one of 27 °C, with other junctions' values such
    as those of the chip's own temperature have there.
    """
    circuit = chip.circuit
    if not circuit.of(IdealDiodes):
        return chip
    values = {name: dict(parameters) for name, parameters in chip.values.items()}
    if chip.temperature != TEMPERATURE:
        values |= {diodes.name: {what: chip(diodes.name, what) for what in ("i_sat", "n")} for diodes in circuit.of(Diodes)}
    return Chip(sharpened(circuit), values, heat=chip.heat, aged=chip.aged)

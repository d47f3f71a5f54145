"""A lone crossbar as one reads it: sources at its rows, ammeters that hold its columns at 0 V, wires with resistance between."""

from circuits.builder import Builder
from circuits.circuit import Circuit
from circuits.elements import InputSources, Nudges, VoltageSources
from circuits.nodes import GROUND
from circuits.units import Siemens
from circuits.wires import Wires

DEVICES = "w"
"""Name of the memristors, row by row; `Crossbar` or, where wires have resistance, `Memristors`."""

AMMETERS = "ammeter"
"""Name of the sources of 0 V whose currents are what the columns deliver."""


def read_crossbar(rows: int, columns: int, wires: Wires, g_min: Siemens, g_max: Siemens) -> Circuit:
    """Build the circuit: feature k is the voltage of row k [V].

    Raises
    ------
    CircuitError
        When a number is out of range.

    """
    builder = Builder()
    driven, read = builder.group("row", rows), builder.group("column", columns)
    builder.add(InputSources(name="drive", plus=driven, feature=range(rows)))  # type: ignore[arg-type] # made an array by the class
    wires.add(builder, DEVICES, driven, read, g_min, g_max)
    builder.add(VoltageSources(name=AMMETERS, plus=read, minus=GROUND, v=0.0))
    builder.add(Nudges(name="outputs", plus=read[:0], minus=read[:0]))  # none: what one reads are currents
    return builder.circuit(f"crossbar-{rows}x{columns}")

"""Clamps: pairs of diodes to rails that hold columns between two voltages, or one diode on each half of them."""

from typing import Protocol

from circuits.builder import Builder
from circuits.elements import Diodes, IdealDiodes, VoltageSources
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from circuits.units import Volt


class MakeDiodes(Protocol):
    """Makes the diodes of a clamp: a kind, with its parameters."""

    def __call__(self, *, name: str, anode: Nodes, cathode: Nodes) -> Diodes | IdealDiodes:
        """Make them."""
        ...


def check_rails(kind: str, v_low: Volt, v_high: Volt) -> None:
    """Refuse rails that are crossed, which would be a short circuit.

    Raises
    ------
    CircuitError
        When they are.

    """
    if not v_low < v_high:
        msg = f"{kind}: v_low = {v_low:g} V must be below v_high = {v_high:g} V"
        raise CircuitError(msg)


def add_pair(builder: Builder, name: str, columns: Nodes, v_low: Volt, v_high: Volt, diodes: MakeDiodes) -> None:
    """Clamp each column from above and from below, as one subcircuit a column."""
    high, low = builder.group(f"{name}_high", len(columns)), builder.group(f"{name}_low", len(columns))
    builder.block(
        f"{name}_neuron",
        "diode_pair",
        diodes(name=f"{name}_d_high", anode=columns, cathode=high),
        VoltageSources(name=f"{name}_v_high", plus=high, minus=GROUND, v=v_high),
        diodes(name=f"{name}_d_low", anode=low, cathode=columns),
        VoltageSources(name=f"{name}_v_low", plus=low, minus=GROUND, v=v_low),
    )


def add_halves(builder: Builder, name: str, columns: Nodes, v_low: Volt, v_high: Volt, diodes: MakeDiodes) -> None:
    """Clamp the first half of the columns from below and the second half from above."""
    half = (len(columns) + 1) // 2
    low = builder.group(f"{name}_low", half)
    builder.block(
        f"{name}_low",
        "clamp_low",
        diodes(name=f"{name}_d_low", anode=low, cathode=columns[:half]),
        VoltageSources(name=f"{name}_v_low", plus=low, minus=GROUND, v=v_low),
    )
    if half == len(columns):
        return
    high = builder.group(f"{name}_high", len(columns) - half)
    builder.block(
        f"{name}_high",
        "clamp_high",
        diodes(name=f"{name}_d_high", anode=columns[half:], cathode=high),
        VoltageSources(name=f"{name}_v_high", plus=high, minus=GROUND, v=v_high),
    )

"""Wires with resistance: a crossbar becomes a grid, with a node of its own wherever a memristor meets a row's or a column's wire."""

import math
from dataclasses import dataclass

import numpy as np

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.elements import Resistors
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.units import Ohm, Siemens

LEAST = 1e-100
"""Ohm; a smaller resistance other than 0 would conduct more than numbers of 64 bits have room for."""


def check_resistance(what: str, r: Ohm) -> None:
    """Refuse what is no wire's resistance, or conducts too well.

    Raises
    ------
    CircuitError
        When it is neither 0 nor a finite number that is large enough.

    """
    if not (math.isfinite(r) and (r == 0 or r >= LEAST)):
        msg = f"{what} = {r:g} ohm must be 0, or {LEAST:g} ohm or more, and a finite number"
        raise CircuitError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """Resistance of a row's and of a column's wire from one memristor to the next [ohm]; 0 is none at all.

    A row is driven from its first column, and a column is read at its last row. As many segments as it meets memristors lie on each wire:
    one comes before the first memristor of a row, and one behind the last of a column.
    """

    row: Ohm = 0.0
    column: Ohm = 0.0

    def __post_init__(self) -> None:
        """Refuse resistances that no wire has.

        Raises
        ------
        CircuitError
            As `check_resistance`.

        """
        for name, r in (("row", self.row), ("column", self.column)):
            check_resistance(f"wires: {name}", r)

    def add(self, builder: Builder, name: str, rows: Nodes, columns: Nodes, g_min: Siemens, g_max: Siemens) -> None:
        """Add the memristors, row by row, as one array, and the segments of the wires."""
        shape = len(rows), len(columns)
        a = np.broadcast_to(rows[:, None], shape)
        b = np.broadcast_to(columns, shape)
        wires = []
        if self.row:
            a = builder.group(f"{name}_row", a.size).reshape(shape)
            before = np.concatenate([rows[:, None], a[:, :-1]], axis=1)
            wires.append(Resistors(name=f"{name}_row_wire", a=before.ravel(), b=a.ravel(), r=self.row))
        if self.column:
            b = builder.group(f"{name}_column", b.size).reshape(shape)
            behind = np.concatenate([b[1:], columns[None]], axis=0)
            wires.append(Resistors(name=f"{name}_column_wire", a=b.ravel(), b=behind.ravel(), r=self.column))
        builder.add(Memristors(name=name, a=a.ravel(), b=b.ravel(), g_min=g_min, g_max=g_max), *wires)

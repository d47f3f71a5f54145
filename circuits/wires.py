"""Wires with resistance: a crossbar becomes a grid, with a node of its own wherever a memristor meets a row's or a column's wire."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """Resistance of a row's and of a column's wire from one memristor to the next [ohm]; 0 is none at all.

    A row is driven from its first column, and a column is read at its last row. As many segments as it meets memristors lie on each wire:
    one comes before the first memristor of a row, and one behind the last of a column.
    """

    row: Ohm = 0.0
    column: Ohm = 0.0

    def __post_init__(self) -> None:
        """Refuse what conducts too well.

        Raises
        ------
        CircuitError
            When a resistance is neither 0 nor large enough.

        """
        for name, r in (("row", self.row), ("column", self.column)):
            if 0 < r < LEAST:
                msg = f"wires: {name} = {r:g} ohm must be 0, or {LEAST:g} ohm or more"
                raise CircuitError(msg)

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

"""Drawings of circuits: the schematic of a chain of layers of any size and of other small circuits, the graph of all others."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from circuits.checks import islands
from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.inspection.layered_schematic import layered_sheet
from hwsim.inspection.mesh import NODES, LevelCounts, Mesh
from hwsim.inspection.single_schematic import SingleSheet, single_route

_GRID = 4
"""Devices from which a crossbar is drawn as one; fewer are drawn as single parts."""


class Drawable(Protocol):
    """A drawing on axes of its size."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height [inches]."""
        ...

    def show(self, axes: Any) -> None:
        """Draw it."""
        ...


def schematic(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Drawable | str:
    """Lay out the schematic of a circuit with its conductances [S], or return the reason why it has none."""
    if not islands(circuit) and any(len(array) >= _GRID for array in circuit.trainable):
        try:
            return layered_sheet(circuit, chip, g)
        except UnsupportedCircuitError:
            pass
    drawn = single_route(circuit, chip, g)
    return drawn if isinstance(drawn, str) else SingleSheet(circuit, drawn)


def drawing(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> tuple[Drawable, str]:
    """Return the schematic of a circuit, or its graph and the reason why it has no schematic."""
    drawn = schematic(circuit, chip, g)
    if not isinstance(drawn, str):
        return drawn, ""
    return Mesh(circuit, g) if circuit.size <= NODES else LevelCounts(circuit), drawn

"""Assembling: arrays of cards become the elements of a circuit, and the circuit is made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.circuit import Circuit
from circuits.constants import GMIN
from circuits.elements import Diodes, InputSources, Nudges, Resistors
from circuits.topology import Block
from netlists.build import by_kind, by_role
from netlists.build.arrays import Array
from netlists.build.builder import Making

DEFAULT_GMIN = 1e-12
"""S; what ngspice puts across a junction when the deck states nothing."""


@dataclass
class Assembly:
    """Makes elements of arrays.

    Parameters
    ----------
    making
        The arrays, and what has been made of them.
    gmin
        The conductance that the deck has across each junction [S].
    rshunt
        The resistance that it has from each node to ground [ohm]; 0 for none.

    """

    making: Making
    gmin: float
    rshunt: float = 0.0

    def run(self) -> None:
        """Make all elements; what is wrong is noted."""
        making = self.making
        for array in making.sorting.arrays:
            try:
                _maker(array)(making, array)
            except ValueError as error:  # a CircuitError is one
                making.mistake(array, error)
        self._gmin()
        if self.rshunt:
            nodes = np.arange(1, len(making.numbers))
            making.add(Resistors, [], name=making.free("rshunt"), a=nodes, b=np.zeros_like(nodes), r=self.rshunt)

    def _gmin(self) -> None:
        """Put the conductance that the deck has across its junctions next to the diodes, which have GMIN of their own."""
        extra = self.gmin - GMIN
        pairs = [(e.anode, e.cathode) for e in self.making.elements if isinstance(e, Diodes)]
        if extra <= GMIN or not pairs:
            return
        a, b = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
        self.making.add(Resistors, [], name=self.making.free("gmin"), a=a, b=b, r=1.0 / extra)

    def circuit(self, name: str, groups: Any, *, grounded: bool) -> Circuit:
        """Make the circuit, in the order that the deck states; unless it must be `grounded`, nodes may float.

        Raises
        ------
        CircuitError
            When it does not pass its own checks.

        """
        self._empty()
        roles = self.making.sorting.roles
        blocks = {s.words[0]: Block(s.words[0], s.words[1], s.words[2:]) for s in roles.of("block") if len(s.words) > 2}  # noqa: PLR2004 - as in arrays.py
        order = [word for s in roles.of("order") for word in s.words]
        elements = sorted(self.making.elements, key=lambda e: order.index(e.name) if e.name in order else len(order))
        wanted = [word for s in roles.of("blocks") for word in s.words]
        made = sorted(blocks.values(), key=lambda b: wanted.index(b.name) if b.name in wanted else len(wanted))
        return Circuit(name=name, groups=tuple(groups), elements=tuple(elements), blocks=tuple(made), grounded=grounded)

    def _empty(self) -> None:
        """Add empty arrays of the inputs and the outputs that the deck does not name: the circuit is solved as it is."""
        making, none = self.making, np.zeros(0, dtype=np.intp)
        if not any(isinstance(element, InputSources) for element in making.elements):
            making.add(InputSources, [], name=making.free("inputs"), plus=none, feature=none)
        if not any(isinstance(element, Nudges) for element in making.elements):
            making.add(Nudges, [], name=making.free("nudge"), plus=none, minus=none)


_BY_ROLE: dict[str, Callable[[Making, Array], None]] = {"output": by_role.outputs, "nudge": by_role.outputs, "block": by_kind.block}
_BY_KIND: dict[str, Callable[[Making, Array], None]] = {
    "f": by_kind.sensing,
    "h": by_kind.sensing,
    "p": by_kind.passed,
    "r": by_role.resistors,
    "x": by_kind.amplifiers,
}


def _maker(array: Array) -> Callable[[Making, Array], None]:
    """Return what makes elements of an array."""
    usual = by_role.inputs if array.role == "input" else by_kind.parts
    return _BY_ROLE.get(array.role) or _BY_KIND.get(array.kind, usual)

"""Stiff resistors: those that conduct far better than all that is trainable, or than the weakest resistor.

Summed up with theirs, other currents at a node are less than a rounding. So where a circuit is solved, the currents of stiff resistors are
unknowns, and where its voltages are verified, Kirchhoff's law is also summed over the nodes that they join, in which these drop out.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Resistors
from circuits.nodes import Nodes
from circuits.units import Ohm
from hwsim.typing import Floats

_STIFF = 1e5
"""Times the largest conductance that learns, or the weakest resistor's: sums up to it lose 5 of 16 digits of that one."""

_LEAK: Ohm = 1e9
"""A weaker resistor, such as ngspice's gmin, only holds what would float, and others are not compared with it."""

_APART = 1e-12
"""Share of a voltage that nodes which stiff resistors join may be apart by roundings, which add up along a wire."""


class StiffResistors(NamedTuple):
    """Which of a circuit's resistors are stiff: their nodes, (n,), and resistances, (n,) [ohm]; `which` by the name of their arrays."""

    a: Nodes
    b: Nodes
    r: Floats
    which: dict[str, Nodes]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, without: Collection[str] = (), *, beyond: float = 1.0) -> "StiffResistors":
        """Look for them in all arrays but those `without`: for those that are so many times `beyond` what makes a resistor stiff."""
        resistors = [e for e in circuit.of(Resistors) if e.name not in without]
        each = [np.broadcast_to(np.asarray(chip(e.name, "r"), dtype=np.float64), (len(e),)) for e in resistors]
        parts: list[tuple[Nodes, Nodes, Floats]] = [(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0))]
        which = {}
        above = beyond * limit(circuit, chip)
        for e, r in zip(resistors, each, strict=True):
            stiff = which[e.name] = np.flatnonzero(r * above < 1.0)
            parts.append((e.a[stiff], e.b[stiff], r[stiff]))
        a, b, r = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(a, b, r, which)


def has_stiff(circuit: Circuit, chip: Chip) -> bool:
    """Whether any resistor of a circuit is stiff."""
    return bool(len(StiffResistors.of(circuit, chip).r))


def limit(circuit: Circuit, chip: Chip) -> float:
    """Return above which conductance a resistor is stiff [S]."""
    learned = max((float(np.max(e.g_max)) for e in circuit.trainable), default=np.inf)
    resistances = [np.ravel(np.asarray(chip(e.name, "r"), dtype=np.float64)) for e in circuit.of(Resistors)]
    weakest = min((1.0 / float(r[r <= _LEAK].max()) for r in resistances if (r <= _LEAK).any()), default=np.inf)
    return _STIFF * min(learned, weakest)


def drops(a: Floats, b: Floats) -> Floats:
    """Return voltages across resistors, (B, n) [V]; those that roundings explain are none: times a large conductance they would be most."""
    across: Floats = np.where(np.abs(a - b) > _APART * np.maximum(np.abs(a), np.abs(b)), a - b, 0.0)
    return across

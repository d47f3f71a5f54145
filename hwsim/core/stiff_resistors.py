"""Stiff resistors: those that conduct far better than what is trainable, or than the weakest resistor.

Summed up with theirs, other currents at a node are less than a rounding. So where a circuit is solved, the currents of stiff resistors are
unknowns, and where its voltages are verified, Kirchhoff's law is also summed over the nodes that they join, in which these drop out.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Resistors
from circuits.nodes import Nodes
from hwsim.typing import Conductances, Floats

_STIFF = 3e5
"""Times what trainable conductances typically are, or the weakest resistor's: sums up to it leave 10 of 16 digits of that one."""

_WEAK = 1e-3
"""Of what trainable conductances typically are: weaker resistors are none to compare with."""

_APART = 1e-12
"""Share of a voltage that nodes which stiff resistors join may be apart by roundings, which add up along a wire."""


class StiffResistors(NamedTuple):
    """Which of a circuit's resistors are stiff.

    Parameters
    ----------
    a, b, r
        Their nodes, (n,), and resistances, (n,) [ohm].
    which
        The same by the names of their arrays.
    limit
        They conduct more than that [S].

    """

    a: Nodes
    b: Nodes
    r: Floats
    which: dict[str, Nodes]
    limit: float

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, g: Conductances | None = None, without: Collection[str] = ()) -> "StiffResistors":
        """Look for them in all arrays but those `without`, as `limit` does."""
        return cls.above(circuit, chip, limit(circuit, chip, g), without)

    @classmethod
    def above(cls, circuit: Circuit, chip: Chip, conductance: float, without: Collection[str] = ()) -> "StiffResistors":
        """Look for resistors that conduct more than that [S]."""
        parts: list[tuple[Nodes, Nodes, Floats]] = [(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0))]
        which = {}
        for e in circuit.of(Resistors):
            if e.name not in without:
                r = np.broadcast_to(np.asarray(chip(e.name, "r"), dtype=np.float64), (len(e),))
                stiff = which[e.name] = np.flatnonzero(1.0 / r > conductance)
                parts.append((e.a[stiff], e.b[stiff], r[stiff]))
        a, b, r = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(a, b, r, which, conductance)


def has_stiff(circuit: Circuit, chip: Chip) -> bool:
    """Whether any resistor of a circuit is stiff."""
    return bool(len(StiffResistors.of(circuit, chip).r))


def limit(circuit: Circuit, chip: Chip, g: Conductances | None = None) -> float:
    """Return above which conductance a resistor is stiff [S], next to conductances g; without, next to the largest that may be learned.

    Of several trainable arrays, that with the least conductances counts, and if it conducts less, the weakest resistor. Resistors that
    are weaker by far than all that learns, such as a deck's gmin, carry nothing that counts.
    """
    learned = [_typical(e) if g is None else float(np.exp(np.mean(np.log(g[e.name])))) for e in circuit.trainable]
    weakest = min((1.0 / float(np.max(chip(e.name, "r"))) for e in circuit.of(Resistors)), default=np.inf)
    return _STIFF * min([max([weakest, *(_WEAK * each for each in learned)]), *learned])


def _typical(element: Trainable) -> float:
    """Return what an array may conduct [S]: without a ceiling, what it does at least."""
    return float(np.min(np.where(np.isfinite(element.g_max), element.g_max, element.g_min)))


def drops(a: Floats, b: Floats) -> Floats:
    """Return voltages across resistors, (B, n) [V]; those that roundings explain are none: times a large conductance they would be most."""
    across: Floats = np.where(np.abs(a - b) > _APART * np.maximum(np.abs(a), np.abs(b)), a - b, 0.0)
    return across

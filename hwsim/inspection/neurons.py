"""Neurons: the diodes at each free node, grouped by their effect on its voltage."""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.elements import Diodes, IdealDiodes
from circuits.units import Ampere, Volt
from hwsim.typing import Floats

_DIGITS = 6
"""Relative difference up to which diodes count as equal."""


class _Clamp(NamedTuple):
    """A diode from a node: `up` when it conducts out of the node, the voltage at its other end, saturation current (0: ideal), and n."""

    up: bool
    rail: Volt
    i_sat: Ampere
    n: float


@dataclass(frozen=True, slots=True)
class NeuronGroup:
    """Nodes with equal diodes.

    Parameters
    ----------
    kind
        `diode pair`, `clamp from above`, `clamp from below`, `dead zone`, `diode between nodes`, or `several diodes`.
    nodes
        Their numbers; of dead zones and diodes between nodes, those at one end.
    clamps
        The diodes at each.

    """

    kind: str
    nodes: NDArray[np.intp]
    clamps: tuple[_Clamp, ...]

    @property
    def rails(self) -> tuple[Volt, ...]:
        """The voltages to which the diodes lead."""
        return tuple(sorted({clamp.rail for clamp in self.clamps}))

    def current(self, v: Floats) -> Floats:
        """Compute the current [A] that these diodes draw from a node at `v` [V]; ideal ones none up to their rail, and all beyond it."""
        total = np.zeros_like(v)
        for clamp in self.clamps:
            across = v - clamp.rail if clamp.up else clamp.rail - v
            if clamp.i_sat:
                with np.errstate(over="ignore"):
                    i, _ = diode_current(across, clamp.i_sat, clamp.n)
            else:
                i = np.where(across > 0, np.inf, 0.0)
            total += i if clamp.up else -i
        return total


def neurons(circuit: Circuit) -> list[NeuronGroup]:
    """Group the nodes with diodes, the largest group first; diodes between nodes at fixed voltages are left out."""
    volts = _fixed_volts(circuit)
    at: dict[int, list[_Clamp]] = defaultdict(list)
    between: dict[tuple[int, int], list[_Clamp]] = defaultdict(list)
    for diodes in circuit.of(Diodes, IdealDiodes):
        real = isinstance(diodes, Diodes)
        laws = zip(np.asarray(diodes.i_sat), np.asarray(diodes.n), strict=True) if real else [(0.0, 1.0)] * len(diodes)
        for anode, cathode, (i_sat, n) in zip(diodes.anode.tolist(), diodes.cathode.tolist(), laws, strict=True):
            law = float(f"{i_sat:.{_DIGITS}g}"), float(f"{n:.{_DIGITS}g}")
            if cathode in volts and anode not in volts:
                at[anode].append(_Clamp(True, volts[cathode], *law))  # noqa: FBT003 - its first field
            elif anode in volts and cathode not in volts:
                at[cathode].append(_Clamp(False, volts[anode], *law))  # noqa: FBT003
            elif anode not in volts:
                between[min(anode, cathode), max(anode, cathode)].append(_Clamp(anode < cathode, 0.0, *law))
    groups: dict[tuple[str, tuple[_Clamp, ...]], list[int]] = defaultdict(list)
    for node, clamps in at.items():
        groups[_kind(clamps), tuple(sorted(clamps))].append(node)
    for (node, _), clamps in between.items():
        groups[_kind_between(clamps), tuple(sorted(clamps))].append(node)
    grouped = [NeuronGroup(kind, np.array(sorted(nodes), dtype=np.intp), clamps) for (kind, clamps), nodes in groups.items()]
    return sorted(grouped, key=lambda one: (-len(one.nodes), one.kind))


def _fixed_volts(circuit: Circuit) -> dict[int, Volt]:
    """Return the voltages of ground and of the nodes at fixed voltages."""
    volts: dict[int, Volt] = {0: 0.0}
    for source in circuit.voltage_sources:
        for plus, minus, v in zip(source.plus.tolist(), source.minus.tolist(), np.asarray(source.v).tolist(), strict=True):
            if minus == 0:
                volts[plus] = v
            elif plus == 0:
                volts[minus] = -v
    return volts


def _kind(clamps: list[_Clamp]) -> str:
    ways = sorted(clamp.up for clamp in clamps)
    kinds: dict[tuple[bool, ...], str] = {(True,): "clamp from above", (False,): "clamp from below", (False, True): "diode pair"}
    return kinds.get(tuple(ways), "several diodes")


def _kind_between(clamps: list[_Clamp]) -> str:
    return "dead zone" if {clamp.up for clamp in clamps} == {True, False} else "diode between nodes"

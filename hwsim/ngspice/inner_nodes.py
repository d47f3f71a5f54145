"""Nodes behind the series resistances of diodes, which ngspice does not report: their voltages follow from those around them.

    v − v_d = r·(i(v_d) + g·v_d)

`v` is the voltage across both, `v_d` that across the junction, `g` what stands across it besides.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.elements import Diodes, Resistors
from circuits.nodes import Nodes
from hwsim.typing import Floats

_SUFFIX = "#internal"
_STEPS = 200
"""Halvings and steps of Newton's method together; some ten are needed."""


@dataclass(frozen=True, slots=True)
class InnerNodes:
    """Junctions behind resistances, one an inner node: the nodes around them, and their laws [ohm, A, S]."""

    inner: Nodes
    outer: Nodes
    cathode: Nodes
    r: Floats
    i_sat: Floats
    n: Floats
    g: Floats

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip) -> Self:
        """Look for them by the names that the nodes have in ngspice."""
        inner = np.array([k for k, name in enumerate(circuit.node_names) if name.endswith(_SUFFIX)], dtype=np.intp)
        place = {int(node): k for k, node in enumerate(inner)}
        outer, cathode = np.zeros(len(inner), dtype=np.intp), np.zeros(len(inner), dtype=np.intp)
        r, i_sat, n, g = (np.zeros(len(inner)) for _ in range(4))
        for e in circuit.of(Diodes, Resistors) if len(inner) else ():
            into, others = (e.anode, e.cathode) if isinstance(e, Diodes) else (e.b, e.a)
            for k, node in enumerate(into.tolist()):
                at = place.get(node)
                if at is None:
                    continue
                if isinstance(e, Diodes):
                    cathode[at], i_sat[at], n[at] = others[k], chip(e.name, "i_sat")[k], chip(e.name, "n")[k]
                else:
                    outer[at], r[at] = others[k], chip(e.name, "r")[k]
            if isinstance(e, Resistors):  # gmin stands across the junction
                for k, node in enumerate(e.a.tolist()):
                    if node in place:
                        g[place[node]] += 1.0 / chip(e.name, "r")[k]
        return cls(inner, outer, cathode, r, i_sat, n, g)

    def fill(self, v: Floats) -> None:
        """Put their voltages into those of all nodes by number, (B, N + 1) [V]."""
        if len(self.inner):
            v[:, self.inner] = v[:, self.cathode] + self._across(v[:, self.outer] - v[:, self.cathode])

    def _across(self, v: Floats) -> Floats:
        """Return the voltages across the junctions, (B, n) [V]: between 0 and the whole, where the currents are alike."""
        low, high = np.minimum(v, 0.0), np.maximum(v, 0.0)
        across = np.where(v > 0, np.minimum(high, self.n * 0.7), v)
        for _ in range(_STEPS):
            with np.errstate(all="ignore"):
                i, slope = diode_current(across, self.i_sat, self.n)
                off = across - v + self.r * (i + self.g * across)
                step = across - off / (1.0 + self.r * (slope + self.g))
            low, high = np.where(off < 0, across, low), np.where(off > 0, across, high)
            inside = np.isfinite(step) & (step >= low) & (step <= high)
            new = np.where(inside, step, 0.5 * (low + high))
            if (new == across).all():
                break
            across = new
        return across

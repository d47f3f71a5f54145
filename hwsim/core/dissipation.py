"""Power that turns into heat in the passive parts of a circuit: memristors, resistors and diodes."""

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.elements import Diodes, Resistors
from hwsim.core.stiff_resistors import drops
from hwsim.typing import Conductances, Floats


def dissipated(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> Floats:
    """Return the power of all passive parts, shape (B,) [W], at voltages by node number (B, N + 1) [V].

    Sources, amplifiers and nudges are left out: what they take besides what they deliver is a matter of how they are built.
    """
    return np.asarray(np.sum([np.zeros(len(v)), *dissipation(circuit, chip, g, v).values()], axis=0))


def dissipation(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> dict[str, Floats]:
    """Return the same by the name of the element array, each (B,) [W]."""
    power = {}
    for element in circuit.elements:
        match element:
            case Divisible(rows=rows, columns=columns, name=name):
                values, driving, driven = np.asarray(g[name], dtype=np.float64), v[:, rows], v[:, columns]
                each = driving**2 @ element.row_sum(values) + driven**2 @ element.column_sum(values)
                power[name] = each - 2.0 * (driven * element.forward(values, driving)).sum(axis=1)
            case Trainable(name=name):
                a, b, values = element.expand(np.asarray(g[name], dtype=np.float64))
                power[name] = (v[:, a] - v[:, b]) ** 2 @ values
            case Resistors(a=a, b=b, name=name):
                power[name] = drops(v[:, a], v[:, b]) ** 2 @ np.broadcast_to(1.0 / chip(name, "r"), a.shape)
            case Diodes(anode=a, cathode=b, name=name):
                across = v[:, a] - v[:, b]
                power[name] = (across * diode_current(across, chip(name, "i_sat"), chip(name, "n"))[0]).sum(axis=1)
    return power

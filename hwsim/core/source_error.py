"""How far voltages are from those that sources and ideal diodes hold, as part of whether an equilibrium is one."""

from collections.abc import Mapping

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledVoltageSources, VoltageControlledVoltageSources
from circuits.elements import Amplifiers, IdealDiodes, Inductors, InputSources, VoltageSources
from hwsim.core.branch_currents import BranchCurrents
from hwsim.core.clamping import CLAMP_TOLERANCE
from hwsim.core.protocol import Drive
from hwsim.typing import Floats


def source_error(
    circuit: Circuit, chip: Chip, drive: Drive, v: Floats, delivered: Mapping[str, Floats], branch: BranchCurrents | None = None
) -> Floats:
    """Return the largest error of a source's voltage, and of an ideal diode's drop, shape (B,) [V].

    `delivered` are the currents of amplifiers' outputs, each (B, n) [A], `branch` those of sources where they are known.
    """
    error = np.zeros(len(v))
    for element in circuit.elements:
        match element:
            case VoltageSources(plus=a, minus=b):
                off = v[:, a] - v[:, b] - chip(element.name, "v")
            case InputSources(plus=a, feature=feature):
                off = (
                    v[:, a] - np.asarray(drive.x, dtype=np.float64)[:, feature] * chip(element.name, "scale") - chip(element.name, "offset")
                )
            case Amplifiers(input=a, output=b):
                dropped = chip(element.name, "output_resistance") * delivered[element.name]
                off = v[:, b] + dropped - chip(element.name, "gain") * (v[:, a] + chip(element.name, "offset"))
            case VoltageControlledVoltageSources(plus=a, minus=b, control_plus=plus, control_minus=minus):
                off = v[:, a] - v[:, b] - (v[:, plus] - v[:, minus]) * chip(element.name, "gain")
            case CurrentControlledVoltageSources(plus=a, minus=b, source=source, place=place) if branch is not None:
                off = v[:, a] - v[:, b] - branch.i[:, branch.first[source] + place] * chip(element.name, "rm")
            case Inductors(a=a, b=b):
                off = v[:, a] - v[:, b]
            case IdealDiodes(anode=a, cathode=b):
                off = np.maximum(v[:, a] - v[:, b] - CLAMP_TOLERANCE, 0.0)
            case _:
                continue
        error = np.maximum(error, np.abs(off).max(axis=1, initial=0.0))
    return error

"""Power that sources, amplifiers and nudges deliver to a circuit: by Tellegen's theorem, what all its passive parts turn into heat."""

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, CurrentSources, Inductors, InputCurrents, InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.core.source_currents import source_currents
from hwsim.typing import Conductances, Floats


def delivery(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> dict[str, Floats]:
    """Return the power that each array of active elements delivers, by its name, each (B,) [W]; negative where it takes power.

    An amplifier delivers what leaves its output, less what enters its input; what it takes from its supply besides is not in the circuit.
    Capacitors and inductors at equilibrium neither take nor deliver.

    Raises
    ------
    UnsupportedCircuitError
        When the circuit holds parts whose currents only ngspice knows.

    """
    v, currents = by_number(circuit, equilibrium), source_currents(circuit, chip, g, drive, equilibrium)
    power = {}
    for element in circuit.elements:
        name = element.name
        match element:
            case Amplifiers(input=a, output=b):
                power[name] = -((v[:, b] - chip(name, "back") * v[:, a]) * currents[name]).sum(axis=1)
            case VoltageSources() | InputSources() | VoltageControlledVoltageSources() | CurrentControlledVoltageSources() | Inductors():
                power[name] = _delivered(v, element.ends, currents[name])
            case CurrentSources():
                power[name] = _delivered(v, element.ends, np.broadcast_to(chip(name, "i"), (len(v), len(element))))
            case InputCurrents(feature=feature):
                x = np.asarray(drive.x, dtype=np.float64)[:, feature]
                power[name] = _delivered(v, element.ends, x * chip(name, "scale") + chip(name, "offset"))
            case VoltageControlledCurrentSources(control_plus=plus, control_minus=minus):
                power[name] = _delivered(v, element.ends, (v[:, plus] - v[:, minus]) * chip(name, "gm"))
            case CurrentControlledCurrentSources(source=source, place=place):
                power[name] = _delivered(v, element.ends, currents[source][:, place] * chip(name, "gain"))
    out, push = circuit.outputs, drive.push
    across = v[:, out.plus] - v[:, out.minus]
    pushed = chip(out.name, "gain") * (push.beta * (np.asarray(push.target) - across) + np.asarray(push.current))
    power[out.name] = (across * pushed).sum(axis=1)
    return power


def _delivered(v: Floats, ends: tuple[Nodes, Nodes], i: Floats) -> Floats:
    """Return the power of sources whose currents (B, n) [A] flow from their first end to their second inside of them."""
    a, b = ends
    power: Floats = ((v[:, b] - v[:, a]) * i).sum(axis=1)
    return power

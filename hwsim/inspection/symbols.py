"""The parts of a circuit as drawn: a symbol between two nodes, and a label."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import (
    Amplifiers,
    Capacitors,
    CurrentSources,
    Diodes,
    IdealDiodes,
    Inductors,
    InputCurrents,
    InputSources,
    Nudges,
    Resistors,
    VoltageSources,
)
from circuits.passed import Passed

OPEN = 1e11
"""Ohm; larger resistances, such as the conductance that ngspice adds parallel to each diode, are not drawn."""

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))

AMPLIFIER = "Amp"
"""The symbol of an amplifier, whose `a` is its input and `b` its output."""


PAIR = "Pair"
"""The symbol of two diodes, one each way; of one that hangs, the first of its two rails is that into which `a` conducts."""


class DrawnPart(NamedTuple):
    """A part between two nodes, 0 of which is ground: a symbol of schemdraw, drawn from `a` to `b`, and its label.

    `rails` are the voltages of the rails to which its other end leads instead of ground.
    """

    symbol: str
    a: int
    b: int
    label: str
    rails: tuple[str, ...] = ()


def unknown(circuit: Circuit) -> str:
    """List the arrays whose parts have no symbol."""
    return ", ".join(element.name for element in circuit.of(Passed))


def parts(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Iterator[DrawnPart]:
    """List the parts of a circuit that have symbols; nudges have none."""
    for element in circuit.elements:
        if not isinstance(element, Nudges):
            yield from _of(circuit, element, chip, g)


def _of(circuit: Circuit, element: Any, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Iterator[DrawnPart]:
    match element:
        case Trainable(name=name):
            a, b, values = element.expand(np.asarray(g[name]))
            yield from _each("ResistorVar", a, b, numbers(1 / values))
        case Resistors(a=a, b=b, name=name):
            r = chip(name, "r")
            shown = r < OPEN
            yield from _each("Resistor", a[shown], b[shown], numbers(r[shown]))
        case Diodes(anode=a, cathode=b) | IdealDiodes(anode=a, cathode=b):
            yield from _each("Diode", a, b, [""] * len(a))
        case VoltageSources(plus=a, minus=b, name=name):
            yield from _each("SourceV", b, a, [f"{v:g} V" for v in chip(name, "v")])  # its + is where it ends
        case CurrentSources(a=a, b=b, name=name):
            yield from _each("SourceI", a, b, numbers(chip(name, "i"), " {}A"))
        case InputSources(plus=a, feature=feature, name=name):
            yield from _each("SourceV", np.zeros_like(a), a, features(feature, chip(name, "scale"), chip(name, "offset")))
        case InputCurrents(a=a, b=b, feature=feature, name=name):
            yield from _each("SourceI", a, b, features(feature, chip(name, "scale"), chip(name, "offset"), "A"))
        case Capacitors(a=a, b=b, name=name):
            yield from _each("Capacitor", a, b, numbers(chip(name, "c"), " {}F"))
        case Inductors(a=a, b=b, name=name):
            yield from _each("Inductor", a, b, numbers(chip(name, "l"), " {}H"))
        case _:
            yield from _controlled(circuit, element, chip)


def _controlled(circuit: Circuit, element: Any, chip: Chip) -> Iterator[DrawnPart]:
    match element:
        case Amplifiers(input=a, output=b, name=name):
            factors = zip(chip(name, "gain"), chip(name, "back"), strict=True)
            yield from _each(AMPLIFIER, a, b, [f"×{gain:.3g}, back ×{back:.3g}" for gain, back in factors])
        case VoltageControlledVoltageSources(plus=a, minus=b, name=name):
            yield from _each("SourceControlledV", b, a, _seen(circuit, element, chip(name, "gain")))
        case CurrentControlledVoltageSources(plus=a, minus=b, name=name):
            yield from _each("SourceControlledV", b, a, _sensed(element, chip(name, "rm")))
        case VoltageControlledCurrentSources(a=a, b=b, name=name):
            yield from _each("SourceControlledI", a, b, _seen(circuit, element, chip(name, "gm")))
        case CurrentControlledCurrentSources(a=a, b=b, name=name):
            yield from _each("SourceControlledI", a, b, _sensed(element, chip(name, "gain")))


def _each(symbol: str, a: NDArray[np.intp], b: NDArray[np.intp], labels: list[str]) -> Iterator[DrawnPart]:
    return (DrawnPart(symbol, one, other, label) for one, other, label in zip(a.tolist(), b.tolist(), labels, strict=True))


def numbers(values: Any, form: str = "{}") -> list[str]:
    """Write numbers with the prefix that leaves one to three digits before the point."""
    texts = []
    for value in np.asarray(values, dtype=np.float64).tolist():
        scale, prefix = next((pair for pair in PREFIXES if abs(value) >= 0.9995 * pair[0]), (1.0, ""))
        texts.append(f"{value / scale:.3g}{form.format(prefix)}")
    return texts


def features(feature: Any, scale: Any, offset: Any, unit: str = "V") -> list[str]:
    """Format the voltages or currents of input sources: −x0, 0.5·x1 + 0.1 V."""
    return [_follows(*one, unit) for one in zip(feature.tolist(), scale.tolist(), offset.tolist(), strict=True)]


def _follows(feature: int, scale: float, offset: float, unit: str) -> str:
    factor = {1.0: "", -1.0: "−"}.get(scale, f"{scale:g}·".replace("-", "−"))
    return f"{factor}x{feature}" + (f" {'+' if offset > 0 else '−'} {abs(offset):g} {unit}" if offset else "")


def _seen(circuit: Circuit, element: Any, factors: Any) -> list[str]:
    names = circuit.node_names
    pairs = zip(factors.tolist(), element.control_plus.tolist(), element.control_minus.tolist(), strict=True)
    return [f"{k:.3g}·v({names[plus]}{f',{names[minus]}' if minus else ''})" for k, plus, minus in pairs]


def _sensed(element: Any, factors: Any) -> list[str]:
    return [f"{k:.3g}·i({element.source}_{place})" for k, place in zip(factors.tolist(), element.place.tolist(), strict=True)]

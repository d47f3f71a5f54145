"""Voltage scales: the reduced deck has the voltages and currents of each layer in a unit of its own, in which amplifiers vanish.

A bidirectional amplifier that multiplies voltages by `gain` and draws 1/gain of its output's current changes no more than the unit: where
the deck has all voltages and currents in front of it `gain` times as large, its output is its input, as an ideal transformer vanishes in
a per-unit system. Conductances are the same in any unit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.components import components
from circuits.controlled import VoltageControlledCurrentSources, VoltageControlledVoltageSources
from circuits.elements import (
    Amplifiers,
    Capacitors,
    CurrentSources,
    Diodes,
    Elements,
    Inductors,
    InputSources,
    Nudges,
    Resistors,
    VoltageSources,
)
from circuits.nodes import Nodes
from hwsim.typing import Floats

_SCALED: Mapping[type[Elements], tuple[str, ...]] = {
    Diodes: Diodes.parameters,
    VoltageSources: ("v",),
    CurrentSources: ("i",),
    Amplifiers: ("offset",),
    **dict.fromkeys((Trainable, Resistors, Capacitors, Inductors, InputSources, Nudges), ()),
    **dict.fromkeys((VoltageControlledVoltageSources, VoltageControlledCurrentSources), ()),
}
"""The kinds of elements that have units, and which of their parameters grow with these."""


@dataclass(frozen=True, slots=True)
class VoltageScales:
    """Units of a deck.

    Parameters
    ----------
    factors
        By what the deck multiplies the voltage of each node and the currents into it, shape (N + 1,); 1 for constant voltages, which it has
        in any unit.
    vanished
        The names of the arrays of amplifiers whose inputs are their outputs.

    """

    factors: Floats
    vanished: frozenset[str]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, absent: Collection[str], constant: NDArray[np.bool_]) -> Self:
        """Choose units in which as many amplifiers vanish as can.

        Parameters
        ----------
        circuit, chip
            What is to be written.
        absent
            Names of arrays between sources and columns of which the deck has a resistor and a current source a column.
        constant
            One truth a node: whether it is ground or has one constant voltage.

        """
        vanishing = [e for e in circuit.of(Amplifiers) if _changes_units_alone(e, chip, constant)]
        while vanishing:
            factors = _factors(circuit, chip, vanishing, absent, constant)
            fitting = [e for e in vanishing if (factors[e.input] == chip(e.name, "gain") * factors[e.output]).all()]
            if len(fitting) == len(vanishing) and all(
                _has_unit(e, factors, absent, constant) for e in circuit.elements if e not in vanishing
            ):
                return cls(factors, frozenset(e.name for e in vanishing))
            vanishing = fitting if len(fitting) < len(vanishing) else []
        return cls(np.ones(circuit.size + 1), frozenset())

    def of_element(self, element: Elements) -> float:
        """Return by what the deck multiplies an array's voltages and currents."""
        return float(max(self.factors[nodes].max(initial=1.0) for nodes in terminal_nodes(element)))

    def scaled(self, chip: Chip) -> Chip:
        """Return a chip with the values that the elements of the deck have."""
        values = {name: dict(parameters) for name, parameters in chip.values.items()}
        for element in chip.circuit.elements:
            factor = self.of_element(element)
            if factor != 1.0 and element.name not in self.vanished:
                growing = next(parameters for kind, parameters in _SCALED.items() if isinstance(element, kind))
                grown = {parameter: chip.reference(element.name, parameter) * factor for parameter in growing}
                values[element.name] = values.get(element.name, {}) | grown
        return replace(chip, values=values)


def _changes_units_alone(amplifiers: Amplifiers, chip: Chip, constant: NDArray[np.bool_]) -> bool:
    """Whether amplifiers stand for a change of units, into none in which tolerances would be looser."""
    gain, back, offset, r = (chip(amplifiers.name, parameter) for parameter in Amplifiers.parameters)
    alike = bool((gain * back == 1.0).all() and (gain >= 1.0).all())
    return alike and not (offset.any() or r.any() or constant[amplifiers.input].any() or constant[amplifiers.output].any())


def _factors(
    circuit: Circuit, chip: Chip, vanishing: Sequence[Amplifiers], absent: Collection[str], constant: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the factor of each node: equal where elements stand between nodes, and in front of each amplifier its gain times larger."""
    edges = []
    for element in circuit.elements:
        if element not in vanishing and element.name not in absent:
            first, *others = terminal_nodes(element)
            for other in others:
                movable = ~(constant[first] | constant[other])
                edges.append((first[movable], other[movable]))
    parts = components(edges, circuit.size)
    factors = np.ones(parts.max() + 1)
    for _ in vanishing:  # as many times as amplifiers can stand behind each other
        for amplifiers in vanishing:
            np.maximum.at(factors, parts[amplifiers.input], chip(amplifiers.name, "gain") * factors[parts[amplifiers.output]])
    return np.where(constant, 1.0, factors[parts])


def _has_unit(element: Elements, factors: Floats, absent: Collection[str], constant: NDArray[np.bool_]) -> bool:
    """Whether all elements of an array have one factor, which is 1 for those of a kind that has no units."""
    nodes = [element.columns] if isinstance(element, Trainable) and element.name in absent else terminal_nodes(element)
    units = np.unique(np.concatenate([factors[each[~constant[each]]] for each in nodes]))
    return len(units) <= 1 and (isinstance(element, tuple(_SCALED)) or (units == 1.0).all())


def terminal_nodes(element: Elements) -> list[Nodes]:
    """Return the nodes of each terminal of the single elements of an array."""
    if isinstance(element, Trainable):
        return list(element.ends)
    return [getattr(element, terminal) for terminal in element.terminals if terminal != "feature"]

"""Twins: a circuit twice, on the same sources; what both share stands once, and all else under a name of its own. Or it alone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from circuits.arrays import Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import Elements, InputCurrents, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.passed import Passed
from netlists.write.names import free_stem
from netlists.write.sections import DeckSection, Words, blocks, sections

SUFFIXES = ("first", "second")
"""What the names of each twin's own nodes and elements end with."""


@dataclass(frozen=True, slots=True)
class TwinCircuits:
    """A circuit without ideal diodes, and two copies of it that share some of its nodes and elements, or itself as its only one.

    Parameters
    ----------
    circuit, chip
        The circuit, and the chip whose values both twins have.
    copies
        The circuit with the names of each twin; the circuit itself where it stands once.
    shared
        Names of the elements that stand once: sources to ground.

    """

    circuit: Circuit
    chip: Chip
    copies: tuple[Circuit, ...]
    shared: frozenset[str]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, *, lone: bool = False) -> Self:
        """Make the twins of a circuit, or take it as it is where it is to stand once.

        Raises
        ------
        CircuitError
            When it has parts that ngspice alone knows, or nothing to learn.

        """
        circuit.require("inputs", "outputs", "trainable")
        if passed := circuit.of(Passed):
            msg = f"{circuit.name}: {passed[0].name} is of a kind that ngspice alone simulates; a circuit that learns needs others"
            raise CircuitError(msg)
        if lone:
            return cls(circuit, chip, (circuit,), frozenset())
        inside = blocks(circuit, chip)
        shared = frozenset(e.name for e in circuit.elements if e.name not in inside and _is_source(e))
        fixed = np.zeros(circuit.size + 1, dtype=bool)
        for name in shared:
            fixed[circuit[name].plus] = True
        groups = {group.name for group in circuit.groups if fixed[group.nodes].all()}
        common = frozenset(name for name in shared if _within(circuit, name, groups))
        return cls(circuit, chip, tuple(_renamed(circuit, free_stem(circuit, suffix), groups, common) for suffix in SUFFIXES), common)

    def sections(self, words: Words) -> Iterator[DeckSection]:
        """Write what both share but the sources of the data, and then each twin without its memristors and outputs."""
        skip = (Trainable, Nudges, InputSources, InputCurrents)
        nothing = {element.name: np.full(element.shape, 1e-6) for element in self.circuit.trainable}
        for section in sections(self.circuit, self.chip, nothing, words, ()):
            if {*section.elements} <= self.shared and not isinstance(self.circuit[section.elements[0]], skip):
                yield section
        for copy, names in zip(self.copies, self.names, strict=True):
            values = {names[name]: parameters for name, parameters in self.chip.values.items()}
            chip = Chip(copy, values, self.chip.temperature, self.chip.heat)
            g = {names[name]: values for name, values in nothing.items()}
            inputs = {names[name]: given for name, given in words.inputs.items()}
            for section in sections(copy, chip, g, replace(words, inputs=inputs), ()):
                if not ({*section.elements} <= self.shared or isinstance(copy[section.elements[0]], skip)):
                    yield section

    @property
    def names(self) -> tuple[dict[str, str], ...]:
        """What each copy calls the elements of the circuit."""
        return tuple({e.name: c.name for e, c in zip(self.circuit.elements, copy.elements, strict=True)} for copy in self.copies)


def _is_source(element: Elements) -> bool:
    """Whether it is a source that gives its nodes the same voltage in both twins."""
    return isinstance(element, InputSources) or (isinstance(element, VoltageSources) and not element.minus.any())


def _within(circuit: Circuit, name: str, groups: Collection[str]) -> bool:
    """Whether all nodes of an element are shared."""
    owners = (circuit.owner(int(node))[0] for end in circuit[name].ends for node in end)
    return all(owner is None or owner.name in groups for owner in owners)


def _renamed(circuit: Circuit, suffix: str, groups: Collection[str], shared: Collection[str]) -> Circuit:
    """Return the circuit with a suffix behind the names of what is not shared."""

    def called(name: str) -> str:
        return name if name in shared else f"{name}_{suffix}"

    def element(one: Any) -> Elements:
        sensing = isinstance(one, CurrentControlledCurrentSources | CurrentControlledVoltageSources)
        more = {"source": called(one.source)} if sensing else {}
        copy: Elements = replace(one, name=called(one.name), **more)
        return copy

    return replace(
        circuit,
        groups=tuple(group if group.name in groups else replace(group, name=f"{group.name}_{suffix}") for group in circuit.groups),
        elements=tuple(map(element, circuit.elements)),
        blocks=tuple(
            replace(block, name=f"{block.name}_{suffix}", elements=tuple(map(called, block.elements))) for block in circuit.blocks
        ),
        text=None,
    )

"""Making: the elements that cards have become so far, how more are added, and at which line mistakes are reported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from circuits.elements import Elements
from circuits.errors import ElementError
from circuits.nodes import Nodes
from netlists.build.arrays import Array, Sorting
from netlists.read.features import Shown
from netlists.read.parts import Settings
from netlists.text.findings import Finding


@dataclass
class Making:
    """Elements in the making.

    Parameters
    ----------
    sorting
        The arrays and what they are made of.
    numbers
        Node numbers by their names in the deck.
    settings
        Its temperatures.
    elements
        What has been made.
    members
        Names in the deck of the elements of each array; none for what is added.
    shown
        What the deck's own sources show of the features.
    next_feature
        The feature of the next source that names none.

    """

    sorting: Sorting
    numbers: dict[str, int]
    settings: Settings
    elements: list[Elements] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    next_feature: int = 0

    def __post_init__(self) -> None:
        """Look up where resistors stand in their table, and sources whose currents may be sensed in their arrays."""
        arrays = [array for array in self.sorting.arrays if array.kind in {"v", "e", "h"}]
        self.place = {name: k for k, name in enumerate(self.sorting.flat.resistances.names)}
        self.home = {member: (array.name, k) for array in arrays for k, member in enumerate(array.members)}

    def add(self, kind: type[Elements], members: Sequence[str], *, name: str, **fields: Any) -> Any:
        """Make an array of elements of these cards, one a card, or of none, and return it; its cards are known before it is checked."""
        self.members[name] = list(members)
        self.elements.append(kind(name=name, **fields))
        return self.elements[-1]

    def nodes(self, names: Sequence[str]) -> Nodes:
        """Return the numbers of nodes."""
        numbers = self.numbers
        return np.array([numbers[name] for name in names], dtype=np.intp)

    def free(self, name: str) -> str:
        """Return a name like the wanted one that no array has."""
        while any(element.name == name or element.name.startswith(f"{name}_") for element in self.elements):
            name += "s"
        return name

    def at(self, member: str, text: str) -> Finding:
        """Return a finding about a card, at its line."""
        table = self.sorting.flat.resistances
        line = table.lines[self.place[member]] if member in self.place else self.sorting.parts[member].line
        return Finding(line.source.name, line.number, text)

    def mistake(self, array: Array, error: ValueError) -> None:
        """Note that something is wrong with an array, at the statement that made it, or else at the card that is wrong, or the first."""
        card, text = self.explained(error)
        options = array.statement.options if array.statement else {}
        if isinstance(error, ElementError) and error.parameter in options and not any("," in value for value in options.values()):
            text = f"{error.parameter} {error.fault}"  # of all cards alike
        finding = array.statement.finding(text) if array.statement else self.at(card or array.members[0], text)
        self.sorting.findings.mistakes.append(finding)

    def explained(self, error: ValueError) -> tuple[str | None, str]:
        """Return the card whose element is wrong, and what is wrong with it; no card where the error is of none."""
        if isinstance(error, ElementError) and error.place < len(members := self.members.get(error.array, [])):
            card = members[error.place]
            return card, error.of(card)
        return None, str(error)

"""Parts: the single elements of a deck once its subcircuits are in their places, before they become arrays."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from netlists.text.lines import Line
from netlists.text.tokens import Spot

CELSIUS = 27.0
"""The temperature that ngspice takes when a deck sets none, and that hwsim computes at."""


class Part(NamedTuple):
    """One element.

    Parameters
    ----------
    kind
        The letter of its card: c l v i e g f h d for what has values, x for an instance of the library's subcircuits, p for what is
        passed on as text.
    name
        With the instances that it stands in: `x1.d2`.
    nodes
        Names of nodes, ground as "0".
    values
        In the order of the element's parameters.
    line
        Its card.
    more
        For f and h the sensed source; for v the value of the only parameter that its expression names; for x the subcircuit's name and
        parameters; for p a Passage.

    """

    kind: str
    name: str
    nodes: tuple[str, ...]
    values: tuple[float, ...]
    line: Line
    more: Any = None


class Passage(NamedTuple):
    """A card that only ngspice knows: its letter, the places of its nodes between which it conducts, two by two, and what is unknown."""

    letter: str
    joined: tuple[tuple[int, int], ...]
    beyond: frozenset[str] = frozenset()


@dataclass(slots=True)
class Resistances:
    """All resistors, column by column, because there may be hundreds of thousands.

    Parameters
    ----------
    spots
        Where the value stands; None when it is the last word of a plain card.
    factors
        The resistance over the value: what temperature and multipliers make of it; 0 when no value stands in the deck.
    exact
        The conductances [S] of those, by place, whose value has more digits than a float.

    """

    names: list[str] = field(default_factory=list)
    a: list[str] = field(default_factory=list)
    b: list[str] = field(default_factory=list)
    ohm: list[float] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    spots: list[Spot | None] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    exact: dict[int, float] = field(default_factory=dict)

    def add(self, name: str, nodes: tuple[str, ...], ohm: float, line: Line, spot: Spot | None = None, factor: float = 1.0) -> None:
        """Add a resistor."""
        self.names.append(name)
        self.a.append(nodes[0])
        self.b.append(nodes[1])
        self.ohm.append(ohm)
        self.lines.append(line)
        self.spots.append(spot)
        self.factors.append(factor)


@dataclass(slots=True)
class Flat:
    """A deck without subcircuits."""

    parts: list[Part] = field(default_factory=list)
    resistances: Resistances = field(default_factory=Resistances)


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of all cards.

    Parameters
    ----------
    temperature, nominal
        Degrees Celsius: of the circuit, and of the models' parameters.

    """

    temperature: float
    nominal: float

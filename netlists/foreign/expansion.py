"""Expansion: what ngspice makes of a foreign deck, and how it is asked; this package itself knows no simulator."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class FlatCard(NamedTuple):
    """A card of the expanded deck: the place of the user's card that it comes from, -1 if none, and its text in lower case."""

    place: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A deck as ngspice expands it, with the values that it works with.

    Parameters
    ----------
    cards
        Elements, models and options, with neither subcircuits nor parameters.
    voltages
        The operating point: volts by the names of nodes; none where every card is a number between two nodes.
    values
        What was asked of elements and models, by `name` and parameter, in SI units.
    temperature, nominal
        Of the circuit and of the models' parameters, where neither states its own [°C].
    gmin
        The conductance across each junction [S].
    warnings
        What ngspice complains of in the deck, a line each.
    starts
        Its nodesets and initial conditions, a card each.

    """

    cards: tuple[FlatCard, ...]
    voltages: Mapping[str, float]
    values: Mapping[str, Mapping[str, float]]
    temperature: float
    nominal: float
    gmin: float
    warnings: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()


class ExpansionError(ValueError):
    """Raised when ngspice takes a deck for wrong; `place` is that of the user's card, None where it names none."""

    def __init__(self, text: str, place: int | None = None) -> None:
        self.place = place
        super().__init__(text)


STEADY = ".options itl1=200 itl2=200 pivrel=0.5 pivtol=1e-18"
"""How ngspice is to iterate unless a deck states otherwise; `netlists.write.options` names why."""

Expander = Callable[[Sequence[str]], Expansion]
"""Lets ngspice expand cards, none of which reads another file, and find their operating point; raises ExpansionError."""


def inside(cards: Iterable[str]) -> list[bool]:
    """Return of each card whether it belongs to a subcircuit's definition; names there are independent of those outside."""
    depth, within = 0, list[bool]()
    for card in cards:
        word = card[:7].lower() if card[0] == "." else ""
        depth += word == ".subckt"
        within.append(depth > 0)
        depth = max(depth - word.startswith((".ends", ".eom")), 0) if word else depth
    return within


_WORD = re.compile(r"[^\s,()=]+")


def first_word(card: str) -> str:
    """Return the name with which a card begins, in lower case; ngspice takes commas and parentheses for blanks."""
    match = _WORD.search(card)
    return match[0].lower() if match else ""

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

_MARK = "*@"
"""Begins the comments by which the cards of subcircuits are recognized in ngspice's listings."""


def inside(cards: Iterable[str]) -> list[bool]:
    """Return of each card whether it belongs to a subcircuit's definition; names there are independent of those outside."""
    depth, within = 0, list[bool]()
    for card in cards:
        word = card[:7].lower() if card[0] == "." else ""
        depth += word == ".subckt"
        within.append(depth > 0)
        depth = max(depth - word.startswith((".ends", ".eom")), 0) if word else depth
    return within


def _named(cards: Sequence[str]) -> dict[str, int]:
    """Return the places of cards outside of subcircuits by their names, -1 for a name that comes twice, as in two branches of an `.if`."""
    places: dict[str, int] = {}
    for place, (card, within) in enumerate(zip(cards, inside(cards), strict=True)):
        if not within and card[0] not in ".*+":
            name = first_word(card)
            places[name] = -1 if name in places else place
    return places


def marked(cards: Sequence[str], title: str) -> list[str]:
    """Return the lines of a deck with a mark before each card that cannot be recognized by its name: in subcircuits, or of twins."""
    lines, named = [title, STEADY], _named(cards)
    twins = len(named) < sum(card[0] not in ".*+" for card in cards)
    for place, (card, within) in enumerate(zip(cards, inside(cards), strict=True)):
        if within or card[0] not in "rR" or "{" in card or "'" in card or (twins and named[first_word(card)] < 0):
            lines.append(f"{_MARK}{place}")
        lines.append(card)
    return [*lines, ".end"]


def provenance(cards: Sequence[str], physical: Sequence[str], expanded: Sequence[str]) -> tuple[FlatCard, ...]:
    """Find the user's card behind each line of the expanded listing.

    Parameters
    ----------
    cards
        The user's.
    physical, expanded
        ngspice's listings, a line `number : text` each, with the same numbers.

    """
    named = {name: place for name, place in _named(cards).items() if place >= 0}
    origin: dict[int, int] = {}
    mark = -1
    for number, text in map(_numbered, physical):
        if text.startswith(_MARK):
            mark = int(text[len(_MARK) :])
        elif text[:1] not in {"*", "."}:
            origin[number] = mark
    lines_of_user = []
    for number, text in map(_numbered, expanded):
        if text[:1].isalpha() or text.startswith((".model", ".option")):
            name = text.split(None, 1)[0]
            lines_of_user.append(FlatCard(named.get(name, origin.get(number, -1)), text))
    return tuple(lines_of_user)


def starting(expanded: Iterable[str]) -> tuple[str, ...]:
    """Return the nodesets and initial conditions of ngspice's expanded listing."""
    return tuple(text for _, text in map(_numbered, expanded) if text.startswith((".nodeset", ".ic")))


_WORD = re.compile(r"[^\s,()=]+")


def first_word(card: str) -> str:
    """Return the name with which a card begins, in lower case; ngspice takes commas and parentheses for blanks."""
    match = _WORD.search(card)
    return match[0].lower() if match else ""


def _numbered(line: str) -> tuple[int, str]:
    number, _, text = line.partition(" : ")
    return (int(number), text.strip()) if number.strip().isdigit() else (0, "")

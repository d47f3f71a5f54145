"""Listings: a deck is marked before ngspice is given it, so that each line of its listings is recognized as a card of the user's."""

from collections.abc import Iterable, Sequence

from netlists.foreign.expansion import STEADY, FlatCard, first_word, inside

_MARK = "*@"
"""Begins the comments by which the cards of subcircuits are recognized in ngspice's listings."""


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


def _numbered(line: str) -> tuple[int, str]:
    number, _, text = line.partition(" : ")
    return (int(number), text.strip()) if number.strip().isdigit() else (0, "")

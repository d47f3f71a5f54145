"""Where the values of a foreign deck's resistors stand in the user's text, so that learning can change them there."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from netlists.foreign.allowed import ORDINARY
from netlists.foreign.flat import Card
from netlists.text.findings import BadCardError
from netlists.text.lines import Line
from netlists.text.tokens import Spot, Token, fields, tokens


class Owner(NamedTuple):
    """The subcircuit that a value stands in: its name, and how many elements have the value."""

    name: str
    uses: int


class Spots:
    """Finds values in the text.

    Parameters
    ----------
    lines
        The user's cards.
    cards
        The expanded ones.
    models
        The names of models, which are no values.

    """

    def __init__(self, lines: Sequence[Line], cards: Sequence[Card], models: Collection[str]) -> None:
        self._lines, self._models = lines, {name.rpartition(":")[2] for name in models}
        self._uses = Counter(card.place for card in cards)
        self._within: list[str] = []
        self._instances: dict[tuple[str, str], Line] = {}
        owners = [""]
        for line in lines:
            words = line.text.split()
            if words[0] == ".subckt":
                owners.append(words[1] if len(words) > 1 else "")
            self._within.append(owners[-1])
            if words[0][0] == "x":
                self._instances[owners[-1], words[0]] = line
            if words[0] in {".ends", ".eom"} and len(owners) > 1:
                owners.pop()

    def of(self, card: Card) -> Spot | None:
        """Return where a resistor's value stands: in its card, or in that of the instance that hands it on; None where it has none."""
        line = self._lines[card.place]
        if not self._within[card.place] and ORDINARY.fullmatch(line.original):
            start = line.original.rindex(" ") + 1
            return Spot(line, start, len(line.original) - start, None)
        token = self._value(line)
        if token is None:
            return None
        owner = self._within[card.place]
        spot = Spot(line, token.start, len(token.text), Owner(owner, self._uses[card.place]) if owner else None)
        above = card.path.split(".")[:-1]
        name = _name(token)
        while name and above:
            instance = self._instances.get((self._definition(above[:-1]), above[-1]))
            handed = None if instance is None else _named(instance).get(name)
            if instance is None or handed is None:
                break
            owner = self._definition(above[:-1])
            spot = Spot(instance, handed.start, len(handed.text), Owner(owner, 1 + bool(above[:-1])) if owner else None)
            above, name = above[:-1], _name(handed)
        return spot

    def _value(self, line: Line) -> Token | None:
        """Return what says a resistance on a card."""
        try:
            plain, named = fields(tokens(line))
        except BadCardError:
            return None
        rest = [token for token in plain[3:] if token.low not in self._models]
        return named.get("r") or named.get("resistance") or next(iter(rest), None)

    def _definition(self, path: Sequence[str]) -> str:
        """Return the subcircuit that an instance is of; nothing for the deck itself."""
        name = ""
        for instance in path:
            line = self._instances.get((name, instance))
            if line is None:
                return "?"
            words = [token.low for token in fields(tokens(line)).plain if token.low not in {"params", "params:"}]
            name = words[-1]
        return name


def _named(line: Line) -> dict[str, Token]:
    try:
        return fields(tokens(line)).named
    except BadCardError:
        return {}


def _name(token: Token) -> str:
    """Return the parameter that a value is, if it is one and nothing else."""
    text = token.text.strip("{}'").strip().lower()
    return text if text.isidentifier() else ""

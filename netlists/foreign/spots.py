"""Where the values of a foreign deck's resistors stand in the user's text, so that learning can change them there."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence

from netlists.foreign.allowed import ORDINARY
from netlists.foreign.flat import ListedCard
from netlists.text.findings import BadCardError
from netlists.text.lines import Line
from netlists.text.tokens import Spot, Token, fields, tokens


class Spots:
    """Finds values in the text.

    Parameters
    ----------
    lines
        The user's cards.
    models
        The names of models, which are no values.

    """

    def __init__(self, lines: Sequence[Line], models: Collection[str]) -> None:
        self._lines, self._models = lines, {name.rpartition(":")[2] for name in models}
        self._instances: dict[tuple[str, str], Line] = {}
        self._inside: dict[str, list[str]] = defaultdict(list)
        self._reads: dict[tuple[str, str], int] = {}
        self._values: dict[int, Token | None] = {}
        owners = [""]
        for line in lines:
            words = line.text.split()
            if words[0] == ".subckt":
                owners.append(words[1] if len(words) > 1 else "")
            for owner in owners[1:]:  # subcircuits within read the parameters of those around them
                self._inside[owner].append(line.text)
            if words[0][0] == "x":
                self._instances[owners[-1], words[0]] = line
            if words[0] in {".ends", ".eom"} and len(owners) > 1:
                owners.pop()

    def of(self, card: ListedCard) -> Spot | None:
        """Return where a resistor's value stands: in its card, or in that of the instance that hands it on; None: nowhere.

        An instance's value that another part of the subcircuit has too stays. What laws of B sources and parameters make of it follows: a
        memristor's model is programmed by the value that its instance is given.
        """
        line = self._lines[card.place]
        if card.place not in self._values:  # a subcircuit's card has many instances
            self._values[card.place] = value(line, self._models)
        token = self._values[card.place]
        if token is None:
            return None
        spot = Spot(line, token.start, len(token.text))
        above = card.path.split(".")[:-1]
        name = _name(token)
        while name and above:
            instance = self._instances.get((self._definition(above[:-1]), above[-1]))
            handed = None if instance is None else _named(instance).get(name)
            if instance is None or handed is None or self._uses(self._definition(above), name) > 1:
                break
            spot = Spot(instance, handed.start, len(handed.text))
            above, name = above[:-1], _name(handed)
        return spot

    def _uses(self, definition: str, parameter: str) -> int:
        """Count how often a subcircuit's parts, also those further in and B sources aside, name a parameter or one that follows from it."""
        key = definition, parameter
        if key not in self._reads:
            cards = self._inside[definition]
            set_by = [setting for card in cards if card.startswith(".param") for setting in _SETTING.findall(card)]
            names, before = {parameter}, 0
            while len(names) > before:
                before = len(names)
                names |= {name for name, expression in set_by if _reading(names).search(expression)}
            self._reads[key] = sum(len(_reading(names).findall(card)) for card in cards if card[0] not in ".b")
        return self._reads[key]

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


_SETTING = re.compile(r"(\w+)\s*=\s*(\{[^}]*\}|'[^']*'|\S+)")


def _reading(names: Collection[str]) -> "re.Pattern[str]":
    """Match one of these parameters where it is read."""
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(names)))})(?![\w.]|\s*=)")


def value(line: Line, models: Collection[str]) -> Token | None:
    """Return what states the resistance on a resistor's card, which is not the name of one of the `models`."""
    if ORDINARY.fullmatch(line.original):
        start = line.original.rindex(" ") + 1
        return Token(line.original[start:], start)
    try:
        plain, named = fields(tokens(line))
    except BadCardError:
        return None
    rest = [token for token in plain[3:] if token.low not in models]
    return named.get("r") or named.get("resistance") or next(iter(rest), None)


def _named(line: Line) -> dict[str, Token]:
    try:
        return fields(tokens(line)).named
    except BadCardError:
        return {}


def _name(token: Token) -> str:
    """Return the parameter that a value is, if it is one and nothing else."""
    text = token.text.strip("{}'").strip().lower()
    return text if text.isidentifier() else ""

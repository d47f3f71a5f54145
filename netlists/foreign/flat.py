"""Flat cards: the words of an expanded deck, and its models."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from netlists.foreign.expansion import FlatCard
from netlists.text.numbers import read_number

_BETWEEN = re.compile(r"[\s,()]+")
_NAMED = re.compile(r"\s*=\s*")
_READ = re.compile(r"\bv\s*\(\s*([^()\s,]+)\s*(?:,\s*([^()\s,]+)\s*)?\)")

_OF_PLAIN = 4
"""Words of a plain card: a name, two nodes and a number."""

_DIGITS = frozenset("0123456789.+-")
_LONGEST = 4090
"""Characters; ngspice cuts longer lines of its listings."""

MODELLED = {"d": 2, "j": 3, "m": 3, "o": 4, "q": 3, "s": 4, "u": 3, "w": 3, "y": 4, "z": 3}
"""Words between name and model at least, by letter: nodes, and the source that a W senses."""


@dataclass(frozen=True)
class ListedCard:
    """One element of the expanded deck.

    Parameters
    ----------
    place
        Of the user's card, -1 if none.
    name
        As ngspice calls it: `r.x1.r1`.
    text
        All of the card, in lower case.

    """

    place: int
    name: str
    text: str

    @property
    def letter(self) -> str:
        """What kind of element it is; a for a code model that stands for POLY."""
        return self.name[0]

    @property
    def path(self) -> str:
        """Its name behind those of the instances that it stands in: `x1.r1`."""
        return path(self.name)

    @cached_property
    def words(self) -> list[str]:
        """Name, nodes and values, those behind a name and `=` left out."""
        return [word for word in _BETWEEN.split(_NAMED.sub("=", self.text)) if word and "=" not in word]

    @cached_property
    def named(self) -> dict[str, str]:
        """What stands behind a name and `=`; of one that comes twice the last."""
        return dict(word.split("=", 1) for word in _BETWEEN.split(_NAMED.sub("=", self.text)) if "=" in word)

    @cached_property
    def plain(self) -> float | None:
        """The value of a resistor, a source, a capacitor or an inductor whose card states one number and nothing else."""
        words = self.text.split()
        if len(words) > _OF_PLAIN and words[3] == "dc" and self.letter in "vi":
            del words[3]
        if len(words) != _OF_PLAIN or self.letter not in "rvicl" or words[-1][0] not in _DIGITS:
            return None
        try:
            return read_number(words[-1])[0]
        except ValueError:
            return None

    @property
    def cut(self) -> bool:
        """Whether ngspice did not list all of it."""
        return len(self.text) >= _LONGEST - 20

    def model(self, models: "dict[str, ListedModel]") -> int | None:
        """Return the place of its model's name among its words."""
        least = MODELLED.get(self.letter)
        if least is None:
            return None
        return next((k for k, word in enumerate(self.words) if k > least - (self.letter == "w") and _is_known(word, models)), None)

    def reads(self) -> list[str]:
        """List the nodes whose voltages its expression names."""
        return [node for pair in _READ.findall(self.text) for node in pair if node]


def path(name: str) -> str:
    """Return the name of an element behind those of the instances that it stands in, without ngspice's letter before them."""
    return name[2:] if name[1:3] == ".x" else name


def called(path_: str) -> str:
    """Return what ngspice calls the element of a path."""
    return f"{path_.rsplit('.', 1)[1][0]}.{path_}" if "." in path_ else path_


@dataclass(frozen=True)
class ListedModel:
    """A `.model` card: its kind, and the names of what it states."""

    name: str
    kind: str
    given: frozenset[str]


@dataclass
class Listing:
    """The elements, models and options of an expanded deck."""

    cards: list[ListedCard] = field(default_factory=list)
    models: dict[str, ListedModel] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[FlatCard]) -> "Listing":
        """Sort the lines."""
        listing = cls()
        for place, text in lines:
            if text.startswith(".option"):
                words = _BETWEEN.split(_NAMED.sub("=", text))[1:]
                listing.options.update((name, value) for name, _, value in (word.partition("=") for word in words if word))
            elif text.startswith(".model"):
                words = [word for word in _BETWEEN.split(_NAMED.sub("=", text)) if word]
                given = frozenset(word.partition("=")[0] for word in words[3:])
                listing.models.setdefault(words[1], ListedModel(words[1], words[2].partition("=")[0], given))
            else:
                listing.cards.append(ListedCard(place, text.split(None, 1)[0], text))
        return listing

    @property
    def plain(self) -> bool:
        """Whether every card is a number between two nodes, so that there is nothing to ask ngspice."""
        return all(card.plain is not None or card.letter == "k" for card in self.cards)


def _is_known(word: str, models: dict[str, ListedModel]) -> bool:
    return word in models or any(name.rpartition(".")[0] == word for name in models)

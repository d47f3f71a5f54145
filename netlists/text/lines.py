"""Lines of a deck: comments off, continuations joined, and for each place in them the file, line and column that it came from."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from netlists.text.dialects import dialect_of, rewritten

_UPPER = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")

_COMMENT = re.compile(r";|//|(?:^|(?<=[\s,]))\$")
"""What ngspice takes for the end of a card: `;` and `//` anywhere, `$` behind a blank or a comma."""

ROLE = "*hwsim:"
"""How a structured comment begins, which other programs skip; one that begins with it and `+` continues."""


@dataclass(frozen=True, slots=True, eq=False)  # the hash of a long file takes long, and each of its values asks for it
class Source:
    """A file of the deck, or a text that is in no file: its name in messages, and its lines as they are, line ends taken off.

    `stated` is the dialect that the user names; None: the one that it is recognized by.
    """

    name: str
    path: Path | None
    lines: tuple[str, ...]
    stated: str | None = None

    @classmethod
    def of(cls, name: str, text: str, path: Path | None = None, stated: str | None = None) -> "Source":
        """Split a text into lines."""
        return cls(name, path, tuple(text.split("\n")), stated)

    @property
    def dialect(self) -> str:
        """The program that exported it, as far as that matters; empty where it does not."""
        return dialect_of("\n".join(self.lines)) if self.stated is None else self.stated


class Line(NamedTuple):
    """A card with its continuations.

    Parameters
    ----------
    source
        Where it stands.
    number
        Of its first line there, from 1.
    text
        In lower case, without comments.
    original
        The same in the case in which it was written; equally long.
    pieces
        For continued cards, (place in the text, line number, column) of each line's beginning; else empty.
    column
        Of the text's beginning in its line.

    """

    source: Source
    number: int
    text: str
    original: str
    pieces: tuple[tuple[int, int, int], ...] = ()
    column: int = 0

    def at(self, place: int) -> tuple[int, int]:
        """Return line number and column of a place in the text."""
        if not self.pieces:
            return self.number, self.column + place
        start, number, column = max(piece for piece in self.pieces if piece[0] <= place)
        return number, column + place - start


def lower(text: str) -> str:
    """Put A to Z into lower case; the text keeps its length, whatever else is in it."""
    return text.lower() if text.isascii() else text.translate(_UPPER)


def _bare(text: str) -> str:
    """Take the comment and the blanks at the end off a line."""
    if ";" in text or "$" in text or "//" in text:
        match = _COMMENT.search(text)
        if match:
            text = text[: match.start()]
    return text.rstrip()


def _begun(source: Source, number: int, text: str) -> Line:
    bare = text.lstrip()
    return Line(source, number, lower(bare), bare, (), len(text) - len(bare))


def _continue(lines: list[Line], tails: dict[int, list[tuple[int, int, str]]]) -> None:
    """Put further lines, each (number, column at which its text begins, text), behind those at these places."""
    for k, further in tails.items():
        line = lines[k]
        pieces, place = [(0, line.number, line.column)], len(line.original)
        for number, column, text in further:
            pieces.append((place + 1, number, column))
            place += 1 + len(text)
        original = " ".join([line.original, *(text for _, _, text in further)])
        lines[k] = line._replace(text=lower(original), original=original, pieces=tuple(pieces))


def read_lines(source: Source, *, title: bool) -> tuple[list[Line], list[Line]]:
    """Return the cards of a file, and its structured comments without the mark at their beginning.

    Blank lines and comments may stand between a card and its continuation. A `+` before the first card is given as it stands. What other
    programs export is read as ngspice would have it.

    Parameters
    ----------
    source
        The file.
    title
        Whether its first line is a title, which is no card whatever it holds.

    """
    cards: list[Line] = []
    roles: list[Line] = []
    tails: tuple[dict[int, list[tuple[int, int, str]]], ...] = {}, {}
    dialect = source.dialect
    plain = rewritten("\n".join(source.lines), dialect)
    numbered = list(enumerate(plain, start=1))
    if dialect:  # it may have added cards
        numbered = [(number, card) for number, line in numbered for card in line.split("\n")]
        plain = [card for _, card in numbered]
    lowered = lower("\n".join(plain)).split("\n")
    for (number, raw), low in zip(numbered, lowered, strict=True):
        if low[:1] in _LETTERS and not (number == 1 and title) and not (";" in raw or "$" in raw or "//" in raw):
            cards.append(Line(source, number, low.rstrip(), raw.rstrip()))  # as nearly all lines are
            continue
        bare = raw.lstrip()
        first = bare[:1]
        if first == "*" or not first:
            if lower(bare[: len(ROLE)]) == ROLE:
                _role(source, number, raw, roles, tails[1])
        elif first == "+" and cards:
            start = raw.index("+") + 1
            tails[0].setdefault(len(cards) - 1, []).append((number, start, _bare(raw[start:])))
        elif number > 1 or not title:
            text = _bare(raw)
            if text:
                cards.append(_begun(source, number, text))
    _continue(cards, tails[0])
    _continue(roles, tails[1])
    return cards, roles


def _role(source: Source, number: int, raw: str, roles: list[Line], tails: dict[int, list[tuple[int, int, str]]]) -> None:
    start = raw.index("*") + len(ROLE)
    text = raw[start:].rstrip()
    if text[:1] == "+" and roles:
        tails.setdefault(len(roles) - 1, []).append((number, start + 1, text[1:]))
    else:
        begun = _begun(source, number, text)
        roles.append(begun._replace(column=begun.column + start))

"""Tokens of a card: words, signs of equality, and what stands in braces or quotes, each with its place in the line."""

import re
from typing import NamedTuple

from netlists.text.findings import BadCardError
from netlists.text.lines import Line, lower

_TOKEN = re.compile(r"\{[^{}]*\}|'[^']*'|\"[^\"]*\"|=|[^\s=,(){}'\"]+")
_BETWEEN = re.compile(r"[\s,()]*")
_ASSIGNED = re.compile(r"([a-z_]\w*)\s*(?<![=<>!])=(?!=)\s*", re.IGNORECASE)


class Token(NamedTuple):
    """A piece of a card in the case in which it was written, and its place in the line."""

    text: str
    start: int

    @property
    def low(self) -> str:
        """The piece in lower case."""
        return lower(self.text)


def tokens(line: Line, start: int = 0) -> list[Token]:
    """Split a card; blanks, commas and parentheses only separate.

    Raises
    ------
    BadCardError
        When a brace or quote is not closed, or a value runs into the next.

    """
    text, result, place = line.original, list[Token](), start
    between = ""
    while True:
        gap = _BETWEEN.match(text, place)
        between += gap.group() if gap else ""
        place = gap.end() if gap else place
        if place == len(text):
            if between.count("(") != between.count(")"):
                msg = "'(' and ')' are not equally many; give each its partner"
                raise BadCardError(msg)
            return result
        match = _TOKEN.match(text, place)
        if not match:
            msg = f"{text[place]!r} has no partner; close it"
            raise BadCardError(msg)
        token = Token(match.group(), place)
        if result and result[-1].start + len(result[-1].text) == place and "=" not in {token.text, result[-1].text}:
            msg = f"{result[-1].text}{token.text}: two values run into each other; put a blank between them"
            raise BadCardError(msg)
        result.append(token)
        place = match.end()


class Spot(NamedTuple):
    """Where a value stands: line, place and length in it."""

    line: Line
    start: int
    length: int


class Fields(NamedTuple):
    """A card's tokens: those in their places, and those behind a name and `=`."""

    plain: list[Token]
    named: dict[str, Token]


def fields(all_tokens: list[Token]) -> Fields:
    """Sort the tokens of a card.

    Raises
    ------
    BadCardError
        When a name or a value is missing at an `=`, or a name comes twice.

    """
    plain: list[Token] = []
    named: dict[str, Token] = {}
    k = 0
    while k < len(all_tokens):
        if k + 1 < len(all_tokens) and all_tokens[k + 1].text == "=":
            if all_tokens[k].text == "=" or k + 2 >= len(all_tokens) or all_tokens[k + 2].text == "=":
                msg = f"{all_tokens[k].text} =: a name or a value is missing; write name=value"
                raise BadCardError(msg)
            name = all_tokens[k].low
            if name in named:
                msg = f"{name}= comes twice; keep one"
                raise BadCardError(msg)
            named[name] = all_tokens[k + 2]
            k += 3
        elif all_tokens[k].text == "=":
            msg = "a name is missing before ="
            raise BadCardError(msg)
        else:
            plain.append(all_tokens[k])
            k += 1
    return Fields(plain, named)


def assignments(line: Line, start: int) -> dict[str, Token]:
    """Split a `.param` card into names and their expressions, which may stand without braces and with blanks in them.

    Raises
    ------
    BadCardError
        When it is no row of name=expression.

    """
    text = line.original
    matches = list(_ASSIGNED.finditer(text, start))
    if not matches or text[start : matches[0].start()].strip():
        msg = f"{text[start:].strip()!r} is no assignment; write .param name=value"
        raise BadCardError(msg)
    values: dict[str, Token] = {}
    for k, match in enumerate(matches):
        end = matches[k + 1].start() if k + 1 < len(matches) else len(text)
        value = text[match.end() : end].rstrip()
        if not value or value.endswith(","):
            msg = f"{match.group(1)}= has no value, or a comma behind it; separate assignments by blanks"
            raise BadCardError(msg)
        if value.count("{") != value.count("}") or value.count("'") % 2:
            msg = f"{match.group(1)}={value}: a brace or quote is not closed; give it its partner"
            raise BadCardError(msg)
        values[match.group(1).lower()] = Token(value, match.end())
    return values

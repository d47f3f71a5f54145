"""Findings of a deck's reader: mistakes, warnings and notes, each at its file and line; mistakes are reported together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from circuits.quoting import quote

_SHOWN = 20

_LONGEST = 40
"""Characters of a word, or of what stands in quotes or braces; messages repeat a word of the deck up to four times."""

_CUT = f"{{{_LONGEST + 1},}}"
_LONG = re.compile(rf"((?<!\w)'[^']{_CUT}'|\"[^\"]{_CUT}\"|\{{[^{{}}]{_CUT}\}})|[^\s/'\"{{}}]{_CUT}")
"""What is cut; paths are not, which are shortened where they are printed."""


def _cut(match: "re.Match[str]") -> str:
    text = match.group()
    return quote(text, _LONGEST + 1) + (text[-1] if match.group(1) else "")


class Finding(NamedTuple):
    """Something about one line of a deck, or, as line 0, about all of it: what it is, and what would be right."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        text = _LONG.sub(_cut, self.text)
        return f"{self.file}:{self.line}: {text}" if self.line else f"{self.file}: {text}"


class NetlistError(ValueError):
    """A deck that cannot be read; the message has a line for each mistake, `file:line: what, and what would be right`."""

    def __init__(self, mistakes: Sequence[Finding]) -> None:
        self.mistakes = tuple(dict.fromkeys(mistakes))
        shown = [str(mistake) for mistake in self.mistakes[:_SHOWN]]
        more = len(self.mistakes) - _SHOWN
        super().__init__("\n".join([*shown, *([f"and {more} more mistakes"] if more > 0 else [])]))


class BadCardError(ValueError):
    """What is wrong with the card at hand; whoever reads the card knows its file and line."""


@dataclass
class Findings:
    """Collects what is found while a deck is read.

    Parameters
    ----------
    mistakes
        What makes the deck unreadable.
    warnings
        Text that is read as ngspice reads it, but often meant otherwise.
    notes
        What is left aside.

    """

    mistakes: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def add(self, others: "Findings") -> None:
        """Take in what others collected."""
        self.mistakes += others.mistakes
        self.warnings += others.warnings
        self.notes += others.notes

    def check(self) -> None:
        """Raise what has been found to be wrong.

        Raises
        ------
        NetlistError
            When there are mistakes.

        """
        if self.mistakes:
            raise NetlistError(self.mistakes)

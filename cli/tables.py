"""Tables and paragraphs that fit the terminal: cells and headers wrap, and columns that still do not fit go into a further table below."""

import os
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

WIDTH = 80
"""Columns where the terminal's width is unknown, as in a pipe."""

_LEAST = 40
"""Narrower terminals have to wrap by themselves."""

_TEXT = 24
"""Columns below which no text is wrapped, unless nothing else helps: a further table is easier to read."""

_NUMBER = 24
"""Longest cell of a column of numbers, which does not wrap: `1.23 (1.2 – 1.25)`."""

_GAP = 2
"""Spaces between columns."""


_ARGUMENT, _WORD = r"(?:[^\s;,()]|,(?=\S))+", r"[a-z]+(?=[\s;,()]|$)"

_COMMAND = re.compile(rf"\bhwsim [a-z]+(?: {_WORD})?(?: -{_ARGUMENT}(?: {_WORD})?| (?!{_WORD}){_ARGUMENT})*")
"""A command line in a sentence: words of letters alone are arguments where they are the first one, or stand behind an option."""

_TIE = "\0"
"""Stands for a blank that no line may end at; no printed text has it."""


def terminal_width(stream: IO[str] | None = None) -> int:
    """Return how wide the terminal is, that of standard output or of a stream; 80 where there is none and COLUMNS is not set."""
    columns = shutil.get_terminal_size((0, 0)).columns
    if stream is not None and not os.environ.get("COLUMNS"):
        with suppress(OSError):
            columns = os.get_terminal_size(stream.fileno()).columns
    return max(columns or WIDTH, _LEAST)


def wrapped(text: str, indent: str = "", width: int | None = None) -> str:
    """Wrap a paragraph at spaces; all but its first line begin with the indent. Words, such as paths, are not broken.

    Command lines of hwsim, which are copied, are not broken either, where they fit into a line.
    """
    room = width or terminal_width()

    def tied(match: "re.Match[str]") -> str:
        command = match.group()
        return command.replace(" ", _TIE) if len(indent) + len(command) < room else command

    whole = _COMMAND.sub(tied, text)
    lines = textwrap.fill(whole, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace(_TIE, " ")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, keys: int = 1, width: int | None = None) -> str:
    """Align rows below a header; columns that contain only numbers are aligned to the right.

    Parameters
    ----------
    header, rows
        Texts; a cell may have several lines.
    keys
        Number of the first columns that name a row, and are repeated where the columns need more than one table.
    width
        Of the text; by default the terminal's.

    """
    columns = [_Column.of(head, cells) for head, *cells in zip(header, *rows, strict=True)]
    room = width or terminal_width()
    return "\n\n".join("\n".join(_lines(block, room)) for block in _blocks(columns, keys, room))


class _Column(NamedTuple):
    """A header and its cells; `least` and `natural` are the narrowest width that is easy to read, and the one without any wrapping."""

    head: str
    cells: Sequence[str]
    number: bool
    least: int
    natural: int

    @classmethod
    def of(cls, head: str, cells: Sequence[str]) -> "_Column":
        longest = max((len(line) for cell in cells for line in cell.splitlines()), default=0)
        number = bool(cells) and longest <= _NUMBER and all(map(_is_number, cells))
        piece = max(map(len, _pieces(head)), default=0)
        return cls(head, cells, number, max(piece, longest if number else min(longest, _TEXT)), max(len(head), longest))


def _is_number(cell: str) -> bool:
    return not cell or cell[:1].isdigit() or (cell[:1] in "+-−<" and cell[1:].lstrip()[:1].isdigit()) or cell == "–"


def _pieces(head: str) -> list[str]:
    """Split a header where it may wrap: at spaces, and behind the dots and slashes of keys and ratios."""
    return [piece for piece in re.split(r"(?<=[./]) *| +", head) if piece]


def _blocks(columns: Sequence[_Column], keys: int, room: int) -> list[Sequence[_Column]]:
    """Divide columns into tables that fit, each with the key columns first; with fewer of them where they would fill half of the room."""
    while keys > 1 and _total([column.least for column in columns[:keys]]) > room / 2:
        keys -= 1
    first, blocks = columns[:keys], [list(columns[: keys + 1])]
    for column in columns[keys + 1 :]:
        if _total([one.least for one in (*blocks[-1], column)]) > room:
            blocks.append(list(first))
        blocks[-1].append(column)
    if len(blocks) > 1 and len(blocks[-1]) == keys + 1 and len(blocks[-2]) > keys + 2:  # a last column is not by itself
        blocks[-1].insert(keys, blocks[-2].pop())
    return list(blocks)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(len(widths) - 1, 0)


def _widths(block: Sequence[_Column], room: int) -> list[int]:
    """Choose the columns' widths: the natural ones if there is room, else first for columns that need little more than the least."""
    widths = [column.least for column in block]
    while (excess := _total(widths) - room) > 0:  # words are broken now
        widest = max(range(len(block)), key=lambda k: (not block[k].number, widths[k]))
        if widths[widest] <= 1:
            break
        widths[widest] = max(widths[widest] - excess, 1) if len(block) == 1 else widths[widest] - 1
    spare = room - _total(widths)
    missing = sorted(range(len(block)), key=lambda k: block[k].natural - widths[k])
    for position, k in enumerate(missing):
        more = min(max(block[k].natural - widths[k], 0), max(spare, 0) // (len(missing) - position))
        widths[k], spare = widths[k] + more, spare - more
    return widths


def _lines(block: Sequence[_Column], room: int) -> Iterator[str]:
    widths = _widths(block, room)
    heads = [_wrapped_head(column.head, width) for column, width in zip(block, widths, strict=True)]
    depth = max(map(len, heads))
    yield from _row([[""] * (depth - len(head)) + head for head in heads], block, widths)
    for cells in zip(*(column.cells for column in block), strict=True):
        yield from _row([_wrapped_cell(cell, width) for cell, width in zip(cells, widths, strict=True)], block, widths)


def _row(cells: Sequence[Sequence[str]], block: Sequence[_Column], widths: Sequence[int]) -> Iterator[str]:
    """Write a row whose cells have one line or more."""
    for k in range(max(1, *map(len, cells))):
        parts = [cell[k] if k < len(cell) else "" for cell in cells]
        aligned = (p.rjust(w) if column.number else p.ljust(w) for p, column, w in zip(parts, block, widths, strict=True))
        yield (" " * _GAP).join(aligned).rstrip()


def _wrapped_head(head: str, width: int) -> list[str]:
    if len(head) <= width:
        return [head]
    lines = [""]
    for piece in _pieces(head):
        joint = "" if not lines[-1] or f"{lines[-1]}{piece}" in head else " "
        if lines[-1] and len(lines[-1]) + len(joint) + len(piece) > width:
            lines.append("")
            joint = ""
        lines[-1] += joint + piece
    return [part for line in lines for part in (textwrap.wrap(line, width) if len(line) > width else [line])]


def _wrapped_cell(cell: str, width: int) -> list[str]:
    """Wrap a cell at spaces; a word, such as a path, is broken only where it does not fit into a line."""
    return [part for line in cell.splitlines() for part in textwrap.wrap(line, width, break_on_hyphens=False) or [""]]

"""Quoting: how a message shows what it was given: in one line, without control characters, and never at length."""

from collections.abc import Iterable

LONGEST = 60
"""Characters of a value, a name or a cell that a message shows: with three of them it stays below 200 characters of input."""

LONGEST_PATH = 140
"""Characters of a path that a message shows; users have to recognise it, so it is cut in its middle."""

LONGEST_LINE = 600
"""Characters of a line: our longest messages, with all that they quote, have fewer."""

REASON = 110
"""Characters of a library's own message that one of ours repeats."""

_MARK = "…"


def quote(given: object, most: int = LONGEST) -> str:
    """Return a text, or another value's text, as a message shows it: at most `most` characters, … in place of the rest.

    Line ends and other blanks become single blanks, control characters become �.
    """
    text = str(given)
    start = text[: 4 * most]  # no need to look through a megabyte
    line = _printable(" ".join(start.split()))
    return line if len(line) <= most and len(start) == len(text) else line[: most - 1].rstrip() + _MARK


def quoted(given: object, most: int = LONGEST) -> str:
    """Return a value as Python writes it, a text in its quotation marks, at most `most` characters."""
    text = repr(given[:most] if isinstance(given, str) else given)
    whole = len(text) <= most and not (isinstance(given, str) and len(given) > most)
    end = text[-1] if text[0] in "'\"[({" else ""
    return text if whole else text[: most - 1 - len(end)] + _MARK + end


def quote_path(path: object, most: int = LONGEST_PATH) -> str:
    """Return a path as a message shows it: at most `most` characters, with its beginning and its end."""
    return _middle(_printable(str(path)), most)


def quote_all(names: Iterable[object], nothing: str = "nothing") -> str:
    """Return names with commas between them, as many as fit in the room of a value, and how many more there are."""
    every, shown, room = list(names), list[str](), LONGEST
    for name in every:
        text = quote(name, LONGEST // 2)
        room -= len(text) + len(", ")
        if room < 0:
            break
        shown.append(text)
    more = len(every) - len(shown)
    return (", ".join(shown) or nothing) + (f" and {more} more" if more else "")


def brief(message: str) -> str:
    """Cut every word of a message that is longer than a path may be, and every line at `LONGEST_LINE`: whatever wrote them."""
    lines = (" ".join(_middle(word, LONGEST_PATH) for word in line.split(" ")) for line in message.split("\n"))
    return "\n".join(_middle(line, LONGEST_LINE) for line in lines)


def without(message: str, given: Iterable[str]) -> str:
    """Put quotations in place of what was given, where a message repeats that at length."""
    for text in sorted({one for one in given if len(one) > LONGEST_PATH}, key=len, reverse=True):
        message = message.replace(text, quote(text))
    return message


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _middle(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return text[: most - 1 - end] + _MARK + text[-end:]

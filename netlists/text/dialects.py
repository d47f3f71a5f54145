"""Dialects: decks that LTspice, KiCad and PySpice export become text of ngspice, line by line, before anything is read.

Lines stay lines, and what may learn stays in its columns, so that messages name the user's lines and learned values are written back into
the user's own text: what ngspice does not know becomes blanks. A card that is added follows, after a line feed, in another's last line.
"""

import re
from collections.abc import Iterator, Sequence

LTSPICE, KICAD = "LTspice", "KiCad"

DIALECTS = {"ltspice": LTSPICE, "kicad": KICAD, "ngspice": ""}
"""The dialects that a deck may be read in, by the words that users write."""

_EXPORT = re.compile(r"\*.*\.asc\s*$", re.IGNORECASE)
_LTSPICE = re.compile(
    r"^[ \t]*(?:\.backanno\b|\.model\b.*\bmfg\s*=|[vilc]\S*\s.*\brser\s*=|[vi]\S*\s.*\bsine\s*\(|[a-z]§)", re.IGNORECASE | re.MULTILINE
)
_WORDS = ("backanno", "mfg", "rser", "sine", "§")
"""One of these is in what the pattern matches; looking for them first takes no time in decks of many lines."""

_KICAD = re.compile(r"\.title\s+kicad\s", re.IGNORECASE)

_EVERYWHERE = re.compile(r"(?<=\d)(?:[ ]?°C\b|\udcb5)|\udcb0C\b")
"""Degrees behind a number, which PySpice writes, and the latin-1 byte of µ, as text that is not UTF-8 is read."""

_DROPPED = re.compile(r"\s*\.(?:backanno|wave|ferret|machine|endmachine|step|net)\b", re.IGNORECASE)
_STEP = re.compile(r"\s*\.step\b", re.IGNORECASE)
_STANDARD = re.compile(r"\s*\.(?:lib|inc|include)\s.*\bstandard\.(?:dio|bjt|mos|jft|cap|ind|res|bead)\b", re.IGNORECASE)
"""LTspice names its own libraries in every export; models that a deck uses of them are not in it, and are reported as missing."""

_NOTES = {
    "r": "tol pwr",
    "c": "tol v irms rser lser cpar mfg pn type",
    "l": "tol ipk cpar mfg pn type",
    "v": "cpar",
    "i": "cpar",
    ".model": "mfg pn iave vpk irms vceo icrating qg vds",
}
"""What LTspice notes about parts, or what does not change an operating point, by what a card begins with."""

_SERIES, _PARALLEL = re.compile(r"\brser\s*=\s*(\S+)", re.IGNORECASE), re.compile(r"\brpar\s*=\s*(\S+)", re.IGNORECASE)
_SILICON = re.compile(r"(?<![\w.])type\s*=\s*[a-z]\w*", re.IGNORECASE)
_VDMOS = re.compile(r"\.model\s+\S+\s+vdmos\b", re.IGNORECASE)
_RATED = re.compile(r"(?<![\w.])ron\s*=\s*[^\s()]+", re.IGNORECASE)
_SINE = re.compile(r"\bsine(?=\s*\()", re.IGNORECASE)
_TC = re.compile(r"(?<![\w.])tc\s*=\s*([^\s,]+)(?:\s*,\s*(\S+))?", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w.])(?:if|limit)\s*\(", re.IGNORECASE)
_PIECE = re.compile(rf"{_CALL.pattern}|[(),]", re.IGNORECASE)

_LONGEST = 20_000
"""Characters of a line in which functions are rewritten; ngspice itself reads fewer."""

_NET = re.compile(r"(?i)\bnet-\(([^\s()]*)\)")


def dialect_of(text: str) -> str:
    """Return the program that a deck was exported by, as far as that matters; empty where it does not."""
    first = text[: text.find("\n") if "\n" in text else len(text)]
    if _EXPORT.match(first) or (any(word in text.lower() for word in _WORDS) and _LTSPICE.search(text)):
        return LTSPICE
    return KICAD if _KICAD.match(first) else ""


def rewritten(text: str, dialect: str) -> list[str]:
    """Return the lines of a deck in a dialect as ngspice reads them, as many as there were; added cards follow a line feed."""
    if dialect or "°" in text or "\udcb5" in text or "\udcb0" in text:
        text = _EVERYWHERE.sub(lambda m: "u" if m[0] == "\udcb5" else " " * len(m[0]), text)
    lines = text.split("\n")
    if dialect == KICAD:
        return [_NET.sub(r"Net-_\1_", line) for line in lines]
    return _of_ltspice(lines) if dialect else lines


def left_out(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Return the numbers of an LTspice deck's lines that mean something and are left out, and what to do about it."""
    for number, line in enumerate(lines, start=1):
        if _STANDARD.match(line):
            yield number, "a library of LTspice's own is not read; put the .model cards that the deck uses of it into the deck"
        elif _STEP.match(line):
            yield number, ".step is left out: the deck is read with the parameters that its other cards define"


def _of_ltspice(lines: Sequence[str]) -> list[str]:
    out = list(lines)
    head, last, kind = 0, 0, ""
    added: list[str] = []
    for k, line in enumerate(lines):
        bare = line.strip()
        if not bare or bare[0] in "*;" or k == 0:
            continue
        if bare[0] != "+":
            out[last] = "\n".join([out[last], *added])
            head, kind, added = k, bare.split(None, 1)[0].lower() if bare[0] == "." else bare[0].lower(), []
        last = k
        out[k] = _card(line.replace("§", "_").replace("\udca7", "_"), kind)
        if kind in {"v", "i", "l", "c"}:
            added += _resistances(out, head, k, kind)
    out[last] = "\n".join([out[last], *added])
    return out


def _card(line: str, kind: str) -> str:
    """Rewrite one line of a card; what only LTspice knows becomes blanks."""
    if _DROPPED.match(line) or _STANDARD.match(line):
        return ""
    if kind in _NOTES:
        names = "|".join(_NOTES[kind].split())
        line = re.sub(rf"(?<![\w.])(?:{names})\s*=\s*(?:\"[^\"]*\"|[^\s()]+)", _blank, line, flags=re.IGNORECASE)
    if kind == ".model":
        line = _SILICON.sub(_blank, line)
        return _RATED.sub(_blank, line) if _VDMOS.match(line.strip()) else line
    if kind in {"v", "i"}:
        return _SINE.sub(" sin", line)
    if kind == "r":
        return _TC.sub(lambda m: f"tc1={m[1]}" + (f" tc2={m[2]}" if m[2] else ""), line)
    return _functions(line) if kind in {"b", "e", "g", ".func", ".param"} else line


def _blank(match: "re.Match[str]") -> str:
    return " " * len(match[0])


def _resistances(out: list[str], head: int, k: int, kind: str) -> list[str]:
    """Return `Rser=` and `Rpar=` of a part, which line k of its card has, as cards of resistors; blanks take their places."""
    added = []
    series, parallel = _SERIES.search(out[k]), _PARALLEL.search(out[k])
    out[k] = _PARALLEL.sub(_blank, _SERIES.sub(_blank, out[k]))
    if parallel and kind in {"l", "c"}:
        name, a, b = [*out[head].split(), "", ""][:3]
        added.append(f"R_rpar_{name} {a} {b} {parallel[1]}")
    if series and kind in {"v", "l"} and not _is_zero(series[1]):
        added.append(_in_series(out, head, series[1]))
    return added


def _in_series(out: list[str], head: int, ohm: str) -> str:
    """Put an inner node in the place of a part's first, and return the resistor between both."""
    parts = re.match(r"(\s*)(\S+)(\s+)(\S+)(.*)", out[head], re.DOTALL)
    if parts is None:
        return f"* no nodes for {ohm}"  # the card itself is reported
    indent, name, gap, node, rest = parts.groups()
    inner = f"{name}_rser"
    out[head] = f"{indent}{name}{gap}{inner}{rest}"
    return f"R_rser_{name} {node} {inner} {ohm}"


def _is_zero(word: str) -> bool:
    return re.fullmatch(r"0*\.?0*[a-z]*", word, re.IGNORECASE) is not None


def _functions(line: str) -> str:
    """Write `if` and `limit` as ngspice computes them; a line whose parentheses do not match stays as it is."""
    if len(line) > _LONGEST or not _CALL.search(line):
        return line
    stack, place = [("", [""])], 0  # what opened a parenthesis, and the arguments so far
    for match in _PIECE.finditer(line):
        stack[-1][1][-1] += line[place : match.start()]
        place = match.end()
        if match[0] == ")" and len(stack) > 1:
            text = _written(*stack.pop())
            stack[-1][1][-1] += text
        elif match[0] == "," and len(stack) > 1:
            stack[-1][1].append("")
        elif match[0] in {")", ","}:
            stack[-1][1][-1] += match[0]
        else:
            stack.append((match[0], [""]))
    return stack[0][1][0] + line[place:] if len(stack) == 1 else line


def _written(opened: str, arguments: list[str]) -> str:
    match opened[:-1].strip().lower(), [argument.strip() for argument in arguments]:
        case "if", [condition, yes, no]:
            return f"(({condition}) ? ({yes}) : ({no}))"
        case "limit", [value, one, other]:
            return f"min(max({value},min({one},{other})),max({one},{other}))"
        case _:
            return f"{opened}{','.join(arguments)})"

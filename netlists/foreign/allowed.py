"""What of a stranger's deck ngspice is given: cards of elements and of a few settings, in plain characters. All else stays outside.

ngspice carries out what it finds in a deck: `.control` blocks, comments that begin with `*#`, code models that read files and start
programs, much in quotes and backticks.
"""

import re
from collections.abc import Iterable

from netlists.read.dot_cards import HARMLESS, MEANT

_NUMBER = r"\d{1,30}(?:\.\d{0,30})?(?:e[+-]?\d\d?)?"
ORDINARY = re.compile(
    rf"r[\w.]* [\w.+-]+ [\w.+-]+ {_NUMBER}|x[\w.]*(?: [\w.+-]+)+(?: (?!file|d?temp|tnom)[a-z_]\w*={_NUMBER})*", re.ASCII | re.IGNORECASE
)
"""A resistor or an instance as nearly all cards of a large deck are: names and numbers, in which there is nothing to refuse or rewrite."""

LETTERS = "bcdefghijklmopqrstuvwxyz"
"""Elements but code models (a) and compiled ones (n)."""

CARDS = frozenset([".subckt", ".ends", ".eom", ".param", ".params", ".func", ".model", ".global", ".temp", ".nodeset", ".ic"])
CONDITIONS = frozenset([".if", ".elseif", ".else", ".endif"])
OPTIONS = frozenset([".options", ".option", ".opt", ".opts"])

_KINDS = """
    r res c l d npn pnp nmos pmos nmf pmf nhfet phfet njf pjf vdmos vdmosn vdmosp sw csw ltra urc txl cpl
"""
KINDS = frozenset(_KINDS.split())
"""Kinds of models that are built into ngspice and compute only; others are code models, some of which read files or start programs."""

_LEAST = 3
"""Words of an element: its name and two nodes."""

_BETWEEN = re.compile(r"[\s,()]+")
_PLAIN = re.compile(rf"[{LETTERS}][\w.+-]*( [\w.+-]+){{2,}}", re.IGNORECASE | re.ASCII)
"""An element of names and numbers alone: most of what a training writes for each update, and seen to be harmless at a glance."""

_ODD = re.compile(r"[^\t -~]|[`$;\"]|\\\s*$")
_MODEL = re.compile(r"\.model\s+[^\s,()={}'\"]+\s+([a-z0-9_]+)(?=[\s,(]|$)", re.IGNORECASE)
"""ngspice takes commas, parentheses and = for blanks, and puts numbers in the place of braces: none may stand before the kind."""

_COMMA = re.compile(r",\s*[a-z_]\w*\s*=(?!=)", re.IGNORECASE)
_FILE = re.compile(r"\bfile\s*=", re.IGNORECASE)
_RANDOM = re.compile(r"(?<![\w.])(a?gauss|a?unif|limit)\s*\(", re.IGNORECASE)
_COMMENT = re.compile(r"\*(?!#)[^\x00-\x08\x0a-\x1f\x7f]*")
_OPTION = re.compile(r"([a-z_]\w*)(\s*=\s*(\{[^{}]*\}|'[^']*'|[^\s,]+))?", re.IGNORECASE)

_SHOWN = 60

_TEXTS = {".model", ".param", ".params"}
"""Cards on which a text in quotes is a version or an expression, and nothing is read or started."""

_CLAMPING = 3
"""Arguments of limit where it keeps a value between two others."""


def refused(card: str) -> str | None:
    """Return why a card must not get to ngspice, and what to do about it; None when it may."""
    word = card.split(None, 1)[0].lower() if card.strip() else ""
    by_word = _dot_card(card, word) if word.startswith(".") else _element(card, word)
    if by_word is not None:
        return by_word
    odd = _ODD.search(card.replace('"', "") if word in _TEXTS else card)
    if odd:
        return f"{odd[0]!a} is no character that ngspice reads as it stands, or begins a command to it; remove it"
    if _FILE.search(card):
        return "file= reads a file, which is not passed on to ngspice; write the values"
    random = next((match[1] for match in _RANDOM.finditer(card) if _draws(card, match)), None)
    if random:
        return f"{random} draws random numbers, other ones in each process; write a number, and draw chips instead"
    return None


def _draws(card: str, call: "re.Match[str]") -> bool:
    """Whether a call draws a random number; limit of three arguments is a function of B sources."""
    if call[1].lower() != "limit":
        return True
    depth, arguments = 1, 1
    for sign in card[call.end() :]:
        depth += (sign == "(") - (sign == ")")
        arguments += sign == "," and depth == 1
        if not depth:
            break
    return arguments < _CLAMPING


def _element(card: str, word: str) -> str | None:
    if word[:1] not in LETTERS or not word:
        return f"elements that begin with {word[:1]!a} are not passed on to ngspice; use one that it has built in"
    if len(_BETWEEN.split(card.strip())) < _LEAST:
        return f"{word} has no nodes; write a name, nodes and a value"
    return None


def _dot_card(card: str, word: str) -> str | None:
    if word == ".model":
        kind = _MODEL.match(card)
        if kind is None or kind[1].lower() not in KINDS:
            called = "of no kind" if kind is None else f"of kind {kind[1]}"
            return f"a model {called} may read files or start programs; use one that ngspice has built in, such as D, NPN or NMOS"
    elif word in {".param", ".params"} and _COMMA.search(card):
        return "a comma stands between assignments, at which ngspice 39 hangs; separate them by blanks"
    elif word not in CARDS | CONDITIONS | OPTIONS:
        return f"{word} is not passed on to ngspice; remove it"
    return None


def first_refused(lines: Iterable[str]) -> str | None:
    """Return the first line that ngspice is not to see, cut short, comments of ours and the end aside; None when all may pass."""
    wrong = next((line for line in lines if not _PLAIN.fullmatch(line) and not _harmless(line) and refused(line)), None)
    return None if wrong is None else ascii(wrong[:_SHOWN])


def _harmless(line: str) -> bool:
    saves = line.lower().startswith(".save ") and not _ODD.search(line)
    return saves or line.lower() == ".end" or _COMMENT.fullmatch(line) is not None


def meant_options(card: str) -> tuple[str, list[str]]:
    """Return an options card with those options alone that change a solution or how it is reached, and the names of unknown ones."""
    kept, unknown = [], []
    for name, assigned, _ in _OPTION.findall(card.split(None, 1)[1] if " " in card.strip() else ""):
        low = name.lower()
        if low in MEANT:
            kept.append(name + assigned)
        elif low not in HARMLESS:
            unknown.append(low)
    return (f".options {' '.join(kept)}" if kept else ""), unknown

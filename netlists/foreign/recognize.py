"""Which decks are foreign: those that the small reader, which knows plain numbers and our own subcircuits alone, leaves to ngspice."""

import re
from collections.abc import Callable, Sequence

from netlists.foreign.allowed import ORDINARY
from netlists.read.definitions import outline
from netlists.read.dot_cards import HARMLESS, MEANT
from netlists.read.flatten import is_library
from netlists.read.models import CHARGE, LAW
from netlists.text.findings import Findings
from netlists.text.lines import Line
from netlists.write import subcircuits

_WORD = r"[^\s=,(){}'\"]+"
_NUMBER = r"[+-]?\.?\d[^\s=,(){}'\"]*"
_FEATURE = r"\{-?(?:[\d.]+(?:e[+-]?\d+)?\*)?[a-z_]\w*(?:[+-][\d.]+(?:e[+-]?\d+)?)?\}"
_TAIL = {
    **dict.fromkeys("rcl", rf"(?: {_WORD}){{0,2}}(?: {_NUMBER})*"),
    **dict.fromkeys("vi", rf"(?: {_WORD}){{0,2}}(?: dc)?(?: {_NUMBER}| {_FEATURE})*(?: dc(?: {_NUMBER})?)?"),
    **dict.fromkeys("eg", rf"(?!.* (?:vcvs|vccs|poly|table|laplace|freq)\b)(?: {_WORD}){{0,4}}(?: {_NUMBER})*"),
    **dict.fromkeys("fh", rf"(?: {_WORD}){{0,3}}(?: {_NUMBER})*"),
    "d": rf"(?: {_WORD}){{0,3}}(?: off)?(?: {_NUMBER})*",
    "k": r".*",
    "x": rf"(?: {_WORD})*(?: params:)?(?: {_WORD}= ?{_NUMBER})*",
}
_SMALL = {letter: re.compile(rf"{letter}[^\s=,(){{}}'\"]*{tail}") for letter, tail in _TAIL.items()}
"""Cards that the small reader knows, or in which it names the mistake, by their first letter."""

_BUILT_IN = "bjmqswtuozpy"
"""Letters of elements that only ngspice knows."""

_ASSIGNED = rf"{_WORD} ?= ?{_NUMBER}"
_MODEL = re.compile(rf"\.model {_WORD} d ?\(?(?: ?{_ASSIGNED},?)* ?\)?|\.model(?: {_WORD})?")
_PARAMETER = re.compile(rf"\.params?(?: {_ASSIGNED})*(?: {_WORD}(?: ?=)?)?")
_TEMPERATURE = re.compile(rf"\.temp(?: {_NUMBER})*")
_OPTION = re.compile(rf"({_WORD})(?: ?= ?({_WORD}))?")
_OPTIONS = {"gmin", "temp", "tnom"}
_BLANKS = re.compile(r"\s+")

FOREIGN = frozenset([".func", ".if", ".elseif", ".else", ".endif", ".global", ".nodeset", ".ic", ".csparam"])
"""Cards whose meaning ngspice alone knows."""


def foreign(cards: Sequence[Line], kept: Callable[[str], bool]) -> Line | None:
    """Return the first card that the small reader leaves to ngspice; None where there is none.

    Parameters
    ----------
    cards
        All of the deck.
    kept
        Decides of an instance, by its name, whether a role keeps it whole.

    """
    outside, inside = _split(cards)
    other = next((line for line in outside if not ((ORDINARY.fullmatch(line.text) and not _expanded(line.text)) or _small(line))), None)
    if other is not None:
        return other
    strange = next((definition[0] for definition in inside if not _ours(definition)), None)
    if strange is not None:
        return strange
    return next((line for line in outside if line.text[0] == "x" and not _whole(line.text, kept)), None)


def _whole(card: str, kept: Callable[[str], bool]) -> bool:
    """Whether an instance stays one part: it makes an amplifier, or has a role."""
    words = [word for word in card.replace("params:", "").split() if "=" not in word]
    return re.search(r"\sm ?=", card) is None and (words[-1] in subcircuits.AMPLIFIERS or kept(words[0]))


def _split(cards: Sequence[Line]) -> tuple[list[Line], list[list[Line]]]:
    """Part cards into those at the top and those of each subcircuit there."""
    outside, inside, depth = list[Line](), list[list[Line]](), 0
    for line in cards:
        begins = line.text.startswith(".subckt")
        if begins and not depth:
            inside.append([])
        depth += begins
        (inside[-1] if depth and inside else outside).append(line)
        depth = max(depth - line.text.startswith((".ends", ".eom")), 0)
    return outside, inside


def _ours(definition: Sequence[Line]) -> bool:
    """Whether a subcircuit is the one of that name in the library, word by word."""
    words = definition[0].text.split()
    if len(words) < 2 or words[1] not in subcircuits.LIBRARY:  # noqa: PLR2004 - .subckt and a name
        return False
    subcircuit = outline(list(definition), Findings()).top.inner.get(words[1])
    return subcircuit is not None and is_library(subcircuit)


def _small(line: Line) -> bool:
    text = _BLANKS.sub(" ", line.text)
    if text[0] == ".":
        return _small_dot_card(text)
    if _expanded(text):
        return False
    pattern = _SMALL.get(text[0])
    return text[0] not in _BUILT_IN if pattern is None else pattern.fullmatch(text) is not None and text.isascii()


def _expanded(card: str) -> bool:
    """Whether an element is called as ngspice calls those of subcircuits, behind its letter: its own reader knows their names."""
    return card[1:3] == ".x"


def _small_dot_card(text: str) -> bool:
    word = text.split(" ", 1)[0]
    if word == ".model":
        return _MODEL.fullmatch(text) is not None and not set(re.findall(r"(\w+) ?=", text)) - LAW - CHARGE
    if word in {".options", ".option", ".opt", ".opts"}:
        return _plain_options(text[len(word) :])
    pattern = {".param": _PARAMETER, ".params": _PARAMETER, ".temp": _TEMPERATURE}.get(word)
    return word not in FOREIGN if pattern is None else pattern.fullmatch(text) is not None


def _plain_options(text: str) -> bool:
    """Whether options state nothing of the circuit but temperatures and gmin, in numbers."""
    if set(text) & set("{}'\"()"):
        return False
    for name, value in _OPTION.findall(text):
        if name in _OPTIONS and re.fullmatch(_NUMBER, value) is None:
            return False
        if name not in _OPTIONS and name not in HARMLESS and name in MEANT:
            return False
    return True

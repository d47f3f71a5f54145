"""The cards of a foreign deck as ngspice is given them: what does not concern the circuit left out, all else looked through."""

import re
from collections.abc import Callable, Sequence

from netlists.foreign import allowed
from netlists.read.dot_cards import IGNORED
from netlists.read.parts import CELSIUS
from netlists.read.temperatures import checked
from netlists.text.findings import Finding, Findings
from netlists.text.lines import Line
from netlists.text.numbers import read_number

_MICRO = re.compile("[\\u00b5\\u03bc\\udcb5]")
_DEGREES = re.compile("(?<=\\d)\\s*(?:\\u00b0|\\udcb0)\\s*c?", re.IGNORECASE)
_OHM = re.compile("[\\u03a9\\u2126]")
"""Signs that decks hold in UTF-8 or latin-1, and that mean something; what was no UTF-8 stands as a surrogate."""


_TEMPERATURE = re.compile(r"\b(d?temp|tnom)\s*=\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?![\w.])", re.IGNORECASE)


_VALUE = 3
"""The place of a value behind a name and two nodes."""


def prepared(lines: Sequence[Line], dropped: Callable[[str], bool], findings: Findings) -> tuple[list[Line], list[str]]:
    """Return the cards that ngspice is given, and their texts.

    Parameters
    ----------
    lines
        The deck's cards.
    dropped
        Decides of an element, by its name, whether it is left out: hwsim's own nudges take the place of those in the deck.
    findings
        Takes mistakes, warnings and notes.

    """
    kept, texts, depth = list[Line](), list[str](), 0
    for line in lines:
        word = line.text.split(None, 1)[0]
        if allowed.ORDINARY.fullmatch(line.original) and (depth or not dropped(word)):
            kept.append(line)
            texts.append(line.original)
            continue
        depth += word == ".subckt"
        if word == ".title" or (not depth and word[0] not in ".+" and dropped(word)):
            continue
        if word in IGNORED - allowed.CARDS:
            note = f"{word} is left aside; it does not change the circuit"
            findings.notes.append(Finding(line.source.name, line.number, note))
            continue
        text = _plain(line.original)
        if word in allowed.OPTIONS:
            text = _options(line, text, findings)
        wrong = (allowed.refused(text) or _too_cold(text) or _misread(line.original.split(), line, findings)) if text else None
        if wrong:
            findings.mistakes.append(Finding(line.source.name, line.number, wrong))
        elif text:
            kept.append(line)
            texts.append(text)
        depth -= word in {".ends", ".eom"}
    return kept, texts


def _plain(text: str) -> str:
    """Write signs beyond ASCII as ngspice reads them, each place in the text where it was."""
    return text if text.isascii() else _OHM.sub(" ", _DEGREES.sub(lambda match: " " * len(match[0]), _MICRO.sub("u", text)))


def _misread(words: Sequence[str], line: Line, findings: Findings) -> str | None:
    """Return what ngspice would leave aside of the number of a plain card; warn where people often mean another one."""
    if len(words) <= _VALUE or words[0][0].lower() not in "rclvi" or not words[_VALUE][0].isdigit() or "=" in words[_VALUE]:
        return None
    try:
        warning = read_number(words[_VALUE])[1]
    except ValueError as error:
        return f"{words[0]}: {error}"
    if warning:
        findings.warnings.append(Finding(line.source.name, line.number, f"{words[0]}: {warning}"))
    return None


def _too_cold(text: str) -> str | None:
    """Return what is wrong with temperatures that a card has in numbers: below absolute zero ngspice iterates in vain."""
    for name, value in _TEMPERATURE.findall(text):
        try:
            checked(float(value) + (CELSIUS if name.lower() == "dtemp" else 0.0), f"{text.split(None, 1)[0]}: {name}")
        except ValueError as error:
            return str(error)
    return None


def _options(line: Line, text: str, findings: Findings) -> str:
    meant, unknown = allowed.meant_options(text)
    for name in unknown:
        warning = f"{name} is no option of ngspice, which leaves it aside in silence; correct it or remove it"
        findings.warnings.append(Finding(line.source.name, line.number, warning))
    return meant

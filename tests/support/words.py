"""The project's word list: words that its prose avoids, each with what is written instead."""

import re
from collections.abc import Iterator

AVOIDED = {
    r"t(ell|ells|elling|old)": "report, print, return, reported",
    r"sa(y|ys|id|ying)": "state, print, report, describe",
    r"h(ear|ears|earing|eard)": "receive, is called with",
    r"anew": "again",
    r"likewise": "also, in the same way",
    r"beside": "next to, besides",
    r"go(es)? on|went on|going on": "resume, continue",
    r"lacks?|lacked|lacking": "is missing, has no",
    r"h(old|olds|eld|olding) (\w+ )?against": "compare with, verify against",
    r"fe(el|els|eling|lt)": "depend on, see",
    r"what (learns|is read|is driven)": "trainable, read-out, input",
    r"(training|test|validation) parts?": "training set, test set, validation set",
    r"would last": "is stable",
    r"at rest": "at equilibrium",
    r"trails?": "Anderson acceleration",
    r"witness(es)?": "residual audit",
    r"fleets?": "ensemble",
    r"inward": "output nudge",
    r"ladders?": "gmin stepping",
    r"fences?|fenced": "sandbox",
    r"lean": "reduced deck",
    r"judge[sd]?|judging": "check, verify, compare",
    r"amid|thrice|ere|whilst": "a plainer word",
    r"untold|behold": "a plainer word",
}
"""Patterns of whole words, in any case, and their replacements. The list of style.md, Words."""

_PATTERN = re.compile("|".join(rf"(?P<w{number}>\b(?:{words})\b)" for number, words in enumerate(AVOIDED)), re.IGNORECASE)
_INSTEAD = list(AVOIDED.values())


def avoided(text: str) -> Iterator[str]:
    """List the avoided words in a text, each with its line and its replacement; nothing for plain prose."""
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _PATTERN.finditer(line):
            assert match.lastgroup
            yield f"line {number}: {match[0]!r} in {line.strip()!r}: write {_INSTEAD[int(match.lastgroup[1:])]}"

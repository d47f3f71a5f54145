"""What libngspice may be given: cards of elements and of a few settings, in plain characters. All else is refused before it gets there.

ngspice carries out what it finds in a deck: `.control` blocks, comments that begin with `*#`, much in quotes and backticks. No deck of
ours holds any of that; but names and expressions in it may come from a stranger's file, and this is the last look at them.
"""

import re
from collections.abc import Iterable

from circuits.passed import PLAIN

_COMMENT = re.compile(r"\*(?!#)[^\x00-\x08\x0a-\x1f\x7f]*")
_CARD = re.compile(rf"(?:[rclviegfhdbmqjx]|\.(?:options|model|subckt|ends|save|end)(?![a-z])){PLAIN}*", re.IGNORECASE)

_SHOWN = 60


def first_refused(lines: Iterable[str]) -> str | None:
    """Give the first line that ngspice is not to see, cut short; None when all may pass."""
    refused = next((line for line in lines if not _CARD.fullmatch(line) and not _COMMENT.fullmatch(line)), None)
    return None if refused is None else ascii(refused[:_SHOWN])

"""How many elements the subcircuits of a deck make: a few lines of nested ones could ask for any number."""

import math
import re
from collections import Counter
from collections.abc import Sequence

MOST = 2_000_000
"""Cards that subcircuits may make, or twice as many as are written out."""

_DEEPEST = 100


def too_many(cards: Sequence[str]) -> float | None:
    """Return how many elements a deck's cards make if those are too many, infinity if a subcircuit holds itself; else None."""
    bodies: dict[str, Counter[str]] = {"": Counter()}
    owners = [""]
    for card in cards:
        word = card.split(None, 1)[0].lower() if card[0] == "." else card[0]
        if word == ".subckt":
            owners.append((card.lower().split()[1:2] or [""])[0])
            bodies.setdefault(owners[-1], Counter())
        elif word in {".ends", ".eom"} and len(owners) > 1:
            owners.pop()
        elif word[0] != ".":
            bodies[owners[-1]][_subcircuit(card) if word in "xX" else ""] += 1
    counts: dict[str, float] = {}
    count = _count("", bodies, counts)
    return count if count > max(MOST, 2 * len(cards)) else None


def _count(name: str, bodies: dict[str, Counter[str]], counts: dict[str, float], depth: int = 0) -> float:
    if name not in counts and depth <= _DEEPEST:
        counts[name] = math.inf  # what asks for it again before it is known holds itself
        body = bodies.get(name, Counter())
        counts[name] = body.total() + sum(many * _count(one, bodies, counts, depth + 1) for one, many in body.items() if one)
    return counts.get(name, math.inf)


def _subcircuit(card: str) -> str:
    """Return the subcircuit that an X card names: the last word before its parameters."""
    words = re.sub(r"\s*=\s*", "=", card.lower()).split() if " =" in card or "= " in card else card.lower().split()
    return next((word for word in reversed(words) if "=" not in word and word not in {"params:", "params"}), "")

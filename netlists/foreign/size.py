"""How many elements the subcircuits of a deck make: a few lines of nested ones could ask for any number."""

import math
import re
from collections.abc import Sequence

MOST = 2_000_000
"""Cards that subcircuits may make, or twice as many as are written out."""

_DEEPEST = 100


def too_many(cards: Sequence[str]) -> float | None:
    """Return how many elements a deck's cards make if those are too many, infinity if a subcircuit holds itself; else None."""
    bodies: dict[str, list[str]] = {"": []}
    owners = [""]
    for card in cards:
        words = card.lower().split()
        if words[0] == ".subckt" and len(words) > 1:
            owners.append(words[1])
            bodies.setdefault(words[1], [])
        elif words[0] in {".ends", ".eom"} and len(owners) > 1:
            owners.pop()
        elif words[0][0] != ".":
            bodies[owners[-1]].append(words[0] if words[0][0] != "x" else f"x {_subcircuit(card)}")
    counts: dict[str, float] = {}
    count = _count("", bodies, counts)
    return count if count > max(MOST, 2 * len(cards)) else None


def _count(name: str, bodies: dict[str, list[str]], counts: dict[str, float], depth: int = 0) -> float:
    if name not in counts and depth <= _DEEPEST:
        counts[name] = math.inf  # what asks for it again before it is known holds itself
        inner = [card[2:] for card in bodies.get(name, []) if card.startswith("x ")]
        counts[name] = len(bodies.get(name, [])) + sum(_count(one, bodies, counts, depth + 1) for one in inner)
    return counts.get(name, math.inf)


def _subcircuit(card: str) -> str:
    """Return the subcircuit that an X card names: the last word before its parameters."""
    words = re.sub(r"\s*=\s*", "=", card.lower()).split()
    return next((word for word in reversed(words) if "=" not in word and word not in {"params:", "params"}), "")

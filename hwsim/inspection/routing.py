"""Routing: positions of a schematic's wires and symbols so that no two of them cover each other.

Every node is an upright wire, inputs to the left and outputs to the right. Every part between two nodes lies level between their wires, in
a row that no other part shares where it is; its symbol stands between two neighbouring wires. What leads to ground hangs below its node.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hwsim.inspection.symbols import DrawnPart

GAP, ROW = 3.0, 1.5
"""Units: least distance of two wires, and of two rows."""

_HANG, _BESIDE, LETTER = 2.3, 1.4, 0.21
"""Units: width of a part that hangs below a node, the same without the words to its right, and of each of their letters."""

_BRANCH = 1.6
"""Units: least distance of the two diodes of a pair that hangs."""

_APART = 1.2
"""Units: width of a symbol between the names of its two wires."""

_LEFT = 0.8
"""Units: width of a part to the left of its middle."""


class Level(NamedTuple):
    """A part in its row, counted from above; `gap` is the place of the wire to the left of its symbol."""

    part: DrawnPart
    row: int
    gap: int


class Route(NamedTuple):
    """Nodes of the wires from left to right, their positions, parts between them, those that hang below a node, and the nodes' names."""

    order: list[int]
    x: dict[int, float]
    levels: list[Level]
    hanging: dict[int, list[tuple[float, DrawnPart]]]
    names: Mapping[int, str]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return 1 + max((level.row for level in self.levels), default=-1)


def route(
    parts: Sequence[DrawnPart],
    places: Mapping[int, tuple[float, float]],
    names: Mapping[int, str],
    first: Sequence[int],
    last: Sequence[int],
) -> Route:
    """Lay out parts.

    Parameters
    ----------
    parts
        Parts to draw.
    places
        Approximate position of each node, x and y between 0 and 1.
    names
        Text above each.
    first, last
        Nodes that stand to the left of all others, and to their right.

    """
    between = [part for part in parts if part.a and part.b and part.a != part.b]
    order = _ordered(between, places, first, last)
    place = {node: k for k, node in enumerate(order)}
    hanging: dict[int, list[DrawnPart]] = {}
    for part in parts:
        if not (part.a and part.b):
            hanging.setdefault(part.a or part.b, []).append(part)
    x, below = _spread(order, hanging, names)
    return Route(order, x, _rowed(between, place), below, names)


def _ordered(
    between: Sequence[DrawnPart], places: Mapping[int, tuple[float, float]], first: Sequence[int], last: Sequence[int]
) -> list[int]:
    """Order the nodes by position, then exchange neighbours while that makes the parts shorter."""
    rank = dict.fromkeys(last, 2) | dict.fromkeys(first, 0)
    order = sorted(places, key=lambda node: (rank.get(node, 1), *places[node]))
    joined = Counter((part.a, part.b) for part in between)

    def length() -> int:
        place = {node: k for k, node in enumerate(order)}
        return sum(count * abs(place[a] - place[b]) for (a, b), count in joined.items())

    best, before = length(), -1
    while best != before:
        before = best
        for k in range(len(order) - 1):
            if rank.get(order[k], 1) != rank.get(order[k + 1], 1):
                continue
            order[k], order[k + 1] = order[k + 1], order[k]
            if length() < best:
                best = length()
            else:
                order[k], order[k + 1] = order[k + 1], order[k]
    return order


def _spread(
    order: Sequence[int], hanging: Mapping[int, Sequence[DrawnPart]], names: Mapping[int, str]
) -> tuple[dict[int, float], dict[int, list[tuple[float, DrawnPart]]]]:
    """Place the wires, and the parts that hang below them side by side, so that there is room for all, and for their names."""
    x, below, taken = dict[int, float](), dict[int, list[tuple[float, DrawnPart]]](), -_LEFT
    for k, node in enumerate(order):
        parts = hanging.get(node, ())
        widths = [_width(part) for part in parts]
        half = sum(widths[:-1]) / 2
        x[node] = taken + _LEFT + half if parts else 0.0
        if k:
            before = order[k - 1]
            letters = max(len(names[before]), len(names[node]))
            x[node] = max(x[node], x[before] + max(GAP, _APART + LETTER * letters))
        if parts:
            below[node] = [(x[node] - half + sum(widths[:j]), part) for j, part in enumerate(parts)]
            taken = below[node][-1][0] + widths[-1] - _LEFT
    return x, below


def _width(part: DrawnPart) -> float:
    """Return the width of a part that hangs, with the words to its right, and those below it."""
    below = sum(max(_BRANCH, LETTER * len(rail) + 0.4) for rail in part.rails)
    return max(_HANG, _BESIDE + LETTER * len(part.label), below + 0.4)


def _rowed(between: Sequence[DrawnPart], place: Mapping[int, int]) -> list[Level]:
    """Put each part into the first row that is free where it lies; parts may meet at a wire that both end at."""
    spans = [(min(place[part.a], place[part.b]), max(place[part.a], place[part.b]), part) for part in between]
    until: list[int] = []
    levels = []
    for left, right, part in sorted(spans, key=lambda span: span[:2]):
        row = next((k for k, end in enumerate(until) if end <= left), len(until))
        until[row : row + 1] = [right]
        levels.append(Level(part, row, (left + right - 1) // 2))
    return levels

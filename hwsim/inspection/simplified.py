"""Simplified parts of a schematic: fixed voltages become labels where parts lead to them, two opposed diodes one symbol."""

from collections.abc import Collection, Iterator, Sequence

from hwsim.inspection.symbols import PAIR, DrawnPart


def simplified(parts: Sequence[DrawnPart], kept: Collection[int]) -> list[DrawnPart]:
    """Replace rails by labels and opposed diodes by pairs; the nodes `kept` stay wires."""
    return list(_paired(_labelled(parts, _rails(parts, kept))))


def _rails(parts: Sequence[DrawnPart], kept: Collection[int]) -> dict[int, str]:
    """Return the voltages of nodes at fixed voltages from which parts lead only to other kinds of nodes."""
    rails = {part.b: part.label for part in parts if _is_supply(part) and part.b not in kept}
    for part in parts:
        ends = {part.a, part.b}
        if not _is_supply(part) and ends <= {0, *rails}:
            for node in ends:
                rails.pop(node, None)
    return rails


def _is_supply(part: DrawnPart) -> bool:
    return part.symbol == "SourceV" and part.a == 0 and part.label.endswith("V")


def _labelled(parts: Sequence[DrawnPart], rails: dict[int, str]) -> Iterator[DrawnPart]:
    for part in parts:
        if part.a in rails and not _is_supply(part):
            yield part._replace(a=0, rails=(rails[part.a],))
        elif part.b in rails and not _is_supply(part):
            yield part._replace(b=0, rails=(rails[part.b],))
        elif not (part.a in rails or part.b in rails):
            yield part


def _paired(parts: Iterator[DrawnPart]) -> Iterator[DrawnPart]:
    """Merge two opposed diodes between the same nodes, or between a node and a rail."""
    waiting: dict[tuple[int, int], list[DrawnPart]] = {}
    others = []
    for part in parts:
        if part.symbol == "Diode":
            waiting.setdefault((part.a, part.b), []).append(part)
        else:
            others.append(part)
    for (a, b), diodes in waiting.items():
        opposed = waiting.get((b, a), [])
        if len(diodes) == len(opposed) == 1:
            if (b and a > b) or not a:  # the other of the two yields the pair
                continue
            yield DrawnPart(PAIR, a, b, "", () if b else (*(diodes[0].rails or ("",)), *(opposed[0].rails or ("",))))
        else:
            yield from diodes
    yield from others

"""Grouping: nodes of a deck become node groups, by the deck's statements or by what their names look like."""

import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from circuits.nodes import NodeGroup
from netlists.read.roles import Roles
from netlists.text.findings import Findings

_FIT = re.compile(r"[a-z][a-z0-9_]*")
_PLAIN = re.compile(r"[a-z0-9_]+")
"""Names of nodes that also decks of ours can have, in expressions too."""

_ROW = re.compile(r"(.+)_(0|[1-9]\d*)")
_SAID = re.compile(r"(\S+)(?: to (\S+))?")


def odd(names: Iterable[str]) -> bool:
    """Whether nodes have names that only their own deck can keep; those inside devices aside."""
    return any(_PLAIN.fullmatch(name) is None for name in names if not name.endswith("#internal"))


def group_nodes(names: list[str], roles: Roles, findings: Findings, *, renamed: bool) -> tuple[tuple[NodeGroup, ...], dict[str, int]]:
    """Make node groups, and give the number of each node by its name in the deck.

    Names like h_0, h_1 … h_9 make the row h. Others stay alone.

    Parameters
    ----------
    names
        The nodes, without ground, each once.
    roles
        The deck's statements about them (`nodes`).
    findings
        Takes the mistakes.
    renamed
        Whether names that only their own deck can keep are written with underscores.

    """
    groups: list[NodeGroup] = []
    numbers = {"0": 0}

    def add(stem: str, size: int | None, members: list[str]) -> None:
        groups.append(NodeGroup(stem, size, len(numbers)))
        numbers.update({name: len(numbers) + k for k, name in enumerate(members)})

    for statement in roles.of("nodes"):
        match = _SAID.fullmatch(" ".join(statement.words))
        group = _row(match.group(1), match.group(2)) if match else None
        if group is None:
            findings.mistakes.append(statement.finding("write `nodes NAME`, or `nodes NAME_0 to NAME_9`"))
            continue
        if (group[1] or 0) > len(names):
            findings.mistakes.append(statement.finding(f"the deck has {len(names)} nodes and not so many; name those that it has"))
            continue
        listed = _members(*group)
        if any(name in numbers for name in listed):
            findings.mistakes.append(statement.finding("names a node that is named before; name each once"))
            continue
        add(*group, listed)
    left = [name for name in names if name not in numbers]
    found_rows = _rows(left, set(numbers))
    rows = found_rows.keys() | {group.name for group in groups if group.size is not None}
    taken = {group.name for group in groups} | set(found_rows)
    for name in left:
        numbered = _ROW.fullmatch(name)
        if numbered and numbered.group(1) in found_rows:
            if numbered.group(2) == "0":
                add(numbered.group(1), found_rows[numbered.group(1)], _members(numbered.group(1), found_rows[numbered.group(1)]))
            continue
        called = _called(name, taken, rows) if renamed else name
        taken.add(called)
        add(called, None, [name])
    return tuple(groups), numbers


def _members(stem: str, size: int | None) -> list[str]:
    return [stem] if size is None else [f"{stem}_{k}" for k in range(size)]


def _row(first: str, last: str | None) -> tuple[str, int | None] | None:
    """Read `h_0 to h_9` as the row h of 10, `bias` as a lone node."""
    if last is None:
        return first, None
    begin, end = _ROW.fullmatch(first), _ROW.fullmatch(last)
    if begin is None or end is None or begin.group(1) != end.group(1) or begin.group(2) != "0":
        return None
    return end.group(1), int(end.group(2)) + 1


def _rows(names: list[str], taken_names: set[str]) -> dict[str, int]:
    """Find the stems whose nodes are numbered from 0 without gaps, two or more of them."""
    counts: Counter[str] = Counter()
    largest: dict[str, int] = {}
    for name in names:
        match = _ROW.fullmatch(name)
        if match and _FIT.fullmatch(match.group(1)):
            counts[match.group(1)] += 1
            largest[match.group(1)] = max(largest.get(match.group(1), 0), int(match.group(2)))
    taken = set(names) | taken_names
    return {stem: count for stem, count in counts.items() if count > 1 and largest[stem] == count - 1 and stem not in taken}


def _called(name: str, taken: set[str], rows: AbstractSet[str]) -> str:
    """Return a lone node a name that a group may have and no other has."""
    called = re.sub(r"[^a-z0-9_]", "_", name)
    while called in taken or called == "gnd" or (called.rpartition("_")[0] in rows and called.rpartition("_")[2].isdigit()):
        called += "_"
    return called

"""Arrays: which cards of a deck make which array of elements, as its roles state; what no role names goes by kind."""

import re
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from netlists.read.parts import Flat, Part
from netlists.read.roles import MATCHING, Names, Roles, Statement, stem
from netlists.text.findings import Findings

KINDS = {
    "r": "resistors",
    "c": "capacitors",
    "l": "inductors",
    "v": "voltages",
    "i": "currents",
    "e": "vcvs",
    "g": "vccs",
    "f": "cccs",
    "h": "ccvs",
    "d": "diodes",
    "x": "amplifiers",
    "p": "passed",
}
"""Names of the arrays of what no role names, by the letter of the parts."""

_FITTING = {"trainable": {"r"}, "input": {"v", "i"}, "bias": {"v", "i"}, "ideal": {"d"}}
"""Which parts may have a role; others take all."""

_PAIRS = re.compile(r"(?:\d+_\d+ )*\d+_\d+")


@dataclass(slots=True)
class Array:
    """An array in the making: the names of its cards, in order, and the statement that made it."""

    name: str
    kind: str
    members: list[str]
    statement: Statement | None = None
    parts: list[str] = field(default_factory=list)

    @property
    def role(self) -> str:
        """What it is for."""
        return self.statement.word if self.statement else "array"


@dataclass
class Sorting:
    """Sorts the cards of a deck into arrays.

    Parameters
    ----------
    flat
        The deck.
    roles
        Its own statements.
    findings
        Takes the mistakes.

    """

    flat: Flat
    roles: Roles
    findings: Findings
    arrays: list[Array] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Look up what there is."""
        self.parts: dict[str, Part] = {part.name: part for part in self.flat.parts}
        self.kind_of: dict[str, str] = dict.fromkeys(self.flat.resistances.names, "r") | {p.name: p.kind for p in self.flat.parts}
        self._names = Names(list(self.kind_of))
        self._claimed: dict[str, Statement] = {}

    def run(self) -> list[Array]:
        """Return all arrays, those of statements first, in their order."""
        for statement in self.roles.statements:
            if statement.word in MATCHING:
                self._matching(statement)
            elif statement.word == "block":
                self._block(statement)
            elif statement.word == "output" and not any(a.role in {"output", "nudge"} for a in self.arrays) and not self.roles.of("nudge"):
                self.arrays.append(Array("nudge", "", [], statement))
        self._others()
        self._check_names()
        return self.arrays

    def _matching(self, statement: Statement) -> None:
        members: list[str] = []
        for pattern in statement.words:
            names = self._names.match(pattern)
            if not names and statement.word != "nudge":
                near = Names([n for n, kind in self.kind_of.items() if kind in _FITTING.get(statement.word, {kind})]).near(pattern)
                self.findings.mistakes.append(statement.finding(f"no element is called {pattern}; {near}"))
            members += names
        members = [name for name in dict.fromkeys(members) if self._claim(name, statement)]
        name = statement.options.get("name", stem(statement.words[0]))
        if statement.word == "nudge":
            self.dropped |= set(members)
            self.arrays.append(Array(name, "", members, statement))
            return
        kinds = {self.kind_of[member] for member in members}
        wrong = [m for m in members if self.kind_of[m] not in _FITTING.get(statement.word, set(KINDS))]
        if wrong:
            wanted = {"trainable": "resistors", "input": "sources", "bias": "sources", "ideal": "diodes"}[statement.word]
            self.findings.mistakes.append(statement.finding(f"{wrong[0]} cannot be that; only {wanted} can, so name only those"))
        elif len(kinds) > 1 and statement.word == "input" and not statement.options.keys() & {"feature", "name"}:
            self._mixed(statement, members)
        elif len(kinds) > 1:
            text = f"{members[0]} and others are of different kinds; write a line for each kind"
            self.findings.mistakes.append(statement.finding(text))
        elif members:
            self.arrays.append(Array(name, kinds.pop(), members, statement))

    def _mixed(self, statement: Statement, members: list[str]) -> None:
        """Make an array of each run of sources of one kind, so that features come in the order of the names."""
        for kind, run in groupby(members, self.kind_of.__getitem__):
            names = list(run)
            self.arrays.append(Array(stem(names[0]), kind, names, statement))

    def _claim(self, name: str, statement: Statement) -> bool:
        """Assign an element to a statement, unless another has it."""
        other = self._claimed.setdefault(name, statement)
        if other is not statement:
            where = f"line {other.line.number}" if other.line else "the options"
            self.findings.mistakes.append(statement.finding(f"{name} is {other.word} already, by {where}; let one pattern name it"))
        return other is statement

    def _block(self, statement: Statement) -> None:
        """Take the instances X_name_0, X_name_1 … of a block; a block without any is one that stands in single cards."""
        name, *rest = statement.words
        members = [member for member in self._names.match(f"x_{name}_#") if self._claim(member, statement)]
        if len(rest) < 2:  # noqa: PLR2004 - a kind and elements
            self.findings.mistakes.append(statement.finding("write block NAME KIND and the names of its element arrays"))
        elif members:
            self.arrays.append(Array(name, "x", members, statement, rest[1:]))

    def _others(self) -> None:
        """Make an array a kind of what is left; sensing ones one for each kind of what they sense comes later."""
        left: dict[str, list[str]] = {}
        for name, kind in self.kind_of.items():
            if name not in self._claimed:
                letter = f"p{self.parts[name].more.letter}" if kind == "p" else kind
                left.setdefault(letter, []).append(name)
        taken = {array.name for array in self.arrays} | {part for array in self.arrays for part in array.parts}
        for letter, members in left.items():
            name = KINDS[letter[0]] + ("" if letter[0] != "p" else f"_{letter[1]}")
            while any(other == name or other.startswith(f"{name}_") or name.startswith(f"{other}_") for other in taken):
                name += "s"
            taken.add(name)
            self.arrays.append(Array(name, letter[0], members))

    def _check_names(self) -> None:
        seen: dict[str, Array] = {}
        for array in self.arrays:
            for name in array.parts or [array.name]:
                if name in seen and array.statement:
                    self.findings.mistakes.append(array.statement.finding(f"there are two arrays called {name}; add name=…"))
                seen[name] = array


def numbered(array: Array) -> NDArray[np.intp] | None:
    """Read the two numbers behind the array's name in the names of its cards (R_w1_3_4: 3 and 4), shape (cards, 2), if all have two."""
    prefix = f"r_{array.name}_"
    if not all(member.startswith(prefix) for member in array.members):
        return None
    joined = " ".join([member[len(prefix) :] for member in array.members])
    if not _PAIRS.fullmatch(joined):
        return None
    return np.array(joined.replace("_", " ").split(), dtype=np.intp).reshape(-1, 2)

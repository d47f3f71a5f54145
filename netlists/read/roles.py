"""Roles: which resistors learn, which sources are inputs, which pairs of nodes are outputs, by comments that any SPICE skips.

    *hwsim: trainable R_w* g_min=1e-7 g_max=1e-5     trainable resistors, and the bounds of their conductances [S]
    *hwsim: input V1 V2 scale=0.5 offset=0           sources that carry the next features; feature=3 names which ones
    *hwsim: output a b gain=1 offset=0               the voltage from a to b is read, and nudged; b may be left out for ground
    *hwsim: nudge X_nudge*                           elements that nudge; hwsim puts its own in their place
    *hwsim: bias V_bias                              sources that stay as they are
    *hwsim: array R_load_*                           elements that make one array; else all others of a kind do
    *hwsim: ideal D_clamp*                           diodes that stand for ideal ones
    *hwsim: set training.epochs=30 data.scaling=none settings with which the circuit is trained, as by --set

Patterns know `*`, `?` and `#`, which is a number. `name=` names the array; else the pattern does. Decks that hwsim writes have more, so
that they are read as the circuits that they were: `circuit`, `nodes`, `block`, `order`, `blocks`. `*hwsim:+` continues a comment.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Self

from circuits.quoting import quote
from netlists.text.findings import Finding, Findings
from netlists.text.lines import ROLE, Line

OPTIONS: dict[str, tuple[str, ...]] = {
    "array": ("name",),
    "bias": ("name",),
    "block": ("ideal",),
    "blocks": (),
    "circuit": (),
    "ideal": ("name",),
    "input": ("feature", "scale", "offset", "name"),
    "nodes": (),
    "nudge": ("name",),
    "order": (),
    "output": ("gain", "offset"),
    "set": (),
    "trainable": ("g_min", "g_max", "name"),
}
"""What each statement may have as name=value."""

_OPTION = {"input": "inputs", "output": "outputs"}
"""What a statement's word is called on a command line."""

MATCHING = ("trainable", "input", "nudge", "bias", "array", "ideal")
"""Statements whose words are patterns for the names of cards."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One structured comment: its first word, the others, what stands as name=value, and where; None for one from outside."""

    word: str
    words: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    line: Line | None = None

    def comment(self) -> str:
        """Return it as a structured comment."""
        return " ".join([f"{ROLE} {self.word}", *self.words, *(f"{name}={value}" for name, value in self.options.items())])

    def finding(self, text: str) -> Finding:
        """Return a finding about it."""
        message = f"{quote(' '.join([self.word, *self.words]))}: {text}"
        if self.line is None:
            return Finding(f"--{_OPTION.get(self.word, self.word)}", 0, message)
        return Finding(self.line.source.name, self.line.number, message)


@dataclass(frozen=True, slots=True)
class Roles:
    """All statements, in order."""

    statements: tuple[Statement, ...] = ()

    @classmethod
    def read(cls, lines: Iterable[Line], findings: Findings) -> Self:
        """Read the structured comments of a deck; what is wrong is noted and left out."""
        statements = []
        for line in lines:
            text = re.sub(r"\s*([,=])\s*", r"\1", line.original)
            word, *words = text.split() or [""]
            word = word.lower()
            options = {name.lower(): value for name, _, value in (w.partition("=") for w in words if "=" in w)}
            plain = tuple(w if word == "circuit" else w.lower() for w in words if "=" not in w or word == "circuit")
            statement = Statement(word, plain, {} if word == "circuit" else options, line)
            wrong = _wrong(statement)
            if wrong:
                findings.mistakes.append(Finding(line.source.name, line.number, f"*hwsim: {wrong}"))
            else:
                statements.append(statement)
        return cls(tuple(statements))

    def of(self, *words: str) -> list[Statement]:
        """List the statements of these kinds."""
        return [statement for statement in self.statements if statement.word in words]

    def instead(self, others: "Roles") -> "Roles":
        """Return these roles with all statements of a kind replaced where others have some of that kind."""
        kinds = {statement.word for statement in others.statements}
        kept = tuple(statement for statement in self.statements if statement.word not in kinds)
        return Roles((*kept, *others.statements))


def _wrong(statement: Statement) -> str | None:
    """Return what is wrong with a statement by itself."""
    word, options = statement.word, OPTIONS.get(statement.word)
    if options is None:
        near = get_close_matches(word, OPTIONS, 1)
        return f"{word or 'nothing'} is no role; " + (f"is {near[0]} meant?" if near else f"there are {', '.join(OPTIONS)}")
    if word == "set":
        return None if statement.options and not statement.words else "set takes KEY=VALUE, such as training.epochs=30"
    strange = [name for name in statement.options if name not in options]
    if strange:
        return f"{word} knows no {strange[0]}=; it knows {', '.join(f'{name}=' for name in options) or 'words only'}"
    if not statement.words:
        return f"{word} names nothing; write what it is about behind it"
    if word == "output" and len(statement.words) > 2:  # noqa: PLR2004 - a pair
        return f"output takes one node, or a pair, not {len(statement.words)}; write a line for each output"
    return None


def from_patterns(*, trainable: Sequence[str] = (), inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Roles:
    """Make roles from outside the deck, as on a command line.

    Parameters
    ----------
    trainable, inputs
        What a comment has behind `trainable` and `input`: patterns for the names of resistors and of sources, with blanks or commas
        between them, and options.
    outputs
        A node each, or a pair as `plus minus` or `plus,minus`.

    Raises
    ------
    NetlistError
        When one names nothing, or what no comment could.

    """
    patterns = [("trainable", text) for text in trainable] + [("input", text) for text in inputs]
    patterns += [("output", text.replace(",", " ")) for text in outputs]
    statements, findings = [], Findings()
    for word, text in patterns:
        given = re.sub(r"\s*([,=])\s*", r"\1", text).split()
        words = [part for one in given for part in ([one] if "=" in one else one.split(",")) if part]
        options = {name.lower(): value for name, _, value in (w.partition("=") for w in words if "=" in w)}
        statement = Statement(word, tuple(w.lower() for w in words if "=" not in w), options)
        wrong = _wrong(statement)
        if wrong:
            findings.mistakes.append(statement.finding(wrong))
        statements.append(statement)
    findings.check()
    return Roles(tuple(statements))


def compiled(pattern: str) -> "re.Pattern[str]":
    """Compile a pattern of names: `*` is anything, `?` one character, `#` a number.

    What stands between two `*` is taken where it first fits, for good: the time that a name takes grows with its length alone.
    """
    first, *others = (re.escape(part).replace(r"\?", ".").replace(r"\#", r"\d+?") for part in pattern.split("*"))
    if not others:
        return re.compile(first.replace("+?", "+"))
    return re.compile("".join([first, *(f"(?>.*?{part})" for part in others[:-1] if part), f".*{others[-1]}"]), re.DOTALL)


@dataclass
class Names:
    """The names of all cards, to be matched: in their order, and sorted."""

    names: list[str]

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each."""
        return {name: k for k, name in enumerate(self.names)}

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.names)

    def match(self, pattern: str) -> list[str]:
        """List the names that a pattern fits, in the order of the deck."""
        prefix = re.split(r"[*?#]", pattern, maxsplit=1)[0]
        if prefix == pattern:
            return [pattern] if pattern in self.places else []
        first = bisect_left(self._sorted, prefix)
        last = bisect_left(self._sorted, prefix + "\U0010ffff")
        fits = compiled(pattern).fullmatch
        return sorted((name for name in self._sorted[first:last] if fits(name)), key=self.places.__getitem__)

    def near(self, pattern: str) -> str:
        """Describe which names are like one that is not there."""
        some = get_close_matches(pattern, self.names[:1000], 3, 0.5) or self.names[:3]
        return f"there are {', '.join(some)} …" if some else "there are none"


def stem(pattern: str) -> str:
    """Return the name that a pattern gives its array: `R_w1_*` that of w1, `R7` that of r7."""
    bare = re.sub(r"(?:_?[*?#])+$", "", pattern.lower())
    name = re.sub(r"[^a-z0-9_]", "_", bare[2:] if re.match(r"[a-z]_[a-z]", bare) else bare).strip("_")
    return name if name[:1].isalpha() else f"e{name}"

"""Scopes: what parameters mean inside a subcircuit, seen from one of its instances."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from netlists.text.expressions import evaluate
from netlists.text.lines import Line
from netlists.text.numbers import read_number
from netlists.text.tokens import Token


class Spot(NamedTuple):
    """Where a value stands: line, place and length in it, and the subcircuit that it stands in, None at the top."""

    line: Line
    start: int
    length: int
    owner: Any


_BRACED = re.compile(r"\{[^{}]*\}")
_NAME = re.compile(r"(?<![\w.])[a-z_]\w*(?!\w|\s*\()")


@dataclass(slots=True)
class Bound:
    """A parameter's text, where it stands, and the scope whose parameters it names."""

    token: Token
    scope: "Scope"
    spot: Spot
    from_instance: bool = False
    value: float | None = None
    busy: bool = False


def inside(text: str) -> str:
    """Take braces or quotes off; braces within an expression are parentheses."""
    bare = text[1:-1] if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] else text
    return bare[1:-1] if _BRACED.fullmatch(bare) else bare.replace("{", "(").replace("}", ")")


@dataclass(slots=True)
class Scope:
    """The parameters of an instance; what it has not, its caller may have."""

    parent: "Scope | None" = None
    bound: dict[str, Bound] = field(default_factory=dict)

    def find(self, name: str) -> Bound | None:
        """Give what a name is bound to, here or in the callers."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bound:
                return scope.bound[name]
            scope = scope.parent
        return None

    def __call__(self, name: str) -> float:
        """Give the value of a parameter.

        Raises
        ------
        ValueError
            When there is none, or it depends on itself.

        """
        bound = self.find(name)
        if bound is None:
            msg = f"there is no parameter {name}; define it with .param {name}=…"
            raise ValueError(msg)
        if bound.value is None:
            if bound.busy:
                msg = f"parameter {name} depends on itself; give it a number"
                raise ValueError(msg)
            bound.busy = True
            try:
                bound.value = evaluate(inside(bound.token.text), bound.scope)
            finally:
                bound.busy = False
        return bound.value

    def sole(self, text: str) -> float | None:
        """Return the value of the only parameter that a value of a card names; None where it names none, or several."""
        if text[:1] in "{'\"" or text.isidentifier():
            named = {name for name in _NAME.findall(text.lower()) if self.find(name)}
            if len(named) == 1:
                return self(named.pop())
        return None

    def number(self, text: str) -> tuple[float, str | None]:
        """Read a value of a card: an expression in braces or quotes, the name of a parameter, or a number.

        Returns
        -------
        tuple
            The number, and a warning when people often mean another one.

        Raises
        ------
        ValueError
            When it is none of these.

        """
        if text[:1] in "{'\"":
            return evaluate(inside(text), self), None
        if text[:1].isalpha() and text.isidentifier() and self.find(text.lower()):
            return self(text.lower()), None
        return read_number(text)

"""Expressions of `.param` and braces: a small evaluator that reads them as ngspice does, and does nothing else."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from netlists.text.numbers import read_number

Lookup = Callable[[str], float]
"""Gives the value of a parameter; raises ValueError when there is none."""

_TOKEN = re.compile(
    r"\s*(?:((?:\d+\.?\d*|\.\d+)(?:[edED][+-]?\d+)?[^\W\d]?\w*)|([a-zA-Z_]\w*)|(\*\*|==|!=|<>|<=|>=|&&|\|\||[-+*/%\\^<>!?:(),=]))",
)

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}

_SIGNS = {"+": 1.0, "-": -1.0}


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "abs": (1, abs),
    "acos": (1, math.acos),
    "acosh": (1, math.acosh),
    "arctan": (1, math.atan),
    "asin": (1, math.asin),
    "asinh": (1, math.asinh),
    "atan": (1, math.atan),
    "atanh": (1, math.atanh),
    "ceil": (1, math.ceil),
    "cos": (1, math.cos),
    "cosh": (1, math.cosh),
    "exp": (1, math.exp),
    "floor": (1, math.floor),
    "int": (1, math.trunc),
    "ln": (1, math.log),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "max": (2, max),
    "min": (2, min),
    "nint": (1, round),  # halves to the even neighbour, both here and there
    "pow": (2, math.pow),
    "pwr": (2, lambda x, y: math.pow(abs(x), y)),
    "sgn": (1, _sign),
    "sin": (1, math.sin),
    "sinh": (1, math.sinh),
    "sqr": (1, lambda x: x * x),
    "sqrt": (1, math.sqrt),
    "tan": (1, math.tan),
    "tanh": (1, math.tanh),
    "ternary_fcn": (3, lambda condition, yes, no: yes if condition else no),
}
"""How many arguments each function takes, and what it gives. `log` is the natural one, as in ngspice."""

_MILLI = 1e-3
"""What `mil` means in an expression: ngspice's numparam looks at the first letter of a suffix alone."""

_SHOWN = 60
"""Characters of an expression that a message about its length shows."""

_RANDOM = {"agauss", "aunif", "gauss", "limit", "unif"}


def evaluate(text: str, lookup: Lookup) -> float:
    """Evaluate an expression.

    Parameters
    ----------
    text
        Without the braces or quotes around it.
    lookup
        Gives the parameters that it names, in lower case.

    Raises
    ------
    ValueError
        When it is no expression, names what is not there, or has no finite value; the message says what would be right.

    """
    reader = _Reader(text, _tokens(text), lookup)
    try:
        value = float(reader.choice())
    except ZeroDivisionError:
        msg = f"{{{text}}} divides by 0"
        raise ValueError(msg) from None
    except OverflowError:
        msg = f"{{{text}}} is beyond the largest number"
        raise ValueError(msg) from None
    except RecursionError:
        msg = f"{{{text[:_SHOWN]}{'…' * (len(text) > _SHOWN)}}} is nested too deeply, or in too long a chain of parameters; write numbers"
        raise ValueError(msg) from None
    if reader.token[0]:
        raise reader.unexpected()
    if not math.isfinite(value):
        msg = f"{{{text}}} is {value:g}; it must be a finite number"
        raise ValueError(msg)
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    """Split into (kind, token): number, name or sign; the last is empty."""
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            msg = f"{{{text}}}: {text[place:].strip()[:1]!r} belongs to no expression; write numbers, parameters, + - * / ^ and functions"
            raise ValueError(msg)
        kind = ("number", "name", "sign")[(found.lastindex or 1) - 1]
        tokens.append((kind, found.group(found.lastindex or 1)))
        place = found.end()
    return [*tokens, ("", "")]


@dataclass
class _Reader:
    """Reads tokens from left to right; each method reads what binds at least as tightly as its name says."""

    text: str
    tokens: list[tuple[str, str]]
    lookup: Lookup
    place: int = 0

    @property
    def token(self) -> tuple[str, str]:
        return self.tokens[self.place]

    def unexpected(self) -> ValueError:
        what = repr(self.token[1]) if self.token[0] else "its end"
        hint = "; compare with ==" if self.token[1] == "=" else "; an operator, a number or a parenthesis is missing before it"
        return ValueError(f"{{{self.text}}}: {what} was not expected{hint}")

    def take(self, *signs: str) -> str | None:
        kind, sign = self.token
        if kind != "sign" or sign not in signs:
            return None
        self.place += 1
        return sign

    def operator(self, *signs: str) -> str | None:
        """Take an operator, and refuse a sign behind it that stands before no plain number: ngspice reads `a*-b+c` as -(a*b+c)."""
        sign = self.take(*signs)
        follows = [token for _, token in self.tokens[self.place : self.place + 1]]
        if sign and follows and follows[0] in _SIGNS and self.tokens[self.place + 1][0] != "number":
            msg = f"{{{self.text}}}: ngspice misreads the {follows[0]!r} behind {sign!r}; put it and what it belongs to into parentheses"
            raise ValueError(msg)
        return sign

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise self.unexpected()

    def choice(self) -> float:
        condition = self.any()
        if not self.operator("?"):
            return condition
        yes = self.choice()
        if not self.operator(":"):
            raise self.unexpected()
        no = self.choice()
        return yes if condition else no

    def any(self) -> float:
        value = self.all()
        while self.take("||"):
            value = float(bool(self.all()) or bool(value))
        return value

    def all(self) -> float:
        value = self.comparison()
        while self.take("&&"):
            value = float(bool(self.comparison()) and bool(value))
        return value

    def comparison(self) -> float:
        value = self.sum()
        while sign := self.operator(*_COMPARE):
            value = float(_COMPARE[sign](value, self.sum()))
        return value

    def sum(self) -> float:
        value = self.product()
        while sign := self.operator("+", "-"):
            value += _SIGNS[sign] * self.product()
        return value

    def product(self) -> float:
        value = self.signed()
        while sign := self.operator("*", "/", "%", "\\"):
            other = self.signed()
            if sign == "*":
                value *= other
            elif sign == "%":
                value = math.fmod(value, other)
            else:
                value = value / other if sign == "/" else float(math.trunc(value / other))
        return value

    def signed(self) -> float:
        if sign := self.take("+", "-"):
            return _SIGNS[sign] * self.signed()
        if self.take("!"):
            return float(not self.signed())
        return self.power()

    def power(self) -> float:
        """Read powers from left to right; ngspice raises the magnitude of the base."""
        value = self.operand()
        while self.operator("^", "**"):
            sign = self.take("+", "-") or "+"
            value = math.pow(abs(value), _SIGNS[sign] * self.operand())
        return value

    def operand(self) -> float:
        kind, token = self.token
        self.place += 1
        if kind == "number":
            return read_number(token, mil=_MILLI)[0]
        if kind == "name":
            return self.call(token) if self.token[1] == "(" else self.lookup(token.lower())
        if (kind, token) == ("sign", "("):
            value = self.choice()
            self.expect(")")
            return value
        self.place -= 1
        raise self.unexpected()

    def call(self, name: str) -> float:
        low = name.lower()
        if low in _RANDOM:
            msg = f"{{{self.text}}}: {name} draws random numbers, which would differ from ngspice's; write a number, and draw chips instead"
            raise ValueError(msg)
        if low not in FUNCTIONS:
            msg = f"{{{self.text}}}: there is no function {name}; there are {', '.join(FUNCTIONS)}"
            raise ValueError(msg)
        count, function = FUNCTIONS[low]
        self.expect("(")
        arguments = [self.choice()]
        while self.take(","):
            arguments.append(self.choice())
        self.expect(")")
        if len(arguments) != count:
            msg = f"{{{self.text}}}: {name} takes {count} arguments, not {len(arguments)}"
            raise ValueError(msg)
        try:
            return float(function(*arguments))
        except ValueError:
            values = ", ".join(f"{argument:g}" for argument in arguments)
            msg = f"{{{self.text}}}: {name}({values}) is no real number"
            raise ValueError(msg) from None

"""Instances: the places where definitions stand, and the cards in them while they are read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from netlists.read import temperatures
from netlists.read.definitions import Definition, Model
from netlists.read.parts import Settings
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line
from netlists.text.scopes import Scope, Spot, inside
from netlists.text.tokens import Fields, Token

GROUND_NAMES = {"0", "gnd"}

_LARGEST = 1e100
"""The product of three such numbers is still one of 64 bits."""


@dataclass(slots=True)
class Instance:
    """A place where a definition stands: what its names mean there; `m`, if any, counts in place of those of the cards inside."""

    definition: Definition
    prefix: str
    pins: dict[str, str]
    scope: Scope
    m: float | None = None
    parent: "Instance | None" = None

    def node(self, name: str, shared: set[str]) -> str:
        """Give the name of a node in the whole deck."""
        if name in GROUND_NAMES:
            return "0"
        if name in self.pins:
            return self.pins[name]
        return name if name in shared else self.prefix + name

    def model(self, name: str) -> "tuple[Model, Instance] | None":
        """Find a model, and the instance whose parameters its own name."""
        for owner in self.definition.above():
            if name in owner.models:
                where: Instance | None = self
                while where is not None and where.definition is not owner:
                    where = where.parent
                return owner.models[name], where or self
        return None


@dataclass(slots=True)
class Card:
    """A card of an instance while it is read."""

    line: Line
    instance: Instance
    fields: Fields
    settings: Settings
    findings: Findings
    node_of: Callable[[str], str]
    used: int = 1
    taken: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its name in the whole deck."""
        return self.instance.prefix + self.fields.plain[0].low

    def next(self, what: str) -> Token:
        """Take the next word.

        Raises
        ------
        BadCardError
            When there is none.

        """
        if self.used >= len(self.fields.plain):
            msg = f"{self.fields.plain[0].text} has no {what}; add it"
            raise BadCardError(msg)
        self.used += 1
        return self.fields.plain[self.used - 1]

    def rest(self) -> list[Token]:
        """Take all words that are left."""
        left = self.fields.plain[self.used :]
        self.used = len(self.fields.plain)
        return left

    def nodes(self, count: int) -> tuple[str, ...]:
        """Take nodes."""
        return tuple(self.node_of(self.next("node number " + str(k + 1)).low) for k in range(count))

    def number(self, token: Token) -> float:
        """Read a value, and pass on the warning about it.

        Raises
        ------
        BadCardError
            When it is no number.

        """
        try:
            value, warning = self.instance.scope.number(token.text)
        except ValueError as error:
            msg = f"{self.fields.plain[0].text}: {error}"
            raise BadCardError(msg) from None
        if warning:
            self.findings.warnings.append(Finding(self.line.source.name, self.line.number, f"{self.fields.plain[0].text}: {warning}"))
        return value

    def take(self, *names: str) -> Token | None:
        """Take what stands behind one of these names and `=`.

        Raises
        ------
        BadCardError
            When several of them are there.

        """
        found = [name for name in names if name in self.fields.named]
        self.taken |= set(found)
        if len(found) > 1:
            msg = f"{self.fields.plain[0].text} has both {found[0]}= and {found[1]}=; keep one"
            raise BadCardError(msg)
        return self.fields.named[found[0]] if found else None

    def option(self, name: str, default: float) -> float:
        """Read the number behind a name and `=`."""
        token = self.take(name)
        return default if token is None else self.number(token)

    def ignore(self, *names: str) -> None:
        """Take what does not matter to an operating point."""
        self.taken |= set(names)

    def done(self) -> None:
        """Refuse what is left over.

        Raises
        ------
        BadCardError
            Naming the first of it.

        """
        left = [token.text for token in self.fields.plain[self.used :]]
        left += [f"{name}=" for name in self.fields.named if name not in self.taken]
        if left:
            msg = f"{self.fields.plain[0].text}: {left[0]!r} is not understood here; remove it"
            raise BadCardError(msg)

    def multiplier(self) -> float:
        """Read `m`, how many such elements stand in parallel; the instance's counts in place of the card's, as in ngspice 39.

        Raises
        ------
        BadCardError
            When it is not positive.

        """
        m = self.option("m", 1.0)
        m = m if self.instance.m is None else self.instance.m
        if not m > 0:
            msg = f"{self.fields.plain[0].text}: m = {m:g} must be positive"
            raise BadCardError(msg)
        return m

    def degrees(self) -> float:
        """Return the element's own temperature [°C].

        Raises
        ------
        BadCardError
            When nothing can be that cold or hot.

        """
        offset = self.option("dtemp", 0.0)
        return self.temperature(self.option("temp", self.settings.temperature + offset), "temp")

    def temperature(self, celsius: float, what: str) -> float:
        """Check a temperature [°C] that belongs to the card.

        Raises
        ------
        BadCardError
            When nothing can be that cold or hot.

        """
        try:
            return temperatures.checked(celsius, f"{self.fields.plain[0].text}: {what}")
        except ValueError as error:
            raise BadCardError(str(error)) from None

    def sensible(self, value: float, what: str) -> float:
        """Check a value whose products with others must stay numbers.

        Raises
        ------
        BadCardError
            When it is not positive, or far from all that devices have.

        """
        if not value > 0:
            msg = f"{self.fields.plain[0].text}: {what} = {value:g} must be positive"
            raise BadCardError(msg)
        if not 1 / _LARGEST <= value <= _LARGEST:
            msg = f"{self.fields.plain[0].text}: {what} = {value:g} must be between {1 / _LARGEST:g} and {_LARGEST:g}"
            raise BadCardError(msg)
        return value

    def spot(self, token: Token) -> Spot:
        """Say where a value is written: where it is given to the subcircuit, if it is a parameter that the instance was given."""
        spot = Spot(self.line, token.start, len(token.text), self.instance.definition)
        name, scope = inside(token.text).strip().lower(), self.instance.scope
        while name.isidentifier():
            bound = scope.bound.get(name)
            if bound is None or not bound.from_instance:
                return spot
            spot, name, scope = bound.spot, inside(bound.token.text).strip().lower(), bound.scope
        return spot

"""Parts: the single elements of a deck once its subcircuits are in their places, before they become arrays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from netlists.definitions import Definition, Model
from netlists.findings import BadCardError, Finding, Findings
from netlists.lines import Line
from netlists.scopes import Scope, Spot, inside
from netlists.tokens import Fields, Token

CELSIUS = 27.0
"""The temperature that ngspice takes when a deck says none, and that hwsim computes at."""

GROUND_NAMES = {"0", "gnd"}


class Part(NamedTuple):
    """One element.

    Parameters
    ----------
    kind
        The letter of its card: c l v i e g f h d for what has values, x for an instance of the library's subcircuits, p for what is
        passed on as text.
    name
        With the instances that it stands in: `x1.d2`.
    nodes
        Names of nodes, ground as "0".
    values
        In the order of the element's parameters.
    line
        Its card.
    more
        For f and h the sensed source; for x the subcircuit's name and parameters; for p a Passage.

    """

    kind: str
    name: str
    nodes: tuple[str, ...]
    values: tuple[float, ...]
    line: Line
    more: Any = None


class Passage(NamedTuple):
    """A card that is passed on: `{0}` … stand for the part's nodes, `{s0}` … for the sources, `{m}` for the model.

    `joined` are the pairs of its nodes between which it conducts, `junctions` those with a junction between them.
    """

    letter: str
    text: str
    sources: tuple[str, ...]
    model: str | None
    joined: tuple[tuple[int, int], ...]
    junctions: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Resistances:
    """All resistors, column by column, because there may be hundreds of thousands.

    Parameters
    ----------
    spots
        Where the value stands; None when it is the last word of a plain card.
    factors
        The resistance over the value: what temperature and multipliers make of it; 0 when no value stands in the deck.
    exact
        The conductances [S] of those, by place, whose value has more digits than a float.

    """

    names: list[str] = field(default_factory=list)
    a: list[str] = field(default_factory=list)
    b: list[str] = field(default_factory=list)
    ohm: list[float] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    spots: list[Spot | None] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    exact: dict[int, float] = field(default_factory=dict)

    def add(self, name: str, nodes: tuple[str, ...], ohm: float, line: Line, spot: Spot | None = None, factor: float = 1.0) -> None:
        """Add a resistor."""
        self.names.append(name)
        self.a.append(nodes[0])
        self.b.append(nodes[1])
        self.ohm.append(ohm)
        self.lines.append(line)
        self.spots.append(spot)
        self.factors.append(factor)


@dataclass(slots=True)
class Flat:
    """A deck without subcircuits."""

    parts: list[Part] = field(default_factory=list)
    resistances: Resistances = field(default_factory=Resistances)


@dataclass(frozen=True, slots=True)
class Settings:
    """Temperatures in degrees Celsius: of the circuit, and of the models' parameters."""

    temperature: float
    nominal: float


@dataclass(slots=True)
class Instance:
    """A place where a definition stands: what its names mean there."""

    definition: Definition
    prefix: str
    pins: dict[str, str]
    scope: Scope
    m: float = 1.0
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
        """Read `m`, how many such elements stand in parallel, those of the instances included.

        Raises
        ------
        BadCardError
            When it is not positive.

        """
        m = self.option("m", 1.0) * self.instance.m
        if not m > 0:
            msg = f"{self.fields.plain[0].text}: m = {m:g} must be positive"
            raise BadCardError(msg)
        return m

    def degrees(self) -> float:
        """Give the element's own temperature [°C]."""
        offset = self.option("dtemp", 0.0)
        return self.option("temp", self.settings.temperature + offset)

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

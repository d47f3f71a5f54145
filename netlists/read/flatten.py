"""Elements of a deck of plain numbers; instances of the library's subcircuits stay whole."""

import math
import re
from dataclasses import dataclass, field
from functools import cache

from circuits.quoting import quote_all
from netlists.read.card import Card, node
from netlists.read.definitions import Definition, Outline, outline
from netlists.read.devices import READERS
from netlists.read.parts import Flat, Part, Settings
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line, Source, read_lines
from netlists.text.numbers import FLOAT_LENGTH, MILLI, conductance, read_number
from netlists.text.tokens import Token, fields, tokens
from netlists.write import subcircuits

_ODD = re.compile(r"[(),={}'\"]")
_DIGITS = frozenset("0123456789.")


@cache
def library(kind: str) -> tuple[str, ...]:
    """Return the normal form of a subcircuit of the library."""
    cards, _ = read_lines(Source.of(kind, subcircuits.text(kind)), title=False)
    return outline(cards, Findings()).top.inner[kind].normal()


def is_library(definition: Definition) -> bool:
    """Whether a subcircuit is the one of that name in the library."""
    return definition.name in subcircuits.LIBRARY and definition.normal() == library(definition.name)


@dataclass
class Flattener:
    """Reads the elements of a deck.

    Parameters
    ----------
    outline
        The deck.
    settings
        Its temperatures.
    findings
        Takes the mistakes.

    """

    outline: Outline
    settings: Settings
    findings: Findings
    flat: Flat = field(default_factory=Flat)
    names: dict[str, Line] = field(default_factory=dict)

    def run(self) -> Flat:
        """Return all elements."""
        parameters = self._parameters()
        for line in self._beside_plain(self.outline.top.cards):
            try:
                self._card(line, parameters)
            except BadCardError as error:
                self.findings.mistakes.append(Finding(line.source.name, line.number, str(error)))
        return self.flat

    def _parameters(self) -> dict[str, float]:
        """Return the values of the deck's parameters: the features."""
        values = {}
        for name, (token, line) in self.outline.top.parameters.items():
            try:
                values[name] = read_number(token.text, mil=MILLI)[0]
            except ValueError as error:
                self.findings.mistakes.append(Finding(line.source.name, line.number, f"{name}: {error}"))
        return values

    def _beside_plain(self, cards: list[Line]) -> list[Line]:
        """Take the resistors between two nodes with a plain number, as nearly all cards of a large deck are, and return the others."""
        others, plain, names = list[Line](), list[tuple[list[str], float, Line]](), self.names
        for card in cards:
            text = card.text
            words = text.split()
            if text[0] != "r" or len(words) != 4 or words[3][0] not in _DIGITS or _ODD.search(text) or words[0] in names:  # noqa: PLR2004 - a name, two nodes, a value
                others.append(card)
                continue
            try:
                ohm = float(words[3])
            except ValueError:
                ohm = 0.0
            if not 0.0 < ohm < math.inf or "_" in words[3]:
                others.append(card)
                continue
            names[words[0]] = card
            plain.append((words, ohm, card))
        table = self.flat.resistances
        table.names += [words[0] for words, _, _ in plain]
        table.a += [node(words[1]) for words, _, _ in plain]
        table.b += [node(words[2]) for words, _, _ in plain]
        table.ohm += [ohm for _, ohm, _ in plain]
        table.lines += [line for _, _, line in plain]
        table.spots += [None] * len(plain)
        table.factors += [1.0] * len(plain)
        table.exact.update((k, conductance(words[3])) for k, (words, _, _) in enumerate(plain) if len(words[3]) > FLOAT_LENGTH)
        return others

    def _card(self, line: Line, parameters: dict[str, float]) -> None:
        letter, name = line.text[0], line.text.split(None, 1)[0]
        if letter == "+":
            msg = "continues no card; there is none before it"
            raise BadCardError(msg)
        if name in self.names:
            msg = f"{name} is there already, in line {self.names[name].number}; rename one"
            raise BadCardError(msg)
        self.names[name] = line
        if letter != "x" and letter not in READERS:
            msg = f"{line.original.split(None, 1)[0]}: elements that begin with {letter} are not read; use one that ngspice has built in"
            raise BadCardError(msg)
        split = fields(tokens(line))
        if not split.plain or split.plain[0].start:
            msg = f"{line.original!r} begins with no name; write the element's name and its nodes"
            raise BadCardError(msg)
        card = Card(line, split, self.settings, self.findings, self.outline.top.models, parameters)
        if letter == "x":
            self._instance(card)
        else:
            READERS[letter](card, self.flat)

    def _instance(self, card: Card) -> None:
        head, *words = [token for token in card.fields.plain if token.low not in {"params:", "params"}]
        definition = self.outline.top.inner.get(words[-1].low) if words else None
        if definition is None:
            named = words[-1].text if words else "named"
            msg = f"{head.text}: there is no subcircuit {named}; there are {quote_all(self.outline.top.inner, 'none')}"
            raise BadCardError(msg)
        pins = definition.pins
        if len(words) - 1 != len(pins):
            msg = f"{head.text} has {len(words) - 1} nodes; the subcircuit {definition.name} has {len(pins)} pins: {quote_all(pins)}"
            raise BadCardError(msg)
        strange = next((name for name in card.fields.named if name not in definition.defaults), None)
        if strange:
            msg = f"{head.text}: {definition.name} has no parameter {strange}; it has {quote_all(definition.defaults, 'none')}"
            raise BadCardError(msg)
        values = {name: self._value(head, token) for name, token in (definition.defaults | card.fields.named).items()}
        nodes = tuple(node(token.low) for token in words[:-1])
        self.flat.parts.append(Part("x", card.name, nodes, (), card.line, (definition.name, values)))

    @staticmethod
    def _value(head: Token, token: Token) -> float:
        try:
            return read_number(token.text, mil=MILLI)[0]
        except ValueError as error:
            msg = f"{head.text}: {error}"
            raise BadCardError(msg) from None

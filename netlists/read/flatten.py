"""Flattening: puts each subcircuit in the place of its instances, until only single elements are left."""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache

from circuits.quoting import quote_all
from netlists.read.definitions import Definition, Outline, outline
from netlists.read.devices import READERS
from netlists.read.instances import Card, Instance
from netlists.read.parts import Flat, Part, Settings
from netlists.text.findings import BadCardError, Finding, Findings
from netlists.text.lines import Line, Source, read_lines
from netlists.text.numbers import FLOAT_LENGTH, conductance
from netlists.text.scopes import Bound, Scope, Spot
from netlists.text.tokens import Token, fields, tokens
from netlists.write import subcircuits

_ODD = re.compile(r"[(),={}'\"]")
_ENCLOSED = re.compile(r"\{[^{}]*\}|'[^']*'")
_M = re.compile(r"\sm\s*=")
_DIGITS = frozenset("0123456789.")
_DEEPEST = 30
_MOST = 2_000_000
"""Cards that subcircuits may make, or twice as many as are written out; a few lines of nested ones could ask for any number."""


@cache
def library(kind: str) -> tuple[str, ...]:
    """Give the normal form of a subcircuit of the library."""
    cards, _ = read_lines(Source.of(kind, subcircuits.text(kind)), title=False)
    return outline(cards, Findings()).top.inner[kind].normal()


def is_library(definition: Definition) -> bool:
    """Say whether a subcircuit is the one of that name in the library."""
    return definition.name in subcircuits.LIBRARY and definition.normal() == library(definition.name)


@dataclass
class Flattener:
    """Puts subcircuits in their places.

    Parameters
    ----------
    outline
        The deck.
    settings
        Its temperatures.
    kept
        Says of an instance, by its name, whether it stays whole.
    findings
        Takes the mistakes.

    """

    outline: Outline
    settings: Settings
    kept: Callable[[str], bool]
    findings: Findings
    flat: Flat = field(default_factory=Flat)
    names: dict[str, Line] = field(default_factory=dict)
    too_deep: bool = False
    multiplied: set[Definition] = field(default_factory=set)

    def run(self, scope: Scope) -> Flat:
        """Flatten the deck; `scope` holds what its `.param` cards say."""
        top = Instance(self.outline.top, "", {}, scope)
        self.outline.top.uses = 1
        known: dict[Definition, int] = {}
        count, written = _count(self.outline.top, known), sum(len(definition.cards) for definition in known)
        if count > max(_MOST, 2 * written):
            first = self.outline.top.cards[0]
            text = f"its subcircuits in subcircuits would make {count:.1e} elements; {_MOST:.0e} are the most that are put in their places"
            self.findings.mistakes.append(Finding(first.source.name, first.number, text))
            return self.flat
        self.multiplied = _multiplied(known)
        self._cards(self._beside_plain(self.outline.top.cards), top)
        return self.flat

    def _beside_plain(self, cards: list[Line]) -> list[Line]:
        """Take the resistors between two nodes with a plain number, as nearly all cards of a large deck are, and give the others."""
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
        table.a += ["0" if words[1] == "gnd" else words[1] for words, _, _ in plain]
        table.b += ["0" if words[2] == "gnd" else words[2] for words, _, _ in plain]
        table.ohm += [ohm for _, ohm, _ in plain]
        table.lines += [line for _, _, line in plain]
        table.spots += [None] * len(plain)
        table.factors += [1.0] * len(plain)
        table.exact.update((k, conductance(words[3])) for k, (words, _, _) in enumerate(plain) if len(words[3]) > FLOAT_LENGTH)
        return others

    def _cards(self, cards: list[Line], instance: Instance) -> None:
        for card in cards:
            try:
                self._card(card, instance)
            except BadCardError as error:
                where = f" (in {instance.prefix[:-1]})" if instance.prefix else ""
                self.findings.mistakes.append(Finding(card.source.name, card.number, f"{error}{where}"))

    def _card(self, line: Line, instance: Instance) -> None:
        letter, shared = line.text[0], self.outline.shared
        if letter == "+":
            msg = "continues no card; there is none before it"
            raise BadCardError(msg)
        name = instance.prefix + line.text.split(None, 1)[0]
        if name in self.names:
            msg = f"{name} is there already, in line {self.names[name].number}; rename one"
            raise BadCardError(msg)
        self.names[name] = line
        if letter != "x" and letter not in READERS:
            known = ", ".join([*sorted(READERS), "x"])
            msg = f"{line.original.split(None, 1)[0]}: elements that begin with {letter} are not read; there are {known}"
            raise BadCardError(msg)
        found = fields(tokens(line)) if letter != "b" else fields(tokens(line._replace(original=line.original.partition("=")[0])))
        if not found.plain or found.plain[0].start:
            msg = f"{line.original!r} begins with no name; write the element's name and its nodes"
            raise BadCardError(msg)
        card = Card(line, instance, found, self.settings, self.findings, lambda node: instance.node(node, shared))
        if letter == "x":
            self._instance(card)
        else:
            READERS[letter](card, self.flat)

    def _instance(self, card: Card) -> None:
        head, *words = [token for token in card.fields.plain if token.low not in {"params:", "params"}]
        if "," in _ENCLOSED.sub("", card.line.text):
            msg = f"{head.text} has a comma, which ngspice misreads on an X card; separate nodes and parameters by blanks"
            raise BadCardError(msg)
        if not words:
            msg = f"{head.text} names no subcircuit; write it behind the nodes"
            raise BadCardError(msg)
        name, caller = words[-1].low, card.instance
        definition = caller.definition.find(name)
        if definition is None:
            known = sorted({inner for above in caller.definition.above() for inner in above.inner})
            msg = f"{head.text}: there is no subcircuit {words[-1].text}; there are {quote_all(known, 'none')}"
            raise BadCardError(msg)
        nodes = [card.node_of(token.low) for token in words[:-1]]
        if len(nodes) != len(definition.pins):
            msg = f"{head.text} has {len(nodes)} nodes; the subcircuit {name} has {len(definition.pins)} pins: {quote_all(definition.pins)}"
            raise BadCardError(msg)
        if card.instance.prefix.count(".") >= _DEEPEST:
            self.too_deep = True
            msg = f"{head.text}: subcircuits stand in one another more than {_DEEPEST} deep; {name} may hold itself"
            raise BadCardError(msg)
        definition.uses += 1
        m = 1.0 if caller.m is None and definition in self.multiplied else caller.m
        inner = Instance(definition, f"{card.name}.", dict(zip(definition.pins, nodes, strict=True)), Scope(caller.scope), m, caller)
        self._bind(card, definition, inner)
        kept, single = self.kept(card.name), inner.m in {None, 1.0}
        if kept and not single:
            msg = f"{head.text} stays whole for its role, and has m = {inner.m:g}; write the instances out"
            raise BadCardError(msg)
        if kept or (single and name in subcircuits.AMPLIFIERS and is_library(definition)):
            self.flat.parts.append(Part("x", card.name, tuple(nodes), (), card.line, self._whole(card, definition, inner)))
            return
        if not self.too_deep:
            self._cards(definition.cards, inner)

    def _bind(self, card: Card, definition: Definition, inner: Instance) -> None:
        """Bind the parameters of an instance: what its card gives, else what the subcircuit says."""
        own, caller = inner.scope, card.instance
        for name, token in definition.defaults.items():
            own.bound[name] = _bound(token, own, definition.line or card.line, definition)
        for name, (token, line) in definition.parameters.items():
            own.bound[name] = _bound(token, own, line, definition)
        for name, token in card.fields.named.items():
            if name == "m" and name not in own.bound:
                inner.m = card.number(token) if caller.m is None else caller.m
            elif name not in own.bound:
                msg = f"{card.fields.plain[0].text}: {definition.name} has no parameter {name}; it has {quote_all(own.bound, 'none')}"
                raise BadCardError(msg)
            else:
                own.bound[name] = _bound(token, caller.scope, card.line, caller.definition, from_instance=True)

    def _whole(self, card: Card, definition: Definition, inner: Instance) -> tuple[str | None, dict[str, float]]:
        """Give the kind in the library of an instance that stays whole, and its parameters."""
        if not is_library(definition):
            return None, {}
        try:
            return definition.name, {name: inner.scope(name) for name in definition.defaults}
        except ValueError as error:
            msg = f"{card.fields.plain[0].text}: {error}"
            raise BadCardError(msg) from None


def _count(definition: Definition, known: dict[Definition, int], depth: int = 0) -> int:
    """Count the cards that a definition's instances make, without making them; what holds itself is found later."""
    if definition not in known:
        known[definition] = 0
        if depth <= _DEEPEST:
            instances = [card.text for card in definition.cards if card.text[0] == "x"]
            held = [definition.find(name) for name in map(_subcircuit_of, instances)]
            known[definition] = len(definition.cards) + sum(_count(inner, known, depth + 1) for inner in held if inner)
    return known[definition]


def _multiplied(definitions: Collection[Definition]) -> set[Definition]:
    """Return the subcircuits that some instance multiplies: ngspice 39 leaves the m of the cards inside aside, in all their instances."""
    found, waiting = set[Definition](), list(definitions)
    while waiting:
        definition = waiting.pop()
        for card in definition.cards:
            if card.text[0] != "x" or not (definition in found or _M.search(card.text)):
                continue
            inner = definition.find(_subcircuit_of(card.text))
            if inner and inner not in found and not inner.declares("m"):
                found.add(inner)
                waiting.append(inner)
    return found


def _subcircuit_of(card: str) -> str:
    """Give the name of the subcircuit that an X card names: the last word before its parameters."""
    words = re.sub(r"\s*=\s*", "=", card).split()
    return next((word for word in reversed(words) if "=" not in word and word not in {"params:", "params"}), "")


def _bound(token: Token, scope: Scope, line: Line, owner: Definition, *, from_instance: bool = False) -> Bound:
    return Bound(token, scope, Spot(line, token.start, len(token.text), owner), from_instance)


def globals_of(found: Outline) -> Scope:
    """Give the scope of the deck itself."""
    scope = Scope()
    for name, (token, line) in found.top.parameters.items():
        scope.bound[name] = _bound(token, scope, line, found.top)
    return scope

"""Passing on: cards of transistors and behavioural sources keep their text; only nodes, sources and parameters are put in."""

import re
from dataclasses import dataclass

from circuits.passed import PLAIN
from netlists.read.instances import Card
from netlists.read.models import parameters
from netlists.read.parts import CELSIUS, Part, Passage
from netlists.text.findings import BadCardError
from netlists.text.lines import lower
from netlists.text.numbers import plain
from netlists.text.scopes import inside

_TERMINALS = {"d": (2, 2), "j": (3, 3), "m": (4, 4), "q": (3, 5)}
"""Least and most nodes of each letter."""

_KINDS = {"d": ("d",), "j": ("njf", "pjf"), "m": ("nmos", "pmos"), "q": ("npn", "pnp")}
"""What kind of model each letter takes."""

_JOINED = {"d": ((0, 1),), "j": ((0, 2), (1, 2)), "m": ((0, 2), (3, 2)), "q": ((0, 1), (1, 2))}
"""Between which of its nodes a device conducts."""

_JUNCTIONS = {"d": ((0, 1),), "j": ((1, 0), (1, 2)), "m": ((3, 0), (3, 2)), "q": ()}
"""Between which of its nodes it has a junction with a conductance across it; a bipolar transistor amplifies its own."""

_CLASSIC = {1.0, 2.0, 3.0, 6.0, 9.0}
"""Levels of MOSFETs that take sizes from options and temperatures from cards; BSIM's do neither."""

_READING = re.compile(r"\b([vi])\s*\(\s*([^()\s,]+)\s*(?:,\s*([^()\s,]+)\s*)?\)")
_OFFSET = re.compile(r"\bdtemp\s*=")
_HEATED = re.compile(r"\btc[12]\s*=(?!.*\btemp\s*=)")
_WHOLE = re.compile(r"\{[^{}]*\}|'[^']*'")
_UNREAD = re.compile(r"\b[vi]\s*\((?!(?:\{s?\d+\}|0)[,)])")
_BRACES = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"(?<![\w.#{@:])[a-z_]\w*(?!\s*\(|[\w.:}])")


def passed(card: Card) -> Part:
    """Read a transistor, or a diode of a law that only ngspice knows.

    Raises
    ------
    BadCardError
        When its nodes or its model are missing.

    """
    head = card.fields.plain[0]
    least, most = _TERMINALS[head.low[0]]
    words = card.fields.plain[1:]
    place = next((k for k, word in enumerate(words) if k >= least and card.instance.model(word.low)), None)
    if place is None or place > most:
        msg = f"{head.text} takes {least if least == most else f'{least} to {most}'} nodes and a model that is defined; add .model"
        raise BadCardError(msg)
    nodes = card.nodes(place)
    model, where = card.instance.model(card.next("model").low) or (None, None)
    if model is None or where is None:
        msg = f"{head.text}: its model is gone"
        raise BadCardError(msg)
    if model.kind not in _KINDS[head.low[0]]:
        msg = f"{head.text}: model {model.name} is of kind {model.kind}; it must be one of {', '.join(_KINDS[head.low[0]])}"
        raise BadCardError(msg)
    given = parameters(card, model, where)
    if card.settings.nominal != CELSIUS:
        given.setdefault("tnom", card.settings.nominal)
    values = [f"{name}={plain(value, name)[0]}" for name, value in given.items()]
    text = f"{model.kind}({' '.join(values)})"
    says = [word.low if word.low == "off" else plain(card.number(word), head.text)[0] for word in card.rest()]
    degrees = card.degrees()
    own = {name: token for name, token in card.fields.named.items() if name not in {"ic", "temp", "dtemp", "m"}}
    named = {name: plain(card.number(token), name)[0] for name, token in own.items()}
    if head.low[0] == "m" and given.get("level", 1.0) in _CLASSIC:
        named = {name: plain(size, name)[0] for name, size in card.settings.sizes.items()} | named
    elif head.low[0] == "m" and degrees != CELSIUS:
        msg = (
            f"{head.text}: to ngspice a MOSFET of level {given['level']:g} has no temperature of its own; only {CELSIUS:g} °C is read here"
        )
        raise BadCardError(msg)
    if degrees != CELSIUS:
        named["temp"] = plain(degrees, "temp")[0]
    m = card.multiplier()
    if m != 1.0:
        named["m"] = plain(m, "m")[0]
    says += [f"{name}={value}" for name, value in named.items()]
    holes = [f"{{{k}}}" for k in range(place)]
    passage = Passage(head.low[0], " ".join([*holes, "{m}", *says]), (), text, _JOINED[head.low[0]], _JUNCTIONS[head.low[0]])
    return Part("p", card.name, nodes, (), card.line, passage)


def behavioural(card: Card, out: tuple[str, ...], kind: str, expression: str) -> Part:
    """Read a source that follows an expression; `kind` is v or i.

    Raises
    ------
    BadCardError
        When it reads the current of what carries none, or a parameter is not there.

    """
    head = card.fields.plain[0]
    if card.instance.m not in {None, 1.0}:
        msg = f"{head.text} is in a subcircuit with m = {card.instance.m:g}, which a B source does not know; write the instances out"
        raise BadCardError(msg)
    text = lower(expression)
    if _WHOLE.fullmatch(text):
        text = inside(text)
    odd = next((character for character in text if not re.match(PLAIN, character)), None)
    if odd is not None:
        msg = f"{head.text}: its expression holds {odd!a}, which to ngspice is no arithmetic; write numbers, names, + - * / ^ ( )"
        raise BadCardError(msg)
    if re.search(r"\{[^{}]*[\d.]mil", text):
        msg = f"{head.text}: mil in braces is one number to ngspice on this card and another elsewhere; write 25.4u or 1m"
        raise BadCardError(msg)
    holes = _Holes(card, list(out), [])
    text = _BRACES.sub(lambda match: f"({holes.value(match.group(1))})", text)
    text = _READING.sub(holes.reading, text)
    unread = _UNREAD.search(text)
    if unread or text.count("(") != text.count(")"):
        msg = f"{head.text}: {expression!r} cannot be read; write V(node), V(node,node) or I(source), and close each parenthesis"
        raise BadCardError(msg)
    text = _NAME.sub(holes.parameter, text)
    if card.settings.temperature != CELSIUS and _HEATED.search(text):
        if _OFFSET.search(text):
            msg = f"{head.text}: dtemp= with another temperature than {CELSIUS:g} °C is not read here; write temp="
            raise BadCardError(msg)
        text = f"{text} temp={plain(card.settings.temperature, 'temp')[0]}"
    passage = Passage("b", f"{{0}} {{1}} {kind}={text}", tuple(holes.sources), None, ((0, 1),))
    return Part("p", card.name, tuple(holes.nodes), (), card.line, passage)


@dataclass(slots=True)
class _Holes:
    """What an expression reads: nodes and sources become holes, parameters their values."""

    card: Card
    nodes: list[str]
    sources: list[str]

    def reading(self, match: "re.Match[str]") -> str:
        """Put holes in the place of what V(…) and I(…) name."""
        what, first, second = match.groups()
        if what == "i":
            if first[:1] not in "veh" or second:
                msg = f"{self.card.fields.plain[0].text}: {match.group()} is no current that can be sensed; name a voltage source"
                raise BadCardError(msg)
            return f"i({{s{_place(self.sources, self.card.instance.prefix + first)}}})"
        read = [self.card.node_of(name) for name in (first, second) if name]
        return f"v({','.join('0' if node == '0' else f'{{{_place(self.nodes, node)}}}' for node in read)})"

    def value(self, text: str) -> str:
        """Evaluate what stands in braces."""
        try:
            return plain(self.card.instance.scope.number(f"{{{text}}}")[0], "value")[0]
        except ValueError as error:
            msg = f"{self.card.fields.plain[0].text}: {error}"
            raise BadCardError(msg) from None

    def parameter(self, match: "re.Match[str]") -> str:
        """Put the value of a parameter in its place; other names are left to ngspice."""
        return f"({self.value(match.group())})" if self.card.instance.scope.find(match.group()) else match.group()


def _place(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)

"""Devices: reads the card of each kind of element into parts, with the values that count at an operating point."""

import math
from collections.abc import Callable
from contextlib import suppress

from netlists.read import models
from netlists.read.instances import Card
from netlists.read.opaque_elements import behavioural, passed
from netlists.read.parts import Flat, Part
from netlists.text.findings import BadCardError, Finding
from netlists.text.numbers import FLOAT_LENGTH, conductance
from netlists.text.tokens import Token

_SHAPES = {"sin", "pulse", "exp", "pwl", "sffm", "am", "trnoise", "trrandom", "external"}
_STARTS = {"sin": 5, "pulse": 8, "exp": 6}
"""Shapes in time whose first value is that at time 0, when no more values than this are given."""


def resistor(card: Card, flat: Flat) -> None:
    """R: a value, a model, or both."""
    nodes = card.nodes(2)
    value, model = card.take("r", "resistance"), None
    for token in card.rest():
        found = card.instance.model(token.low)
        if found and model is None:
            model = models.resistor(card, *found)
        elif value is None:
            value = token
        else:
            msg = f"{card.fields.plain[0].text}: {token.text!r} is one value too many; write {value.text} or {token.text}"
            raise BadCardError(msg)
    card.ignore("l", "w", "ac", "noisy", "noise")
    if value is None and (model is None or model.ohm is None):
        msg = f"{card.fields.plain[0].text} has no resistance; write it behind the nodes"
        raise BadCardError(msg)
    given = card.number(value) if value else model.ohm  # type: ignore[union-attr]  # one of the two is there
    tc1, tc2, nominal = (model.tc1, model.tc2, model.nominal) if model else (0.0, 0.0, card.settings.nominal)
    warmer = card.degrees() - nominal
    change = 1.0 + card.option("tc1", tc1) * warmer + card.option("tc2", tc2) * warmer**2
    factor = change * card.option("scale", 1.0) / card.multiplier()
    card.done()
    ohm = float(given or 0.0) * factor
    if not 0 < ohm < math.inf:
        heat = f" at {card.degrees():g} °C" if change != 1.0 else ""
        msg = f"{card.fields.plain[0].text} has {ohm:g} ohm{heat}; " + (
            "for 0 ngspice takes 1 milliohm; write 1m, or a voltage source of 0" if ohm == 0 else "a resistance must be positive and finite"
        )
        raise BadCardError(msg)
    spot = card.spot(value) if value else None
    if spot is not None and factor == 1.0 and spot.length > FLOAT_LENGTH:
        word = spot.line.original[spot.start : spot.start + spot.length]
        with suppress(ValueError, ArithmeticError):  # what is longer than a float may be an expression
            flat.resistances.exact[len(flat.resistances.names)] = conductance(word)
    flat.resistances.add(card.name, nodes, ohm, card.line, spot, factor if value else 0.0)


def _storing(what: str, name: str) -> Callable[[Card, Flat], None]:
    def read(card: Card, flat: Flat) -> None:
        nodes = card.nodes(2)
        token = card.take(name) or card.next(what)
        if not token.text[:1].isdigit() and card.instance.model(token.low):
            msg = f"{card.fields.plain[0].text}: a model of a {what} is not read; write the {what}"
            raise BadCardError(msg)
        value = card.number(token) * card.option("scale", 1.0)
        m = card.multiplier()
        card.ignore("ic", "tc1", "tc2", "temp", "dtemp")
        card.done()
        value = value * m if name == "c" else value / m
        if not value > 0:
            msg = f"{card.fields.plain[0].text}: {what} {value:g} must be positive"
            raise BadCardError(msg)
        if name == "l" and card.settings.rseries:  # ngspice puts one such resistance, whatever m is
            inner = f"{card.name}#internal"
            flat.resistances.add(f"{card.name}#rs", (nodes[0], inner), card.settings.rseries, card.line, None, 0.0)
            nodes = (inner, nodes[1])
        flat.parts.append(Part(name, card.name, nodes, (value,), card.line))

    return read


def _source(card: Card, flat: Flat) -> None:
    """V and I: the value at rest; what it does in time or at a frequency is left aside."""
    nodes = card.nodes(2)
    value = card.take("dc")
    words = card.rest()
    name = card.fields.plain[0].text
    shape: tuple[str, list[Token]] | None = None
    k = 0
    while k < len(words):
        low = words[k].low
        end = next((j for j in range(k + 1, len(words)) if words[j].low in {"dc", "ac", "distof1", "distof2"} | _SHAPES), len(words))
        if low in _SHAPES:
            shape = (low, words[k + 1 : end])
        elif low in {"ac", "distof1", "distof2"}:
            pass
        else:
            behind = words[k + 1 : end] if low == "dc" else words[k:end]
            if len(behind) != 1 or value is not None:
                said, how = " ".join(token.text for token in words), "twice" if behind else "without a number"
                msg = f"{name}: {said!r} says its value at rest {how}; write dc and one number"
                raise BadCardError(msg)
            value = behind[0]
        k = end
    m = card.multiplier() if name[:1] in "iI" else 1.0
    card.done()
    v = card.number(value) if value is not None else _at_rest(card, shape)
    if shape is not None:
        text = f"{name}: {shape[0]} is left aside; at rest the source gives {v:g}"
        card.findings.notes.append(Finding(card.line.source.name, card.line.number, text))
    named = card.instance.scope.sole(value.text) if value is not None else None
    flat.parts.append(Part(name[:1].lower(), card.name, nodes, (v * m,), card.line, named))


def _at_rest(card: Card, shape: tuple[str, list[Token]] | None) -> float:
    """Give what a source without a value at rest begins with."""
    if shape is None:
        return 0.0
    name, words = shape
    if name == "pwl" and len(words) >= 2:  # noqa: PLR2004 - a time and a value
        first = [card.number(word) for word in words[:2]]
        if first[0] >= 0:
            return first[1]
    elif 1 <= len(words) <= _STARTS.get(name, 0):
        return card.number(words[0])
    msg = f"{card.fields.plain[0].text}: what {name} gives at rest is not known; write dc and a number before it"
    raise BadCardError(msg)


def _by_voltage(card: Card, flat: Flat) -> None:
    """E and G: a factor times a voltage; expressions are passed on."""
    letter = card.fields.plain[0].low[0]
    out = card.nodes(2)
    expression = card.take("vol", "value", "cur")
    if expression is not None:
        name = next(name for name in ("vol", "value", "cur") if name in card.fields.named)
        if (name == "cur") != (letter == "g") and name != "value":
            msg = f"{card.fields.plain[0].text}: {name}= belongs to {'G' if name == 'cur' else 'E'}; use the other letter"
            raise BadCardError(msg)
        card.done()
        flat.parts.append(behavioural(card, out, "v" if letter == "e" else "i", expression.text))
        return
    after = card.fields.plain[card.used : card.used + 1]
    if after and after[0].low in {"poly", "table", "laplace", "freq"}:
        msg = f"{card.fields.plain[0].text}: {after[0].text} is not read; write a B source"
        raise BadCardError(msg)
    if after and after[0].low in {"vcvs", "vccs"}:
        card.next("kind")
    control = card.nodes(2)
    factor = card.number(card.take("gain") or card.next("gain"))
    if letter == "g":
        factor *= card.multiplier()
    card.done()
    flat.parts.append(Part(letter, card.name, out + control, (factor,), card.line))


def _by_current(card: Card, flat: Flat) -> None:
    """F and H: a factor times the current through a source."""
    letter = card.fields.plain[0].low[0]
    out = card.nodes(2)
    source = card.next("source to sense the current of").low
    if source[:1] not in "veh":
        msg = f"{card.fields.plain[0].text}: {source} carries no current that can be sensed; name a voltage source"
        raise BadCardError(msg)
    factor = card.number(card.take("gain") or card.next("gain"))
    if letter == "f":
        factor *= card.multiplier()
    card.done()
    flat.parts.append(Part(letter, card.name, out, (factor,), card.line, card.instance.prefix + source))


def _diode(card: Card, flat: Flat) -> None:
    """D: a junction, its series resistance as a resistor of its own; what is more than that is passed on."""
    start = card.used
    nodes = card.nodes(2)
    token = card.next("model")
    found = card.instance.model(token.low)
    if found is None:
        msg = f"{card.fields.plain[0].text}: there is no model {token.text}; add .model {token.text} D(is=… n=…)"
        raise BadCardError(msg)
    if card.fields.plain[card.used :] and card.fields.plain[card.used].low == "off":
        card.next("off")
    law = models.junction(card, *found)
    if law is None:
        card.used = start
        flat.parts.append(passed(card))
        return
    scale = card.option("area", 1.0) * card.multiplier()
    card.ignore("pj", "ic", "w", "l", "off", "temp", "dtemp")
    card.done()
    card.sensible(scale, "area")
    anode, cathode = nodes
    if law.rs:
        inner = f"{card.name}#internal"
        flat.resistances.add(f"{card.name}#rs", (anode, inner), law.rs / scale, card.line, None, 0.0)
        anode = inner
    flat.parts.append(Part("d", card.name, (anode, cathode), (law.i_sat * scale, law.n, law.eg, law.xti), card.line))


def _coupling(card: Card, flat: Flat) -> None:  # noqa: ARG001 - the readers' common signature
    """K: couples inductors, which does nothing at rest."""
    text = f"{card.fields.plain[0].text} is left aside; coupled inductors are short circuits at rest"
    card.findings.notes.append(Finding(card.line.source.name, card.line.number, text))


def _behaviour(card: Card, flat: Flat) -> None:
    """B: passed on."""
    out = card.nodes(2)
    text = card.line.original
    head, sign, expression = text.partition("=")
    kind = head.split()[-1].lower() if sign else ""
    if kind not in {"v", "i"} or not expression.strip():
        msg = f"{card.fields.plain[0].text} says neither V=… nor I=…; write one of them"
        raise BadCardError(msg)
    flat.parts.append(behavioural(card, out, kind, expression.strip()))


def _transistor(card: Card, flat: Flat) -> None:
    """M, Q and J: passed on."""
    flat.parts.append(passed(card))


READERS: dict[str, Callable[[Card, Flat], None]] = {
    "b": _behaviour,
    "c": _storing("capacitance", "c"),
    "d": _diode,
    "e": _by_voltage,
    "f": _by_current,
    "g": _by_voltage,
    "h": _by_current,
    "i": _source,
    "j": _transistor,
    "k": _coupling,
    "l": _storing("inductance", "l"),
    "m": _transistor,
    "q": _transistor,
    "r": resistor,
    "v": _source,
}
"""By the letter that a card begins with."""

"""Devices: what the card of each kind of element is, in plain numbers; all that is more than that is ngspice's to read."""

import math
from collections.abc import Callable
from contextlib import suppress

from netlists.read import features, models
from netlists.read.card import Card
from netlists.read.parts import Flat, Part
from netlists.text.findings import BadCardError, Finding
from netlists.text.numbers import FLOAT_LENGTH, conductance


def _resistor(card: Card, flat: Flat) -> None:
    """R: a value."""
    nodes = card.nodes(2)
    value, *more = [card.next("resistance"), *card.rest()]
    if more:
        msg = f"{card.fields.plain[0].text}: {more[0].text!r} is one value too many; write {value.text} or {more[0].text}"
        raise BadCardError(msg)
    card.done()
    ohm = card.number(value)
    if not 0 < ohm < math.inf:
        msg = f"{card.fields.plain[0].text} has {ohm:g} ohm; " + (
            "for 0 ngspice takes 1 milliohm; write 1m, or a voltage source of 0" if ohm == 0 else "a resistance must be positive and finite"
        )
        raise BadCardError(msg)
    if len(value.text) > FLOAT_LENGTH:
        with suppress(ValueError, ArithmeticError):
            flat.resistances.exact[len(flat.resistances.names)] = conductance(value.text)
    flat.resistances.add(card.name, nodes, ohm, card.line, card.spot(value), 1.0)


def _storing(what: str, letter: str) -> Callable[[Card, Flat], None]:
    def read(card: Card, flat: Flat) -> None:
        nodes = card.nodes(2)
        value = card.number(card.next(what))
        card.done()
        if not value > 0:
            msg = f"{card.fields.plain[0].text}: {what} {value:g} must be positive"
            raise BadCardError(msg)
        flat.parts.append(Part(letter, card.name, nodes, (value,), card.line))

    return read


def _source(card: Card, flat: Flat) -> None:
    """V and I: a number, or what follows the parameter of a feature."""
    nodes = card.nodes(2)
    words = [token for token in card.rest() if token.low != "dc"]
    name = card.fields.plain[0].text
    if len(words) > 1 or (not words and len(card.fields.plain) > 3):  # noqa: PLR2004 - a name and two nodes
        written = " ".join(token.text for token in card.fields.plain[3:])
        msg = f"{name}: {written!r} has its direct value {'twice' if words else 'without a number'}; write dc and one number"
        raise BadCardError(msg)
    card.done()
    value, parameter = 0.0, None
    if words and words[0].text.startswith("{"):
        try:
            value, parameter = features.followed(words[0].low, card.parameters)
        except ValueError as error:
            msg = f"{name}: {error}"
            raise BadCardError(msg) from None
    elif words:
        value = card.number(words[0])
    flat.parts.append(Part(name[:1].lower(), card.name, nodes, (value,), card.line, parameter))


def _by_voltage(card: Card, flat: Flat) -> None:
    """E and G: a factor times a voltage."""
    nodes = card.nodes(4)
    factor = card.number(card.next("gain"))
    card.done()
    flat.parts.append(Part(card.name[0], card.name, nodes, (factor,), card.line))


def _by_current(card: Card, flat: Flat) -> None:
    """F and H: a factor times the current through a source."""
    nodes = card.nodes(2)
    source = card.next("source to sense the current of").low
    if source[:1] not in "veh":
        msg = f"{card.fields.plain[0].text}: {source} carries no current that can be sensed; name a voltage source"
        raise BadCardError(msg)
    factor = card.number(card.next("gain"))
    card.done()
    flat.parts.append(Part(card.name[0], card.name, nodes, (factor,), card.line, source))


def _diode(card: Card, flat: Flat) -> None:
    """D: a junction, its series resistance as a resistor of its own."""
    nodes = card.nodes(2)
    token = card.next("model")
    model = card.models.get(token.low)
    if model is None:
        msg = f"{card.fields.plain[0].text}: there is no model {token.text}; add .model {token.text} D(is=… n=…)"
        raise BadCardError(msg)
    if card.fields.plain[card.used :] and card.fields.plain[card.used].low == "off":
        card.next("off")
    card.done()
    law = models.junction(card, model)
    anode, cathode = nodes
    if law.rs:
        inner = f"{card.name}#internal"
        flat.resistances.add(f"{card.name}#rs", (anode, inner), law.rs, card.line, None, 0.0)
        anode = inner
    flat.parts.append(Part("d", card.name, (anode, cathode), (law.i_sat, law.n, law.eg, law.xti), card.line))


def _coupling(card: Card, flat: Flat) -> None:  # noqa: ARG001 - the readers' common signature
    """K: couples inductors, which does nothing in direct current."""
    text = f"{card.fields.plain[0].text} is left aside; coupled inductors are short circuits in direct current"
    card.findings.notes.append(Finding(card.line.source.name, card.line.number, text))


READERS: dict[str, Callable[[Card, Flat], None]] = {
    "c": _storing("capacitance", "c"),
    "d": _diode,
    "e": _by_voltage,
    "f": _by_current,
    "g": _by_voltage,
    "h": _by_current,
    "i": _source,
    "k": _coupling,
    "l": _storing("inductance", "l"),
    "r": _resistor,
    "v": _source,
}
"""By the letter that a card begins with."""

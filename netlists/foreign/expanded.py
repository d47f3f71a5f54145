"""Foreign decks: prepared, expanded by ngspice, and read into the parts that the small reader makes of other decks."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from circuits.quoting import quote
from netlists.deck import Foreign
from netlists.foreign.expansion import STEADY, Expander, ExpansionError, first_word, inside
from netlists.foreign.reader import Reader
from netlists.foreign.size import MOST, too_many
from netlists.foreign.text import prepared
from netlists.read.parts import CELSIUS, Flat, Settings
from netlists.read.roles import Roles, compiled
from netlists.text.findings import Finding, Findings, NetlistError
from netlists.text.lines import Line
from netlists.text.numbers import read_number

_LONGEST = 180
"""Characters of ngspice's messages that are repeated."""

_PARTED = re.compile(r"[rcldqmjkswx]\S*(?: [^\s={'\"]+)*? ([^\s()={'\"]+)\(([^\s()]*)\)")
"""An element that names a node with parentheses in it."""


class Read(NamedTuple):
    """What a deck holds.

    Parameters
    ----------
    flat
        Its elements.
    settings
        Its temperatures.
    gmin, rshunt
        What ngspice puts across each junction [S], and from each node to ground [ohm; 0: nothing].
    foreign
        What ngspice simulates; None: what hwsim writes of the circuit.

    """

    flat: Flat
    settings: Settings
    gmin: float
    rshunt: float = 0.0
    foreign: Foreign | None = None


def expanded(cards: Sequence[Line], strange: Line, roles: Roles, expand: Expander | None, findings: Findings) -> Read:
    """Let ngspice expand a deck, and read what it makes of it.

    Parameters
    ----------
    cards
        The deck's.
    strange
        The card that makes it foreign.
    roles
        Its own statements; its own nudges are left out.
    expand
        Asks ngspice.
    findings
        Takes mistakes, warnings and notes.

    Raises
    ------
    NetlistError
        When ngspice is not there, or refuses the deck.

    """
    if expand is None:
        raise NetlistError([Finding(strange.source.name, strange.number, "only ngspice reads this card, and none is at hand")])
    nudges = [compiled(word) for statement in roles.of("nudge") for word in statement.words]
    lines, texts = prepared(cards, lambda name: any(nudge.fullmatch(name) for nudge in nudges), findings)
    findings.check()
    count = too_many(texts)
    if count:
        text = f"its subcircuits in subcircuits would make {count:.1e} elements; {MOST:.0e} are the most that are put in their places"
        text = "a subcircuit holds itself, or stands in a hundred others; break the circle" if math.isinf(count) else text
        raise NetlistError([Finding(strange.source.name, strange.number, text)])
    try:
        expansion = expand(texts)
    except ExpansionError as error:
        line = strange if error.place is None else lines[error.place]
        parted = _PARTED.match(line.text)
        remedy = f"; to ngspice parentheses are blanks: write {parted[1]}_{parted[2]} for {parted[1]}({parted[2]})" if parted else ""
        raise NetlistError([Finding(line.source.name, line.number, quote(error, _LONGEST) + remedy)]) from None
    reader = Reader(expansion, lines, findings)
    flat = reader.run()
    warned = [quote(f"ngspice warns: {text}", _LONGEST) for text in expansion.warnings]
    findings.warnings += [Finding(lines[0].source.name, 1, text) for text in warned]
    within = inside(texts)
    at_top = [card for card in expansion.cards if card.text[0] in "vi" and card.place >= 0 and not within[card.place]]
    sources = {first_word(card.text): card.place for card in at_top}
    settings = Settings(expansion.temperature, expansion.nominal)
    comments = tuple(statement.comment() for statement in roles.statements if statement.word not in {"nudge", "block", "blocks", "order"})
    foreign = Foreign(tuple(texts), tuple(lines), sources, comments, tuple(_flat_cards(reader, texts)))
    return Read(flat, settings, expansion.gmin, _shunt(reader), foreign)


def _flat_cards(reader: Reader, texts: Sequence[str]) -> Iterator[str]:
    """Return the expanded cards; sources too long for ngspice's listing as the user has them, and what it does not list."""
    expansion = reader.expansion
    whole = {card.text: texts[card.place] for card in reader.listing.cards if card.cut and card.place >= 0}
    yield from (whole.get(card.text, card.text) for card in expansion.cards if card.text != STEADY)
    yield from expansion.starts
    if expansion.temperature != CELSIUS:
        yield f".temp {expansion.temperature!r}"


def _shunt(reader: Reader) -> float:
    """Return the resistance from each node to ground [ohm]."""
    shunt = reader.listing.options.get("rshunt")
    return read_number(shunt)[0] if shunt else 0.0

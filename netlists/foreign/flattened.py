"""Flattened decks: a foreign deck's text without subcircuits and parameters, in which each element has a card and a value of its own."""

import re
from dataclasses import replace

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.user_text import UserText
from netlists.foreign.expansion import first_word
from netlists.foreign.spots import value
from netlists.text.lines import Line, Source


def flattened(circuit: Circuit) -> UserText:
    """Return the text of a circuit that has one, with the cards of ngspice's expansion in the place of the user's.

    Raises
    ------
    CircuitError
        When the circuit has no such text, or the expansion has no value of an element that learns.

    """
    text = circuit.text
    if text is None or not text.flat:
        msg = f"{circuit.name}: has no subcircuits and parameters that ngspice would expand; leave --flat out"
        raise CircuitError(msg)
    cards = [_settled(card) for card in text.flat]
    at = {first_word(card): place for place, card in enumerate(cards)}
    source = Source.of("the expanded deck", "\n".join(cards), None)
    models = {card.split()[1] for card in cards if card.startswith(".model")}
    spots: dict[str, tuple[tuple[int, int, int], ...]] = {}
    for name, called in text.resistors.items():
        flat_cards = []
        for one in called:
            token = value(Line(source, at[one], cards[at[one]], cards[at[one]]), models)
            if token is None:
                msg = f"{circuit.name}: the expanded card of {one} has no resistance"
                raise CircuitError(msg)
            flat_cards.append((at[one], token.start, token.start + len(token.text)))
        spots[name] = tuple(flat_cards)
    inputs, voltages = (
        {name: tuple(at[first_word(text.cards[place])] for place in places) for name, places in of.items()}
        for of in (text.inputs, text.voltages)
    )
    return replace(text, cards=tuple(cards), inputs=inputs, voltages=voltages, spots=spots, untrained=())


_CALL = re.compile(r"(?<![\w.])([a-z_]\w*) \(")


def _settled(card: str) -> str:
    """Return a card in plain blanks, none before the parentheses of functions: ngspice 39 lists some there, and reads none."""
    plain = " ".join(card.split())
    return _CALL.sub(r"\1(", plain) if plain[0] == "b" else plain

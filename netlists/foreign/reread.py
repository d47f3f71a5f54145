"""Decks with learned values, read again: what ngspice makes of the new text must be what was learned, and all else as it was."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from netlists.deck import Deck
from netlists.foreign.expansion import Expander, ExpansionError
from netlists.foreign.reader import Reader
from netlists.text.findings import Findings

_ROUNDING = 1e-6
"""Share by which a resistance may differ: ngspice measures some of them by a voltage and a current."""


def misread(deck: Deck, g: Mapping[str, Any], expand: Expander) -> str:
    """Return which resistor ngspice would read otherwise in a foreign deck with conductances g [S], and what to do; nothing if none.

    Parameters in the user's text may set more than what was learned, in ways that only ngspice knows.
    """
    text = deck.circuit.text
    if deck.foreign is None or text is None or all(np.array_equal(np.ravel(g[name]), np.ravel(deck.g[name])) for name in deck.g):
        return ""
    try:
        expansion = expand(text.learned(g))
    except ExpansionError as error:
        return f"ngspice does not take the deck with the learned values: {error}; write the expanded deck (--flat)"
    read = Reader(expansion, deck.foreign.lines, Findings()).run().resistances
    ohm = dict(zip(read.names, read.ohm, strict=True))
    tables = {id(places.table): places.table for places in deck.places.values()}.values()
    wanted = {name: value for table in tables for name, value in zip(table.names, table.ohm, strict=True)}
    for element, places in deck.places.items():
        learned = (1.0 / np.ravel(g[element])).tolist()
        wanted |= {places.table.names[row]: value for row, value in zip(places.rows, learned, strict=True)}
    for name, value in wanted.items():
        if abs(ohm.get(name, np.inf) - value) > _ROUNDING * value:
            as_read = f"{ohm[name]:.6g} ohm" if name in ohm else "no resistance"
            why = f"{name} would have {as_read} in the user's text, and must have {value:.6g}: a parameter sets several values there"
            return f"{deck.sources[0].name}: {why}; write the expanded deck (--flat)"
    return ""

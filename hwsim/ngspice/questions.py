"""Questions: what to ask ngspice about each element and model of an expanded deck."""

from collections.abc import Iterator

from netlists.foreign.flat import Listing

ASKED: dict[str, tuple[str, ...]] = {
    "b": ("i",),
    "c": ("capacitance",),
    "d": ("area", "temp", "vd", "id"),
    "e": ("gain", "i"),
    "f": ("gain", "i"),
    "g": ("gain", "i"),
    "h": ("gain", "i"),
    "i": ("current",),
    "j": ("id", "ig", "is"),
    "l": ("inductance",),
    "m": ("id", "ig", "is", "ib"),
    "q": ("ic", "ib", "ie", "is"),
    "r": ("resistance", "i", "m", "scale", "tc1", "tc2", "temp"),
    "v": ("dc",),
}
"""What to ask ngspice of an element, by its letter."""

DIODE = ("is", "n", "rs", "eg", "xti", "tnom", "level")
"""What to ask it of a diode's model."""


def questions(listing: Listing) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what to ask: the name of an element or a model, and the names of its parameters."""
    for card in listing.cards:
        if card.letter in ASKED and card.plain is None:
            yield card.name, ASKED[card.letter]
    for model in listing.models.values():
        if model.kind == "d":
            yield model.name, DIODE

"""Currents into the terminals of transistors and other parts that only ngspice knows, as it reports them at an operating point."""

from collections.abc import Collection, Mapping

from hwsim.ngspice.questions import ASKED
from netlists.foreign.expansion import Expansion
from netlists.foreign.flat import ListedCard, ListedModel, Listing

TERMINALS: dict[str, tuple[str, ...]] = dict.fromkeys("befgh", ("i",)) | {"d": ("id",)} | {letter: ASKED[letter] for letter in "jmq"}
"""By letter, what ngspice calls the current into each node; a single one flows from the first node to the second."""


def currents(expansion: Expansion, names: Collection[str]) -> dict[str, float] | None:
    """Return the sums of the currents that parts draw from their nodes, by the names of the nodes [A].

    None where ngspice does not report the current into each terminal of each part: BSIM transistors have such of the drain alone, and
    switches of none.

    Parameters
    ----------
    expansion
        An operating point.
    names
        The parts, as their cards are called.

    """
    listing, drawn = Listing.of(expansion.cards), dict[str, float]()
    parts, seen = frozenset(names), set[str]()
    for card in listing.cards:
        if card.path not in parts:
            continue
        place = card.model(listing.models)
        nodes = card.words[1 : 3 if place is None else place]
        into = _into(card, None if place is None else listing.models.get(card.words[place]), len(nodes), expansion)
        if into is None:
            return None
        seen.add(card.path)
        for node, i in zip(nodes, into, strict=True):
            drawn[node] = drawn.get(node, 0.0) + i
    return drawn if seen == parts else None


def _into(card: ListedCard, model: ListedModel | None, count: int, expansion: Expansion) -> list[float] | None:
    """Return the current into each of a part's first `count` nodes [A]; None where ngspice does not report it."""
    asked, values = TERMINALS.get(card.letter, ()), expansion.values.get(card.name, {})
    if (len(asked) < count and len(asked) != 1) or not values.keys() >= set(asked[:count]):
        return None
    into = [values[name] for name in asked[:count]]
    if model is not None and model.kind.startswith("vdmos"):
        return None  # its body diode is not in them
    if card.letter == "q":
        return _bipolar(model, values, count)
    return [*into, -into[0]] if len(asked) == 1 else into


def _bipolar(model: ListedModel | None, values: Mapping[str, float], count: int) -> list[float] | None:
    """Return the currents into collector, base, emitter and substrate.

    ngspice 39 counts the substrate's junction in part at other terminals than those between which it conducts: the collector and the
    substrate, or where the transistor is lateral, as PNP ones are unless `subs` states otherwise, the base. Measured.
    """
    if model is None or "subs" in model.given or "is" not in values:
        return None
    collector, base, substrate = values["ic"], values["ib"], values["is"]
    if model.kind == "pnp":
        into = [collector, base + 2 * substrate, -collector - base - substrate, -substrate]
    else:
        into = [collector + substrate, base, -collector - base, -substrate]
    return into[:count]

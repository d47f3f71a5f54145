"""Deck: a circuit that was read from text, and the text, into which learned values can be written without touching anything else."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.elements import InputCurrents, InputSources, VoltageSources
from circuits.user_text import UserText
from netlists.foreign.flat import called
from netlists.foreign.flattened import flattened
from netlists.read.parts import Resistances
from netlists.read.roles import Statement
from netlists.text.findings import Finding, NetlistError
from netlists.text.lines import Line, Source
from netlists.text.numbers import plain, resistances
from netlists.text.tokens import Spot


class Place(NamedTuple):
    """Where a learned value stands: the card, the value's place in it (None: it is the last word), and the resistance over the value."""

    line: Line
    spot: Spot | None
    factor: float

    def characters(self) -> tuple[Source, int, int, int]:
        """Return the file, the line number there, and the first character and the one behind the last."""
        line, spot = self.line, self.spot
        if spot is None:
            start = 1 + max(line.text.rfind(" "), line.text.rfind("\t"))
            length = len(line.text) - start
        else:
            line, start, length = spot.line, spot.start, spot.length
        number, column = line.at(start)
        return line.source, number, column, column + length


@dataclass(frozen=True, slots=True)
class Places:
    """Where the values of one array of elements stand: `rows` are their places among all resistors of the deck."""

    table: Resistances
    rows: list[int]

    def __getitem__(self, index: int) -> Place:
        row = self.rows[index]
        return Place(self.table.lines[row], self.table.spots[row], self.table.factors[row])

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A foreign deck's cards as ngspice is given them, the user's lines, the place of each source's by its name, and its roles.

    `flat` are its cards without subcircuits and parameters.
    """

    cards: tuple[str, ...]
    lines: tuple[Line, ...]
    sources: Mapping[str, int]
    roles: tuple[str, ...]
    flat: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deck:
    """A deck that was read.

    Parameters
    ----------
    circuit
        What it is.
    g
        The conductances in it that learn [S], one array a trainable element.
    x
        The features that its input sources show, shape (I,).
    nodes
        Node numbers by their names in the deck.
    members
        Names in the deck of the elements of each array, in order; none for what hwsim adds.
    sources
        The deck's text and those of the files that it includes.
    places
        Where each learned value stands, by trainable element; row by row for a crossbar.
    warnings
        Text that is read as ngspice reads it, but often meant otherwise.
    notes
        What is left aside.
    settings
        The statements that state how it is trained.
    contradictions
        Warnings too: sources that do not give what their features make of them, so that ngspice simulates another sample than x.
    foreign
        What ngspice simulates, where the deck is foreign.
    missing
        Which roles nothing in it has, and how to name something for them; a deck that is read to be trained has all.

    """

    circuit: Circuit
    g: Mapping[str, NDArray[np.float64]]
    x: NDArray[np.float64]
    nodes: Mapping[str, int]
    members: Mapping[str, list[str]]
    sources: tuple[Source, ...]
    places: Mapping[str, Places]
    warnings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    settings: tuple[Statement, ...] = ()
    contradictions: tuple[Finding, ...] = ()
    foreign: Foreign | None = None
    missing: tuple[Finding, ...] = ()


_SOURCES = (InputSources, InputCurrents, VoltageSources)


def with_text(deck: Deck) -> Deck:
    """Return a deck whose circuit has the text that ngspice simulates, if it is foreign; to be called again when its arrays change."""
    if deck.foreign is None:
        return deck
    places = {element.name: deck.places[element.name] for element in deck.circuit.trainable}
    at = {id(line): place for place, line in enumerate(deck.foreign.lines)}
    sources = {e.name: [deck.foreign.sources.get(name, -1) for name in deck.members[e.name]] for e in deck.circuit.of(*_SOURCES)}
    text = UserText(
        cards=deck.foreign.cards,
        inputs={e.name: tuple(sources[e.name]) for e in deck.circuit.inputs},
        voltages={e.name: tuple(sources[e.name]) for e in deck.circuit.voltage_sources if -1 not in sources[e.name]},
        resistors={name: tuple(called(of.table.names[row]) for row in of.rows) for name, of in places.items()},
        factors={name: np.array([of.table.factors[row] for row in of.rows]) for name, of in places.items()},
        spots={name: tuple(_on_card(at, of.table.spots[row]) for row in of.rows) for name, of in places.items()},
        untrained=tuple((_on_card(at, table.spots[row]), called(table.names[row]), ohm) for table, row, ohm in _untrained(places)),
        roles=deck.foreign.roles,
        flat=deck.foreign.flat,
    )
    return replace(deck, circuit=replace(deck.circuit, text=text))


def _untrained(places: Mapping[str, Places]) -> Iterator[tuple[Resistances, int, float]]:
    """List the resistors that do not learn, and whose value has a spot: their table, their row there, and the value [ohm]."""
    learned = {row for of in places.values() for row in of.rows}
    for table in {id(of.table): of.table for of in places.values()}.values():
        for row, spot in enumerate(table.spots):
            if spot is not None and table.factors[row] and row not in learned:
                yield table, row, table.ohm[row] / table.factors[row]


def _on_card(at: Mapping[int, int], spot: Spot | None) -> tuple[int, int, int]:
    assert spot is not None  # noqa: S101 - a trainable element has one
    return at[id(spot.line)], spot.start, spot.start + spot.length


def rewrite(deck: Deck, g: Mapping[str, Any]) -> str:
    """Return the deck's text with learned values in the place of its own, and everything else as it was.

    Parameters
    ----------
    deck
        What was read.
    g
        Conductances [S], one array a trainable element. A value that is still what the deck states keeps the form that it has there.

    Raises
    ------
    NetlistError
        When a learned value stands in a file that the deck includes: `rewrite_files` gives those too; and as for that.

    """
    files = rewrite_files(deck, g)
    main = deck.sources[0]
    others = [source for source in files if source is not main]
    if others:
        text = "holds values that learn; put them into the deck, or write all of its files"
        raise NetlistError([Finding(source.name, 1, text) for source in others])
    return files.get(main, "\n".join(main.lines))


def rewrite_files(deck: Deck, g: Mapping[str, Any]) -> dict[Source, str]:
    """Return the new texts of the files in which learned values changed.

    Raises
    ------
    NetlistError
        When elements that share a value in the text have different ones.

    """
    deck.circuit.check_conductances(g)
    changes: dict[Source, dict[int, dict[tuple[int, int], str]]] = defaultdict(lambda: defaultdict(dict))
    for element in deck.circuit.trainable:
        values = np.asarray(g[element.name], dtype=np.float64).ravel()
        places = deck.places[element.name]
        words = resistances(values, element.name)
        for k in np.flatnonzero(values != deck.g[element.name].ravel()).tolist():
            source, line, start, end = places[k].characters()
            factor = places[k].factor
            word = words[k] if factor == 1.0 else plain(1.0 / values[k] / factor, element.name)[0]
            changes[source][line].setdefault((start, end), word)
    wrong = deck.circuit.text.contradiction(g) if deck.circuit.text is not None and deck.foreign is not None and changes else None
    if wrong is not None and deck.foreign is not None:
        card = deck.foreign.lines[wrong[0]]
        raise NetlistError([Finding(card.source.name, card.number, wrong[1])])
    return {source: _changed(source, lines) for source, lines in changes.items()}


def expanded(deck: Deck, g: Mapping[str, Any]) -> str:
    """Return a foreign deck without subcircuits and parameters, with learned conductances g [S]: each element has its own card.

    Raises
    ------
    CircuitError
        As `flattened`.

    """
    text = flattened(deck.circuit)
    return "\n".join([deck.sources[0].lines[0].rstrip("\r"), *text.roles, *text.learned(g), ".end"]) + "\n"


def _changed(source: Source, changes: Mapping[int, Mapping[tuple[int, int], str]]) -> str:
    lines = list(source.lines)
    for number, words in changes.items():
        text = lines[number - 1]
        for (start, end), word in sorted(words.items(), reverse=True):
            text = text[:start] + word + text[end:]
        lines[number - 1] = text
    return "\n".join(lines)


def encoded(text: str) -> bytes:
    """Return a deck's text as it was in its file, whatever the encoding was."""
    return text.encode("utf-8", errors="surrogateescape")

"""Deck: a circuit that was read from text, and the text, into which learned values can be written without touching anything else."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from netlists.read.parts import Resistances
from netlists.read.roles import Statement
from netlists.text.findings import Finding, NetlistError
from netlists.text.lines import Line, Source
from netlists.text.numbers import plain, resistances
from netlists.text.scopes import Spot


class Place(NamedTuple):
    """Where a learned value stands: the card, the value's place in it (None: it is the last word), and the resistance over the value."""

    line: Line
    spot: Spot | None
    factor: float

    def characters(self) -> tuple[Source, int, int, int]:
        """Give the file, the line number there, and the first character and the one behind the last."""
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
        What is read as ngspice reads it, but often meant otherwise.
    notes
        What is left aside.
    settings
        The statements that say how it is trained.
    contradictions
        Warnings too: sources that do not give what their features make of them, so that ngspice simulates another sample than x.

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


def rewrite(deck: Deck, g: Mapping[str, Any]) -> str:
    """Give the deck's text with learned values in the place of its own, and everything else as it was.

    Parameters
    ----------
    deck
        What was read.
    g
        Conductances [S], one array a trainable element. A value that is still what the deck says keeps the form that it has there.

    Raises
    ------
    NetlistError
        When a learned value stands in a file that the deck includes: `rewrite_files` gives those too.

    """
    files = rewrite_files(deck, g)
    main = deck.sources[0]
    others = [source for source in files if source is not main]
    if others:
        text = "holds values that learn; put them into the deck, or write all of its files"
        raise NetlistError([Finding(source.name, 1, text) for source in others])
    return files.get(main, "\n".join(main.lines))


def rewrite_files(deck: Deck, g: Mapping[str, Any]) -> dict[Source, str]:
    """Give the new texts of the files in which learned values changed."""
    deck.circuit.check_conductances(g)
    changes: dict[Source, dict[int, list[tuple[int, int, str]]]] = defaultdict(lambda: defaultdict(list))
    for element in deck.circuit.trainable:
        values = np.asarray(g[element.name], dtype=np.float64).ravel()
        places = deck.places[element.name]
        words = resistances(values, element.name)
        for k in np.flatnonzero(values != deck.g[element.name].ravel()).tolist():
            source, line, start, end = places[k].characters()
            factor = places[k].factor
            word = words[k] if factor == 1.0 else plain(1.0 / values[k] / factor, element.name)[0]
            changes[source][line].append((start, end, word))
    return {source: _changed(source, lines) for source, lines in changes.items()}


def _changed(source: Source, changes: Mapping[int, list[tuple[int, int, str]]]) -> str:
    lines = list(source.lines)
    for number, words in changes.items():
        text = lines[number - 1]
        for start, end, word in sorted(words, reverse=True):
            text = text[:start] + word + text[end:]
        lines[number - 1] = text
    return "\n".join(lines)


def encoded(text: str) -> bytes:
    """Give a deck's text as it was in its file, whatever the encoding was."""
    return text.encode("utf-8", errors="surrogateescape")

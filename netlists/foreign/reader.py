"""Reads an expanded deck into parts: those whose laws the numeric engine knows, with ngspice's values, and those that it passes on."""

import math
from collections.abc import Callable, Sequence

from netlists.foreign.expansion import Expansion
from netlists.foreign.flat import ListedCard, Listing, path
from netlists.foreign.laws import beyond, junction
from netlists.foreign.spots import Spots
from netlists.read.parts import Flat, Part, Passage
from netlists.text.findings import Finding, Findings
from netlists.text.lines import Line

_JOINED = {
    "j": ((0, 2), (1, 2)),
    "m": ((0, 2), (3, 2)),
    "q": ((0, 1), (1, 2)),
    "z": ((0, 2), (1, 2)),
    "o": ((0, 1), (2, 3)),
    "t": ((0, 1), (2, 3)),
}
"""Between which of its nodes a device conducts; others conduct between the first two."""

_NODES = {"a": 0, "b": 2, "e": 2, "f": 2, "g": 2, "h": 2, "t": 4, "p": 2}
"""How many nodes stand behind a name, by letter, where no model ends them; others have two."""

_EPSILON_LAW = "epsmin"
"""An option that cuts the currents of diodes."""

_SMALLEST_DROP = 1e-9
"""V; across less than this a resistor's current states too little of its resistance."""

_SAME = 1e-9
"""Share by which two ways to the same number may differ: rounding."""


class Reader:
    """Reads one deck.

    Parameters
    ----------
    expansion
        What ngspice makes of it.
    lines
        The user's cards, in the order in which ngspice was given them.
    findings
        Takes the mistakes and notes.

    """

    def __init__(self, expansion: Expansion, lines: Sequence[Line], findings: Findings) -> None:
        self.expansion, self.lines, self.findings = expansion, lines, findings
        self.listing = Listing.of(expansion.cards)
        self.flat = Flat()
        self._spots = Spots(lines, self.listing.models)
        self._sources = {card.path for card in self.listing.cards if card.letter in "veh" and self._linear(card)}

    def run(self) -> Flat:
        """Return all parts."""
        for card in self.listing.cards:
            if card.cut and card.letter not in "vi":
                self._mistake(card, "is longer than ngspice 39 lists (4090 characters); write a shorter card")
            elif card.letter == "k":
                self._note(card, "is left aside; coupled inductors are short circuits in direct current")
            else:
                _READERS.get(card.letter, Reader._passed)(self, card)
        return self.flat

    def line(self, card: ListedCard) -> Line:
        """Return the user's card that a flat one comes from."""
        return self.lines[max(card.place, 0)]

    def _finding(self, card: ListedCard, text: str) -> Finding:
        line = self.line(card)
        return Finding(line.source.name, line.number, f"{line.original.split(None, 1)[0]}: {text}")

    def _mistake(self, card: ListedCard, text: str) -> None:
        self.findings.mistakes.append(self._finding(card, text))

    def _note(self, card: ListedCard, text: str) -> None:
        self.findings.notes.append(self._finding(card, text))

    def _v(self, a: str, b: str) -> float:
        """Return the voltage from node a to node b at the operating point [V]; NaN where one of them has none."""
        at = self.expansion.voltages
        return (0.0 if a == "0" else at.get(a, math.nan)) - (0.0 if b == "0" else at.get(b, math.nan))

    def _value(self, card: ListedCard, parameter: str) -> float:
        return self.expansion.values.get(card.name, {}).get(parameter, math.nan)

    def _add(self, card: ListedCard, kind: str, nodes: Sequence[str], values: Sequence[float], more: object = None) -> None:
        self.flat.parts.append(Part(kind, card.path, tuple(nodes), tuple(values), self.line(card), more))

    def _resistor(self, card: ListedCard) -> None:
        ohm, factor = card.plain, 1.0
        _, a, b, *_ = card.text.split() if ohm is not None else card.words
        if ohm is None:
            ohm, factor = self._heated(card)
        if not 0 < ohm < math.inf:
            self._passed(card)
            return
        spot = self._spots.of(card) if card.place >= 0 else None
        self.flat.resistances.add(card.path, (a, b), ohm, self.line(card), spot, factor if spot else 0.0)

    def _heated(self, card: ListedCard) -> tuple[float, float]:
        """Return the resistance [ohm] that a resistor has, and that over the one which its card states."""
        values = self.expansion.values.get(card.name, {})
        stated, i, drop = values.get("resistance", math.nan), values.get("i", math.nan), self._v(*card.words[1:3])
        nominal = self.expansion.nominal
        warmer = values.get("temp", nominal) - nominal
        change = 1.0 + values.get("tc1", 0.0) * warmer + values.get("tc2", 0.0) * warmer**2
        m = values.get("m", 1.0)
        factor = change * values.get("scale", 1.0) / m if m else math.inf
        if abs(drop) > _SMALLEST_DROP and i:
            measured = drop / i / stated
            factor = factor if abs(measured - factor) <= _SAME * abs(factor) else measured
        elif card.model(self.listing.models) is not None:
            return math.nan, 1.0
        return stated * factor, factor

    def _storing(self, card: ListedCard) -> None:
        value = card.plain
        if value is None:
            value = self._value(card, "capacitance" if card.letter == "c" else "inductance")
        if value > 0:
            self._add(card, card.letter, card.words[1:3], (value,))
        else:
            self._passed(card)

    def _source(self, card: ListedCard) -> None:
        nodes = card.words[1:3]
        if card.plain is not None:
            value = card.plain
        elif card.letter == "i":
            value = self._value(card, "current")
        else:
            value, stated = self._v(*nodes), self._value(card, "dc")
            value = stated if abs(stated - value) <= _SAME * max(1.0, abs(value)) else value
        self._add(card, card.letter, nodes, (value,))

    def _linear(self, card: ListedCard) -> bool:
        """Whether a source's card states two nodes, or four and a gain, and nothing else."""
        return card.letter == "v" or not math.isnan(self._value(card, "gain"))

    def _by_voltage(self, card: ListedCard) -> None:
        gain = self._value(card, "gain")
        if math.isnan(gain):
            self._passed(card)
        else:
            self._add(card, card.letter, card.words[1:5], (gain,))

    def _by_current(self, card: ListedCard) -> None:
        gain, source = self._value(card, "gain"), path(card.words[3])
        if math.isnan(gain) or source not in self._sources:
            self._passed(card)
        else:
            self._add(card, card.letter, card.words[1:3], (gain,), source)

    def _diode(self, card: ListedCard) -> None:
        place = card.model(self.listing.models)
        model = None if place is None else self.listing.models.get(card.words[place])
        odd = place is None or len(card.words) > place + 1 + card.words[place + 1 :].count("off")
        law = None if odd or _EPSILON_LAW in self.listing.options else junction(card, model, self.expansion)
        if law is None:
            self._passed(card, frozenset() if model is None else beyond(card, model))
            return
        anode, cathode = card.words[1:3]
        if law.rs:
            inner = f"{card.name}#internal"
            self.flat.resistances.add(f"{card.path}#rs", (anode, inner), law.rs, self.line(card), None, 0.0)
            anode = inner
        self._add(card, "d", (anode, cathode), (law.i_sat, law.n, law.eg, law.xti))

    def _poly(self, card: ListedCard) -> None:
        """Pass on a code model that ngspice puts in the place of POLY: what it joins stands in the last parentheses."""
        joined = card.text.rpartition("(")[2].partition(")")[0].split()
        read = card.text.partition("[")[2].partition("]")[0].split() if "%vd" in card.text.partition("[")[0] else []
        self._pass(card, path(card.name.rpartition("$")[2]), joined, read)

    def _passed(self, card: ListedCard, unknown: frozenset[str] = frozenset()) -> None:
        """Pass on what only ngspice knows; `unknown` are the parameters that are in the way."""
        place = card.model(self.listing.models)
        last = place - (card.letter == "w") if place is not None else 1 + _NODES.get(card.letter, 2)
        self._pass(card, card.path, card.words[1:last], card.reads() if card.letter in "begfh" else [], unknown)

    def _pass(self, card: ListedCard, name: str, nodes: Sequence[str], reads: Sequence[str], unknown: frozenset[str] = frozenset()) -> None:
        pairs = _JOINED.get(card.letter, ((0, 1),))
        joined = tuple(pair for pair in pairs if max(pair) < len(nodes))
        letter = name.rpartition(".")[2][0]
        self.flat.parts.append(Part("p", name, (*nodes, *reads), (), self.line(card), Passage(letter, joined, unknown)))


_READERS: dict[str, Callable[[Reader, ListedCard], None]] = {
    "a": Reader._poly,  # noqa: SLF001 - of the same file
    "c": Reader._storing,  # noqa: SLF001
    "d": Reader._diode,  # noqa: SLF001
    "e": Reader._by_voltage,  # noqa: SLF001
    "f": Reader._by_current,  # noqa: SLF001
    "g": Reader._by_voltage,  # noqa: SLF001
    "h": Reader._by_current,  # noqa: SLF001
    "i": Reader._source,  # noqa: SLF001
    "l": Reader._storing,  # noqa: SLF001
    "r": Reader._resistor,  # noqa: SLF001
    "v": Reader._source,  # noqa: SLF001
}

"""Power: a deck that prints how many watts each part takes, and how many the sources deliver, in every phase."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Nudges
from netlists.measure.control import BEGIN, DeckMeasure, Pushes, ending, in_phases, phases, voltage
from netlists.write import subcircuits
from netlists.write.names import free_stem
from netlists.write.sections import DeckSection

_A_LINE = 20
"""Terms of a sum that stand in one line."""

_SOURCES = "vi"
"""What the names of sources begin with: they deliver. Everything else takes, or delivers what it takes from a supply of its own."""


@dataclass(frozen=True, slots=True)
class PowerMeasure(DeckMeasure):
    """The operating point's watts, part by part. By Tellegen's theorem all parts together take what all sources deliver."""

    unfit: ClassVar[str] = "ngspice does not report the power of each kind of part"

    def describe(self, phases: int) -> str:
        """Describe it in a line."""
        return f"It prints the watts that each part takes and that the sources deliver, of one sample, {in_phases(phases)}"

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - as above
        """Solve, add up, print; in every phase."""
        sums = list(_sums(circuit, sections))
        yield from BEGIN
        yield from ("echo", "echo free phase: watts", "op", *sums)
        for phase in phases(circuit, pushes):
            yield from ("echo", f"echo {phase.name}: watts with {phase.what}", *phase.alter(), "op", *sums)
        yield from ending()


def _sums(circuit: Circuit, sections: Sequence[DeckSection]) -> Iterator[str]:
    """Write the commands that add up what the last analysis found, and print it."""
    stem = free_stem(circuit, "p")
    lone = {element.name for element in circuit.of(Amplifiers, Nudges)}  # what is inside of these is no source of its own
    takes: dict[str, list[str]] = {}
    delivers: dict[str, list[str]] = {}
    for section in sections:
        name = section.block or section.elements[0]
        for card in section.cards:
            for letter, term in card_terms(card):
                (delivers if letter in _SOURCES and name not in lone else takes).setdefault(name, []).append(term)
    yield "echo each part takes. An amplifier that delivers has a supply of its own and a minus here."
    yield from _totals(f"{stem}_takes", {f"{stem}_{name}": terms for name, terms in takes.items()}, "+")
    yield "echo sources deliver"
    yield from _totals(f"{stem}_delivered", {f"{stem}_from_{name}": terms for name, terms in delivers.items()}, "-")
    yield "echo together"
    yield f"let {stem}_left = {stem}_delivered - {stem}_takes"
    yield from (f"print {name}" for name in (f"{stem}_takes", f"{stem}_delivered", f"{stem}_left"))


def _totals(total: str, parts: Mapping[str, Sequence[str]], sign: str) -> Iterator[str]:
    yield f"let {total} = 0"
    for name, terms in parts.items():
        yield f"let {name} = 0"
        for first in range(0, len(terms), _A_LINE):
            yield f"let {name} = {name} {sign} {f' {sign} '.join(terms[first : first + _A_LINE])}"
        yield f"let {total} = {total} + {name}"
        yield f"print {name}"


def card_terms(card: str) -> Iterator[tuple[str, str]]:
    """Return the letter of each element that a card stands for, and the expression of the watts that it takes."""
    name, *words = card.lower().split()
    if name[0] in "*.":
        return
    if name[0] != "x":
        yield name[0], _term(name, words)
        return
    nodes = [word for word in words if "=" not in word]
    pins, inner = _inside(nodes.pop())
    joined = dict(zip(pins, nodes, strict=True)) | {"0": "0"}
    for inner_name, ends in inner:
        yield inner_name[0], _term(f"{inner_name[0]}.{name}.{inner_name}", [joined.get(end, f"{name}.{end}") for end in ends])


def _term(name: str, nodes: Sequence[str]) -> str:
    """Return the watts of one element; ngspice reports those of diodes wrongly, and those of behavioural sources not at all."""
    if name[0] not in "db":
        return f"@{name}[p]"
    a, b = (voltage(node) for node in nodes[:2])
    return f"({a} - {b})*@{name}[{'id' if name[0] == 'd' else 'i'}]"


@cache
def _inside(kind: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the pins of a subcircuit of the library, and the name and two nodes of each element in it."""
    lines = subcircuits.text(kind).lower().splitlines()
    pins = next(re.split(r"\s+params:", line)[0].split()[2:] for line in lines if line.startswith(".subckt"))
    cards = [line.split() for line in lines if line[0].isalpha()]
    return pins, [(name, rest[:2]) for name, *rest in cards]

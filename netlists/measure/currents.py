"""Currents: a deck that prints what flows into an array of fixed sources of voltage, as ammeters do, and plots it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from circuits.chip import Chip
from circuits.circuit import Circuit
from netlists.measure.control import BEGIN, DeckMeasure, Pushes, ending
from netlists.write.names import free_stem
from netlists.write.sections import DeckSection

_PLOTTED = 256
"""Most currents that are plotted."""


@dataclass(frozen=True, slots=True)
class SourceCurrents(DeckMeasure):
    """The currents of the sources of one array, at the operating point.

    Parameters
    ----------
    array
        Its name. A current counts from `plus` through the source to `minus`, as ngspice does.

    """

    unfit: ClassVar[str] = "the array has no name there"

    array: str

    def describe(self, phases: int) -> str:  # noqa: ARG002 - every measure takes it
        """Describe it in a line."""
        return f"It prints the amperes that flow into each source of {self.array}"

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - every measure takes them
        """Solve and print."""
        cards = next(section.cards for section in sections if self.array in section.elements)
        stem = free_stem(circuit, "i")
        names = [f"{stem}_{k}" for k in range(len(cards))]
        yield from (*BEGIN, "echo", f"echo amperes into {self.array}", "op")
        for name, card in zip(names, cards, strict=True):
            yield from (f"let {name} = i({card.split()[0].lower()})", f"print {name}")
        yield from ending(_plot(names) if len(names) <= _PLOTTED else ())


def _plot(names: Sequence[str]) -> Iterator[str]:
    """Plot the currents over their numbers."""
    yield f"set each = ( {' '.join(f'$&{name}' for name in names)} )"
    yield from ("setplot new", f"compose number values {' '.join(map(str, range(len(names))))}", "compose amperes values $each")
    yield from ("setscale number", "plot amperes pointplot xlabel number ylabel A title currents")

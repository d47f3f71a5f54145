"""The commands at the end of a deck: what ngspice measures with it, and how it nudges."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from netlists.text.numbers import plain
from netlists.write.names import free_stem
from netlists.write.sections import DeckSection, NudgeNodes
from netlists.write.waveforms import Waveforms

Pushes = Sequence[tuple[Any, Any, Any]]
"""One (beta [S], targets, shape (K,) [V], currents, shape (K,) [A]) a nudged phase; one number may stand for all outputs."""

Inputs = dict[str, list[str | None]]
"""Values of the sources of the data, by the name of their array; None leaves a source out."""

BEGIN = (
    "*",
    "* What ngspice does with it. optran keeps it from passing off a circuit without a solution as solved.",
    *(".control", "set noaskquit", "set numdgt=16", "optran 1 1 1 0 0 0"),
)

SILENT = "set norefvalue"
"""Written before an analysis of many points: ngspice would report how far it is every quarter of a second, without ending its line."""


def readings(outputs: Sequence[str], offsets: Sequence[float]) -> list[str]:
    """Write what converters read of outputs: their voltages, and what is added to them [V], where it is not 0."""
    return [f"({one} + ({word}))" for one, word in zip(outputs, plain(offsets, "offsets"), strict=True)] if any(offsets) else list(outputs)


def ending(plots: Iterable[str] = ()) -> Iterator[str]:
    """Write the last commands: at a terminal ngspice runs those of `plots` and stays open, else it ends."""
    yield "if $?interactive"
    yield from plots
    yield from ("echo", "echo ngspice stays open: print v(NODE) shows a voltage and quit ends it")
    yield from ("else", "quit", "end", ".endc")


_PLOTTED = 100
"""Most outputs that are plotted; the command that lists them stays shorter than ngspice's longest line."""


class DeckMeasure(ABC):
    """What a deck prints of one sample. A measure may add elements to the circuit, and cards to the deck.

    `unfit` is why it does not measure a user's deck, whose cards stay as they are; empty where it does.
    """

    unfit: ClassVar[str] = ""

    @property
    def waves(self) -> Waveforms | None:
        """What sources of the data do in time; None: they state one sample."""
        return None

    def beginning(self, circuit: Circuit, chip: Chip) -> list[str]:  # noqa: ARG002 - some measures begin somewhere
        """Write what capacitors begin with at sources, in a measure in time."""
        return []

    @abstractmethod
    def describe(self, phases: int) -> str:
        """Describe in a line what the deck prints; `phases` counts the nudged ones."""

    @abstractmethod
    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:
        """Write the commands, from .control to .endc."""

    def extended(self, circuit: Circuit, chip: Chip) -> tuple[Circuit, Chip]:
        """Return the circuit, and the chip, with the elements that measuring needs."""
        return circuit, chip

    def driven(self, circuit: Circuit, chip: Chip, inputs: Inputs) -> tuple[Inputs, list[str]]:  # noqa: ARG002 - some measures look at all
        """Change the values of the sources of the data, and return the cards that stand for those that are left out."""
        return inputs, []


@dataclass(frozen=True, slots=True)
class Outputs(DeckMeasure):
    """The read-outs, free and nudged: what a deck prints when nothing else is asked for."""

    def describe(self, phases: int) -> str:
        """Describe it in a line."""
        return f"It prints the outputs of one sample, {in_phases(phases)}"

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - every measure takes them
        """Solve and print the free phase, then set each push, solve and print again."""
        called, _ = output_voltages(circuit)
        shown = called if len(called) <= _PLOTTED else []
        yield from BEGIN
        yield from ("echo", "echo free phase: the outputs in volts", "op", *read_outs(circuit))
        yield from ("set free_phase = $curplot", *_kept(shown, "free"))
        nudged = list(phases(circuit, pushes))
        for number, phase in enumerate(nudged, start=1):
            yield from ("echo", f"echo {phase.name}: the outputs in volts with {phase.what}", *phase.alter(), "op", *read_outs(circuit))
            yield from _kept(shown, f"nudged_{number}")
        if verdict := list(self.verdict(circuit)):
            yield from ("setplot $free_phase", "echo", *verdict)
        names = ["free", *(f"nudged_{number}" for number in range(1, len(nudged) + 1))]
        yield from ending(_plot(len(shown), names) if shown else ())

    def verdict(self, circuit: Circuit) -> Iterator[str]:  # noqa: ARG002 - subclasses look at its outputs
        """Write the commands that print what the outputs of the free phase mean; none by default."""
        yield from ()


def _kept(called: Sequence[str], name: str) -> Iterator[str]:
    """Keep outputs of the last analysis for a plot."""
    if called:
        yield f"set {name} = ( {' '.join(f'$&{output}' for output in called)} )"


def _plot(outputs: int, names: Sequence[str]) -> Iterator[str]:
    """Plot the outputs of each phase over their numbers."""
    yield from ("setplot new", f"compose output values {' '.join(map(str, range(outputs)))}")
    yield from (f"compose {name} values ${name}" for name in names)
    yield from ("setscale output", f"plot {' '.join(names)} pointplot xlabel output ylabel V title outputs", "setplot $free_phase")


OUTPUTS = Outputs()


def in_phases(count: int) -> str:
    """Describe in which phases something is printed, when `count` of them are nudged."""
    nudged = {0: "", 1: " and in the nudged one"}.get(count, f" and in {count} nudged ones")
    return f"in the free phase{nudged}"


class Phase(NamedTuple):
    """One nudged phase: its name, what it is in words, and the values of the sources of the nudges then, by their names.

    In the free phase `beta` and `currents` are 0, and `targets` mean nothing.
    """

    name: str
    what: str
    beta: dict[str, str]
    targets: dict[str, str]
    currents: dict[str, str]

    def alter(self) -> Iterator[str]:
        """Write the commands that bring it about."""
        yield from (f"alter {source} = {word}" for source, word in (self.beta | self.targets | self.currents).items())


def phases(circuit: Circuit, pushes: Pushes) -> Iterator[Phase]:
    """Return the nudged phases of a deck.

    Raises
    ------
    ValueError
        When a number is not finite.

    """
    nodes, outputs = NudgeNodes.of(circuit), circuit.outputs
    for number, push in enumerate(pushes, start=1):
        name = f"nudged phase {number}"
        beta, targets, currents = (np.asarray(part, dtype=np.float64) for part in push)
        b = plain(beta, f"{name}: beta")[0]
        pushed = " and ".join([f"beta {b} S towards the targets"] * bool(beta) + ["fixed currents into the outputs"] * bool(currents.any()))
        values = [
            dict(zip((f"V_{node}" for node in named), plain(np.broadcast_to(v, (len(outputs),)), f"{name}: {what}"), strict=True))
            for named, v, what in ((nodes.targets, targets, "targets"), (nodes.currents, currents, "currents"))
        ]
        yield Phase(name, pushed or "nothing", {f"V_{nodes.beta}": b}, *values)


def output_voltages(circuit: Circuit) -> tuple[list[str], list[str]]:
    """Return the names of the outputs in a deck, and the commands that compute them from the last analysis."""
    names, stem = circuit.node_names, free_stem(circuit, "yhat")
    pairs = zip(circuit.outputs.plus.tolist(), circuit.outputs.minus.tolist(), strict=True)
    called = [f"{stem}_{k}" for k in range(len(circuit.outputs))]
    return called, [f"let {name} = {voltage(names[a])} - {voltage(names[b])}" for name, (a, b) in zip(called, pairs, strict=True)]


def read_outs(circuit: Circuit) -> Iterator[str]:
    """Write the commands that print the outputs of the last analysis."""
    called, commands = output_voltages(circuit)
    yield from commands
    yield from (f"print {name}" for name in called)


def voltage(name: str) -> str:
    """Return the expression of a node's voltage."""
    return "0" if name == "0" else f"v({name})"

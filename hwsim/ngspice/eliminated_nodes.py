"""Nodes whose voltage sources and amplifiers hold: it follows from other voltages, and ngspice need not be asked for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Elements, InputSources, VoltageSources
from circuits.nodes import Nodes
from hwsim.typing import Floats


@dataclass(frozen=True, slots=True)
class Elimination:
    """Some elements of an array, `places`, each of which turns the voltage of node `source` into that of node `target`."""

    element: Any
    places: NDArray[np.intp]
    source: Nodes
    target: Nodes
    sign: float


@dataclass(frozen=True, slots=True)
class EliminatedNodes:
    """Which nodes are free, and the steps from their voltages and the inputs to all others.

    Parameters
    ----------
    free
        Nodes that only solving the circuit gives.
    fixed
        One truth a node: whether sources alone, without any free node, give its voltage.
    steps
        In order: each needs the voltages of those before it.

    """

    free: Nodes
    fixed: NDArray[np.bool_]
    steps: tuple[Elimination, ...]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip) -> Self:
        """Look at the sources and amplifiers of a circuit; those with an output resistance hold nothing."""
        determined = np.zeros(circuit.size + 1, dtype=bool)
        determined[0] = True
        holding = [e for e in circuit.of(InputSources, VoltageSources, Amplifiers) if not _resists(e, chip)]
        steps = list(_spread(holding, determined))
        fixed, free = determined.copy(), []
        reached = [e.output for e in holding if isinstance(e, Amplifiers)]
        reached += [nodes for e in circuit.of(VoltageSources) for nodes in (e.plus, e.minus)]
        later = np.isin(np.arange(circuit.size + 1), np.concatenate(reached)) if reached else np.zeros_like(determined)
        for candidates in (np.flatnonzero(~determined & ~later), *np.flatnonzero(~determined & later)[:, None]):
            unknown = candidates[~determined[candidates]]
            if len(unknown):
                free.append(unknown)
                determined[unknown] = True
                steps += _spread(holding, determined)
        return cls(np.sort(np.concatenate(free)) if free else np.zeros(0, dtype=np.intp), fixed, tuple(steps))

    def voltages(self, circuit: Circuit, chip: Chip, x: Floats, free: Floats) -> Floats:
        """Return the voltages of all nodes by number, shape (B, N + 1) [V], from features (B, I) and those of the free nodes (B, F) [V]."""
        v = np.zeros((len(x), circuit.size + 1))
        v[:, self.free] = free
        for step in self.steps:
            match step.element:
                case InputSources(name=name, feature=feature):
                    v[:, step.target] = x[:, feature[step.places]] * chip(name, "scale")[step.places] + chip(name, "offset")[step.places]
                case VoltageSources(name=name):
                    v[:, step.target] = v[:, step.source] + step.sign * chip(name, "v")[step.places]
                case Amplifiers(name=name):
                    v[:, step.target] = chip(name, "gain")[step.places] * (v[:, step.source] + chip(name, "offset")[step.places])
        return v


def _resists(element: Elements, chip: Chip) -> bool:
    return isinstance(element, Amplifiers) and bool(chip(element.name, "output_resistance").any())


def _spread(holding: Sequence[Elements], determined: NDArray[np.bool_]) -> Iterator[Elimination]:
    """Find all voltages that follow from those determined so far, and mark them in `determined`."""
    found_any = True
    while found_any:
        found_any = False
        for element in holding:
            for known_nodes, found_nodes, sign in _ways(element):
                places = np.flatnonzero(determined[known_nodes] & ~determined[found_nodes])
                if len(places):
                    found_any = True
                    determined[found_nodes[places]] = True
                    yield Elimination(element, places, known_nodes[places], found_nodes[places], sign)


def _ways(element: Elements) -> list[tuple[Nodes, Nodes, float]]:
    """List from which nodes an element's own law determines the voltage of which, and with what sign of its voltage."""
    match element:
        case InputSources(plus=plus):
            return [(np.zeros_like(plus), plus, 1.0)]
        case VoltageSources(plus=plus, minus=minus):
            return [(minus, plus, 1.0), (plus, minus, -1.0)]
        case Amplifiers(input=a, output=b):
            return [(a, b, 1.0)]
        case _:
            return []

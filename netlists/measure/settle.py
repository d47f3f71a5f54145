"""Settle: a deck that follows the voltages in time, and prints how long they take to come near to their equilibrium, free and nudged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits.capacitors import CAPACITANCE, moving_nodes, with_capacitors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.elements import Capacitors, Resistors
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.units import Farad
from netlists.measure.control import BEGIN, SILENT, DeckMeasure, Pushes, ending, phases, voltage
from netlists.text.numbers import plain
from netlists.write.names import free_stem
from netlists.write.sections import DeckSection

_NEAR = 1e-7
"""V; nearer than this the deck follows the voltages no longer."""

_LONGER = 4
"""Times longer the deck waits, when voltages are not yet so near; and _TRIES how often."""

_TRIES = 8

_TIME_CONSTANTS = 16
"""Of the node that conducts least, to begin with."""

_RISE = 1e-6
"""Share of that time in which a nudge is switched on."""

_LEAST = 1e-3
"""S; where all nodes conduct better, or nothing is known of them, this much is taken."""

_OPTIONS = ("option noinit", "option trtol=1e3")
"""No list of all nodes at time 0; and errors of steps in time that are a thousand times those of voltages, which are far smaller."""

_PLOTTED = 12
"""Most voltages that are plotted."""

_SHARES = ((0.01, "1pc"), (0.001, "01pc"))
"""Which share of the way may be left, and how that is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(DeckMeasure):
    """The time to 1 % and to 0.1 % of the equilibrium, from 0 V to the free one, and from there to each nudged one.

    The clock stops when no node is any longer further away than that share of the longest way that any node has to go.

    Parameters
    ----------
    capacitance
        From each node to ground [F]; nodes that ideal sources or amplifiers hold need none.
    slowest
        The least sum of conductances at a node [S]; it sets how long to wait at first.

    """

    capacitance: Farad = CAPACITANCE
    slowest: float = 1e-6

    def describe(self, phases: int) -> str:
        """Describe it in a line."""
        return "It prints the times that the voltages take to 1 % and to 0.1 % of their equilibrium, free" + (
            " and nudged" if phases else ""
        )

    def extended(self, circuit: Circuit, chip: Chip) -> tuple[Circuit, Chip]:
        """Return the circuit with a capacitor at each node that nothing holds and that has none.

        Raises
        ------
        CircuitError
            When the circuit is clocked: its clock alone takes time.

        """
        if is_clocked(circuit):
            msg = f"{circuit.name} is clocked: it has no time to settle but its clock's; measure it in time (--measure transient)"
            raise CircuitError(msg)
        extended = with_capacitors(circuit, self.capacitance, free_stem(circuit, "node"))
        if circuit.text is None or extended is circuit:
            return extended, chip.of(extended)
        added, nodes = extended.of(Capacitors)[-1], _moving(circuit)
        place = np.isin(added.a, nodes)
        kept = replace(added, a=added.a[place], b=added.b[place], c=added.c[place])
        extended = replace(extended, elements=(*extended.elements[:-1], kept))
        return extended, chip.of(extended)

    def control(self, circuit: Circuit, chip: Chip, sections: Sequence[DeckSection], pushes: Pushes) -> Iterator[str]:  # noqa: ARG002 - every measure takes them
        """Find each equilibrium, follow the voltages until they have come there, and look back."""
        names = [voltage(circuit.node_names[node]) for node in _moving(circuit)]
        wait = _TIME_CONSTANTS * self.capacitance / self.slowest
        first, rise = plain([wait, _RISE * wait], "settle: the time to wait")
        yield from (*BEGIN, SILENT, *_OPTIONS, f"set first = {first}")
        yield from ("echo", f"echo free phase: seconds from 0 V with {self.capacitance:g} F at each node without a capacitor of its own")
        yield from ("op", "set free = $curplot", *_way(names, "free", None), *_follow(names, "free", "free", "uic"))
        for number, phase in enumerate(phases(circuit, pushes), start=1):
            name = f"nudged_{number}"
            yield from ("echo", f"echo {phase.name}: seconds from the free equilibrium with {phase.what}")
            yield from (*phase.alter(), "op", f"set {name} = $curplot", *_way(names, name, "free"))
            on = phase.beta | phase.currents
            yield from (f"alter @{source}[pwl] = [ 0 0 {rise} {word} ]".lower() for source, word in on.items())
            yield from _follow(names, name, name, "")
        yield from ending([f"plot {' '.join(names[:_PLOTTED])}"])


def _moving(circuit: Circuit) -> Nodes:
    """Return the nodes that take time, but those inside of a diode's card in a user's deck, where nothing can be joined."""
    nodes = moving_nodes(circuit)
    return nodes if circuit.text is None else nodes[["#" not in circuit.node_names[node] for node in nodes.tolist()]]


def least_conductance(circuit: Circuit, g: Mapping[str, Any]) -> float:
    """Return the least sum of conductances at a node that moves [S]: where it takes longest to charge a capacitor."""
    total = np.zeros(circuit.size + 1)
    for array in circuit.trainable:
        values = np.asarray(g[array.name], dtype=np.float64)
        np.add.at(total, array.rows, array.row_sum(values))
        np.add.at(total, array.columns, array.column_sum(values))
    for resistors in circuit.of(Resistors):
        np.add.at(total, resistors.a, 1.0 / resistors.r)
        np.add.at(total, resistors.b, 1.0 / resistors.r)
    some = total[moving_nodes(circuit)]
    return float(some[some > 0].min(initial=_LEAST))


def _largest(names: Sequence[str], distances: Sequence[str], called: str) -> Iterator[str]:
    """Write the largest of some distances, point by point: max(a, b) = (a + b + |a − b|)/2."""
    yield f"let {called} = 0*{names[0]}"
    for distance in distances:
        yield f"let distance = abs({distance})"
        yield f"let {called} = ({called} + distance + abs({called} - distance))/2"


def _way(names: Sequence[str], to: str, begin: str | None) -> Iterator[str]:
    """Write how far the furthest node has to go."""
    yield from _largest(names, [f"{name} - {{${begin}}}.{name}" if begin else name for name in names], "way")
    yield f"let way_{to} = way"
    yield f"print way_{to}"


def _follow(names: Sequence[str], to: str, label: str, how: str) -> Iterator[str]:
    """Write the commands that follow the voltages for longer and longer, until they stand still, and print the times."""
    yield "set wait = $first"
    yield f"repeat {_TRIES}"
    yield f"tran $wait $wait {how}".rstrip()
    yield from _largest(names, [f"{name} - {{${to}}}.{name}" for name in names], "apart")
    yield from ("let end = apart[length(apart) - 1]", f"if end < {_NEAR}", "break", "end")
    yield from (f"let longer = {_LONGER}*$wait", "set wait = $&longer", "end")
    for share, called in _SHARES:
        yield f"let left = {share}*{{${to}}}.way"
        yield f"meas tran t_{called}_{label} when apart=left fall=last"
    yield f"let v_apart_{label} = end"
    yield f"print v_apart_{label}"

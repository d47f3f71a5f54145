"""What branches carry at given voltages, computed from the elements alone: out of each node, and the most in any."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from circuits.arrays import Divisible
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import VoltageControlledCurrentSources
from circuits.diode import diode_current
from circuits.elements import CurrentSources, Diodes, Elements, InputCurrents, Resistors
from circuits.nodes import Nodes
from circuits.rows import row_parts
from hwsim.core.branch_sums import BranchEnds, conductances, ends_of, incidence, peaks
from hwsim.core.protocol import Drive
from hwsim.typing import Conductances, Floats

_PART = 32
"""One conductance in so many is looked at first for the largest current: a smaller one allows less, and mostly that is enough."""

_AT_ONCE = 1 << 16
"""Products that are formed at a time: they stay in the cache."""


class Branches(NamedTuple):
    """Currents through some two-terminal branches: `i` of shape (n, B) flow from the nodes of `a` to those of `b` [A]."""

    a: BranchEnds
    b: BranchEnds
    i: Floats

    @classmethod
    def of(cls, element: Elements, i: Floats) -> Self:
        """Take the currents (B, n) of an element, from its first end to its second."""
        return cls(*ends_of(element), i.T)


def _conductances(circuit: Circuit, chip: Chip, g: Conductances, above: float) -> Floats:
    """Return those of `incidence`, (n,) [S]; resistors above a conductance count as none."""
    each = [
        _of_resistors(e, chip, above) if isinstance(e, Resistors) else e.expand(np.asarray(g[e.name], dtype=np.float64)).g
        for e in conductances(circuit)
    ]
    conductance: Floats = np.concatenate([np.zeros(0), *each])[incidence(circuit).order]
    return conductance


def _of_resistors(resistors: Resistors, chip: Chip, above: float) -> Floats:
    """Return the conductances of an array, (n,) [S], 0 where they are above some one."""
    g = np.broadcast_to(1.0 / np.asarray(chip(resistors.name, "r"), dtype=np.float64), (len(resistors),))
    return np.where(g > above, 0.0, g) if above < np.inf else g


def largest_learned(circuit: Circuit, g: Conductances, without: float) -> float:
    """Return the largest conductance that learns [S], which turns errors of sources' voltages into currents; `without` any, that."""
    return max((float(np.max(np.asarray(g[element.name]))) for element in circuit.trainable), default=without)


def largest_conductances(circuit: Circuit, chip: Chip, g: Conductances, above: float = np.inf) -> Floats:
    """Return the largest conductance that may be at each node, (N + 1,) [S]; resistors that conduct more than `above` are left out."""
    most = np.full(circuit.size + 1, largest_learned(circuit, g, 0.0))
    for e in circuit.of(Resistors):
        for nodes in e.ends:
            BranchEnds.of(nodes).combine(np.maximum, most, _of_resistors(e, chip, above))
    return most


def branches(circuit: Circuit, chip: Chip, drive: Drive, v: Floats) -> Iterator[Branches]:
    """Return the currents of all elements but conductances, divisible arrays, amplifiers, sources of voltage and ideal diodes."""
    for element in circuit.elements:
        match element:
            case Diodes(anode=a, cathode=b):
                i, _ = diode_current(v[:, a] - v[:, b], chip(element.name, "i_sat"), chip(element.name, "n"))
                yield Branches.of(element, i)
            case CurrentSources():
                yield Branches.of(element, np.broadcast_to(chip(element.name, "i"), (len(v), len(element))))
            case InputCurrents(feature=feature, name=name):
                x = np.asarray(drive.x, dtype=np.float64)[:, feature]
                yield Branches.of(element, x * chip(name, "scale") + chip(name, "offset"))
            case VoltageControlledCurrentSources(control_plus=plus, control_minus=minus):
                yield Branches.of(element, (v[:, plus] - v[:, minus]) * chip(element.name, "gm"))
    out, push = circuit.outputs, drive.push
    pushed = push.beta * (np.asarray(push.target) - (v[:, out.plus] - v[:, out.minus])) + np.asarray(push.current)
    yield Branches.of(out, np.asarray(-chip(out.name, "gain") * pushed, dtype=float))  # against the push


def _largest_current(g: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return the largest current of a single memristor, shape (B,) [A], from voltages (B, rows) and (B, columns) [V].

    No row carries more than its largest conductance times its largest drop. The row that might carry most is computed first; then
    only those are that might carry more, so that not all products are formed.
    """
    drop = np.maximum(np.abs(rows - columns.min(axis=1)[:, None]), np.abs(rows - columns.max(axis=1)[:, None]))
    bound = g.max(axis=1) * drop
    first = bound.argmax(axis=1)
    samples = np.arange(len(rows))
    largest: Floats = np.abs(g[first] * (rows[samples, first][:, None] - columns)).max(axis=1)
    sample, row = np.nonzero(bound > largest[:, None])
    at_once = max(_AT_ONCE // g.shape[1], 1)
    for k in range(0, len(sample), at_once):
        b, i = sample[k : k + at_once], row[k : k + at_once]
        np.maximum.at(largest, b, np.abs(g[i] * (rows[b, i][:, None] - columns[b])).max(axis=1))
    return largest


def _largest_of_each(a: Nodes, b: Nodes, g: Floats, v: Floats) -> Floats:
    """Return the largest current of single devices g [S] between nodes a and b, shape (B,) [A], from all voltages (B, N + 1) [V]."""
    largest, at_once = np.zeros(len(v)), max(_AT_ONCE // len(v), 1)
    for k in range(0, len(g), at_once):
        some = slice(k, k + at_once)
        np.maximum(largest, np.abs(g[some] * (v[:, a[some]] - v[:, b[some]])).max(axis=1), out=largest)
    return largest


class Flow(NamedTuple):
    """What all branches carry whose currents follow from voltages.

    Parameters
    ----------
    leaving
        The sum of their currents out of each node, shape (B, N + 1) [A].
    largest
        The largest of them, shape (B,) [A].

    """

    leaving: Floats
    largest: Floats


def flow(  # noqa: PLR0913 - a circuit, its state, and what of it to look at
    circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, every: bool, least: bool = False, above: float = np.inf
) -> Flow:
    """Add up the currents at voltages v (B, N + 1) [V]; without `every`, those of crossbars into rows that sources hold are left out.

    With `least`, the largest is that of a part of the conductances alone. Resistors that conduct more than `above` [S] are left out.
    """
    where, conductance = incidence(circuit), _conductances(circuit, chip, g, above)
    drops, part = where.drops(v.T), slice(None, None, _PART if least else 1)
    leaving = where.sums(conductance, drops).T if len(drops) else np.zeros_like(v)  # in memory as the voltages are
    largest = peaks(conductance[part, None] * drops[part])
    for a, b, other in branches(circuit, chip, drive, v):
        a.combine(np.add, leaving.T, other)
        b.combine(np.subtract, leaving.T, other)
        np.maximum(largest, peaks(other), out=largest)
    for group, i in (drive.noise or {}).items():  # no other current is compared with these, which are the largest where wires hardly resist
        BranchEnds.of(circuit.nodes(group)).combine(np.subtract, leaving.T, np.asarray(i, dtype=float).T)
    for array in (array for array in circuit.trainable if isinstance(array, Divisible)):
        values = np.asarray(g[array.name], dtype=np.float64)
        columns = v[:, array.columns]
        surplus = columns * array.column_sum(values) - array.forward(values, v[:, array.rows])
        BranchEnds.of(array.columns).combine(np.add, leaving.T, surplus.T)
        for run, part in row_parts(circuit, array):
            if every or run.source is None:
                of_part = values[run.of_g]
                surplus = v[:, run.nodes] * part.row_sum(of_part) - part.backward(of_part, columns)
                BranchEnds.of(run.nodes).combine(np.add, leaving.T, surplus.T)
        most = _largest_current(values, v[:, array.rows], columns) if array.grid else _largest_of_each(*array.expand(values), v)
        largest = np.maximum(largest, most)
    return Flow(leaving, largest)

"""Kirchhoff's current law and the co-content, computed from the elements alone: the independent check of every engine."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledVoltageSources, VoltageControlledCurrentSources, VoltageControlledVoltageSources
from circuits.diode import diode_current
from circuits.elements import (
    Amplifiers,
    CurrentSources,
    Diodes,
    Elements,
    IdealDiodes,
    Inductors,
    InputCurrents,
    InputSources,
    Resistors,
    VoltageSources,
)
from circuits.nodes import Nodes
from circuits.rows import row_parts
from hwsim.core.branch_currents import BEYOND_LAYERS, BranchCurrents, balanced
from hwsim.core.branch_sums import BranchEnds, conductances, ends_of, incidence, peaks
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.core.supernodes import sum_supernodes
from hwsim.typing import Conductances, Floats

CLAMP_TOLERANCE = 1e-9
"""V; an ideal diode counts as conducting from this far below its threshold on."""


RESIDUAL = 1e-9
"""Share of the largest branch current that the currents into a node may sum up to."""

FLOOR = 1e-15
"""A; a sum that is always allowed: in a circuit without currents there is no largest one to compare with."""

_ROUNDINGS = 8
"""Roundings of a voltage that a sum of currents may be off: those of the node and of its neighbours."""

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


class Balance(NamedTuple):
    """How well Kirchhoff's current law holds.

    Parameters
    ----------
    residual
        Largest sum of currents into a node, shape (B,) [A].
    largest
        Largest current in any branch, shape (B,) [A]: what the residual is compared with.
    rounding
        What a rounding of a node's voltage makes of the current through the largest conductance there, shape (B,) [A].

    """

    residual: Floats
    largest: Floats
    rounding: Floats

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Whether the law holds for each sample, shape (B,): but for a share of the currents, and for roundings of voltages.

        A residual that is not finite never holds, whatever the currents that overflow with it would allow.
        """
        allowed = RESIDUAL * self.largest + FLOOR + _ROUNDINGS * self.rounding
        kept: NDArray[np.bool_] = (self.residual <= allowed) & np.isfinite(self.residual)
        return kept


def by_number(circuit: Circuit, equilibrium: Equilibrium) -> Floats:
    """Lay out the voltages by node number, shape (B, N + 1) [V]; in memory sample by sample, or node by node, as the equilibrium is."""
    shape = len(np.asarray(equilibrium.residual)), circuit.size + 1
    by_node = all(np.asarray(equilibrium.v[group.name]).flags.f_contiguous for group in circuit.groups)
    v = np.zeros(shape, order="F" if by_node else "C")
    for group in circuit.groups:
        v[:, group.start : group.start + len(group)] = np.asarray(equilibrium.v[group.name], dtype=np.float64)
    return v


def _conductances(circuit: Circuit, chip: Chip, g: Conductances) -> Floats:
    """Return those of `incidence`, (n,) [S]."""
    each = [
        1.0 / chip(e.name, "r") if isinstance(e, Resistors) else e.expand(np.asarray(g[e.name], dtype=np.float64)).g
        for e in conductances(circuit)
    ]
    conductance: Floats = np.concatenate([np.zeros(0), *each])[incidence(circuit).order]
    return conductance


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
    for group, i in (drive.noise or {}).items():
        nodes = circuit.nodes(group)
        yield Branches(BranchEnds.of(np.zeros_like(nodes)), BranchEnds.of(nodes), np.asarray(i, dtype=float).T)


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
    circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, every: bool, least: bool = False
) -> Flow:
    """Add up the currents at voltages v (B, N + 1) [V]; without `every`, those of crossbars into rows that sources hold are left out.

    With `least`, the largest is that of a part of the conductances alone.
    """
    where, conductance = incidence(circuit), _conductances(circuit, chip, g)
    drops, part = where.drops(v.T), slice(None, None, _PART if least else 1)
    leaving = where.sums(conductance, drops).T if len(drops) else np.zeros_like(v)  # in memory as the voltages are
    largest = peaks(conductance[part, None] * drops[part])
    for a, b, other in branches(circuit, chip, drive, v):
        a.combine(np.add, leaving.T, other)
        b.combine(np.subtract, leaving.T, other)
        np.maximum(largest, peaks(other), out=largest)
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


def balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> Balance:
    """Verify an equilibrium against Kirchhoff's current law, whatever engine it came from.

    Sources of voltage carry what is needed: the law is summed over the nodes that they join. An ideal diode at its threshold
    carries what is needed in its forward direction.
    """
    return balance_at(circuit, chip, g, drive, by_number(circuit, equilibrium))


def balance_at(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> Balance:
    """Verify voltages by node number, (B, N + 1) [V]."""
    return _balance(circuit, chip, g, drive, v, least=False)


def holds_at(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the residuals at voltages by node number, (B, N + 1) [V], and whether the law holds: of `balance_at`, what engines need.

    What makes it hold is computed until it holds: the largest current of a part of the branches, then roundings, then all currents.
    """
    balance = _balance(circuit, chip, g, drive, v, least=True)
    doubtful = np.flatnonzero(~balance.holds)
    if len(doubtful):
        balance.rounding[doubtful] = _rounding(circuit, chip, g, v[doubtful])
    if not balance.holds.all():
        balance = balance_at(circuit, chip, g, drive, v)
    return balance.residual, balance.holds


def _balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, least: bool) -> Balance:
    every = bool(circuit.of(*BEYOND_LAYERS))  # any current may be one that is sensed
    leaving, largest = flow(circuit, chip, g, drive, v, every=every, least=least)
    rounding = np.zeros(len(v)) if least else _rounding(circuit, chip, g, v)
    if every:
        branch = balanced(circuit, chip, leaving)
        _absorb(circuit, v, branch.left)
        largest = np.maximum(largest, np.abs(branch.i).max(axis=1, initial=0.0))
        delivered = {e.name: -branch.i[:, branch.first[e.name] + np.arange(len(e))] for e in circuit.of(Amplifiers)}
        off = _source_error(circuit, chip, drive, v, delivered, branch) * _stiffness(circuit, g, 1.0)
        return Balance(np.maximum(np.abs(branch.left).max(axis=1, initial=0.0), off), largest, rounding)
    delivered = {}
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        i = delivered[amplifiers.name] = leaving[:, amplifiers.output]
        BranchEnds.of(amplifiers.input).combine(np.add, leaving.T, (chip(amplifiers.name, "back") * i).T)
        largest = np.maximum(largest, np.abs(i).max(axis=1))
    _absorb(circuit, v, leaving)
    sum_supernodes(circuit, leaving)
    off = _source_error(circuit, chip, drive, v, delivered) * _stiffness(circuit, g, 1.0)
    return Balance(np.maximum(peaks(leaving.T), off), largest, rounding)


def _rounding(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> Floats:
    """Return the largest current that a rounding of a voltage makes, shape (B,) [A]: a resistor's conductance times it."""
    most = np.full(v.shape[1], _stiffness(circuit, g, 0.0))  # the largest conductance at each node [S]
    for e in circuit.of(Resistors):
        for nodes in e.ends:
            BranchEnds.of(nodes).combine(np.maximum, most, 1.0 / chip(e.name, "r"))
    one = (most == most[0]).all()
    largest: Floats = (peaks(v.T) * most[0] if one else peaks(v.T * most[:, None])) * np.finfo(np.float64).eps
    return largest


def _absorb(circuit: Circuit, v: Floats, leaving: Floats) -> None:
    """Let ideal diodes that conduct take up their nodes' surplus."""
    for diodes in circuit.of(IdealDiodes):
        conducts = v[:, diodes.anode] - v[:, diodes.cathode] >= -CLAMP_TOLERANCE
        for nodes, forward in ((diodes.anode, -1.0), (diodes.cathode, 1.0)):
            surplus = leaving[:, nodes]
            leaving[:, nodes] = np.where(conducts & (forward * surplus > 0), 0.0, surplus)


def _source_error(
    circuit: Circuit, chip: Chip, drive: Drive, v: Floats, delivered: Mapping[str, Floats], branch: BranchCurrents | None = None
) -> Floats:
    """Return the largest error of a source's voltage, and of an ideal diode's drop, shape (B,) [V].

    `delivered` are the currents of amplifiers' outputs, each (B, n) [A], `branch` those of sources where they are known.
    """
    error = np.zeros(len(v))
    for element in circuit.elements:
        match element:
            case VoltageSources(plus=a, minus=b):
                off = v[:, a] - v[:, b] - chip(element.name, "v")
            case InputSources(plus=a, feature=feature):
                off = (
                    v[:, a] - np.asarray(drive.x, dtype=np.float64)[:, feature] * chip(element.name, "scale") - chip(element.name, "offset")
                )
            case Amplifiers(input=a, output=b):
                dropped = chip(element.name, "output_resistance") * delivered[element.name]
                off = v[:, b] + dropped - chip(element.name, "gain") * (v[:, a] + chip(element.name, "offset"))
            case VoltageControlledVoltageSources(plus=a, minus=b, control_plus=plus, control_minus=minus):
                off = v[:, a] - v[:, b] - (v[:, plus] - v[:, minus]) * chip(element.name, "gain")
            case CurrentControlledVoltageSources(plus=a, minus=b, source=source, place=place) if branch is not None:
                off = v[:, a] - v[:, b] - branch.i[:, branch.first[source] + place] * chip(element.name, "rm")
            case Inductors(a=a, b=b):
                off = v[:, a] - v[:, b]
            case IdealDiodes(anode=a, cathode=b):
                off = np.maximum(v[:, a] - v[:, b] - CLAMP_TOLERANCE, 0.0)
            case _:
                continue
        error = np.maximum(error, np.abs(off).max(axis=1, initial=0.0))
    return error


def _stiffness(circuit: Circuit, g: Conductances, without: float) -> float:
    """Return the largest single conductance [S]: what turns an error in a source's voltage into one of current; `without` any, that."""
    return max((float(np.max(np.asarray(g[element.name]))) for element in circuit.trainable), default=without)

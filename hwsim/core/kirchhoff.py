"""Kirchhoff's current law and the co-content, computed from the elements alone: the independent check of every engine."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledVoltageSources, VoltageControlledCurrentSources, VoltageControlledVoltageSources
from circuits.diode import diode_current
from circuits.elements import (
    Amplifiers,
    CurrentSources,
    Diodes,
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
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.typing import Conductances, Floats

CLAMP_TOLERANCE = 1e-9
"""V; an ideal diode counts as conducting from this far below its threshold on."""


RESIDUAL = 1e-9
"""Share of the largest branch current that the currents into a node may sum up to."""

FLOOR = 1e-15
"""A; a sum that is always allowed: in a circuit without currents there is no largest one to compare with."""

_ROUNDINGS = 8
"""Roundings of a voltage that a sum of currents may be off: those of the node and of its neighbours."""

_AT_ONCE = 1 << 16
"""Products that are formed at a time: they stay in the cache."""


class Branches(NamedTuple):
    """Currents through an array of two-terminal branches: `i` of shape (B, n) flows from node `a` to node `b` [A]."""

    a: Nodes
    b: Nodes
    i: Floats


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
        """Whether the law holds for each sample, shape (B,): but for a share of the currents, and for roundings of voltages."""
        allowed = RESIDUAL * self.largest + FLOOR + _ROUNDINGS * self.rounding
        kept: NDArray[np.bool_] = self.residual <= allowed
        return kept


def by_number(circuit: Circuit, equilibrium: Equilibrium) -> Floats:
    """Lay out the voltages by node number, shape (B, N + 1) [V]; in memory sample by sample, or node by node, as the equilibrium is."""
    shape = len(np.asarray(equilibrium.residual)), circuit.size + 1
    by_node = all(np.asarray(equilibrium.v[group.name]).flags.f_contiguous for group in circuit.groups)
    v = np.zeros(shape, order="F" if by_node else "C")
    for group in circuit.groups:
        v[:, group.start : group.start + len(group)] = np.asarray(equilibrium.v[group.name], dtype=np.float64)
    return v


def branches(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats) -> Iterator[Branches]:
    """Return the currents of all elements but divisible arrays, amplifiers, sources of voltage and ideal diodes; `v` is (B, N + 1) [V]."""
    for element in circuit.elements:
        match element:
            case Resistors(a=a, b=b):
                yield Branches(a, b, _drop(v, a, b) / chip(element.name, "r"))
            case Trainable() if not isinstance(element, Divisible):
                a, b, values = element.expand(np.asarray(g[element.name], dtype=np.float64))
                yield Branches(a, b, _drop(v, a, b) * values)
            case Diodes(anode=a, cathode=b):
                i, _ = diode_current(v[:, a] - v[:, b], chip(element.name, "i_sat"), chip(element.name, "n"))
                yield Branches(a, b, i)
            case CurrentSources(a=a, b=b):
                yield Branches(a, b, np.broadcast_to(chip(element.name, "i"), (len(v), len(a))))
            case InputCurrents(a=a, b=b, feature=feature, name=name):
                x = np.asarray(drive.x, dtype=np.float64)[:, feature]
                yield Branches(a, b, x * chip(name, "scale") + chip(name, "offset"))
            case VoltageControlledCurrentSources(a=a, b=b, control_plus=plus, control_minus=minus):
                yield Branches(a, b, (v[:, plus] - v[:, minus]) * chip(element.name, "gm"))
    out, push = circuit.outputs, drive.push
    pushed = push.beta * (np.asarray(push.target) - (v[:, out.plus] - v[:, out.minus])) + np.asarray(push.current)
    yield Branches(out.minus, out.plus, np.asarray(chip(out.name, "gain") * pushed, dtype=float))
    for group, i in (drive.noise or {}).items():
        nodes = circuit.nodes(group)
        yield Branches(np.zeros_like(nodes), nodes, np.asarray(i, dtype=float))


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


def _add(leaving: Floats, nodes: Nodes, i: Floats, *, out: bool = True) -> None:
    """Add currents (B, n) to the sums of their nodes, or subtract those that flow in; several may meet at one node."""
    nodes = np.broadcast_to(nodes, i.shape[1])
    run, change = _run(nodes), np.add if out else np.subtract
    if isinstance(run, slice):
        change(leaving[:, run], i, out=leaving[:, run])
    elif len(nodes) and np.bincount(nodes).max() == 1:
        leaving[:, nodes] = change(leaving[:, nodes], i)
    else:
        change.at(leaving.T, nodes, i.T)


def _run(nodes: Nodes) -> Nodes | slice:
    """Return a slice where node numbers rise one by one: what it takes is no copy."""
    first, last = (int(nodes[0]), int(nodes[-1])) if len(nodes) else (0, -1)
    rising = last - first == len(nodes) - 1 and np.array_equal(nodes, np.arange(first, last + 1))
    return slice(first, last + 1) if rising else nodes


def _drop(v: Floats, a: Nodes, b: Nodes) -> Floats:
    """Return the voltages (B, n) from nodes a to nodes b."""
    drop: Floats = v[:, _run(a)] - v[:, _run(b)]
    return drop


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


def flow(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, v: Floats, *, every: bool) -> Flow:
    """Add up the currents at voltages v (B, N + 1) [V]; without `every`, those of crossbars into rows that sources hold are left out."""
    leaving, largest = np.zeros_like(v), np.zeros(len(v))
    for a, b, i in branches(circuit, chip, g, drive, v):
        _add(leaving, a, i)
        _add(leaving, b, i, out=False)
        largest = np.maximum(largest, np.maximum(i.max(axis=1, initial=0.0), -i.min(axis=1, initial=0.0)))
    for array in (array for array in circuit.trainable if isinstance(array, Divisible)):
        values = np.asarray(g[array.name], dtype=np.float64)
        columns = v[:, array.columns]
        _add(leaving, array.columns, columns * array.column_sum(values) - array.forward(values, v[:, array.rows]))
        for run, part in row_parts(circuit, array):
            if every or run.source is None:
                of_part = values[run.of_g]
                _add(leaving, run.nodes, v[:, run.nodes] * part.row_sum(of_part) - part.backward(of_part, columns))
        most = _largest_current(values, v[:, array.rows], columns) if array.grid else _largest_of_each(*array.expand(values), v)
        largest = np.maximum(largest, most)
    return Flow(leaving, largest)


def balance(circuit: Circuit, chip: Chip, g: Conductances, drive: Drive, equilibrium: Equilibrium) -> Balance:
    """Verify an equilibrium against Kirchhoff's current law, whatever engine it came from.

    Sources of voltage carry what is needed: the law is summed over the nodes that they join. An ideal diode at its threshold
    carries what is needed in its forward direction.
    """
    v = by_number(circuit, equilibrium)
    every = bool(circuit.of(*BEYOND_LAYERS))  # any current may be one that is sensed
    leaving, largest = flow(circuit, chip, g, drive, v, every=every)
    if every:
        branch = balanced(circuit, chip, leaving)
        _absorb(circuit, v, branch.left)
        largest = np.maximum(largest, np.abs(branch.i).max(axis=1, initial=0.0))
        delivered = {e.name: -branch.i[:, branch.first[e.name] + np.arange(len(e))] for e in circuit.of(Amplifiers)}
        off = _source_error(circuit, chip, drive, v, delivered, branch) * _stiffness(circuit, g)
        return Balance(np.maximum(np.abs(branch.left).max(axis=1, initial=0.0), off), largest, _rounding(circuit, chip, g, v))
    delivered = {}
    for amplifiers in circuit.of(Amplifiers)[::-1]:  # what an output delivers, its input draws `back` times
        i = delivered[amplifiers.name] = leaving[:, amplifiers.output]
        _add(leaving, amplifiers.input, chip(amplifiers.name, "back") * i)
        largest = np.maximum(largest, np.abs(i).max(axis=1))
    _absorb(circuit, v, leaving)
    residual = np.abs(_over_supernodes(circuit, leaving)).max(axis=1, initial=0.0)
    off = _source_error(circuit, chip, drive, v, delivered) * _stiffness(circuit, g)
    return Balance(np.maximum(residual, off), largest, _rounding(circuit, chip, g, v))


def _rounding(circuit: Circuit, chip: Chip, g: Conductances, v: Floats) -> Floats:
    """Return the largest current that a rounding of a voltage makes, shape (B,) [A]: a resistor's conductance times it."""
    magnitude = np.abs(v)
    largest = magnitude.max(axis=1) * max((float(np.max(np.asarray(g[e.name]))) for e in circuit.trainable), default=0.0)
    if resistors := circuit.of(Resistors):
        most = np.zeros(v.shape[1])  # the largest conductance at each node [S]
        for e in resistors:
            for nodes in (e.a, e.b):
                np.maximum.at(most, nodes, 1.0 / chip(e.name, "r"))
        magnitude *= most
        largest = np.maximum(largest, magnitude.max(axis=1))
    rounded: Floats = largest * np.finfo(np.float64).eps
    return rounded


def _absorb(circuit: Circuit, v: Floats, leaving: Floats) -> None:
    """Let ideal diodes that conduct take up their nodes' surplus."""
    for diodes in circuit.of(IdealDiodes):
        conducts = v[:, diodes.anode] - v[:, diodes.cathode] >= -CLAMP_TOLERANCE
        for nodes, forward in ((diodes.anode, -1.0), (diodes.cathode, 1.0)):
            surplus = leaving[:, nodes]
            leaving[:, nodes] = np.where(conducts & (forward * surplus > 0), 0.0, surplus)


def _over_supernodes(circuit: Circuit, leaving: Floats) -> Floats:
    """Sum over nodes that sources of voltage join; what is joined to ground drops out. Shape (B, nodes or unions)."""
    sources = circuit.of(VoltageSources, InputSources, Amplifiers)
    grounded = np.zeros(circuit.size + 1, dtype=bool)
    grounded[0] = True
    floating = []
    for source in sources:
        for a, b in source.pairs:
            ends = np.broadcast_arrays(a, b)
            grounded[ends[0][ends[1] == 0]] = True
            grounded[ends[1][ends[0] == 0]] = True
            floating += [(x, y) for x, y in zip(*(e.tolist() for e in ends), strict=True) if x and y]
    if not floating:
        return leaving[:, ~grounded]
    import networkx as nx  # noqa: PLC0415 - only circuits with floating sources need it

    unions: nx.Graph[int] = nx.Graph(floating)
    sums = leaving.copy()
    for joined in nx.connected_components(unions):
        nodes = sorted(joined)
        sums[:, nodes[0]] = sums[:, nodes].sum(axis=1)
        sums[:, nodes[1:]] = 0.0
        if grounded[nodes].any():
            sums[:, nodes[0]] = 0.0
    sums[:, grounded] = 0.0
    return sums


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


def _stiffness(circuit: Circuit, g: Conductances) -> float:
    """Return the largest single conductance [S]: what turns an error in a source's voltage into one of current; 1 S where none learns."""
    return max((float(np.max(np.asarray(g[element.name]))) for element in circuit.trainable), default=1.0)

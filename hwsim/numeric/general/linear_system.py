"""The linear part of any circuit: one sparse matrix for its nodes and held currents, factorized once for all samples.

    A·u = s − C·i(p),     p = Cᵀ·u

`u` holds the voltages of all nodes but ground, then the currents of the elements that hold voltages; `s` what sources push in; `p` are
the voltages across the ports, between which all that is not linear stands, and `i` its currents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.checks import HOLDING
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, CurrentSources, InputCurrents, InputSources, Resistors, VoltageSources
from circuits.nodes import Nodes
from hwsim.core.branch_currents import columns, ends
from hwsim.core.stiff_resistors import StiffResistors
from hwsim.numeric.general.spanning_forest import SpanningForest
from hwsim.numeric.general.sums import dense, factors, summed
from hwsim.typing import Conductances, Floats


class Entries(NamedTuple):
    """Entries of a sparse matrix; several at one place add up."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    value: Floats


def conductance(a: Nodes, b: Nodes, g: Any) -> Iterator[Entries]:
    """Return the entries of conductances `g` [S] between nodes."""
    g = np.broadcast_to(np.asarray(g, dtype=np.float64), a.shape)
    for row, column, value in ((a, a, g), (b, b, g), (a, b, -g), (b, a, -g)):
        yield Entries(row, column, value)


def learned(element: Trainable, g: Conductances) -> Iterator[Entries]:
    """Return the entries of conductances that learn."""
    values = np.asarray(g[element.name], dtype=np.float64)
    a, b, each = element.expand(values)
    if not element.grid:
        yield from conductance(a, b, each)
        return
    yield Entries(a, b, -each)
    yield Entries(b, a, -each)
    for nodes, total in ((element.rows, element.row_sum(values)), (element.columns, element.column_sum(values))):
        yield Entries(nodes, nodes, total)


def given(circuit: Circuit, chip: Chip, stiff: StiffResistors) -> Iterator[Entries]:
    """Return all other entries, but for arrays that were left out as stiff resistors were looked for.

    Ground is row and column 0; behind the nodes come held currents, and then those of stiff resistors.
    """
    for element in circuit.elements:
        match element:
            case Resistors(a=a, b=b, name=name) if name in stiff.which:
                g = 1.0 / np.broadcast_to(chip(name, "r"), a.shape)
                soft = np.delete(np.arange(len(a)), stiff.which[name])
                yield from conductance(a[soft], b[soft], g[soft])
            case VoltageControlledCurrentSources(a=a, b=b, control_plus=plus, control_minus=minus):
                gm = chip(element.name, "gm")
                for row, column, value in ((a, plus, gm), (a, minus, -gm), (b, plus, -gm), (b, minus, gm)):
                    yield Entries(row, column, value)
    yield from _laws(circuit, chip)
    yield from _stiff_laws(stiff, circuit.size + 1 + columns(circuit, chip).total)


def _stiff_laws(stiff: StiffResistors, behind: int) -> Iterator[Entries]:
    """Return the entries of stiff resistors, v_a − v_b − r·i = 0, whose currents are numbered from `behind` on.

    In this form a resistance may be as small as it will: with 0 ohm it is a source of 0 V. But loops must have some: where all that
    is stiff could not drop a rounding of a volt, those that close a loop carry nothing.
    """
    currents, one = behind + np.arange(len(stiff.r)), np.ones(len(stiff.r))
    shorts = np.flatnonzero(stiff.r * stiff.limit < np.finfo(np.float64).eps)
    if len(shorts):
        size = int(max(stiff.a.max(), stiff.b.max()))
        needed = SpanningForest.of(stiff.a[shorts], stiff.b[shorts], size).edges
        one[np.delete(shorts, needed)] = 0.0
    for nodes, sign in ((stiff.a, one), (stiff.b, -one)):
        yield Entries(nodes, currents, sign)
        yield Entries(currents, nodes, sign)
    yield Entries(currents, currents, np.where(one > 0, -stiff.r, 1.0))


def eliminated_first(circuit: Circuit, chip: Chip, stiff: StiffResistors) -> tuple[Nodes, Nodes]:
    """Return nodes and currents whose rows are best exchanged: Kirchhoff's law at a node then leads to the current towards a source.

    Wires are so eliminated from their loose ends on, as resistors in series and in parallel are, and leave little else behind.
    """
    fixed = [np.zeros(1, dtype=np.intp), *(a for element in circuit.of(*HOLDING) for a, _ in element.pairs)]
    forest = SpanningForest.of(stiff.a, stiff.b, circuit.size, np.concatenate(fixed)[::-1])  # ground has no row, and counts first
    return forest.nodes, circuit.size + 1 + columns(circuit, chip).total + forest.edges


def _laws(circuit: Circuit, chip: Chip) -> Iterator[Entries]:
    """Return the entries of held currents in Kirchhoff's law, and those of the laws that the held voltages obey."""
    size = circuit.size + 1
    branch = columns(circuit, chip)
    yield Entries(branch.node, size + branch.current, branch.factor)
    for element in circuit.of(*HOLDING):
        rows = size + branch.first[element.name] + np.arange(len(element))
        a, b = ends(element)
        one = np.ones(len(element))
        yield Entries(rows, a, one)
        yield Entries(rows, b, -one)
        match element:
            case Amplifiers(input=driver):
                yield Entries(rows, driver, -chip(element.name, "gain"))
                r = chip(element.name, "output_resistance")
                if r.any():
                    yield Entries(rows, rows, -r)  # the held current flows into the output
            case VoltageControlledVoltageSources(control_plus=plus, control_minus=minus):
                yield Entries(rows, plus, -chip(element.name, "gain"))
                yield Entries(rows, minus, chip(element.name, "gain"))
            case CurrentControlledVoltageSources(source=source, place=place):
                yield Entries(rows, size + branch.first[source] + place, -chip(element.name, "rm"))


class SourceTerms(NamedTuple):
    """What sources push into the nodes and what they hold: s = fixed + by_feature·x.

    Parameters
    ----------
    fixed
        Shape (nodes and held currents,).
    by_feature
        Shape (nodes and held currents, I); sparse where it is large.

    """

    fixed: Floats
    by_feature: Any

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, stiff: StiffResistors) -> Self:
        """Collect all sources, for the rows of `given`."""
        branch = columns(circuit, chip)
        s = np.zeros(circuit.size + 1 + branch.total + len(stiff.r))
        scaled: list[tuple[NDArray[np.intp], Nodes, Floats]] = []
        for element in circuit.of(CurrentSources, InputCurrents, VoltageSources, InputSources, Amplifiers):
            if isinstance(element, CurrentSources):
                i = np.broadcast_to(chip(element.name, "i"), (len(element),))
                np.subtract.at(s, element.a, i)
                np.add.at(s, element.b, i)
                continue
            if isinstance(element, InputCurrents):
                scale, offset = (np.broadcast_to(chip(element.name, key), (len(element),)) for key in ("scale", "offset"))
                for nodes, sign in ((element.a, -1.0), (element.b, 1.0)):
                    np.add.at(s, nodes, sign * offset)
                    some = nodes > 0
                    scaled.append((nodes[some] - 1, element.feature[some], sign * scale[some]))
                continue
            rows = circuit.size + 1 + branch.first[element.name] + np.arange(len(element))
            match element:
                case VoltageSources():
                    s[rows] = chip(element.name, "v")
                case InputSources(feature=feature):
                    s[rows] = chip(element.name, "offset")
                    scaled.append((rows - 1, feature, np.broadcast_to(chip(element.name, "scale"), rows.shape)))
                case Amplifiers():
                    s[rows] = chip(element.name, "gain") * chip(element.name, "offset")
        row, feature, scale = (np.concatenate(parts) for parts in zip(*scaled, strict=True))
        return cls(s[1:], summed(scale, row, feature, (len(s) - 1, circuit.input_count)))

    def __call__(self, x: Floats) -> Floats:
        """Return all, shape (nodes and held currents, B), from features (B, I)."""
        s: Floats = np.asarray(self.by_feature @ x.T)
        s += self.fixed[:, None]
        return s


_NONE = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))

_AT_ONCE = 2**22
"""Numbers that one solve for many right sides may hold."""


@dataclass(frozen=True, slots=True)
class MNASystem:
    """A factorized circuit.

    Parameters
    ----------
    matrix, factors
        `A`, without ground, and its factors; sparse where they are large.
    ports
        `C`, in the same way, shape (rows of A, ports).
    sources
        Where `s` comes from.
    across
        How port voltages answer port currents, Cᵀ·A⁻¹·C, shape (ports, ports) [ohm].
    open_fixed, open_by_feature
        The port voltages of open ports, Cᵀ·A⁻¹·s: shapes (ports,) [V] and (ports, I) [V per unit].

    """

    matrix: Any
    factors: Any
    ports: Any
    sources: SourceTerms
    across: Floats
    open_fixed: Floats
    open_by_feature: Floats

    @classmethod
    def of(cls, parts: Sequence[Entries], ports: tuple[Nodes, Nodes], sources: SourceTerms, exchanged: tuple[Nodes, Nodes] = _NONE) -> Self:
        """Factorize a circuit of these entries, and find how the ports, from `ports[0]` to `ports[1]`, answer.

        Rows `exchanged`, one for the other, are eliminated at each other's place.

        Raises
        ------
        RuntimeError, LinAlgError
            When the matrix is singular.

        """
        row, column, value = (np.concatenate([getattr(part, name) for part in parts]) for name in Entries._fields)
        size, count = len(sources.fixed) + 1, len(ports[0])
        matrix = summed(value, row, column, (size, size))[1:, 1:]
        one, numbers = np.ones(count), np.arange(count)
        incidence = summed(np.concatenate([one, -one]), np.concatenate(ports), np.concatenate([numbers, numbers]), (size, count))[1:]
        across, fixed, by_feature = np.zeros((count, count)), np.zeros(count), np.zeros((count, sources.by_feature.shape[1]))
        system = cls(matrix, factors(matrix, *(numbers - 1 for numbers in exchanged)), incidence, sources, across, fixed, by_feature)
        for some in system.runs(count):
            answer = system.solve(dense(incidence[:, some]), transposed=True)  # Z = A⁻ᵀ·C
            across[some] = (incidence.T @ answer).T
            fixed[some] = sources.fixed @ answer
            by_feature[some] = (sources.by_feature.T @ answer).T
        return system

    def runs(self, count: int) -> Iterator[slice]:
        """Cut right sides into runs that are solved at once."""
        length = _AT_ONCE // max(self.matrix.shape[0], 1) or 1
        yield from (slice(first, min(first + length, count)) for first in range(0, count, length))

    def voltages(self, i: Floats, x: Floats | None, into: Floats | None = None, *, adjoint: bool = False) -> Floats:
        """Return `u`, shape (rows, B), where currents `i` (B, ports) flow into ports; without features x (B, I), sources are 0.

        With `adjoint`, it is the adjoint circuit's.

        `into` are further currents into the nodes, among all that stands on the right, shape (rows, B).
        """
        right = np.asarray(self.ports @ i.T)
        if x is not None:
            right += self.sources(x)
        if into is not None:
            right += into
        return self.solve(right, transposed=adjoint)

    def lay_out(self, v: Floats, i: Floats, x: Floats | None, into: Floats | None = None, *, adjoint: bool = False) -> None:
        """Write the voltages of all nodes into `v`, (N + 1, B), where currents flow as for `voltages`."""
        v[0] = 0.0
        v[1:] = self.voltages(i, x, into, adjoint=adjoint)[: len(v) - 1]

    def open(self, x: Floats, into: Floats | None = None) -> Floats:
        """Return the voltages of open ports, (B, ports) [V], for features (B, I), with currents `into` the nodes as for `voltages`."""
        voltages: Floats = x @ self.open_by_feature.T + self.open_fixed
        return voltages if into is None else voltages + (self.ports.T @ self.solve(into)).T

    def solve(self, right: Floats, *, transposed: bool = False) -> Floats:
        """Solve A·u = right, or Aᵀ·u = right, for right sides of shape (rows, B), refined once, which takes the factors' rounding away."""
        matrix, way = (self.matrix.T, "T") if transposed else (self.matrix, "N")
        u: Floats = self.factors.solve(right, way)
        u += self.factors.solve(right - matrix @ u, way)
        return u

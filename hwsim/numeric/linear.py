"""The linear part of any circuit: one sparse matrix for its nodes and held currents, factorized once for all samples.

    A·u = s − C·i(p),     p = Cᵀ·u

`u` holds the voltages of all nodes but ground, then the currents of the elements that hold voltages; `s` what sources push in; `p` are
the voltages across the ports, between which all that is not linear stands, and `i` its currents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, Crossbar, CurrentSources, InputSources, Memristors, Resistors, VoltageSources
from circuits.nodes import Nodes
from hwsim.engine import Conductances
from hwsim.held import HOLDING, columns, ends

Floats = NDArray[np.float64]

_ORDER = "MMD_AT_PLUS_A"
"""Of elimination: by the pattern of A + Aᵀ. On a crossbar of 784×100 with wires it leaves half as many entries as by that of AᵀA."""


class Entries(NamedTuple):
    """Entries of a sparse matrix; several at one place add up."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    value: Floats


def _conductance(a: Nodes, b: Nodes, g: Any) -> Iterator[Entries]:
    g = np.broadcast_to(np.asarray(g, dtype=np.float64), a.shape)
    for row, column, value in ((a, a, g), (b, b, g), (a, b, -g), (b, a, -g)):
        yield Entries(row, column, value)


def _entries(circuit: Circuit, chip: Chip, g: Conductances) -> Iterator[Entries]:
    """Give all entries; ground is row and column 0, and held currents come behind the nodes."""
    for element in circuit.elements:
        match element:
            case Resistors(a=a, b=b):
                yield from _conductance(a, b, 1.0 / chip(element.name, "r"))
            case Memristors(a=a, b=b):
                yield from _conductance(a, b, g[element.name])
            case Crossbar(rows=rows, columns=to):
                values = np.asarray(g[element.name], dtype=np.float64)
                row, column = np.repeat(rows, len(to)), np.tile(to, len(rows))
                yield Entries(row, column, -values.ravel())
                yield Entries(column, row, -values.ravel())
                yield Entries(rows, rows, values.sum(axis=1))
                yield Entries(to, to, values.sum(axis=0))
            case VoltageControlledCurrentSources(a=a, b=b, control_plus=plus, control_minus=minus):
                gm = chip(element.name, "gm")
                for row, column, value in ((a, plus, gm), (a, minus, -gm), (b, plus, -gm), (b, minus, gm)):
                    yield Entries(row, column, value)
    yield from _laws(circuit, chip)


def _laws(circuit: Circuit, chip: Chip) -> Iterator[Entries]:
    """Give the entries of held currents in Kirchhoff's law, and those of the laws that the held voltages obey."""
    size = circuit.size + 1
    held = columns(circuit, chip)
    yield Entries(held.node, size + held.current, held.factor)
    for element in circuit.of(*HOLDING):
        own = size + held.first[element.name] + np.arange(len(element))
        a, b = ends(element)
        one = np.ones(len(element))
        yield Entries(own, a, one)
        yield Entries(own, b, -one)
        match element:
            case Amplifiers(input=driver):
                yield Entries(own, driver, -chip(element.name, "gain"))
            case VoltageControlledVoltageSources(control_plus=plus, control_minus=minus):
                yield Entries(own, plus, -chip(element.name, "gain"))
                yield Entries(own, minus, chip(element.name, "gain"))
            case CurrentControlledVoltageSources(source=source, place=place):
                yield Entries(own, size + held.first[source] + place, -chip(element.name, "rm"))


def sources(circuit: Circuit, chip: Chip, x: Floats) -> Floats:
    """Give what sources push into the nodes and what they hold, shape (nodes and held currents, B), from features (B, I)."""
    held = columns(circuit, chip)
    s = np.zeros((circuit.size + 1 + held.total, len(x)))
    for element in circuit.of(CurrentSources, VoltageSources, InputSources, Amplifiers):
        if isinstance(element, CurrentSources):
            i = chip(element.name, "i")[:, None]
            np.subtract.at(s, element.a, i)
            np.add.at(s, element.b, i)
            continue
        own = circuit.size + 1 + held.first[element.name] + np.arange(len(element))
        match element:
            case VoltageSources():
                s[own] = chip(element.name, "v")[:, None]
            case InputSources(feature=feature):
                s[own] = (x[:, feature] * chip(element.name, "scale")).T
            case Amplifiers():
                s[own] = (chip(element.name, "gain") * chip(element.name, "offset"))[:, None]
    return s[1:]


@dataclass(frozen=True, slots=True)
class Linear:
    """A factorized circuit.

    Parameters
    ----------
    matrix, factors
        `A`, without ground, and its sparse LU.
    ports
        `C`, sparse, shape (rows of A, ports).
    across
        How port voltages answer port currents, Cᵀ·A⁻¹·C, shape (ports, ports) [ohm].

    """

    matrix: Any
    factors: Any
    ports: Any
    across: Floats

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, g: Conductances, ports: tuple[Nodes, Nodes], shunt: Floats) -> Self:
        """Factorize a circuit with a conductance `shunt` [S] across each port, from `ports[0]` to `ports[1]`.

        Raises
        ------
        RuntimeError
            When the matrix is singular.

        """
        from scipy.sparse import csc_array  # noqa: PLC0415 - only circuits beyond layers need it
        from scipy.sparse.linalg import splu  # noqa: PLC0415

        parts = [*_entries(circuit, chip, g), *_conductance(*ports, shunt)]
        row, column, value = (np.concatenate([getattr(part, name) for part in parts]) for name in Entries._fields)
        size = circuit.size + 1 + columns(circuit, chip).total
        whole = csc_array((value, (row, column)), shape=(size, size))
        matrix = csc_array(whole[1:, 1:])
        count = len(shunt)
        one, numbers = np.ones(count), np.arange(count)
        incidence = csc_array(
            (np.concatenate([one, -one]), (np.concatenate(ports), np.concatenate([numbers, numbers]))), shape=(size, count)
        )
        incidence = csc_array(incidence[1:, :])
        factors = splu(matrix, permc_spec=_ORDER)
        across = incidence.T @ factors.solve(incidence.toarray()) if count else np.zeros((0, 0))
        return cls(matrix, factors, incidence, np.asarray(across))

    def solve(self, right: Floats) -> Floats:
        """Solve for right sides of shape (rows, B), refined once, which takes the rounding of the factors away."""
        u: Floats = self.factors.solve(right)
        u += self.factors.solve(right - self.matrix @ u)
        return u

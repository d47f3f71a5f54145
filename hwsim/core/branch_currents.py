"""Currents of elements that hold voltages: they follow from Kirchhoff's law and from all other currents."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.checks import HOLDING
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledVoltageSources,
)
from circuits.elements import Amplifiers, Elements, Inductors
from circuits.nodes import Nodes
from circuits.passed import Passed
from hwsim.typing import Floats

BEYOND_LAYERS = (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    Inductors,
    Passed,
    VoltageControlledVoltageSources,
)
"""Circuits with any of these are balanced by solving for the currents of all these branches at once."""


class BranchIncidence(NamedTuple):
    """How the currents of the holding elements enter Kirchhoff's law: sparse entries (node, current, factor), `total` currents in all.

    `first` is the number of each array's first current. A current flows from the first terminal to the second inside the element.
    """

    node: NDArray[np.intp]
    current: NDArray[np.intp]
    factor: Floats
    first: dict[str, int]
    total: int


def ends(element: Elements) -> tuple[Nodes, Nodes]:
    """Return the nodes between which an element holds a voltage."""
    match element:
        case Amplifiers(output=output):
            return output, np.zeros_like(output)
        case _:
            return element.ends


def columns(circuit: Circuit, chip: Chip, extra: Sequence[tuple[Nodes, Nodes]] = ()) -> BranchIncidence:
    """Lay out the currents of all holding elements, with what amplifiers draw and what senses them, and of the branches `extra`."""
    nodes, currents, factors = [], [], []
    first: dict[str, int] = {}
    count = 0

    def add(node: Nodes, current: NDArray[np.intp], factor: Any) -> None:
        nodes.append(node)
        currents.append(current)
        factors.append(np.broadcast_to(np.asarray(factor, dtype=np.float64), node.shape))

    for element in circuit.of(*HOLDING):
        numbers = count + np.arange(len(element))
        first[element.name] = count
        count += len(element)
        a, b = ends(element)
        add(a, numbers, 1.0)
        add(b, numbers, -1.0)
        if isinstance(element, Amplifiers):
            add(
                element.input, numbers, -chip(element.name, "back")
            )  # the current flows into the output; the input draws what the output delivers
    for sensing in circuit.of(CurrentControlledCurrentSources):
        sensed, gain = first[sensing.source] + sensing.place, chip(sensing.name, "gain")
        add(sensing.a, sensed, gain)
        add(sensing.b, sensed, -gain)
    for a, b in extra:
        numbers = count + np.arange(len(a))
        count += len(a)
        add(a, numbers, 1.0)
        add(b, numbers, -1.0)
    none = np.zeros(0, dtype=np.intp)
    return BranchIncidence(
        np.concatenate([none, *nodes]), np.concatenate([none, *currents]), np.concatenate([np.zeros(0), *factors]), first, count
    )


class BranchCurrents(NamedTuple):
    """The currents that fit best, shape (B, currents) [A], what they leave unbalanced at the nodes, (B, N + 1) [A], and their numbers."""

    i: Floats
    left: Floats
    first: dict[str, int]


def balanced(circuit: Circuit, chip: Chip, leaving: Floats, extra: Sequence[tuple[Nodes, Nodes]] = ()) -> BranchCurrents:
    """Find the currents of the holding elements that balance the others, `leaving` the nodes, shape (B, N + 1) [A].

    Branches `extra`, from nodes to nodes, also carry what is needed. Ground balances itself.
    At nodes that Passed elements touch nothing is known, and nothing is asked.
    """
    from scipy.sparse import csc_array, diags_array  # noqa: PLC0415 - only circuits beyond layers need it
    from scipy.sparse.linalg import splu  # noqa: PLC0415

    where = columns(circuit, chip, extra)
    counts = np.ones(circuit.size + 1)
    counts[0] = 0.0
    for passed in circuit.of(Passed):
        counts[passed.nodes] = 0.0
    matrix = csc_array((where.factor, (where.node, where.current)), shape=(circuit.size + 1, where.total))
    matrix = csc_array(diags_array(counts) @ matrix)
    asked = leaving * counts
    if not where.total:
        return BranchCurrents(np.zeros((len(leaving), 0)), asked, where.first)
    normal = csc_array(matrix.T @ matrix + diags_array(np.full(where.total, _RIDGE)))
    factors = splu(normal)
    i = np.zeros((where.total, len(leaving)))
    for _ in range(_REFINEMENTS):
        i -= factors.solve(np.ascontiguousarray(matrix.T @ (asked.T + matrix @ i)))
    return BranchCurrents(i.T, asked + (matrix @ i).T, where.first)


_RIDGE = 1e-9
"""Regularisation of currents that nothing determines, as between two nodes of transistors; refinements remove its effect on others."""

_REFINEMENTS = 3

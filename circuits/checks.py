"""The checks that a Circuit makes of itself. Each names the thing, the value and the remedy."""

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.components import components
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources, VoltageControlledVoltageSources
from circuits.elements import Amplifiers, Elements, Inductors, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError, ElementError, FloatingNodesError
from circuits.nodes import Nodes
from circuits.quoting import quote_all, quoted
from circuits.topology import Topology

HOLDING: tuple[type[Elements], ...] = (
    VoltageSources,
    InputSources,
    Amplifiers,
    VoltageControlledVoltageSources,
    CurrentControlledVoltageSources,
    Inductors,
)
"""What holds the voltage between two nodes, whatever the current (an inductor at an equilibrium: 0 V)."""

SENSED: tuple[type[Elements], ...] = (
    VoltageSources,
    InputSources,
    VoltageControlledVoltageSources,
    CurrentControlledVoltageSources,
)
"""What a current can be sensed in, because ngspice can."""

MAY_BE_EMPTY: tuple[type[Elements], ...] = (InputSources, Nudges)
"""Arrays of no elements that a circuit may have: one without inputs or outputs can be solved, and not trained."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NODE = re.compile(r"[!#-&*+\-./0-9:<>?@\[\]^_a-z|~]+")
"""What a lone node may be called: anything that is one word on a card."""

_SHOWN = 4


def names(circuit: Topology) -> None:
    """Names must be unique and fit for a netlist, which ignores case."""
    for what, chosen, fit in (
        ("node group", [group.name for group in circuit.groups], _NODE),
        ("element", [element.name for element in circuit.elements], _NAME),
    ):
        for name, count in Counter(chosen).items():
            if count > 1:
                msg = f"{circuit.name}: {count} {what}s are called {quoted(name)}; give each its own name"
                raise CircuitError(msg)
            if not fit.fullmatch(name):
                msg = f"{circuit.name}: {what} {quoted(name)} must begin with a letter and hold only a-z, 0-9 and _"
                raise CircuitError(msg)
    rows = {group.name for group in circuit.groups if group.size is not None}
    odd = next((name for name in rows if not _NAME.fullmatch(name)), None)
    if odd:
        msg = f"{circuit.name}: node group {quoted(odd)} must begin with a letter and hold only a-z, 0-9 and _"
        raise CircuitError(msg)
    for group in circuit.groups:
        stem, _, number = group.name.rpartition("_")
        if stem in rows and number.isdigit():
            msg = f"{circuit.name}: node group {quoted(group.name)} clashes with a node of group {quoted(stem)}; rename one"
            raise CircuitError(msg)


def terminals(circuit: Topology) -> None:
    """Every terminal must be a node of the circuit."""
    for element in circuit.elements:
        for terminal in element.terminals:
            if terminal == "feature":
                continue
            numbers = getattr(element, terminal)
            if len(numbers) == 0 and isinstance(element, MAY_BE_EMPTY):
                continue
            if len(numbers) == 0 or numbers.min() < 0 or numbers.max() > circuit.size:
                content = "nothing" if len(numbers) == 0 else f"numbers from {numbers.min()} to {numbers.max()}"
                msg = f"{element.name}: {terminal} holds {content}; nodes are 0 (ground) to {circuit.size}"
                raise CircuitError(msg)
    element_names = {element.name for element in circuit.elements}
    for block in circuit.blocks:
        for name in block.elements:
            if name not in element_names:
                msg = f"block {block.name}: there is no element {quoted(name)}; it has {quote_all(sorted(element_names))}"
                raise CircuitError(msg)


def senses(circuit: Topology) -> None:
    """Every element that senses a current must name a source of voltage that is there."""
    wanted = [(e, e.source, int(k)) for e in circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources) for k in e.place]
    sizes = {element.name: len(element) for element in circuit.of(*SENSED)}
    for element, name, place in wanted:
        if not 0 <= place < sizes.get(name, 0):
            sources = quote_all((f"{name} ({count} of them)" for name, count in sizes.items()), "none")
            msg = f"{element.name}: senses the current of {name}[{place}]; currents can be sensed in sources of voltage: {sources}"
            raise CircuitError(msg)


def numbering(circuit: Topology) -> None:
    """Features must be numbered without gaps, and outputs be one array, where there are any; a task may `require` that there are."""
    if len(circuit.of(Nudges)) > 1:
        msg = f"{circuit.name} has {len(circuit.of(Nudges))} arrays of outputs; put all pairs into one"
        raise CircuitError(msg)
    driven = sorted({feature for source in circuit.inputs for feature in source.feature.tolist()})
    if driven and (driven[0] < 0 or driven[-1] != len(driven) - 1):
        missing = np.setdiff1d(np.arange(len(driven)), driven)[:_SHOWN].tolist()
        msg = f"{circuit.name}: features {missing} drive no source; number features from 0 without gaps"
        raise CircuitError(msg)


def source_loops(circuit: Topology) -> None:
    """Ideal voltage sources (amplifier outputs too) must not form a loop: the current in it would be undefined."""
    edges = [pair for element in circuit.of(*HOLDING) for pair in element.pairs]
    labels = components(edges, circuit.size)
    if sum(len(a) for a, _ in edges) == circuit.size - int(labels.max()):
        return  # a forest
    tree: dict[int, int] = {}

    def root(node: int) -> int:
        while tree.get(node, node) != node:
            node = tree[node]
        return node

    for element in circuit.of(*HOLDING):
        for a, b in element.pairs:
            for k, (from_, to) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
                if root(from_) == root(to):
                    ends = f"{circuit.node_names[from_]} and {circuit.node_names[to]}"
                    fault = f"closes a loop of voltage sources between {ends}; put a resistor into the loop"
                    raise ElementError(element.name, (k,), k, fault)
                tree[root(from_)] = root(to)


def islands(circuit: Topology) -> list[Nodes]:
    """List the nodes without a path to ground through elements that conduct, those that are joined together."""
    labels = components([pair for element in circuit.elements for pair in element.pairs], circuit.size)
    floating = np.flatnonzero(labels != labels[0])
    floating = floating[np.argsort(labels[floating], kind="stable")]
    begins = 1 + np.flatnonzero(np.diff(labels[floating]))
    return [nodes for nodes in np.split(floating, begins) if len(nodes)]


def ground_paths(circuit: Topology) -> None:
    """Every node needs a path to ground through elements that conduct, or its voltage is undefined."""
    floating = islands(circuit)
    if floating:
        raise FloatingNodesError(circuit.name, floating, circuit.node_names)


def conductance(element: Trainable, g: NDArray[Any]) -> None:
    """Conductances must have the element's shape and be positive and finite."""
    if g.shape != element.shape:
        msg = f"{element.name}: conductances have shape {g.shape}; the circuit's is {element.shape}"
        raise CircuitError(msg)
    bad = ~(np.isfinite(g) & (g > 0))
    if bad.any():
        index = np.unravel_index(int(np.argmax(bad)), g.shape)
        value = f"{float(g[index]):g} S"
        floor = float(np.min(element.g_min))
        msg = f"{element.name}: conductance[{', '.join(map(str, index))}] = {value} is not a positive number; g_min is {floor:g} S"
        raise CircuitError(msg)

"""The circuit as a networkx graph: of blocks, for people and layouts, or of single nodes, for graph algorithms."""

from collections import Counter

import networkx as nx
import numpy as np

from circuits.elements import Crossbar, Elements, InputSources
from circuits.nodes import Nodes
from circuits.passed import Passed
from circuits.topology import Topology


def _ends(element: Elements) -> tuple[Nodes, Nodes]:
    """Give the two terminals of each single element, a crossbar's memristors row by row."""
    if isinstance(element, Crossbar):
        return np.repeat(element.rows, len(element.columns)), np.tile(element.columns, len(element.rows))
    if isinstance(element, InputSources):
        return element.plus, np.zeros_like(element.plus)
    if isinstance(element, Passed):
        return element.pairs[0]
    a, b = (getattr(element, terminal) for terminal in element.terminals[:2])
    return a, b


def node_graph(circuit: Topology) -> "nx.MultiDiGraph[str]":
    """Single nodes joined by single elements."""
    names = circuit.node_names
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=circuit.name)
    graph.add_nodes_from(names)
    for element in circuit.elements:
        kind = type(element).__name__
        for k, (a, b) in enumerate(zip(*(end.tolist() for end in _ends(element)), strict=True)):
            graph.add_edge(names[a], names[b], element=element.name, kind=kind, index=k)
    return graph


def block_graph(circuit: Topology) -> "nx.MultiDiGraph[str]":
    """Node groups (and ground, "0") joined by element arrays; `count` says how many elements an edge stands for."""
    of_node = np.concatenate([[0], *(np.full(len(group), k) for k, group in enumerate(circuit.groups, start=1))]).astype(int)
    names = ["0", *(group.name for group in circuit.groups)]
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=circuit.name)
    graph.add_node("0", size=1)
    graph.add_nodes_from((group.name, {"size": len(group)}) for group in circuit.groups)
    for element in circuit.elements:
        if isinstance(element, Crossbar):
            rows, columns = (Counter(of_node[end].tolist()) for end in (element.rows, element.columns))
            counts = {(a, b): rows[a] * columns[b] for a in rows for b in columns}
        else:
            a, b = _ends(element)
            counts = dict(Counter(zip(of_node[a].tolist(), of_node[b].tolist(), strict=True)))
        for (a, b), count in counts.items():
            graph.add_edge(names[a], names[b], element=element.name, kind=type(element).__name__, count=count)
    return graph

"""The circuit as a networkx graph: of blocks, for people and layouts, or of single nodes, for graph algorithms."""

from collections import Counter

import networkx as nx
import numpy as np

from circuits.topology import Topology


def node_graph(circuit: Topology) -> "nx.MultiDiGraph[str]":
    """Single nodes joined by single elements."""
    names = circuit.node_names
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=circuit.name)
    graph.add_nodes_from(names)
    for element in circuit.elements:
        kind = type(element).__name__
        for k, (a, b) in enumerate(zip(*(end.tolist() for end in element.ends), strict=True)):
            graph.add_edge(names[a], names[b], element=element.name, kind=kind, index=k)
    return graph


def block_graph(circuit: Topology) -> "nx.MultiDiGraph[str]":
    """Node groups (and ground, "0") joined by element arrays; `count` is how many elements an edge stands for."""
    of_node = np.concatenate([[0], *(np.full(len(group), k) for k, group in enumerate(circuit.groups, start=1))]).astype(int)
    names = ["0", *(group.name for group in circuit.groups)]
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=circuit.name)
    graph.add_node("0", size=1)
    graph.add_nodes_from((group.name, {"size": len(group)}) for group in circuit.groups)
    for element in circuit.elements:
        counts = Counter(zip(*(of_node[end].tolist() for end in element.ends), strict=True))
        for (a, b), count in counts.items():
            graph.add_edge(names[a], names[b], element=element.name, kind=type(element).__name__, count=count)
    return graph

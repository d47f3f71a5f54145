"""Placement of single nodes in a drawing of a circuit, inputs to the left, outputs to the right."""

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import InputCurrents, InputSources, Nudges
from circuits.passed import Passed

if TYPE_CHECKING:
    import networkx as nx

_ROUNDS = 40
"""Times that nodes of a level move towards the mean of their neighbours."""


def joined(circuit: Circuit) -> "nx.Graph[int]":
    """Build the graph of single nodes without ground; conducting, controlling and amplifying elements are its edges."""
    import networkx as nx  # noqa: PLC0415 - a quarter of a second, for those alone who build graphs

    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(1, circuit.size + 1))
    for element in circuit.elements:
        if not isinstance(element, InputCurrents | InputSources | Nudges | Passed):
            graph.add_edges_from((a, b) for a, b in zip(*(end.tolist() for end in element.ends), strict=True) if a and b)
    return graph


def placed(circuit: Circuit) -> dict[int, tuple[float, float]]:
    """Place each node, x and y between 0 and 1: x by its distance from the inputs, outputs last, y near its neighbours'."""
    graph = joined(circuit)
    level = _levels(circuit, graph)
    columns: dict[int, list[int]] = {}
    for node in sorted(level):
        columns.setdefault(level[node], []).append(node)
    places = {node: (k + 1) / (len(nodes) + 1) for nodes in columns.values() for k, node in enumerate(nodes)}
    for turn in range(_ROUNDS):
        for nodes in list(columns.values())[:: 1 if turn % 2 else -1]:
            wanted = {node: np.mean([places[other] for other in graph[node]] or [places[node]]) for node in nodes}
            nodes.sort(key=lambda node: (wanted[node], node))
            places |= {node: (k + 1) / (len(nodes) + 1) for k, node in enumerate(nodes)}
    last = max(*columns, 1)
    jitter = {node: 0.22 * (1, -1, 0)[k % 3] / last for nodes in columns.values() if len(nodes) > 1 for k, node in enumerate(nodes)}
    ends = {0, last}
    return {node: (level[node] / last + (0 if level[node] in ends else jitter.get(node, 0.0)), places[node]) for node in level}


def _levels(circuit: Circuit, graph: "nx.Graph[int]") -> dict[int, int]:
    import networkx as nx  # noqa: PLC0415 - a quarter of a second, for those alone who build graphs

    inputs = [int(node) for source in circuit.inputs for node in source.driven]
    fixed = [int(node) for source in circuit.voltage_sources for node in (source.plus + source.minus) if node]
    level = dict.fromkeys(inputs, 0)
    queue = deque(inputs)
    while queue:
        node = queue.popleft()
        for other in graph[node]:
            if other not in level and other not in fixed:
                level[other] = level[node] + 1
                queue.append(other)
    outputs = {int(node) for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node} - set(inputs)
    placed_nodes = {*inputs, *fixed, *outputs}
    apart = [node for joined in nx.connected_components(graph) if placed_nodes.isdisjoint(joined) for node in joined]
    last = 1 + max((at for node, at in level.items() if node not in outputs), default=0)
    level |= dict.fromkeys(apart, 1) | dict.fromkeys(outputs, max(last, 2) if apart else last)
    for node in graph:
        if node not in level:
            near = [level[other] for other in graph[node] if other in level]
            level[node] = max(round(float(np.mean(near))) - (node in fixed), 0) if near else 0
    return level

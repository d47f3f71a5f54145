"""Crossbars formed by single trainable devices of a circuit without declared crossbars: nodes that share all neighbours."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit


class FormedCrossbar(NamedTuple):
    """Rows and columns, by node number, with a device at each crossing, and these devices: array and place, row by row."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    devices: tuple[tuple[str, int], ...]


def crossbars(circuit: Circuit) -> list[FormedCrossbar]:
    """Find the crossbars of at least two rows and two columns among single devices, the largest first; other devices are in none."""
    singles = [array for array in circuit.trainable if not array.grid]
    if not singles:
        return []
    import networkx as nx  # noqa: PLC0415 - a quarter of a second, for those alone who build graphs

    graph: nx.Graph[int] = nx.Graph()
    for element in singles:
        for k, (a, b) in enumerate(zip(*(end.tolist() for end in element.ends), strict=True)):
            if not graph.has_edge(a, b):
                graph.add_edge(a, b, device=(element.name, k))
    alike: dict[frozenset[int], list[int]] = defaultdict(list)
    for node in graph:
        alike[frozenset(graph[node])].append(node)
    result, used = list[FormedCrossbar](), set[tuple[str, int]]()
    groups = sorted(alike.items(), key=lambda one: (-len(one[0]) * len(one[1]), min(one[1])))
    for neighbours, nodes in groups:
        if len(neighbours) < 2 or len(nodes) < 2:  # noqa: PLR2004 - at least a square
            continue
        rows, columns = np.array(sorted(neighbours)), np.array(sorted(nodes))
        devices = tuple(graph.edges[row, column]["device"] for row in rows.tolist() for column in columns.tolist())
        if used.isdisjoint(devices):
            used.update(devices)
            result.append(FormedCrossbar(rows, columns, devices))
    return result

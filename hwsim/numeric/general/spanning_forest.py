"""Spanning forests: edges without a loop that join all nodes which any edges join."""

from typing import NamedTuple

import numpy as np

from circuits.nodes import Nodes


class SpanningForest(NamedTuple):
    """Nodes that an edge joins to their parent, (n,), and the numbers of these edges, (n,); roots are none of them."""

    nodes: Nodes
    edges: Nodes

    @classmethod
    def of(cls, a: Nodes, b: Nodes, size: int, roots: Nodes | None = None) -> "SpanningForest":
        """Choose edges from nodes a to nodes b, out of 0 … size; in each component one of the wanted `roots` is the root, if there are any.

        Breadth first: a wire is a branch that begins at its end.
        """
        edges = np.flatnonzero(a != b)
        if not len(edges):
            return cls(edges, edges)
        from scipy.sparse import csr_array  # noqa: PLC0415 - only where resistors are stiff
        from scipy.sparse.csgraph import breadth_first_order, connected_components  # noqa: PLC0415 - as above

        pairs = np.sort(np.column_stack([a, b])[edges], axis=1)
        pairs, first = np.unique(pairs, axis=0, return_index=True)
        edges = edges[first]
        above = size + 1  # one node more, which joins all roots
        joined = csr_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(above, above))
        label = connected_components(joined, directed=False)[1]
        wanted = np.concatenate([np.arange(above), np.zeros(0, dtype=np.intp) if roots is None else roots])
        root = np.zeros(int(label.max()) + 1, dtype=np.intp)
        root[label[wanted]] = wanted  # the last one counts
        row, column = np.concatenate([pairs, np.column_stack([root, np.full(len(root), above)])]).T
        numbers = np.concatenate([edges + 1, np.full(len(root), -1)])
        graph = csr_array((numbers, (row, column)), shape=(above + 1, above + 1))
        order, parent = breadth_first_order(graph, above, directed=False)
        nodes = order[parent[order] >= 0]
        nodes = nodes[parent[nodes] != above].astype(np.intp)
        low, high = np.minimum(nodes, parent[nodes]), np.maximum(nodes, parent[nodes])
        return cls(nodes, np.asarray(graph[low, high]).ravel().astype(np.intp) - 1)

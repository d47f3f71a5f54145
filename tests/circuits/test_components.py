"""Components: what is joined has one label, and what is not has another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from circuits.components import components


@given(st.integers(0, 30).flatmap(lambda size: st.tuples(st.just(size), st.lists(st.tuples(st.integers(0, size), st.integers(0, size))))))
def test_labels_are_those_that_scipy_finds(problem) -> None:
    """On any graph, loops and repeated edges included, both give the same labels."""
    size, edges = problem
    a, b = np.array(edges, dtype=np.intp).reshape(-1, 2).T
    adjacency = coo_array((np.ones(len(a)), (a, b)), shape=(size + 1, size + 1))
    np.testing.assert_array_equal(components([(a, b)], size), connected_components(adjacency, directed=False)[1])


def test_long_chains_and_many_edges_are_labelled() -> None:
    """Two chains of 100,000 nodes in a random order, given in two parts, are two components."""
    order = np.random.default_rng(0).permutation(200_000)
    chains = order[:100_000], order[100_000:]
    labels = components([(chain[:-1], chain[1:]) for chain in chains], len(order) - 1)
    assert [len(np.unique(labels[chain])) for chain in chains] == [1, 1]
    assert len(np.unique(labels)) == 2


def test_nodes_without_edges_are_on_their_own() -> None:
    """A node and an array of nodes may be joined, as a row to all columns of a crossbar."""
    labels = components([(np.array(0), np.array([2, 3]))], 4)
    np.testing.assert_array_equal(labels, [0, 1, 0, 0, 2])

"""Sums of branch currents at nodes: whatever their order, and in however many blocks, as they are one by one."""

import numpy as np
import pytest

from circuits.elements import Resistors
from hwsim.core.branch_sums import Ends, blocks

NODES = {"a run": [3, 4, 5, 6], "each once": [6, 1, 4], "several at one": [2, 5, 2, 0, 5, 2], "falling": [3, 2, 1], "none": []}


@pytest.mark.parametrize("change", [np.add, np.subtract, np.maximum])
@pytest.mark.parametrize("name", NODES)
def test_nodes_are_changed_as_one_by_one(name, change):
    """For currents of a batch and for one number a node."""
    nodes = np.array(NODES[name], dtype=np.intp)
    rng = np.random.default_rng(0)
    sums, values = rng.normal(size=(8, 3)), rng.normal(size=(len(nodes), 3))
    one_by_one = sums.copy()
    change.at(one_by_one, nodes, values)
    ends = Ends.of(nodes)
    np.testing.assert_array_equal(ends.at(sums), sums[nodes])
    first = sums[:, 0].copy()
    ends.combine(change, first, values[:, 0])
    ends.combine(change, sums, values)
    np.testing.assert_allclose(sums, one_by_one, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(first, sums[:, 0])


def test_blocks_are_all_of_an_element():
    """The more samples, the smaller; none is left out and none comes twice."""
    rng = np.random.default_rng(1)
    wires = Resistors(name="wires", a=np.arange(1, 1001), b=rng.integers(0, 50, 1000), r=1.0)
    counts = {}
    for samples in (1, 48, 10**6):
        parts = blocks(wires, samples)
        counts[samples] = len(parts)
        np.testing.assert_array_equal(np.concatenate([part.a.numbers for part in parts]), wires.a)
        np.testing.assert_array_equal(np.concatenate([part.b.numbers for part in parts]), wires.b)
        np.testing.assert_array_equal(np.concatenate([np.arange(1000)[part.some] for part in parts]), np.arange(1000))
    assert counts == {1: 1, 48: 2, 10**6: 1000}

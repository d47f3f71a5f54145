"""Sums of branch currents at nodes: whatever their order, as they are one by one."""

import numpy as np
import pytest

from circuits.network import Layer, Network
from hwsim.core import branch_sums
from hwsim.core.branch_sums import BranchEnds, conductances, incidence, peaks

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
    ends = BranchEnds.of(nodes)
    np.testing.assert_array_equal(ends.at(sums), sums[nodes])
    first = sums[:, 0].copy()
    ends.combine(change, first, values[:, 0])
    ends.combine(change, sums, values)
    np.testing.assert_allclose(sums, one_by_one, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(first, sums[:, 0])


@pytest.mark.parametrize("many", [0, 10**6])
def test_currents_leave_where_they_begin_and_enter_where_they_end(many, monkeypatch):
    """As matrices or not: voltages across conductances, and what currents sum up to at nodes."""
    circuit = Network(inputs=3, layers=(Layer(size=4),), outputs=2, wire_r_row=1.0, wire_r_column=2.0).compile()
    monkeypatch.setattr(branch_sums, "_MANY", many)
    where = incidence.__wrapped__(circuit)
    assert (where.matrix is None) == bool(many)
    rng = np.random.default_rng(1)
    v = rng.normal(size=(circuit.size + 1, 5))
    elements = conductances(circuit)
    a, b = (np.concatenate([element.ends[k] for element in elements])[where.order] for k in (0, 1))
    np.testing.assert_array_equal(np.sort(where.order), np.arange(len(a)))
    np.testing.assert_array_equal(where.drops(v), v[a] - v[b])
    g, drops, wanted = rng.normal(size=len(a)), rng.normal(size=(len(a), 5)), np.zeros_like(v)
    i = g[:, None] * drops
    np.add.at(wanted, a, i)
    np.subtract.at(wanted, b, i)
    np.testing.assert_allclose(where.sums(g, drops), wanted, rtol=1e-13, atol=1e-14)


def test_peaks_are_the_largest_magnitudes():
    """However many rows; NaN stays NaN, and nothing is 0."""
    rng = np.random.default_rng(2)
    for count in (0, 1, 2, 7, 20_000):
        values = rng.normal(size=(count, 3))
        for laid_out in (values, np.asfortranarray(values)):
            np.testing.assert_array_equal(peaks(laid_out), np.abs(values).max(axis=0, initial=0.0))
    values[5, 1] = np.nan
    np.testing.assert_array_equal(np.isnan(peaks(values)), [False, True, False])

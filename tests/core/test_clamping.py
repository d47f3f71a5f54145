"""Ideal diodes that join nodes: what they take from their anodes comes out at their cathodes, however many meet at a node."""

import numpy as np
import pytest

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import IdealDiodes, InputSources, Nudges, Resistors
from circuits.nodes import GROUND
from hwsim.core.kirchhoff import balance_at, by_number, holds_at
from hwsim.core.protocol import Drive
from hwsim.numeric.general.general_solver import GeneralEngine

G, X = {"m": np.full(2, 1e-5)}, np.array([[1.0, 0.2], [0.2, 1.0], [1.0, 0.999], [0.7, 0.7], [-1.0, -0.5]])


def larger_of_two(wire: float = 0.0, order: tuple[int, int] = (0, 1)) -> Circuit:
    """Join two inputs behind 100 kohm each by diodes to one load of 100 kohm, the second one's by way of a wire."""
    builder = Builder()
    x, n, out, far = (builder.group(name, size) for name, size in (("x", 2), ("n", 2), ("out", 1), ("far", 1)))
    cathodes = np.array([out[0], far[0] if wire else out[0]])
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.arange(2)),
        Memristors(name="m", a=x, b=n, g_min=1e-6, g_max=1e-4),
        IdealDiodes(name="d", anode=n[list(order)], cathode=cathodes[list(order)]),
        Resistors(name="load", a=out, b=GROUND, r=1e5),
        Resistors(name="wire", a=far, b=out, r=wire or 1.0),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    return builder.circuit("larger")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("wire", [0.0, 1e3, 1.0, 1e-3, 1e-6, 1e-9, 1e-12])
def test_diodes_that_share_a_node_conduct_as_needed(wire, order):
    """Whichever conducts, one or both, and whichever comes first: half of the larger voltage is left, or a third of the sum."""
    circuit = larger_of_two(wire, order)
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        outputs = solver.solve(G, Drive(X)).outputs(circuit)[:, 0]
    exact = np.maximum(np.maximum(X.max(axis=1) / 2, X.sum(axis=1) / 3), 0.0)
    np.testing.assert_allclose(outputs, exact, rtol=0, atol=1e-8 + 1e-5 * wire)


def test_what_a_diode_takes_comes_out_again():
    """Voltages at which each node by itself has a surplus that a diode might take are no equilibrium if these differ."""
    circuit = larger_of_two()
    chip, drive = Chip.nominal(circuit), Drive(X[:1])
    with GeneralEngine().prepare(circuit, chip) as solver:
        v = by_number(circuit, solver.solve(G, drive))
    assert balance_at(circuit, chip, G, drive, v).holds.all()
    for off in (1e-6, 0.1, -0.1):
        wrong = v.copy()
        wrong[:, [circuit.nodes("n")[0], *circuit.nodes("out"), *circuit.nodes("far")]] += off
        assert not holds_at(circuit, chip, G, drive, wrong)[1].any(), off

"""What engines ask of Kirchhoff's law: its verdict in less work is that of all currents."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.controlled import VoltageControlledVoltageSources
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND, NodeGroup
from hwsim.core.balance import Balance
from hwsim.core.kirchhoff import balance_at, by_number, holds_at
from hwsim.core.protocol import Drive
from hwsim.numeric.general.general_solver import GeneralEngine

SAMPLES = 100
LAYER = Layer(size=8, neuron=DiodePair(v_low=-0.1, v_high=0.2), amplifier=Amplifier(gain=4.0, back=0.25))


@pytest.fixture(scope="module", params=[{}, {"wire_r_row": 1.0, "wire_r_column": 2.0}], ids=["ideal wires", "wires"])
def solved(request):
    """Return a circuit's chip, conductances and features, and its voltages by node number."""
    circuit, rng = Network(inputs=12, layers=(LAYER,), outputs=3, **request.param).compile(), np.random.default_rng(0)
    chip, g = Chip.nominal(circuit), {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    drive = Drive(rng.uniform(-1, 1, (SAMPLES, circuit.input_count)))
    with GeneralEngine().prepare(circuit, chip) as solver:
        return circuit, chip, g, drive, by_number(circuit, solver.solve(g, drive))


def test_the_verdict_in_less_work_is_that_of_all_currents(solved):
    """From voltages that hold to ones that do not, and those between, where some samples do."""
    *of, v = solved
    rng, shares = np.random.default_rng(1), []
    for size in 10.0 ** np.arange(-16, -5.5, 0.5):
        off = v + rng.normal(scale=size, size=v.shape)
        off[:, 0] = 0.0
        residual, holds = holds_at(*of, off)
        whole = balance_at(*of, off)
        np.testing.assert_array_equal(holds, whole.holds)
        np.testing.assert_allclose(residual, whole.residual, rtol=1e-9)
        shares.append(holds.mean())
    assert shares[0] == 1
    assert shares[-1] == 0
    assert any(0 < share < 1 for share in shares)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
def test_a_voltage_that_overflows_holds_nowhere(solved, bad):
    """At no node, though the largest current is infinite with the residual; and a sample next to it holds."""
    circuit, chip, g, drive, v = solved
    nodes = np.arange(1, circuit.size + 1)
    off = np.repeat(v[:1], 1 + len(nodes), axis=0)  # one sample as it is, then one a node
    off[nodes, nodes] = bad
    of = circuit, chip, g, Drive(np.repeat(drive.x[:1], len(off), axis=0)), off
    with np.errstate(all="ignore"):
        assert np.flatnonzero(holds_at(*of)[1]).tolist() == [0]
        assert np.flatnonzero(balance_at(*of).holds).tolist() == [0]


def test_a_residual_that_is_not_finite_never_holds():
    """No current is large enough to allow it."""
    residual, nothing = np.array([np.inf, np.nan, 0.0, 0.0]), np.zeros(4)
    assert Balance(residual, np.array([np.inf, np.inf, np.inf, 0.0]), nothing).holds.tolist() == [False, False, True, True]


def wired(row, column, *, beyond):
    """Return a circuit with such wires, and its chip, conductances, features and voltages by node number."""
    circuit, rng = Network(inputs=12, layers=(LAYER,), outputs=3, wire_r_row=row, wire_r_column=column).compile(), np.random.default_rng(0)
    if beyond:
        copy = VoltageControlledVoltageSources(
            name="copy", plus=[circuit.size + 1], minus=GROUND, control_plus=circuit["w1"].b[:1], control_minus=GROUND, gain=2.0
        )
        group = NodeGroup("copied", 1, circuit.size + 1)
        circuit = replace(circuit, groups=(*circuit.groups, group), elements=(*circuit.elements, copy))
    chip, g = Chip.nominal(circuit), {e.name: rng.uniform(1e-6, 1e-5, e.shape) for e in circuit.trainable}
    drive = Drive(rng.uniform(-1, 1, (2, circuit.input_count)))
    with GeneralEngine().prepare(circuit, chip) as solver:
        return circuit, chip, g, drive, by_number(circuit, solver.solve(g, drive)).copy()


STIFF = [1e-3, 1e-6, 1e-10, 1e-30, 1e-100]


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("wires", [*((r, r) for r in STIFF), (1e-10, 1e-3), (1e-3, 1e-30), (1e-6, 1.0)])
def test_residuals_of_stiff_wires_are_not_the_roundings_of_their_currents(wires, beyond):
    """They are shares of the currents, as of a circuit without such wires, and engines report the same."""
    *of, v = wired(*wires, beyond=beyond)
    balance = balance_at(*of, v)
    assert balance.holds.all()
    assert (balance.residual <= 1e-9 * balance.largest).all()
    np.testing.assert_allclose(holds_at(*of, v)[0], balance.residual, rtol=1e-9, atol=1e-12 * balance.largest.min())


@pytest.mark.parametrize("r", STIFF)
@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("what", ["column", "row", "node"])
def test_roundings_of_stiff_wires_hide_nothing(r, beyond, what):
    """A column and what wires join to it, or a row and its source, 1e-8 V off as a whole, do not hold; nor does a node alone."""
    circuit, *of, v = wired(r, r, beyond=beyond)
    a, b = (end.reshape(-1, 8) for end in (circuit["w1"].a, circuit["w1"].b))
    joined = {"column": [*b[:, 2], circuit.nodes("h1")[2]], "row": [*a[2], circuit.nodes("x")[2]], "node": a[2, :1]}
    v[1, joined[what]] += 1e-8
    residual, holds = holds_at(circuit, *of, v)
    assert holds.tolist() == balance_at(circuit, *of, v).holds.tolist() == [True, False]
    assert residual[1] > 1e-15


@pytest.mark.parametrize("g_max", [1e-4, 1e-2, np.inf])
@pytest.mark.parametrize("wire", [1.0, 1e-1, 1e-3, 1e-6])
def test_what_is_stiff_follows_what_conducts(g_max, wire):
    """However much more an array might conduct, a column of an output that is 1e-7 V off as a whole does not hold."""
    circuit = Network(inputs=12, outputs=4, g_min=1e-9, g_max=g_max, wire_r_row=wire, wire_r_column=wire).compile()
    chip, rng = Chip.nominal(circuit), np.random.default_rng(0)
    g = {e.name: rng.uniform(1e-8, 2e-8, e.shape) for e in circuit.trainable}
    drive = Drive(rng.uniform(-1, 1, (2, circuit.input_count)))
    with GeneralEngine().prepare(circuit, chip) as solver:
        v = by_number(circuit, solver.solve(g, drive)).copy()
    v[1, [*circuit["w1"].b.reshape(-1, 8)[:, 2], circuit.nodes("out")[2]]] += 1e-7
    assert holds_at(circuit, chip, g, drive, v)[1].tolist() == [True, False]


@pytest.mark.parametrize("wire", [5.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-6])
@pytest.mark.parametrize("g", [1e-8, 1e-6])
def test_long_wires_hold_and_hide_nothing(wire, g):
    """Voltages along them are sums over their length: roundings that add up are no fault, and a column that is off is one."""
    circuit = Network(inputs=120, signed_inputs=False, outputs=80, differential=False, g_min=1e-9, wire_r_row=wire, wire_r_column=wire)
    circuit = circuit.compile()
    chip, rng = Chip.nominal(circuit), np.random.default_rng(0)
    values = {e.name: rng.uniform(g, 10 * g, e.shape) for e in circuit.trainable}
    drive = Drive(rng.uniform(0, 5, (4, 120)))
    with GeneralEngine().prepare(circuit, chip) as solver:
        v = by_number(circuit, solver.solve(values, drive)).copy()
    v[1, [*circuit["w1"].b.reshape(-1, 80)[:, 2], circuit.nodes("out")[2]]] += 1e-6
    assert holds_at(circuit, chip, values, drive, v)[1].tolist() == [True, False, True, True]

"""Recurrent layers: what they compile to, counted by formula, and what they refuse."""

import numpy as np
import pytest

from circuits.arrays import Memristors
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.network import Amplifier, Layer, Network, PoolLayer
from circuits.recurrence import Recurrence


def ring(**changes: object) -> Network:
    return Network(inputs=2, layers=(Layer(6, amplifier=Amplifier(), recurrence=Recurrence(**changes)),), outputs=1)


@pytest.mark.parametrize(
    ("recurrence", "devices"),
    [
        ({}, 6 * 12),
        ({"pattern": "cycle"}, 12),
        ({"pattern": "random", "fan_in": 4}, 6 * 8),
        ({"pattern": "random", "fan_in": 4, "signed": False}, 6 * 4),
        ({"pattern": "mutual", "fan_in": 2, "seed": 1}, 6 * 4),
        ({"signed": False, "back": 0.5}, 6 * 6),
    ],
)
def test_devices_are_counted_by_formula(recurrence, devices):
    """A line a column, two where lines are signed, and as many columns for each as the pattern has."""
    network = ring(**recurrence)
    circuit = network.compile()
    assert int(np.prod(circuit["r1"].shape)) == devices
    assert network.memristors == sum(int(np.prod(e.shape)) for e in circuit.trainable)


def test_a_cycle_goes_round_once():
    """The line of each column meets the next one, and that of the last the first."""
    circuit = ring(pattern="cycle", signed=False).compile()
    array = circuit["r1"]
    assert isinstance(array, Memristors)
    start, end = array.a - circuit.nodes("l1")[0], array.b - circuit.nodes("h1")[0]
    assert sorted(zip(start.tolist(), end.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]


def test_random_columns_differ_by_seed_and_have_no_line_twice():
    """Each column meets `fan_in` different lines; the same seed draws the same ones."""

    def drawn(seed: int) -> Circuit:
        return ring(pattern="random", fan_in=4, seed=seed).compile()

    start, end = Recurrence(pattern="random", fan_in=4).meets(6)
    assert len(set(zip(start.tolist(), end.tolist(), strict=True))) == 24
    assert np.bincount(end).tolist() == [4] * 6
    assert drawn(1)["r1"] == drawn(1)["r1"]
    assert drawn(1)["r1"] != drawn(2)["r1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": 0.0}, "gain = 0 must be above 0"),
        ({"leak": -1e-6}, "leak = -1e-06 must be"),
        ({"back": 0.5}, "set signed to False"),
        ({"pattern": "random", "fan_in": 0}, "fan_in = 0 must be at least 1"),
        ({"pattern": "random", "fan_in": 7}, "fan_in = 7 is more than the 6 columns"),
        ({"pattern": "star"}, "pattern"),
        ({"gain": 1e300}, "at most 1e\\+06"),
        ({"fan_in": 3}, "fan_in = 3 has no effect"),
        ({"pattern": "cycle", "seed": 3}, "seed = 3 has no effect"),
        ({"pattern": "mutual", "fan_in": 3}, "must be even"),
        ({"onward": "lines"}, "has an amplifier"),
    ],
)
def test_what_no_recurrence_has_is_refused(change, message):
    """In one line, when it is made or compiled."""
    with pytest.raises((CircuitError, ValueError), match=message):
        ring(**change).compile()


@pytest.mark.parametrize("change", [{"wire_r_row": 1.0}, {"twins": True, "signed_bias": True}])
def test_wires_and_twins_have_no_recurrence(change):
    """Neither has lines of its own."""
    with pytest.raises(CircuitError, match=r"layers\[0\] has a recurrence"):
        Network(inputs=1, layers=(Layer(2, recurrence=Recurrence()),), outputs=1, **change)


def test_columns_of_a_mutual_pattern_meet_each_other():
    """In both directions, none its own lines, and none another's twice."""
    for seed in range(3):
        start, end = Recurrence(pattern="mutual", fan_in=4, seed=seed).meets(9)
        pairs = set(zip(start.tolist(), end.tolist(), strict=True))
        assert len(pairs) == len(start)
        assert pairs == {(b, a) for a, b in pairs}
        assert all(a != b for a, b in pairs)


def test_lines_lead_on_with_both_signs():
    """Then the next crossbar has a row for each line, and devices are counted by formula; maps have none."""
    layer = Layer(6, recurrence=Recurrence(onward="lines"))
    network = Network(inputs=2, layers=(layer, layer), outputs=1)
    circuit = network.compile()
    assert [array.shape for array in circuit.trainable] == [(5, 6), (12, 6), (13, 6), (12, 6), (13, 2)]
    assert circuit["w2"].rows[:12].tolist() == [*circuit.nodes("l1"), *circuit.nodes("ln1")]
    assert network.memristors == sum(int(np.prod(e.shape)) for e in circuit.trainable)
    with pytest.raises(CircuitError, match="leads to a pool"):
        Network(inputs=2, layers=(layer, PoolLayer(size=1)), outputs=1)

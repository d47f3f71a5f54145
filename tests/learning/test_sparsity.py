"""Sparsity: which columns conduct is what their diodes do, and what an update moves is what changed."""

import json
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from cli.main import main
from hwsim.core.protocol import Drive
from hwsim.learning.sparsity import conducting, moved
from hwsim.numeric.numeric_engine import NumericEngine

NEURONS = [DiodePair(v_low=-0.02, v_high=0.02, i_sat=1e-6, n=1.0), IdealPair(v_low=-0.02, v_high=0.02)]


@pytest.mark.parametrize("neuron", NEURONS, ids=lambda neuron: neuron.kind)
def test_columns_conduct_more_the_harder_they_are_driven(neuron) -> None:
    """None does where inputs are at 0 V, all do at high voltages; linear layers are not listed."""
    network = Network(
        inputs=3,
        layers=(Layer(4, neuron=neuron, amplifier=Amplifier()), Layer(2, neuron=Linear())),
        outputs=1,
        bias=False,
        input_scale=20.0,
    )
    circuit, rng = network.compile(), np.random.default_rng(1)
    g = {e.name: rng.uniform(1e-5, 5e-5, e.shape) for e in circuit.trainable}
    g["w1"][3:] *= 1e-3  # a column follows its positive rows
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        equilibria = [solver.solve(g, Drive(np.full((5, 3), x))) for x in (0.0, 1.0)]
        shares = [conducting(circuit, solver.chip, g, one) for one in equilibria]
    assert shares == [{"h1": 0.0}, {"h1": 1.0}]


def test_one_column_of_two_conducts() -> None:
    """The slope of its diode against the memristors at it, by hand: one is far beyond its rail, and one between both."""
    network = Network(inputs=1, layers=(Layer(2, neuron=DiodePair(v_low=-0.1, v_high=0.1, i_sat=1e-9, n=1.0)),), outputs=1, bias=False)
    circuit = network.compile()
    g = {"w1": np.array([[1e-4, 1e-5], [1e-8, 1e-5]]), "w2": np.full((2, 2), 1e-7)}
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        equilibrium = solver.solve(g, Drive(np.array([[1.0]])))
        h = np.asarray(equilibrium.v["h1"])[0]
        assert h[0] > 0.2
        assert abs(h[1]) < 0.1
        assert conducting(circuit, solver.chip, g, equilibrium) == {"h1": 0.5}


def test_moved_devices_are_counted_one_by_one() -> None:
    """Of all arrays together."""
    before = {"w1": np.ones((3, 4)), "w2": np.ones(8)}
    after = {"w1": before["w1"] + np.eye(3, 4), "w2": before["w2"]}
    assert moved(before, after) == 3 / 20


def test_the_history_has_both(tmp_path: Path) -> None:
    """At the epochs that are audited; an array that does not learn is not moved, and a device that waits for whole pulses seldom is."""
    line = ["train", "iris", "--epochs", "2", "--out"]
    assert main([*line, str(tmp_path / "all")]) == 0
    assert main([*line, str(tmp_path / "one"), "--set", "training.rate=[0, 1e-6]"]) == 0
    assert main([*line, str(tmp_path / "few"), "--set", "device.preset=ecram", "--set", "training.rate=1e-8"]) == 0
    folders = [tmp_path / name for name in ("all", "one", "few")]
    last = [json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1]) for folder in folders]
    devices = 72, 54
    assert last[0]["moved"] > 0.9
    assert last[1]["moved"] <= devices[1] / sum(devices)
    assert last[2]["moved"] < 0.5 * last[0]["moved"]
    assert all(0 <= row["conducting_h1"] <= 1 for row in last)
    assert [json.loads((folder / "summary.json").read_text())["moved"] for folder in folders] == [row["moved"] for row in last]

"""Circuits with convolutions are trained and kept as any others."""

from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import Drive
from hwsim.experiment.loading import load
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.runs import train
from hwsim.runs.loaded import load_model
from hwsim.runs.start import new_run
from support.reading import read_deck


def test_a_convolution_learns_digits(tmp_path: Path) -> None:
    """Ten times better than chance in two epochs; as a list of resistors, the deck of the run has the same outputs."""
    experiment = load("conv-digits", ["training.epochs=2"])
    trained = train.train(new_run(experiment, tmp_path / "run"), lambda _: None)
    assert trained.summary["test_error"] < 0.1
    assert trained.summary["memristors"] == 19 * 128 + 129 * 20
    model = load_model(str(tmp_path / "run"), ())
    assert {name: values.shape for name, values in model.g.items()} == {"w1": (19, 8), "w2": (129, 20)}
    deck = read_deck(tmp_path / "run" / "circuit.cir")
    x, outputs = np.random.default_rng(0).uniform(0, 1, (1, 64)), []
    for circuit, g in ((model.circuit, model.g), (deck.circuit, deck.g)):
        with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
            outputs.append(solver.solve(g, Drive(x)).outputs(circuit))
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=0, atol=1e-8)
    assert len(deck.g["w1"]) == pytest.approx(19 * 128)

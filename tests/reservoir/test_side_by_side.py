"""Chips of a reservoir that run side by side are what each is by itself."""

import numpy as np
import pytest

from hwsim.experiment.experiment import make
from hwsim.reservoir import side_by_side
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.side_by_side import states_of
from hwsim.session import Session
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.variation_settings import VariationSettings

X = np.random.default_rng(0).uniform(-1, 1, (2, 15, 2))


@pytest.mark.parametrize(
    ("settings", "within"), [({"leak": 0.6, "family": "deep", "layers": 2}, 1e-12), ({"dynamics": "continuous", "leak": 0.5}, 2e-6)]
)
def test_chips_side_by_side_are_those_one_by_one(settings, within, monkeypatch):
    """Whatever differs from chip to chip: conductances, diodes, rails and the offsets of converters; however many are one program.

    Continuous ones are so within what halving their steps changes, as these are short enough for all.
    """
    design = ReservoirSettings(nodes=8, fan_in=3, mismatch=0.05, **settings)
    chips = [
        Reservoir(design, 2, VariationSettings(chip=chip, diode_i_sat=0.2, rails=0.01, dac_offset=0.01, dac_bits=6, dac_full_scale=0.5))
        for chip in range(3)
    ]
    alone = [chip.run(X).states for chip in chips]
    together = states_of(chips, X)
    np.testing.assert_allclose(together, alone, atol=within)
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    monkeypatch.setattr(side_by_side, "_MOST", 2 * X.shape[0] * X.shape[1] * 8)
    np.testing.assert_allclose(states_of(chips, X), alone, atol=within)


@pytest.mark.parametrize("data", ["henon", "sines"])
def test_sessions_whose_chips_ran_together_have_the_data_of_each(data):
    """Of series and of sequences, with the noise of each chip."""
    size = {"henon": 1, "sines": 3}[data]
    table = {
        "name": "chips",
        "reservoir": {"nodes": 6, "family": "cycle", "mismatch": 0.05, "noise": 1e-3, "washout": 10},
        "blocks": [{"kind": "digital", "layers": [{"kind": "dense", "size": size}], "optimizer": {"kind": "ridge"}}],
        "data": {"name": data, **({"task": "regression", "length": 60} if data == "henon" else {})},
        "training": {"epochs": 1, "precision": "float64"},
    }
    together, alone = (Session.of(make(table, "test")) for _ in range(2))
    together.source.run_together([together.on_chip(chip).experiment.variation for chip in range(3)])
    for chip in range(3):
        ran, single = (one.on_chip(chip).data for one in (together, alone))
        np.testing.assert_allclose(ran.x_train, single.x_train, atol=1e-12)
        np.testing.assert_allclose(ran.x_test, single.x_test, atol=1e-12)
    assert np.abs(together.on_chip(0).data.x_test - together.on_chip(1).data.x_test).max() > 1e-3

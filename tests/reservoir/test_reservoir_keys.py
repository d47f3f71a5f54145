"""Every key of a reservoir changes what a read-out learns from."""

import numpy as np
import pytest

from hwsim.experiment.experiment import make
from hwsim.session import Session
from hwsim.settings.reservoir_settings import ReservoirSettings

BASE = {"nodes": 8, "fan_in": 4, "leak": 0.7, "washout": 20, "noise": 0.0}

OTHER = {
    "nodes": {"nodes": 10},
    "family": {"family": "cycle"},
    "dynamics": {"dynamics": "continuous"},
    "fan_in": {"fan_in": 3},
    "input_fan_in": {"input_fan_in": 2},
    "layers": {"family": "deep", "layers": 2},
    "spectral_radius": {"spectral_radius": 0.5},
    "leak": {"leak": 0.5},
    "input_scale": {"input_scale": 0.3},
    "bias": {"bias": 0.1},
    "v_bias": {"v_bias": 0.5},
    "clamp": {"clamp": 0.1},
    "i_sat": {"i_sat": 1e-6},
    "leak_conductance": {"leak_conductance": 1e-5},
    "bits": {"leak": 1.0, "bits": 4},
    "g_low": {"g_low": 2e-7},
    "g_high": {"g_high": 2e-5},
    "mismatch": {"mismatch": 0.02},
    "noise": {"noise": 1e-3},
    "washout": {"washout": 30},
    "seed": {"seed": 1},
    "gains": {"gains": [1.5] * 8, "biases": [0.1] * 8},
    "biases": {"gains": [1.0] * 8, "biases": [-0.2] * 8},
}
"""Another value of each key, with what it needs."""

NEVER = {
    "capacitance": "of a clocked state only the shares count, of a continuous one the time of a row follows it",
    "reads": "of sequences",
}
"""Keys without effect on the states of a series, and why: what `reads` does to sequences, tests/data/test_series.py and vowels show."""


def features(**reservoir):
    """Return the training set of Hénon's map behind a reservoir."""
    readout = {"kind": "digital", "layers": [{"kind": "dense", "size": 3}], "optimizer": {"kind": "ridge"}}
    table = {
        "name": "small",
        "reservoir": BASE | reservoir,
        "blocks": [readout],
        "data": {"name": "lorenz", "task": "regression", "length": 90},
        "training": {"epochs": 1, "precision": "float64"},
    }
    return Session.of(make(table, "test")).data.x_train


def test_every_key_is_listed():
    """No key is without a law."""
    assert set(OTHER) | set(NEVER) == set(ReservoirSettings.model_fields)


@pytest.fixture(scope="module")
def usual():
    return features()


@pytest.mark.parametrize("key", OTHER)
def test_another_value_changes_the_states(key, usual):
    """What stands behind it sees other features."""
    other = features(**OTHER[key])
    assert other.shape != usual.shape or np.abs(other - usual).max() > 1e-6

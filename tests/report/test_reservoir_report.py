"""Reports of runs with a reservoir: its states, its spectrum, and what the read-out remembers."""

import numpy as np
import pytest

from hwsim.experiment.experiment import make
from hwsim.learning.predictions import Predictions
from hwsim.report.reservoir_pictures import memory_of
from hwsim.report.run_files import read_run
from hwsim.report.run_section import run_section
from hwsim.reservoir.measures import state_entropy
from hwsim.runs.start import new_run
from hwsim.runs.train import train
from hwsim.session import Session
from hwsim.settings.sections import DataSettings

READS = 4


def experiment(targets, reservoir, **data):
    """Return a small one whose read-out is solved."""
    block = {"kind": "digital", "layers": [{"kind": "dense", "size": targets}], "optimizer": {"kind": "ridge"}}
    keys = {"reservoir": reservoir, "blocks": [block], "data": data, "training": {"epochs": 1, "precision": "float64"}}
    return make(keys, "small")


def read(experiment, folder):
    """Return the record of a training, and its section of a page."""
    train(new_run(experiment, folder), lambda _: None)
    record = read_run(str(folder))
    return record, run_section(record, "run-1")


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """Train a ring of ten columns that remembers five rows."""
    reservoir = {"nodes": 10, "family": "cycle", "leak": 0.7, "washout": 20}
    data = {"name": "memory", "task": "regression", "error": "nrmse", "horizon": 5, "length": 150}
    return read(experiment(5, reservoir, **data), tmp_path_factory.mktemp("runs") / "memory")


def test_a_page_shows_states_read_out_spectrum_and_memory(memory):
    """With the numbers of its summary, and of the states that the read-out got."""
    record, section = memory
    gallery = next(one for one in section.galleries if one.title == "Reservoir")
    assert [one.name for one in gallery.pictures] == ["run-1-states", "run-1-read-out", "run-1-spectrum", "run-1-memory"]
    facts, data = dict(section.facts), Session.of(record.experiment).data
    np.testing.assert_array_equal(record.reservoir.read, data.x_test)
    assert facts["test NRMSE of the inputs alone"] == f"{record.summary['test_inputs_alone']:.4g}"
    assert facts["entropy of its states"] == f"{state_entropy(data.x_test):.2f} nats"
    assert facts["rank of its states above their noise"] == "10 of 10"
    assert section.about.startswith("Behind a clocked reservoir of 10 columns (cycle):")


def test_the_spectrum_of_a_ring_is_a_circle(memory):
    """Its radius is the spectral radius that the settings ask for, and its eigenvalues are roots of one number."""
    eigenvalues = memory[0].reservoir.eigenvalues
    radius = memory[0].experiment.reservoir.spectral_radius
    assert np.abs(eigenvalues).max() == pytest.approx(radius)
    np.testing.assert_allclose(eigenvalues**10, np.prod(eigenvalues) * -1, rtol=1e-6)


def test_memory_is_what_a_read_out_finds():
    """All of each input where it is exact, whatever its scale, nothing where it is constant; other tasks have none."""
    true = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    predicted = np.stack([2 * true[:, 0] + 1, -true[:, 1], np.zeros(50)], axis=1)
    shared = memory_of(Predictions(("a", "b", "c"), true, predicted), DataSettings(name="memory", task="regression"))
    np.testing.assert_allclose(shared, [1, 1, 0])
    assert memory_of(Predictions(("a",), true, true), DataSettings(name="henon", task="regression")) is None


def test_a_page_of_sequences_shows_where_they_are_read(tmp_path):
    """Its picture follows one sequence up to its last row, through the states that the read-out gets of it."""
    reservoir = {"nodes": 6, "family": "cycle", "reads": READS, "noise": 0.0}
    record, section = read(experiment(3, reservoir, name="sines"), tmp_path / "sines")
    states = record.reservoir
    assert states.reads == [9, 19, 29, 39]
    np.testing.assert_allclose(states.followed[states.reads], states.read[:READS], atol=1e-12)
    gallery = next(one for one in section.galleries if one.title == "Reservoir")
    assert [one.name for one in gallery.pictures] == ["run-1-states", "run-1-spectrum"]

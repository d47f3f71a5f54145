"""A run with a reservoir: states in place of features, a read-out that is solved or learnt behind them, on any chip."""

import json

import numpy as np
import pytest

from hwsim.experiment.experiment import ExperimentError, make
from hwsim.files.raw import DataError
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.runs.start import new_run
from hwsim.runs.train import train
from hwsim.session import Session

RIDGE = {"kind": "digital", "layers": [{"kind": "dense", "size": 1}], "optimizer": {"kind": "ridge"}}
TABLE = {
    "name": "small",
    "reservoir": {"nodes": 10, "family": "cycle", "leak": 0.7, "washout": 20},
    "blocks": [RIDGE],
    "data": {"name": "henon", "task": "regression", "error": "nrmse", "length": 150},
    "training": {"epochs": 1, "precision": "float64"},
}


def changed(section, **values):
    """Return an experiment with other values of a section."""
    return make(TABLE | {section: TABLE[section] | values}, "test")


@pytest.fixture(scope="module")
def session():
    return Session.of(make(TABLE, "test"))


def learnt(session):
    """Return what a session's training leaves."""
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        return trainer.g(last.state), last.record


def test_features_are_the_states_of_one_run(session):
    """The test set begins where the training set ends; each has noise of its own, and the washout is not learnt from."""
    raw, data, reservoir = session.source.data, session.data, session.reservoir
    states = reservoir.run(np.concatenate([raw.x_train, raw.x_test])[None]).states[0]
    assert data.x_train.shape == (100, 10)
    assert np.abs(np.concatenate([data.x_train, data.x_test]) - states[20:]).max() < 6 * 2e-5
    np.testing.assert_array_equal(data.y_train, raw.y_train[20:])


def test_the_read_out_is_ridge_regression_of_the_states(session):
    """Its error on the test set is that of the same regression by hand, and of recursive least squares with its penalty."""
    _, record = learnt(session)
    data, task = session.data, session.task
    read = RidgeReadout.fit(data.x_train, np.asarray(task.train.y))
    error = read(data.x_test) - np.asarray(task.test.y)
    assert record["test_error"] == pytest.approx(np.sqrt((error**2).mean()) / np.asarray(task.test.y).std(), rel=1e-6)
    rls = make(TABLE | {"blocks": [RIDGE | {"optimizer": {"kind": "rls", "penalty": read.penalty}}]}, "rls")
    g, _ = learnt(Session.of(rls, data=None))
    same = RidgeReadout.fit(data.x_train, np.asarray(task.train.y), read.penalty)
    np.testing.assert_allclose(g["b1_0.weight"][0] * same.spread, same.weights[:, 0], rtol=1e-4, atol=1e-6 * np.abs(same.weights).max())


def test_a_run_reports_its_baseline(tmp_path, session):
    """The error of the inputs alone, in the summary; Hénon's map needs the value before, which the reservoir remembers."""
    summary = train(new_run(session.experiment, tmp_path / "run"), lambda _: None).summary
    assert summary["test_error"] < 0.8 * summary["test_inputs_alone"]
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["test_inputs_alone"] == summary["test_inputs_alone"]


def test_a_crossbar_reads_states_too():
    """A circuit behind a reservoir learns as any other, from features that are the states in volts."""
    table = {key: value for key, value in TABLE.items() if key != "blocks"}
    circuit = {"inputs": 10, "outputs": 1, "input_scale": 4.0}
    one = Session.of(make(table | {"circuit": circuit, "training": {"epochs": 2, "batch": 20}}, "circuit"))
    _, record = learnt(one)
    assert np.isfinite(record["test_error"])
    assert not one.on_chip(1).alike(learning=False), "the noise of states is another one on each chip"


def test_sequences_are_read_at_some_of_their_rows():
    """The last one and others before, evenly."""
    reservoir = {"nodes": 6, "family": "cycle", "reads": 4, "noise": 0.0}
    block = RIDGE | {"layers": [{"kind": "dense", "size": 3}]}
    training = TABLE["training"]
    one = Session.of(make({"reservoir": reservoir, "blocks": [block], "data": {"name": "sines"}, "training": training}, "sines"))
    raw = one.source.data
    states = one.reservoir.run(raw.x_test[:2].reshape(2, 40, 1)).states
    np.testing.assert_allclose(one.data.x_test[:2], states[:, [9, 19, 29, 39]].reshape(2, -1), atol=2e-6)
    assert learnt(one)[1]["test_error"] <= 1


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("reservoir", {"washout": 119}, "washout = 119 leaves nothing of the 120 rows"),
        ("reservoir", {"reads": 2}, "reads = 2: real targets belong to each row"),
        ("reservoir", {"family": "random", "fan_in": 20}, "fan_in = 20 is more than the 10 nodes"),
        ("data", {"length": 1}, "greater than or equal to 2"),
        ("data", {"seed": 1, "name": "laser", "length": None}, "data.seed = 1 is for"),
        ("data", {"denoise": 0.1}, "its states stay; omit them"),
        ("training", {"epochs": 2}, "training.epochs = 2; set it to 1"),
        ("training", {"precision": "float32"}, "set it to 'float64'"),
    ],
)
def test_what_no_reservoir_takes_is_refused(section, values, message):
    """In one line, with what to change."""
    with pytest.raises((ExperimentError, DataError), match=message) as error:
        _ = Session.of(changed(section, **values)).data
    assert "\n" not in str(error.value)


def test_data_without_rows_are_refused():
    """A reservoir takes series, and images row by row."""
    block = RIDGE | {"layers": [{"kind": "dense", "size": 3}]}
    with pytest.raises(DataError, match="its samples have no rows"):
        _ = Session.of(
            make({"reservoir": {"nodes": 8}, "blocks": [block], "data": {"name": "iris"}, "training": TABLE["training"]}, "x")
        ).data


def test_converters_are_in_front_and_behind():
    """Inputs of few voltages drive the reservoir, and its states are read as few voltages; a circuit is driven by the states themselves."""
    bits = {"dac_bits": 3, "dac_full_scale": 0.9, "adc_bits": 4, "adc_full_scale": 0.14}
    table = TABLE | {"variation": bits}
    digital = Session.of(make(table, "digital"))
    read = np.concatenate([digital.data.x_train, digital.data.x_test])
    np.testing.assert_allclose(read / 0.02, np.round(read / 0.02), atol=1e-9)
    assert len(np.unique(np.round(read / 0.02))) > 5
    volts = 0.5 * digital.source.data.x_train[:, 0]
    driven = np.clip(np.round(volts / 0.3), -3, 3) * 0.3 / 0.5
    plain = Session.of(make(TABLE, "plain")).reservoir
    wanted = plain.run(driven[None, :, None]).states
    np.testing.assert_allclose(digital.reservoir.run(digital.source.data.x_train[None]).states, wanted, atol=1e-12)
    circuit = {"circuit": {"inputs": 10, "outputs": 1}, "training": {"epochs": 1}}
    behind = Session.of(make({key: value for key, value in table.items() if key != "blocks"} | circuit, "circuit"))
    states = np.concatenate([behind.data.x_train, behind.data.x_test])
    assert np.abs(np.clip(states, -0.14, 0.14) - read).max() < 0.0101
    assert np.abs(states / 0.02 - np.round(states / 0.02)).max() > 0.4

"""Pretraining: stages that reconstruct, then the whole circuit; a run that is interrupted anywhere ends in the same bits."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.main import main
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.experiment.pretraining import stages
from hwsim.learning import epochs
from hwsim.report.run_files import read_run
from hwsim.runs import epoch_loop
from hwsim.runs.open_run import PRETRAINING
from hwsim.runs.start import new_run, resumed_run
from hwsim.runs.train import train
from hwsim.session import Session

EXPERIMENT = """\
name = "staged"
[circuit]
inputs = 4
outputs = 3
input_scale = 0.2
[[circuit.layers]]
size = 5
amplifier = { gain = 4.0, back = 0.25 }
[[circuit.layers]]
size = 3
neuron = { kind = "linear" }
[data]
name = "iris"
scaling = "standard"
train_limit = 40
[training]
beta = 1e-8
batch = 20
epochs = 2
rate = [1e-6, 2e-6, 3e-6]
[[pretraining]]
layers = 1
epochs = 2
settings = ["data.denoise=0.1", "circuit.layers[0].neuron.v_high=0.3"]
[[pretraining]]
layers = 2
epochs = 1
"""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    file = tmp_path_factory.mktemp("experiment") / "staged.toml"
    file.write_text(EXPERIMENT)
    return load(str(file))


@pytest.fixture(scope="module")
def whole(staged: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train without a stop."""
    return train(new_run(staged, tmp_path_factory.mktemp("runs") / "whole"), lambda _: None).folder.path


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def test_each_stage_keeps_what_the_one_before_learned(staged: Experiment, whole: Path) -> None:
    """Arrays of earlier stages stay, bit for bit; the whole circuit begins with them, and its last array is drawn."""
    first, second, start = (arrays(whole / name) for name in ("pretraining-1.npz", "pretraining-2.npz", "start.npz"))
    np.testing.assert_array_equal(first["state/g/w1"], second["state/g/w1"])
    assert set(start) == {"w1", "w2"}
    drawn = Session.of(staged).begun()
    assert (start["w1"] != drawn["w1"]).all()
    begun = read_run(str(whole)).before
    np.testing.assert_array_equal(begun["w1"], first["state/g/w1"])
    np.testing.assert_array_equal(begun["w2"], second["state/g/w2"])
    np.testing.assert_array_equal(begun["w3"], drawn["w3"])


def test_the_history_names_the_stages(whole: Path) -> None:
    """A line an epoch and stage, with the error of the reconstruction; the metrics are those of the training alone."""
    rows = [json.loads(line) for line in (whole / "pretraining.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["epoch"]) for row in rows] == [(1, 1), (1, 2), (2, 1)]
    assert rows[1]["loss"] < rows[0]["loss"]
    assert all(row["test_r2"] <= 1 for row in rows)
    assert len((whole / "metrics.jsonl").read_text().splitlines()) == 2
    (caption,) = [table.caption for table in _tables(whole) if "stage" in table.header]
    assert caption == "Pretraining"


def _tables(folder: Path):
    from hwsim.report.run_section import run_section  # noqa: PLC0415 - for one test

    return run_section(read_run(str(folder)), "run-1").tables


@pytest.mark.parametrize("stop", [0, 3, 5, 7])
def test_a_run_that_was_interrupted_ends_in_the_same_bits(staged: Experiment, whole: Path, tmp_path: Path, monkeypatch, stop: int) -> None:
    """After any update of any stage, resumed runs have the conductances, checkpoints and histories of the whole one."""
    for name in ("EPOCH_SECONDS", "CHECKPOINT_SECONDS"):
        monkeypatch.setattr(epoch_loop, name, -1.0)
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-9)
    seen = iter(range(100))

    def interrupt(_: object) -> None:
        if next(seen) == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_run(staged, tmp_path / "part"), interrupt)
    train(resumed_run(staged, tmp_path / "part"), lambda _: None)
    for file in ("weights.npz", "start.npz", "pretraining-1.npz", "pretraining-2.npz"):
        ours, theirs = arrays(tmp_path / "part" / file), arrays(whole / file)
        for name in set(theirs) - {"rows", "state/seconds"}:
            np.testing.assert_array_equal(ours[name], theirs[name])
    counts = [len((folder / "pretraining.jsonl").read_text().splitlines()) for folder in (tmp_path / "part", whole)]
    assert counts[0] == counts[1]


def test_a_stage_is_an_autoencoder_of_the_first_layers(staged: Experiment) -> None:
    """Its outputs repeat the inputs, by the squared error; its settings, and arrays that stay, are its own."""
    first, second = stages(staged)
    assert (first.circuit.outputs, len(first.circuit.layers), first.training.rate) == (4, 1, (1e-6, 3e-6))
    assert (second.training.rate, second.training.epochs, second.data.denoise) == ((0.0, 2e-6, 3e-6), 1, 0.0)
    assert (first.circuit.layers[0].neuron.v_high, first.data.denoise) == (0.3, 0.1)
    assert first.training.loss.kind == "squared-error"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["pretraining[1].layers=3"], r"pretraining\[1\]\.layers = 3, and the circuit has 2"),
        (['pretraining[0].settings=["data.seed=3"]'], r"data\.seed=3 is no setting of a stage"),
        (['pretraining[0].settings=["training.epochs=3"]'], r"training\.epochs=3 is no setting of a stage"),
        (['pretraining[0].settings=["circuit.layer=3"]'], r"circuit\.layer"),
    ],
)
def test_stages_that_cannot_be_are_refused_in_a_line(staged: Experiment, tmp_path: Path, settings: list[str], message: str) -> None:
    """Before there is a folder."""
    from hwsim.experiment.overriding import override  # noqa: PLC0415 - for one test

    with pytest.raises(ExperimentError, match=message):
        train(new_run(override(staged, settings), tmp_path / "none"), lambda _: None)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("line", ["sweep {} --out new.db", "tune {} --out new.toml", "train staged.toml --folds 3 --out new.db"])
def test_other_commands_refuse_it_before_they_write(tmp_path: Path, capsys, monkeypatch, line: str) -> None:
    """One line, and no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "staged.toml").write_text(EXPERIMENT)
    assert main(line.format("staged.toml --vary training.batch=8,16").split()) == 2
    assert "staged is pretrained by hwsim train alone" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["staged.toml"]


def test_nothing_else_trains_what_is_to_be_pretrained(staged: Experiment, whole: Path) -> None:
    """A line names what does; from what a run's stages left, every training may start."""
    session = Session.of(staged)
    with session.training_solver() as solver, pytest.raises(ExperimentError, match="staged is pretrained by hwsim train alone"):
        session.trainer(solver)
    started = session.changed("training", start=str(whole / "start.npz"), start_arrays=("w1", "w2"))
    with started.training_solver() as solver:
        begun = started.trainer(solver).g(started.trainer(solver).begin())
    np.testing.assert_array_equal(begun["w2"], read_run(str(whole)).before["w2"])


def test_what_stages_write_is_counted(staged: Experiment, tmp_path: Path) -> None:
    """Pulses and energy of a run are those of its stages too."""
    pulsed = override(staged, ["device.preset=reram-es"])
    done = train(new_run(pulsed, tmp_path / "pulsed"), lambda _: None)
    rows, of_stages = (
        [json.loads(line) for line in (tmp_path / "pulsed" / name).read_text().splitlines()] for name in ("metrics.jsonl", PRETRAINING)
    )
    assert sum(row["pulses"] for row in of_stages) > 0
    written = sum(row["pulses"] for row in (*rows, *of_stages))
    assert done.summary["pulses_per_device"] == pytest.approx(written / done.summary["memristors"])
    assert done.summary["programming_J"] == pytest.approx(sum(row["programming_J"] for row in (*rows, *of_stages)))

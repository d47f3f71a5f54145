"""`hwsim train --folds`: one table of all folds, the same as JSON, and one line for what does not go with it."""

import signal
from pathlib import Path

import numpy as np
import pytest

from hwsim.data import pca_baseline
from hwsim.data.loading import load_data
from hwsim.experiment.loading import load
from hwsim.sweep.database import Database


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let linear models keep their default strength of regularisation."""
    monkeypatch.setattr("hwsim.data.linear_baseline.LARGEST", 0)


def test_folds_are_one_table(hwsim, tmp_path: Path) -> None:
    """Every fold has a row, the mean and its interval too, within 80 columns; JSON holds the same; nothing is computed or kept twice."""
    words = ("train", "iris", "--folds", "2", "--repeats", "2", "--epochs", "1", "--seed", "4", "--set", "training.batch=32")
    answer = hwsim(*words)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 80
    report = hwsim(*words, "--json").json
    assert [(one["seed"], one["fold"]) for one in report["folds"]] == [(seed, fold) for seed in (4, 5) for fold in range(2)]
    assert sum(one["test_samples"] for one in report["folds"]) == 2 * 150
    assert report["mean"] == pytest.approx(sum(one["error"] for one in report["folds"]) / 4)
    assert report["interval"][0] <= report["mean"] <= report["interval"][1]
    assert report["baseline"]["interval"][0] <= report["baseline"]["mean"] <= report["baseline"]["interval"][1]
    assert "logistic regression" in report["baseline"]["model"]
    for one, line in zip(report["folds"], lines[1:], strict=False):
        cells = line.split()
        assert cells[:4] == [str(one["seed"]), str(one["fold"]), "75", f"{100 * one['error']:.2f}"]
        assert cells[4] == f"{100 * one['linear']:.2f}"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["iris-fold.db"]
    again = hwsim("sweep", "runs/iris-fold.db")
    low, high = (f"{100 * end:.2f}" for end in report["interval"])
    assert f"over all folds: {100 * report['mean']:.2f} %, 95 % interval {low} – {high}, corrected" in again.unwrapped
    assert "slope" not in again.out


def test_folds_train_through_ngspice(hwsim) -> None:
    """The engine and the chip are the command's, and the numeric engine's errors are found."""
    words = (
        "train",
        "iris",
        "--folds",
        "2",
        "--epochs",
        "1",
        "--chip",
        "3",
        "--set",
        "variation.offset=0.01",
        "--set",
        "training.batch=64",
    )
    numeric, ngspice = (hwsim(*words, "--engine", engine, "--json").json for engine in ("numeric", "ngspice"))
    assert (numeric["engine"], ngspice["engine"], ngspice["chip"]) == ("numeric", "ngspice", 3)
    assert [one["error"] for one in ngspice["folds"]] == [one["error"] for one in numeric["folds"]]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("xor", "--folds", "2"), "xor: its 4 samples"),
        (("iris", "--folds", "60"), "too few for 60 folds"),
        (("iris", "--folds", "5", "--resume"), "omit --resume"),
        (("iris", "--folds", "5", "--profile"), "omit --profile"),
        (("iris", "--folds", "5", "--write", "a.cir"), "omit --write"),
        (("iris", "--folds", "5", "--out", "runs/iris-folds"), "ends in .db"),
        (("iris", "--repeats", "5"), "--folds"),
        (("iris", "--folds", "5", "--set", "data.folds=4"), "data.folds = 4 does not go with --folds 5"),
        (("iris", "--folds", "5", "--set", "data.folds=5", "--set", "data.fold=1"), "data.fold = 1 does not go with --folds 5"),
        (("iris", "--folds", "1"), "--folds"),
    ],
)
def test_what_does_not_go_with_folds_is_refused(hwsim, tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    """In one line, before anything is written."""
    answer = hwsim("train", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert line in answer.err
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_kind_is_not_written_over(hwsim, tmp_path: Path) -> None:
    """What is no database of these folds stays as it was."""
    (tmp_path / "mine.db").write_text("mine")
    answer = hwsim("train", "iris", "--folds", "3", "--epochs", "1", "--out", "mine.db")
    assert (answer.code, answer.out) == (2, "")
    assert (tmp_path / "mine.db").read_text() == "mine"


def test_ctrl_c_keeps_what_is_done(hwsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 130, and the same command continues."""
    words = ("train", "iris", "--folds", "2", "--epochs", "1", "--set", "training.batch=75")
    add = Database.add

    def interrupted(database: Database, *given: object) -> None:
        add(database, *given)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Database, "add", interrupted)
    answer = hwsim(*words)
    assert (answer.code, answer.out) == (130, "")
    assert "1 of 2 results are in runs/iris-fold.db" in answer.err
    monkeypatch.setattr(Database, "add", add)
    assert len(hwsim(*words, "--json").json["folds"]) == 2


def test_the_zoo_lists_intervals_and_baselines(hwsim) -> None:
    """Where an error comes from all folds, its interval and the linear model's error follow; others have none."""
    report = {entry["name"]: entry for entry in hwsim("zoo", "--json").json["circuits"]}
    iris, kendall = report["iris"], report["mnist-kendall2020"]
    low, high = iris["interval"]
    assert low <= iris["test_error"] <= high
    assert (iris["folds"], kendall["interval"], kendall["linear"]) == (5, None, None)
    line = next(line for line in hwsim("zoo").out.splitlines() if line.startswith("iris"))
    errors = [f"{100 * iris['test_error']:.2f}", f"{100 * low:.1f}", "to", f"{100 * high:.1f}", f"{100 * iris['linear']:.2f}"]
    assert line.split()[-5:] == errors


def test_folds_of_a_run_train_from_its_experiment(hwsim, trained: Path) -> None:
    """What the run learned is left aside, with a line that names how it would be used."""
    answer = hwsim("train", trained, "--folds", "2", "--epochs", "1", "--out", "folds.db")
    assert answer.err.count("every fold trains from its experiment; what the run learned is used only with --set training.start=") == 1


def test_autoencoders_are_compared_with_principal_components(hwsim) -> None:
    """As many as the narrowest layer has nodes, on the same folds."""
    narrow = 'circuit.layers=[{size=2,neuron={kind="linear"}}]'
    words = ("train", "iris", "--folds", "2", "--epochs", "1", "--set", "data.task=reconstruction", "--set", "circuit.outputs=4")
    report = hwsim(*words, "--set", narrow, "--set", "training.batch=64", "--json").json
    assert report["baseline"]["model"] == "2 principal components of the training set"
    chosen = ["data.task=reconstruction", "circuit.outputs=4", narrow, "data.folds=2", "training.seed=0"]
    for one in report["folds"]:
        experiment = load("iris", [*chosen, f"data.fold={one['fold']}"])
        data = load_data(experiment)
        volts = experiment.circuit.input_scale * (pca_baseline.repeated(data.x_train, data.x_test, 2) - data.x_test)
        assert one["linear"] == pytest.approx(float(np.sqrt((volts**2).mean())))

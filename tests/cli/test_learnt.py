"""Learnt samples: no override lets a trained circuit be tested on what it has learnt."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from hwsim.data.loading import load_data
from hwsim.data.sources import read
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.learnt import refuse_learnt
from hwsim.experiment.loading import load, to_toml
from hwsim.experiment.overriding import override
from hwsim.runs.loaded import load_model


def rows(x: np.ndarray) -> set[tuple[float, ...]]:
    """Return samples as a set."""
    return set(map(tuple, x.tolist()))


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Make an experiment on a table of 60 samples, none like another, with a validation set."""
    monkeypatch.chdir(tmp_path)
    lines = [f"{0.5 + k},{0.1 * k:g},{'abc'[k % 3]}" for k in range(60)]
    for name in ("mine.csv", "other.csv"):
        Path(name).write_text("width,height,kind\n" + "\n".join(lines if name == "mine.csv" else [f"-{line}" for line in lines]))
    return Experiment(circuit={"inputs": 2, "outputs": 3}, data={"name": "mine.csv", "validation": 0.25, "train_limit": 20})


REFUSED = [
    "training.seed=1",
    "data.test_share=0.5",
    "data.validation=0.5",
    "data.validation=",
    "data.train_limit=10",
    "data.train_limit=",
    "data.name=./mine.csv data.test_share=0.3",
]
FREE = [
    "training.epochs=3",
    "data.scaling=standard",
    "data.clip=0.5",
    "data.test_limit=5",
    "data.test_share=0.2",
    "data.name=./mine.csv",
    "data.name=other.csv training.seed=1 data.test_share=0.9 data.validation=",
    "variation.chip=7",
]


@pytest.mark.parametrize("settings", REFUSED)
def test_another_division_is_refused(table: Experiment, settings: str) -> None:
    """Whatever decides which samples are learnt is part of what was trained; the line names the key."""
    last = settings.rsplit(maxsplit=1)[-1].partition("=")[0]
    with pytest.raises(ExperimentError, match=f"^runs/mine-0: {last} is .* trained with"):
        refuse_learnt("runs/mine-0", table, override(table, settings.split()))


@pytest.mark.parametrize("settings", FREE)
def test_what_divides_nothing_is_allowed_and_tests_nothing_learnt(table: Experiment, settings: str) -> None:
    """Samples may be fewer, scaled in another way, or of other data; none of them was learnt."""
    asked = override(table, settings.split())
    refuse_learnt("runs/mine-0", table, asked)
    plain = override(asked, ["data.scaling=none", "data.clip="])
    assert not rows(load_data(plain).x_test) & rows(load_data(table).x_train)


@pytest.mark.parametrize("command", ["evaluate", "solve", "compile", "check", "sweep"])
def test_no_command_tests_a_run_on_what_it_learnt(hwsim, trained: Path, command: str) -> None:
    """One line names the key, and nothing is printed or written."""
    extra = {"compile": ["-o", "deck.cir"], "sweep": ["--mode", "evaluate", "--vary", "variation.offset=0,1e-3"]}
    answer = hwsim(command, trained, *extra.get(command, []), "--set", "training.seed=1")
    assert (answer.code, answer.out) == (2, "")
    assert "training.seed is 1, and it was trained with 0" in answer.err.splitlines()[-1]
    assert not list(Path().iterdir())


def test_no_sweep_varies_what_was_learnt(hwsim, trained: Path) -> None:
    """A key of the data is refused as an axis too, unless it divides nothing."""
    words = ("sweep", trained, "--mode", "evaluate", "--vary")
    assert "data.test_share is 0.3" in hwsim(*words, "data.test_share=0.3,0.5").err
    assert hwsim(*words, "data.test_limit=5,10").code == 0


def test_other_data_are_no_learnt_data(hwsim, trained: Path) -> None:
    """A run is tested on another file with whatever part of it is wanted."""
    experiment = load(str(trained))
    data = load_data(experiment)
    np.savez("mine.npz", x=data.x_test, y=data.labels_test)
    answer = hwsim("evaluate", trained, "--data", "mine.npz", "--set", "data.test_share=0.6", "--set", "data.scaling=none", "--json")
    assert answer.code == 0
    assert answer.json["samples"] == 18


def made(name: str, sign: str) -> None:
    """Write 60 samples of four features and three classes, none like another."""
    Path(name).write_text("\n".join(f"{sign}{0.5 + k},{0.1 * k:g},{k % 7},{k % 5},{'abc'[k % 3]}" for k in range(60)))


@pytest.fixture
def second(hwsim, trained: Path) -> Path:
    """Train once more from what the trained run learned, on the same data."""
    assert hwsim("train", "iris", "--from", trained, "--epochs", "1", "--out", "second").code == 0
    return Path("second")


@pytest.mark.parametrize(
    "words",
    [
        "train second/experiment.toml --seed 9",
        "train second --folds 5",
        "sweep second --seeds 5 --vary training.rate=0,1e-6",
        "tune second --vary training.rate=0,1e-6 --seeds 2 --trials 1",
        "train iris --from second/start.npz --seed 9",
        "evaluate second --set training.seed=9",
    ],
)
def test_a_copy_of_what_was_learned_is_no_other_start(hwsim, second: Path, words: str) -> None:
    """A run keeps the conductances that it started from, and its experiment starts from that copy: they have learnt what they have."""
    answer = hwsim(*words.split(), *(("--out", "out.db") if "--folds" in words else ()))
    assert (answer.code, answer.out) == (2, "")
    assert "so samples that it has learnt may be tested" in answer.err.splitlines()[-1]
    assert second.is_dir()
    assert not Path("out.db").exists()


def test_what_was_learnt_two_starts_ago_is_not_tested(hwsim) -> None:
    """Data in between, divided in another way, make no sample of the first unlearnt; a copy of a start has learnt only what came before."""
    made("first.csv", "")
    made("between.csv", "-")
    few = ("--epochs", "1", "--set", "data.scaling=standard", "--out")
    assert hwsim("train", "iris", "--data", "first.csv", *few, "a").code == 0
    assert hwsim("train", "iris", "--data", "between.csv", "--seed", "4", "--from", "a", *few, "b").code == 0
    answer = hwsim("train", "iris", "--data", "first.csv", "--seed", "4", "--from", "b", *few, "c")
    assert answer.code == 2
    assert "b: training.seed is 4, and it was trained with 0" in answer.err
    assert hwsim("evaluate", "b", "--data", "first.csv").code == 2
    assert hwsim("train", "iris", "--data", "first.csv", "--from", "b/start.npz", *few, "d").code == 0
    assert hwsim("train", "iris", "--data", "between.csv", "--seed", "7", "--from", "b/start.npz", *few, "e").code == 0
    assert hwsim("train", "iris", "--data", "between.csv", "--seed", "7", "--from", "b", *few, "f").code == 2
    assert hwsim("train", "b", "--resume", "--epochs", "2").code == 0
    assert hwsim("evaluate", "b", "--data", "first.csv").code == 2


def test_a_folder_that_does_not_list_what_was_learnt(hwsim, second: Path) -> None:
    """A run of an earlier version counts as having started from what learnt as it did; a damaged list is named in a line."""
    (second / "learnt.json").write_text('[{"data": 1}]')
    answer = hwsim("evaluate", second, "--set", "training.epochs=9")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "second/learnt.json: cannot be read" in answer.err
    (second / "learnt.json").unlink()
    assert hwsim("train", "second/experiment.toml", "--seed", "9").code == 2
    assert hwsim("train", "second/experiment.toml", "--epochs", "1", "--out", "again").code == 0


@pytest.fixture
def mine(hwsim) -> Path:
    """Train on a table of one's own, and make a sweep of it."""
    made("mine.csv", "")
    experiment = Experiment(circuit={"inputs": 4, "outputs": 3}, data={"name": "mine.csv", "scaling": "standard"}, training={"epochs": 1})
    Path("mine.toml").write_text(to_toml(experiment))
    assert hwsim("train", "mine.toml", "--out", "run").code == 0
    assert hwsim(*SWEEP.split()).code == 0
    return Path("run")


def test_a_sample_has_the_same_features_in_every_file(mine: Path) -> None:
    """Other data are scaled by what the run's training set showed, whatever else they hold."""
    lines = Path("mine.csv").read_text().splitlines()
    Path("part.csv").write_text("\n".join(lines[30:]))
    whole, part = (load_model(str(mine), settings).session.data for settings in ((), ["data.name=part.csv"]))
    assert part.x_test.any()
    assert rows(part.x_test) <= rows(whole.x_train) | rows(whole.x_test)
    other = load_model(str(mine), ["data.name=part.csv", "data.scaling=minmax"]).session.data
    assert not rows(other.x_test) <= rows(whole.x_train) | rows(whole.x_test)


SWEEP = "sweep mine.toml --mode evaluate --vary variation.offset=0,1e-3 --out sweep.db"
FOLDS = "train mine.toml --folds 2 --out folds.db"
USES = [
    "evaluate run",
    "evaluate run --chips 2",
    "train run --resume --epochs 2",
    "train mine.toml --resume --out run --epochs 2",
    "train mine.toml --from run --out second",
    "sweep run --mode evaluate --vary variation.offset=0,1e-3 --out other.db",
    SWEEP,
    FOLDS,
]


CHANGES = {
    "as it was": (lambda lines: [lines[0].replace(".5,", ".500,"), *lines[1:], ""], True),
    "shuffled": (lambda lines: lines[::-1], False),
    "longer": (lambda lines: [*lines, "70.5,7,1,2,a"], False),
    "another label": (lambda lines: [lines[0].replace(",a", ",b"), *lines[1:]], False),
    "another class": (lambda lines: [line.replace(",c", ",d") for line in lines], False),
    "another number": (lambda lines: [*lines[:-1], f"-{lines[-1]}"], False),
}
"""What is done to the lines of a file, and whether the samples are the same."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_fingerprint_is_of_samples_in_their_order(name: str, tmp_path: Path) -> None:
    """What counts are numbers, classes and their order, not the bytes of a file."""
    change, same = CHANGES[name]
    file = tmp_path / "mine.csv"
    made(str(file), "")
    before = read(str(file)).sha256
    file.write_text("\n".join(change(file.read_text().splitlines())))
    assert (read(str(file)).sha256 == before) == same


def test_a_file_that_has_changed_is_refused_by_all_that_began_with_it(hwsim, mine: Path) -> None:
    """Samples are divided by their order: in a changed file others are learnt, and no table mixes two data sets. Nothing is written."""
    assert hwsim(*FOLDS.split()).code == 0
    with sqlite3.connect("sweep.db") as database:  # one point is missing
        database.execute("DELETE FROM results WHERE point = 2")
    database.close()
    Path("mine.csv").write_text("\n".join(reversed(Path("mine.csv").read_text().splitlines())))
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for words in [*USES, "sweep sweep.db"]:
        answer = hwsim(*words.split())
        assert (answer.code, answer.out) == (2, ""), words
        assert "mine.csv has changed since" in answer.err.splitlines()[-1], words
        assert {path for path in Path().rglob("*") if path.is_file()} == set(before), words
    assert all(path.read_bytes() == content for path, content in before.items() if path.suffix != ".db")
    assert mine.is_dir()


def test_a_copy_under_another_name_is_the_same_data(hwsim) -> None:
    """Other names make no sample unlearnt."""
    made("first.csv", "")
    made("copy.csv", "")
    assert hwsim("train", "iris", "--data", "first.csv", "--epochs", "1", "--set", "data.scaling=standard", "--out", "a").code == 0
    assert hwsim("evaluate", "a", "--data", "copy.csv").code == 0
    answer = hwsim("evaluate", "a", "--data", "copy.csv", "--set", "training.seed=1")
    assert (answer.code, answer.out) == (2, "")
    assert "a: training.seed is 1, and it was trained with 0" in answer.err


def test_a_run_and_a_sweep_without_a_fingerprint_are_used_as_before(hwsim, mine: Path) -> None:
    """Earlier versions did not write down what the samples were."""
    environment = json.loads((mine / "environment.json").read_text())
    del environment["data_sha256"]
    (mine / "environment.json").write_text(json.dumps(environment))
    with sqlite3.connect("sweep.db") as database:
        definition = json.loads(database.execute("SELECT value FROM sweep WHERE key = 'definition'").fetchone()[0])
        del definition["data_sha256"]
        database.execute("UPDATE sweep SET value = ? WHERE key = 'definition'", (json.dumps(definition),))
    database.close()
    made("mine.csv", "-")
    for words in ("evaluate run", SWEEP, "train run --resume --epochs 2"):
        answer = hwsim(*words.split())
        assert answer.code == 0, (words, answer.err)


def test_a_damaged_environment_is_named(hwsim, trained: Path) -> None:
    """One line names the file that lists which samples a run has learnt."""
    environment = trained / "environment.json"
    content = environment.read_bytes()
    environment.write_text("{")
    answer = hwsim("evaluate", trained)
    environment.write_bytes(content)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "environment.json: is no JSON" in answer.err

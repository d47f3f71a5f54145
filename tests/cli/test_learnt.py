"""Learnt samples: no override lets a trained circuit be tested on what it has learnt."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.data import load_data
from hwsim.experiment import Experiment, ExperimentError, load, override
from hwsim.learnt import refuse_learnt


def rows(x: np.ndarray) -> set[tuple[float, ...]]:
    """Return samples as a set."""
    return set(map(tuple, x.tolist()))


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Make an experiment on a table of 60 samples, none like another, with a validation part."""
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
    assert "data.test_share is 0.5" in hwsim(*words, "data.test_share=0.2,0.5").err
    assert hwsim(*words, "data.test_limit=5,10").code == 0


def test_other_data_are_no_learnt_data(hwsim, trained: Path) -> None:
    """A run is tested on another file with whatever part of it is wanted."""
    experiment = load(str(trained))
    data = load_data(experiment)
    np.savez("mine.npz", x=data.x_test, y=data.labels_test)
    answer = hwsim("evaluate", trained, "--data", "mine.npz", "--set", "data.test_share=0.6", "--set", "data.scaling=none", "--json")
    assert answer.code == 0
    assert answer.json["samples"] == 18

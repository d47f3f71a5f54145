"""Profiles: they cover the whole time, and change nothing that is computed."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.atomic import read_arrays
from hwsim.learning.epochs import Progress
from hwsim.runs import train
from hwsim.runs.profiling import profiler
from hwsim.runs.profiling.profiler import Profile, Profiler
from hwsim.runs.start import new_run, resumed_run


def experiment(*settings: str) -> Experiment:
    """Make an experiment that takes a moment."""
    return override(load("iris"), ["training.epochs=2", "training.batch=10", "data.train_limit=30", *settings])


def ignore(progress: Progress) -> None:
    """Do nothing."""


def profiled(settings: Experiment, folder: Path) -> Profile:
    """Train with a profiler, and give what it reports."""
    profile = train.train(new_run(settings, folder), ignore, Profiler()).profile
    assert profile is not None
    return profile


CASES = {
    "numeric": [],
    "adjoint in 32 bits": ["training.rule=adjoint", "training.precision=float32", "circuit.layers=[]"],
    "one side by Newton's method": ["training.nudge=positive", "training.optimizer=momentum", "solver.newton=true", "circuit.layers=[]"],
    "ngspice": ["training.engine=ngspice"],
    "coupled learning through ngspice": ["training.engine=ngspice", "training.rule=coupled-learning"],
}


Followed = Callable[[str], tuple[Profile, Path]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Return what trains a case with a profiler, once, and gives what it reports and the run's folder."""

    @cache
    def train(case: str) -> tuple[Profile, Path]:
        folder = tmp_path_factory.mktemp("followed") / "run"
        return profiled(experiment(*CASES[case]), folder), folder

    return train


@pytest.mark.parametrize("case", CASES)
def test_a_profile_covers_the_whole_time(case: str, followed: Followed) -> None:
    """No line is negative, and together they are all; the file in the folder holds the same."""
    profile, folder = followed(case)
    assert all(line.seconds >= 0 for line in profile.lines)
    assert sum(line.seconds for line in profile.lines) == pytest.approx(profile.seconds)
    assert sum(line.share for line in profile.lines) == pytest.approx(1.0)
    names = [line.name for line in profile.lines]
    assert len(set(names)) == len(names)
    assert {profiler.GRADIENT, profiler.PROGRAMMING, profiler.EVALUATION, profiler.DATA} <= set(names)
    assert (profiler.SOLVING in names) == ("ngspice" in case)
    assert (profiler.FREE in names) == (profile.programs > 0) == ("ngspice" not in case)
    assert profile.sweeps["free"] >= 1
    stored = json.loads((folder / "profile.json").read_text())
    assert stored == json.loads(json.dumps(profile.table()))


@pytest.mark.parametrize("engine", ["numeric", "ngspice"])
def test_a_profile_changes_no_bit(engine: str, followed: Followed, tmp_path: Path) -> None:
    """Training that is followed gives the conductances of training that is not."""
    train.train(new_run(experiment(f"training.engine={engine}"), tmp_path / "run"), ignore)
    ours, theirs = (read_arrays(folder / "weights.npz") for folder in (followed(engine)[1], tmp_path / "run"))
    assert {name: values.tobytes() for name, values in ours.items()} == {name: values.tobytes() for name, values in theirs.items()}
    assert not (tmp_path / "run" / "profile.json").exists()


def test_only_what_was_done_is_profiled(tmp_path: Path) -> None:
    """A run that is over already has no updates to share out, and reports it."""
    train.train(new_run(experiment(), tmp_path / "run"), ignore)
    profile = train.train(resumed_run(experiment(), tmp_path / "run"), ignore, Profiler()).profile
    assert profile is not None
    assert "No epoch" in profile.note
    assert profile.sweeps == {}
    assert sum(line.seconds for line in profile.lines) == pytest.approx(profile.seconds)

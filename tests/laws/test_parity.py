"""Every command sees the same experiment: a key that changes a training changes a trial, an ensemble, a benchmark and a report alike."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.learning.evaluate import noise_seed
from hwsim.runs.open_run import RunError
from hwsim.runs.start import new_run, resumed_run
from hwsim.runs.train import train
from hwsim.session import Session
from hwsim.tuning.trial import validation_errors
from support.other_values import KEYS, LABELS, changed
from support.paths import PATHS, disagreements
from support.spies import Spies, View, fingerprint, spying, trained


@pytest.fixture(scope="module")
def spies() -> Iterator[Spies]:
    """Put the spies into their places."""
    with spying() as seen:
        yield seen


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_changes_a_training_changes_everything_else_alike(key: str, spies: Spies, tmp_path: Path) -> None:
    """With another value of any key, every path sees what a run's training sees, and that is not what it saw before."""
    pair = changed(key, tmp_path)
    assert pair is not None, f"no other value of {key} is known; list one in VALUES, or what it needs in COMPANY"
    before = spies.trained_before(pair[0], tmp_path / "a")
    after, wrong = disagreements(key, pair[1], tmp_path / "b", spies)
    assert not wrong
    label = any(key.startswith(start) for start in LABELS)
    assert (before == after) == label, f"{key} changes no training: an option that does nothing, or one that needs company"


TESTING = ["train", "ensemble", "evaluated ensemble", "transferred ensemble", "evaluate", "evaluate --chips", "report"]
"""Paths that test what was trained."""


@pytest.mark.parametrize("path", TESTING)
@pytest.mark.parametrize("skips", [False, True])
def test_noise_and_leniency_of_a_test_are_those_of_the_experiment(path: str, *, skips: bool, spies: Spies, tmp_path: Path) -> None:
    """The noise is drawn by seed and chip, and samples that fail are skipped if and only if the experiment asks for it.

    All paths share the code that decides it, so that they would agree on what is wrong; here it is compared with the experiment itself.
    """
    experiment = load("iris", ["training.seed=3", "variation.chip=7", f"training.skip_failed={str(skips).lower()}"])
    trained(experiment, tmp_path / "run", spies)
    if path != "train":
        spies.tested.clear()
        PATHS[path](experiment, tmp_path / "run", spies)
    assert spies.tested[-1]["seed"] == fingerprint(noise_seed(3, 0 if path == "evaluate --chips" else 7))
    assert spies.lenient == skips


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("section", "key", "setting"),
    [
        ("noise", "noise.read", "noise.read=0.5"),
        ("variation", "variation.diode_i_sat", "variation.diode_i_sat=0.3"),
        ("device", "device.preset", "device.preset=reram-sb"),
        ("solver", "solver.tolerance", "solver.tolerance=1e-9"),
        ("training", "training.seed", "training.seed=3"),
    ],
)
def test_a_path_that_forgets_a_section_breaks_the_law(
    path: str, section: str, key: str, setting: str, spies: Spies, tmp_path: Path
) -> None:
    """The law is not empty: where one path drops one section of an experiment, and takes its defaults, it is named."""

    def forgetful(experiment: Experiment, folder: Path, spies: Spies) -> View:
        dropped = experiment.model_copy(update={section: getattr(load("iris"), section)})
        other = folder.with_name("other")
        train(new_run(dropped, other), lambda _: None)
        return PATHS[path](dropped, other, spies)

    _, wrong = disagreements(key, load("iris", [setting]), tmp_path / "run", spies, {path: forgetful})
    assert wrong
    assert all(one.startswith(path) for one in wrong)


def test_noise_that_a_trainer_forgets_is_seen(spies: Spies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One argument that is dropped on the way into a trial's trainer is enough."""
    trainer = Session.trainer

    def without_noise(experiment: Experiment) -> Iterator[float]:
        quiet = experiment.model_copy(update={"noise": type(experiment.noise)()})
        with monkeypatch.context() as patch:
            patch.setattr(Session, "trainer", lambda session, solver: trainer(replace(session, experiment=quiet), solver))
            yield from validation_errors(experiment)

    def walk(experiment: Experiment, _: Path, spies: Spies) -> View:
        list(without_noise(experiment))
        return {"training": spies.trained[-1]}

    _, wrong = disagreements("noise.read", load("iris", ["noise.read=0.5"]), tmp_path / "run", spies, {"tune": walk})
    assert wrong == ["tune: training: setup", "tune: training: updater", "tune: training: instruments"]


@pytest.mark.parametrize("setting", ["noise.read=0.5", "variation.temperature=50", "device.preset=reram-sb", "training.nudge.beta=2e-6"])
def test_a_run_is_resumed_with_what_it_was_begun(setting: str, spies: Spies, tmp_path: Path) -> None:
    """Another value of a key that changes training is refused by its name; a run never mixes two experiments."""
    trained(load("iris"), tmp_path / "run", spies)
    with pytest.raises(RunError, match=re.escape(setting.partition("=")[0])):
        resumed_run(load("iris", [setting]), tmp_path / "run")

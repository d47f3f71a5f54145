"""Teachers: a trained circuit's outputs on common samples are a chip's targets there, and nothing else of it is needed."""

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from hwsim.company.company import Company, Round
from hwsim.company.company_run import train_company
from hwsim.company.members import Members
from hwsim.company.teachers import _alike
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load, to_toml
from hwsim.runs.loaded import load_model
from hwsim.runs.open_run import RunError
from hwsim.runs.start import new_run, resumed_run
from hwsim.settings.company_settings import CompanySettings

TRAINING = ["training.epochs=2", "training.schedule=constant"]


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    """Train a company of two on iris, whose folder teaches."""
    path = tmp_path_factory.mktemp("teachers") / "both"
    train_company(new_run(load("iris", [*TRAINING, "company.chips=2"]), path), lambda _: None)
    return path


def test_targets_are_the_mean_of_the_teachers(ensemble):
    """Of the folder's chips, each as its own evaluation reads it; labelled samples keep their labels, from the first epoch on."""
    settings = CompanySettings(chips=1, exchange="teacher", teacher=str(ensemble), common=40)
    with Company(Members.of(load("iris", TRAINING), settings), settings) as chips:
        (targets,) = chips.targets(chips.begin_memory(chips.begin()), 0)
        pool = chips.members.division.common
        each = []
        for k in range(2):
            model = load_model(str(ensemble / f"chip-{k}"))
            with model.session.solver() as solver:
                each.append(model.session.evaluate(solver, model.g, model.session.data.x_train, model.session.task.train).outputs[pool])
        assert np.allclose(targets.of(slice(-40, None)), np.mean(each, axis=0), rtol=1e-6)
        labelled = chips.members.alone[0].task.train
        assert np.array_equal(targets.of(slice(None, -40)), labelled.of(slice(None)).astype(targets.of(slice(None)).dtype))
        first, second = (one for one in chips.rounds(chips.begin()) if isinstance(one, Round))
    assert (first.sent_bytes, second.sent_bytes) == (40 * 3 * 4, 0)
    assert int(first.sums["samples"][0]) >= len(labelled.labels) + 40


def test_a_run_is_resumed_without_its_teacher(ensemble, tmp_path):
    """What the teacher answered is in the checkpoint."""
    teacher = tmp_path / "teacher"
    shutil.copytree(ensemble / "chip-0", teacher)
    settings = [*TRAINING, "company.chips=1", "company.exchange=teacher", f"company.teacher={teacher}", "company.common=40"]
    train_company(new_run(load("iris", settings), tmp_path / "whole"), lambda _: None)
    short = [*settings, "training.epochs=1"]
    train_company(new_run(load("iris", short), tmp_path / "parts"), lambda _: None)
    shutil.rmtree(teacher)
    train_company(resumed_run(load(tmp_path / "parts", ["training.epochs=2"]), tmp_path / "parts"), lambda _: None)
    whole, parts = (load_model(str(tmp_path / name / "chip-0")).wanted for name in ("whole", "parts"))
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_samples_are_the_same_by_any_scale():
    """Each feature by its own, and one that never changes by none; in another order they are others."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[:, 2] = 0.1
    assert _alike(x, x * [3.0, 1e-6, 7.0] + [0.0, 5.0, 0.3])
    assert not _alike(x, x[::-1])
    assert not _alike(x, x[:, :2])


def test_a_file_names_teachers_from_its_own_folder(ensemble, tmp_path, monkeypatch):
    """As it names conductances to start from; a run's folder too, wherever the command is given, and --resume compares the places."""
    file, run = tmp_path / "taught.toml", tmp_path / "runs" / "taught"
    (tmp_path / "teachers").symlink_to(ensemble)
    plain = load("iris", [*TRAINING, "company.chips=1", "company.exchange=teacher", "company.teacher=teachers", "company.common=40"])
    file.write_text(to_toml(plain), encoding="utf-8")
    train_company(new_run(load(file, ["training.epochs=1"]), run), lambda _: None)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (stored,) = load(run).company.teacher
    assert Path(stored).samefile(ensemble)
    assert not Path(tomllib.loads((run / "experiment.toml").read_text())["company"]["teacher"][0]).is_absolute()
    assert resumed_run(load(file), run).resume
    with pytest.raises(RunError, match="begun with another company"):
        resumed_run(load(file, [f"company.teacher={ensemble / 'chip-0'}"]), run)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["training.target_high=0.02"], "targets of its own"),
        (["data.train_limit=60"], "has 60 with others"),
        (["training.seed=1"], "other common samples than iris"),
        ([], "is no run folder"),
    ],
)
def test_teachers_of_something_else_are_refused(ensemble, settings, words):
    """Voltages mean what the pupil's mean, and samples are the same; a name that is no run teaches nothing."""
    teacher = str(ensemble) if settings else "iris"
    company = CompanySettings(chips=1, exchange="teacher", teacher=teacher, common=40)
    with (
        Company(Members.of(load("iris", [*TRAINING, *settings]), company), company) as chips,
        pytest.raises(ExperimentError, match=words),
    ):
        chips.begin_memory(chips.begin())

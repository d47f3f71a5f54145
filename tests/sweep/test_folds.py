"""Folds: each sample is tested once, and one fold is a training like any other."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.data.linear_baseline import described, linear_model, unscaled
from hwsim.data.loading import fold_numbers, load_data
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError
from hwsim.runs.start import new_run
from hwsim.runs.train import train
from hwsim.sweep.execution import run
from hwsim.sweep.folds import CrossValidation, Fold, MeanInterval, corrected, cross_validation, over_folds, plan
from hwsim.sweep.sensitivity import slopes


@given(st.lists(st.integers(7, 40), min_size=2, max_size=4), st.integers(2, 7), st.integers(0, 3))
def test_folds_are_stratified(counts: list[int], folds: int, seed: int) -> None:
    """Every sample is tested by one fold; folds differ by one sample at most, in all and in each class."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    numbers = fold_numbers(labels, folds, seed)
    assert numbers.shape == labels.shape
    for chosen in (numbers, *(numbers[labels == label] for label in range(len(counts)))):
        sizes = np.bincount(chosen, minlength=folds)
        assert len(sizes) == folds
        assert np.ptp(sizes) <= 1


def test_every_sample_is_tested_once_a_repeat() -> None:
    """The test sets of a seed's folds are all samples, each as often as it was read; a fold trains on the others; seeds differ."""
    settings = ["data.folds=4", "data.scaling=none"]
    parts = [load_data(override(load("wine"), [*settings, f"data.fold={fold}"])) for fold in range(4)]
    everything = sorted(map(tuple, np.vstack([parts[0].x_train, parts[0].x_test])))
    assert len(everything) == 178
    assert sorted(tuple(row) for part in parts for row in part.x_test) == everything
    for part in parts:
        assert sorted(map(tuple, np.vstack([part.x_train, part.x_test]))) == everything
    another = load_data(override(load("wine"), [*settings, "training.seed=1"]))
    assert not np.array_equal(another.x_test, parts[0].x_test)


def test_folds_leave_a_test_set_of_the_data_alone(tmp_path: Path) -> None:
    """Of data that bring a test set, the training set is split, and a note reports it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 2)), np.arange(24) % 2
    np.savez(tmp_path / "both.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    data = load_data(override(load("xor"), [f"data.name={tmp_path / 'both.npz'}", "data.folds=5"]))
    assert (len(data.x_train), len(data.x_test)) == (16, 4)
    assert {*map(tuple, data.x_train), *map(tuple, data.x_test)} == set(map(tuple, x[:20]))
    assert [note.partition(": ")[2] for note in data.notes] == ["the folds are of its 20 training samples; its test set is set aside"]


def test_validation_is_drawn_from_the_other_folds() -> None:
    """Settings chosen on a validation set of a fold's training set never see the fold that is tested."""
    settings = ["data.folds=5", "data.fold=2", "data.scaling=none"]
    tested = {*map(tuple, load_data(override(load("wine"), settings)).x_test)}
    inner = load_data(override(load("wine"), [*settings, "data.validation=0.25"]))
    assert len(inner.x_test) > 30
    assert not tested & {*map(tuple, inner.x_train), *map(tuple, inner.x_test)}


@pytest.mark.parametrize(
    ("what", "settings", "words"),
    [
        ("xor", ["data.folds=2"], "xor: its 4 samples"),
        ("iris", ["data.folds=51"], "has 50 samples, too few for 51 folds"),
    ],
)
def test_data_without_folds_are_refused(what: str, settings: list[str], words: str) -> None:
    """Samples that are trained on and tested on alike have none, and a class needs a sample for each."""
    with pytest.raises(DataError, match=words):
        load_data(override(load(what), settings))


@pytest.mark.parametrize(("settings", "words"), [("data.fold=1", "data.folds, which is absent"), ("data.fold=5", "numbered from 0 to 4")])
def test_a_fold_is_one_of_folds(settings: str, words: str) -> None:
    """A fold that is none is refused by name."""
    with pytest.raises(ExperimentError, match=words):
        override(load("iris"), [settings, *(["data.folds=5"] if settings == "data.fold=5" else [])])


def test_one_fold_is_one_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold's errors are those of the run of that fold's experiment: seed, fold, chip, devices and noise alike."""
    monkeypatch.setattr("hwsim.data.linear_baseline.LARGEST", 0)
    changed = ["training.epochs=2", "training.batch=32", "variation.diode_i_sat=0.3", "variation.chip=4", "variation.offset=0.005"]
    planned = plan("iris", changed, folds=2, repeats=2)
    with planned.open(tmp_path / "folds.db", dict) as database:
        run(database, lambda _: None)
        recorded = database.recorded()
    result = cross_validation(recorded, lambda _: None)
    assert [(one.seed, one.fold) for one in result.folds] == [(seed, fold) for seed in (0, 1) for fold in range(2)]
    for one in (result.folds[1], result.folds[2]):
        alone = override(load("iris"), [*changed, "data.folds=2", f"data.fold={one.fold}", f"training.seed={one.seed}"])
        summary = train(new_run(alone, tmp_path / f"run-{one.seed}"), lambda _: None).summary
        assert one.error == summary["test_error"]
        assert one.train_error == pytest.approx(summary["train_error"], abs=1e-12)
        assert one.test_samples == 75
        assert one.train_samples == 75
    assert result.circuit.mean == pytest.approx(np.mean([one.error for one in result.folds]))
    whole = over_folds(recorded)
    assert whole is not None
    assert [whole.mean, *whole.interval] == pytest.approx([result.circuit.mean, *result.circuit.interval])
    assert slopes(recorded) == []  # a fold's number is a name
    assert over_folds(replace(recorded, results=recorded.results[1:])) is None


def test_the_baseline_is_scikit_learn_s_on_the_same_folds() -> None:
    """Each fold's linear error is 1 − the score that cross_val_score returns for the same splits."""
    from sklearn.model_selection import cross_val_score  # noqa: PLC0415 - a second to load

    from hwsim.data.linear_baseline import linear_error  # noqa: PLC0415
    from hwsim.data.sources import read  # noqa: PLC0415

    samples = read("iris")
    numbers = fold_numbers(samples.labels, 3, 7)
    parts = [unscaled(override(load("iris"), ["data.folds=3", f"data.fold={fold}", "training.seed=7"])) for fold in range(3)]
    splits = [(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(3)]
    scores = cross_val_score(linear_model(parts[0]), samples.x, samples.labels, cv=splits, scoring="accuracy")
    assert [linear_error(part) for part in parts] == pytest.approx(1 - scores, abs=1e-12)


def test_the_interval_is_corrected() -> None:
    """By hand: 4 errors of mean 0.05 and variance 0.0016 have the half width 3.1824 · √((1/4 + 1/3) · 0.0016)."""
    errors = [0.03, 0.03, 0.03, 0.11]  # deviations −2, −2, −2, 6 hundredths: their squares add up to 0.0048, s² = 0.0016
    estimate = corrected(errors, 1 / 3)
    half = 3.182446305 * math.sqrt((1 / 4 + 1 / 3) * 0.0016)  # t of 3 degrees of freedom at 97.5 %
    assert estimate.mean == pytest.approx(0.05)
    assert estimate.interval == pytest.approx((0.05 - half, 0.05 + half), rel=1e-8)


def test_sizes_set_the_correction() -> None:
    """The ratio is that of the folds' own samples; intervals of errors stay within 0 and 1, those of differences do not have to."""
    folds = [Fold(0, k, 80, 20, error, 0.0, linear) for k, (error, linear) in enumerate([(0.0, 0.2), (0.1, 0.1), (0.0, 0.1), (0.1, 0.0)])]
    result = CrossValidation(folds=folds, baseline="none")
    expected = corrected([0.0, 0.1, 0.0, 0.1], 0.25)
    assert expected.interval.low < 0
    assert result.circuit == MeanInterval(expected.mean, expected.interval._replace(low=0.0))
    assert result.difference == corrected([-0.2, 0.0, -0.1, 0.1], 0.25)


def test_a_fold_without_an_error_leaves_no_mean() -> None:
    """A mean over the folds that are left would flatter."""
    folds = [Fold(0, 0, 80, 20, 0.1, 0.0, 0.1), Fold(0, 1, 80, 20, math.nan, math.nan, 0.1, "no equilibrium")]
    result = CrossValidation(folds=folds, baseline="none")
    assert math.isnan(result.circuit.mean)
    assert math.isnan(result.circuit.interval.low)
    assert result.linear.mean == pytest.approx(0.1)


def test_the_baseline_s_description_names_what_folds_have_in_common_and_what_not() -> None:
    """Training sets of different sizes may choose C on different numbers of inner folds, or not at all."""
    assert described([5, 5]).endswith("chosen on 5 inner folds by log loss")
    assert described([5, 4, 5]).endswith("chosen on 4 or 5 inner folds by log loss")
    assert described([0]).endswith("features, C = 1")
    assert described([0, 3]).endswith("chosen on 3 inner folds by log loss or C = 1")

"""Real targets: columns of a file, a scale that is fitted to the training set and leads back, and one line for what cannot be learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score, root_mean_squared_error

from hwsim.data.loading import load_data
from hwsim.data.real_targets import stochastic_matrix
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset
from hwsim.learning.predictions import Predictions
from hwsim.learning.target_scale import TargetScale
from hwsim.learning.task import scaled

ROWS = np.random.default_rng(0).normal(size=(20, 4)).round(3)


def read(name: object, inputs: int, outputs: int, **data: Any) -> Dataset:
    """Load data as an experiment of a regression does."""
    settings = {"name": str(name), "task": "regression"} | data
    return load_data(Experiment(circuit={"inputs": inputs, "outputs": outputs}, data=settings))


def table(path: Path, header: str = "", rows: np.ndarray = ROWS) -> Path:
    """Write a table of numbers."""
    path.write_text("\n".join([*([header] if header else []), *(",".join(map(str, row)) for row in rows.tolist())]) + "\n")
    return path


@given(
    hnp.arrays(np.float64, (9, 2), elements=st.floats(-1e6, 1e6)).filter(lambda y: bool((np.ptp(y, axis=0) > 1e-3).all())),
    st.sampled_from(["none", "minmax", "standard"]),
)
def test_volts_lead_back_to_targets(y: np.ndarray, scaling: Any) -> None:
    """Every scale is an affine map that can be inverted; minmax maps the training set's ends on those of the range of voltages."""
    scale = TargetScale.fitted("data", y, ("a", "b"), scaling, -0.1, 0.3)
    np.testing.assert_allclose(scale.targets(scale.volts(y)), y, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(np.abs(scale.volts(y[1]) - scale.volts(y[0])) * scale.units, np.abs(y[1] - y[0]), rtol=1e-9, atol=1e-6)
    if scaling == "minmax":
        ends = scale.volts(np.array([y.min(axis=0), y.max(axis=0)]))
        np.testing.assert_allclose(ends, [[-0.1, -0.1], [0.3, 0.3]], atol=1e-9)
    expected = TargetScale.recorded(scale.record())
    assert expected is not None
    assert np.array_equal(expected.volts(y), scale.volts(y))


def test_the_scale_is_fitted_to_the_training_set_alone() -> None:
    """The training targets of diabetes lie between 0 and 0.1 V, their ends there; those of the test set may lie outside."""
    data = read("diabetes", 10, 1, test_share=0.5)
    assert data.scale is not None
    volts = data.scale.volts(data.targets("train"))
    assert (volts.min(), volts.max()) == pytest.approx((0.0, 0.1))
    assert np.ptp(data.scale.volts(data.targets("test"))) != pytest.approx(0.1)


def test_named_sets_are_what_they_are_called() -> None:
    """Diabetes is scikit-learn's, the linear map is a stochastic matrix, and nothing of a split is lost or repeated."""
    data, bunch = read("diabetes", 10, 1), load_diabetes(scaled=False)
    rows = np.vstack([np.hstack([getattr(data, f"x_{part}"), data.targets(part)]) for part in ("train", "test")])
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, np.column_stack([bunch.data, bunch.target]).tolist()))
    linear, matrix = read("linear-map", 5, 3, target_scaling="none"), stochastic_matrix()
    np.testing.assert_allclose(matrix.sum(axis=0), 1)
    np.testing.assert_allclose(linear.x_test @ matrix, linear.targets("test"), atol=1e-15)
    friedman = read("friedman", 10, 1)
    assert len(friedman.x_train) + len(friedman.x_test) == 500


def test_errors_are_those_of_scikit_learn_in_units() -> None:
    """The task's error is the root mean square over samples and targets in units, and R² weighs targets by their variance."""
    data = read("linear-map", 5, 3, target_scaling="minmax")
    volts = np.random.default_rng(1).normal(0.05, 0.02, (len(data.x_test), 3))
    targets = scaled(data).test
    scores = targets.scores(float(targets.mistakes(targets.answers(volts), slice(None)).sum()), len(volts))
    result = Predictions.of(data, "test", volts)
    assert scores["error"] == pytest.approx(np.sqrt(((result.predicted - result.true) ** 2).mean()))
    assert scores["r2"] == pytest.approx(r2_score(result.true, result.predicted, multioutput="variance_weighted"))
    assert result.rmse == pytest.approx(root_mean_squared_error(result.true, result.predicted, multioutput="raw_values"))
    assert result.r2 == pytest.approx(r2_score(result.true, result.predicted, multioutput="raw_values"))


def test_targets_are_columns_by_name_or_number(tmp_path: Path) -> None:
    """A table's columns, wherever they are, and an archive's arrays or columns give the same samples; the last column is the default."""
    csv = table(tmp_path / "a.csv", "u,flow,w,heat")
    np.savez(tmp_path / "a.npz", x=ROWS[:, [0, 2]], y=ROWS[:, [1, 3]], flow=ROWS[:, 1], heat=ROWS[:, 3])
    expected = read(csv, 2, 2, targets=["flow", "heat"])
    assert expected.scale is not None
    assert expected.scale.names == ("flow", "heat")
    others = [(csv, (2, 4)), (tmp_path / "a.npz", (1, 2)), (tmp_path / "a.npz", ("flow", "heat")), (tmp_path / "a.npz", None)]
    for path, targets in others:
        data = read(path, 2, 2, targets=targets)
        for part in ("train", "test"):
            np.testing.assert_array_equal(getattr(data, f"x_{part}"), getattr(expected, f"x_{part}"))
            np.testing.assert_array_equal(data.targets(part), expected.targets(part))
    last = read(csv, 3, 1)
    assert sorted(np.vstack([last.targets("train"), last.targets("test")]).ravel()) == sorted(ROWS[:, 3])


def test_an_archive_may_bring_its_own_test_set(tmp_path: Path) -> None:
    """Targets of the test set are found by the names of the training set's."""
    arrays = {"x_train": ROWS[:15, :2], "x_test": ROWS[15:, :2], "heat_train": ROWS[:15, 3], "heat_test": ROWS[15:, 3]}
    np.savez(tmp_path / "a.npz", **arrays)
    data = read(tmp_path / "a.npz", 2, 1, targets=["heat"])
    np.testing.assert_array_equal(data.targets("test")[:, 0], ROWS[15:, 3])
    assert data.scale is not None
    assert data.scale.names == ("heat",)


def test_reconstruction_needs_no_targets(tmp_path: Path) -> None:
    """Every column is a feature and a target at once; named sets may be reconstructed too."""
    data = read(table(tmp_path / "a.csv"), 4, 4, task="reconstruction", scaling="standard")
    np.testing.assert_array_equal(data.targets("train"), data.x_train)
    assert read("iris", 4, 4, task="reconstruction").features == 4


CONSTANT = np.column_stack([ROWS[:, :3], np.full(20, 7.0)])

BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown": ("u,flow,w,heat", {"targets": ["Flows"]}, r"'Flows': there is no such column; did you mean flow\?"),
    "far": ("u,flow,w,heat", {"targets": ["zzz"]}, r"no such column; it has u, flow, w, heat"),
    "number": ("u,flow,w,heat", {"targets": [9]}, r"data.targets = 9, and it has 4 columns, numbered from 1"),
    "nameless": ("", {"targets": ["heat"]}, "its columns have no names; add a header line, or give numbers from 1 to 4"),
    "twice": ("u,flow,w,heat", {"targets": ["flow", 2]}, "names a column twice"),
    "ambiguous": ("u,heat,w,heat", {"targets": ["heat"]}, "is the name of 2 columns; give its number, 2 or 4"),
    "all": ("u,flow,w,heat", {"targets": [1, 2, 3, 4]}, "no feature is left"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_choice_of_columns_that_cannot_be_is_refused(case: str, tmp_path: Path) -> None:
    """In one line that names the column, and the near ones."""
    header, data, words = BAD[case]
    with pytest.raises(DataError, match=words) as refused:
        read(table(tmp_path / "a.csv", header), 2, 2, **data)
    assert "\n" not in str(refused.value)


def test_targets_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """Text, gaps and numbers that are not finite, in a target's column or a feature's, and a target that never changes."""
    csv = tmp_path / "a.csv"
    for cell, words in (("hot", "holds 'hot'; targets of a regression"), ("nan", "holds 'nan'; targets"), ("", "is empty; targets")):
        csv.write_text(f"u,w,heat\n1,2,3\n2,5,{cell}\n4,4,1\n")
        with pytest.raises(DataError, match=rf"line 3, column 3 \(heat\) {words}"):
            read(csv, 2, 1)
    csv.write_text("u,w,heat\n1,2,3\n2,x,4\n4,4,1\n")
    with pytest.raises(DataError, match=r"column 2 \(w\) holds 'x'; features must"):
        read(csv, 2, 1)
    with pytest.raises(DataError, match="target heat is 7 in all 20 samples, so there is nothing to learn"):
        read(table(csv, "u,v,w,heat", CONSTANT), 3, 1)
    for y, words in (
        (np.array(["a", "b"] * 10), "the targets of a regression are real numbers"),
        (np.where(np.arange(20) == 3, np.nan, 1.0 + np.arange(20)), "target y of sample 3 is nan"),
        (ROWS[:7], "20 samples but 7 rows of targets"),
        (np.ones((20, 2, 2)), r"targets must be \(samples,\) or \(samples, targets\)"),
    ):
        np.savez(tmp_path / "a.npz", x=ROWS, y=y)
        with pytest.raises(DataError, match=words):
            read(tmp_path / "a.npz", 4, 1)
    np.savez(tmp_path / "a.npz", x=ROWS, z=ROWS[:, 0])
    with pytest.raises(DataError, match="no y, the targets"):
        read(tmp_path / "a.npz", 4, 1)
    with pytest.raises(DataError, match=r"'zz': there is no such array; it has|did you mean"):
        read(tmp_path / "a.npz", 4, 1, targets=["zz"])
    with pytest.raises(DataError, match="'X': these are the features"):
        read(tmp_path / "a.npz", 4, 4, targets=["X"])
    with pytest.raises(DataError, match="names a column twice"):
        read(tmp_path / "a.npz", 4, 2, targets=["z", "Z"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": {"name": "diabetes"}}, "have real targets, not classes; set data.task to 'regression'"),
        ({"data": {"name": "iris", "task": "regression"}}, "have classes, not real targets"),
        ({"data": {"name": "diabetes", "task": "regression", "targets": ["bmi"]}}, "have targets of their own; omit it"),
        ({"data": {"name": "my.csv", "targets": ["bmi"]}}, "set data.task to 'regression', or omit data.targets"),
        ({"data": {"name": "my.csv", "task": "regression"}, "training": {"loss": "cross-entropy"}}, "needs classes"),
        ({"data": {"name": "diabetes", "task": "regression"}, "circuit": {"inputs": 10, "outputs": 3}}, "have 1 target; set it to 1"),
        ({"data": {"name": "wine", "task": "reconstruction"}, "circuit": {"inputs": 13, "outputs": 3}}, "13 features to reconstruct"),
        ({"data": {"name": "digits", "task": "reconstruction", "shift": 1}}, "moves inputs away from the targets"),
    ],
)
def test_tasks_that_do_not_fit_are_refused(settings: dict[str, Any], words: str) -> None:
    """A task, a loss and a circuit that data do not fit, before anything is read."""
    with pytest.raises((ExperimentError, ValueError), match=words):
        Experiment(**{"circuit": {"inputs": 10, "outputs": 1}} | settings)

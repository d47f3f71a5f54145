"""Results are the same everywhere: cross-validated errors in results, zoo and summary are those of their folds."""

import json
import tomllib
from pathlib import Path

import pytest

from circuits import zoo
from hwsim.formatting import RMSE, WRONG_ANSWERS
from hwsim.numeric.exact import exact_engine
from hwsim.report.run_files import read_run
from hwsim.runs.folder import RunFolder
from hwsim.runs.loaded import load_model
from hwsim.sweep.folds import CrossValidation, Fold

ROOT = Path(__file__).parent.parent
KEPT = sorted((ROOT / "results/folds").glob("*.json"))
RUNS = sorted(path.parent for path in (ROOT / "results/runs").glob("*/experiment.toml"))


def test_the_small_sets_are_cross_validated() -> None:
    """Each has its folds in results."""
    assert {"iris", "wine", "breast-cancer", "digits", "diabetes"} <= {path.stem for path in KEPT}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_cross_validated_error_is_one_number(path: Path) -> None:
    """Mean, interval and baseline follow from the folds that are kept; zoo and summary have them.

    No linear model does better by 0.5 %, or, of real targets, explains 0.02 more of their variance.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    folds = [Fold(**one) for one in stored["folds"]]
    computed = CrossValidation(folds=folds, baseline=stored["baseline"]["model"], measure=RMSE if "r2" in stored else WRONG_ANSWERS)
    assert {(one.seed, one.fold) for one in folds} == {(seed, fold) for seed in range(5) for fold in range(5)}
    for estimate, kept in ((computed.circuit, stored), (computed.linear, stored["baseline"]), (computed.difference, stored["difference"])):
        assert [estimate.mean, *estimate.interval] == pytest.approx([kept["mean"], *kept["interval"]], abs=1e-12)
    reached = tomllib.loads(zoo.read(path.stem))["reached"]
    in_the_zoo = [reached["test_error"], *reached["interval"], reached["linear"]]
    assert in_the_zoo == pytest.approx([computed.circuit.mean, *computed.circuit.interval, computed.linear.mean], rel=1e-6, abs=1e-5)
    summary = (ROOT / "results/summary.md").read_text(encoding="utf-8")
    line = next(line for line in summary.splitlines() if f"`{reached['command']}`" in line and line.startswith("|"))
    if computed.explained is not None:
        circuit, linear, difference = computed.explained
        kept = stored["r2"], stored["r2"]["baseline"], stored["r2"]["difference"]
        for estimate, of in zip((circuit, linear, difference), kept, strict=True):
            assert [estimate.mean, *estimate.interval] == pytest.approx([of["mean"], *of["interval"]], abs=1e-12)
        assert (reached["r2"], reached["linear_r2"]) == pytest.approx((circuit.mean, linear.mean), abs=1e-5)
        assert circuit.mean >= linear.mean - 0.02
        assert "; ".join("{:.3f} ({:.3f} to {:.3f})".format(one.mean, *one.interval) for one in (circuit, linear)) in line
        return
    assert computed.circuit.mean <= computed.linear.mean + 0.005
    low, high = computed.circuit.interval
    assert f"{100 * computed.circuit.mean:.2f} % ({100 * low:.1f} to {100 * high:.1f})" in line
    assert f"{100 * computed.linear.mean:.2f} %" in line


def test_every_run_that_is_kept_loads() -> None:
    """Whatever version wrote it: its experiment, metrics, summary and environment, and conductances that fit its circuit and devices."""
    assert len(RUNS) > 50
    for folder in RUNS:
        if RunFolder(folder).weights.exists():
            model = load_model(str(folder))
            assert model.trained
            assert not model.cut
        else:
            record = read_run(str(folder))
            assert len(record.rows) == record.summary["epochs"] == record.experiment.training.epochs
            assert record.rows[-1]["test_error"] == record.summary["test_error"]
            assert record.environment["packages"]


@pytest.mark.parametrize("name", ["iris-0", "wine-0", "breast-cancer-0", "xor-0", "iris-ngspice-0"])
def test_the_conductances_that_are_kept_err_as_their_run_did(name: str) -> None:
    """By the general solver: what a run of an earlier version learned is still that."""
    model = load_model(str(ROOT / "results/runs" / name))
    session = model.session
    with exact_engine(session.circuit).prepare(session.circuit, session.chip) as solver:
        tested = session.evaluate(solver, model.g, session.data.x_test, session.task.test)
    wanted = json.loads((ROOT / "results/runs" / name / "summary.json").read_text(encoding="utf-8"))
    assert tested.error == wanted["test_error"]

"""Results say the same everywhere: cross-validated errors in results, zoo and summary are those of their folds."""

import json
import tomllib
from pathlib import Path

import pytest

from circuits import zoo
from hwsim.formatting import RMSE, WRONG_ANSWERS
from hwsim.sweep.folds import CrossValidation, Fold

ROOT = Path(__file__).parent.parent
KEPT = sorted((ROOT / "results/folds").glob("*.json"))


def test_the_small_sets_are_cross_validated() -> None:
    """Each has its folds in results."""
    assert {"iris", "wine", "breast-cancer", "digits", "diabetes"} <= {path.stem for path in KEPT}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_cross_validated_error_is_one_number(path: Path) -> None:
    """Mean, interval and baseline follow from the folds that are kept; zoo and summary have them.

    No linear model does better by 0.5 %, or, of real targets, explains 0.02 more of their variance.
    """
    told = json.loads(path.read_text(encoding="utf-8"))
    folds = [Fold(**one) for one in told["folds"]]
    found = CrossValidation(folds=folds, baseline=told["baseline"]["model"], measure=RMSE if "r2" in told else WRONG_ANSWERS)
    assert {(one.seed, one.fold) for one in folds} == {(seed, fold) for seed in range(5) for fold in range(5)}
    for estimate, kept in ((found.circuit, told), (found.linear, told["baseline"]), (found.difference, told["difference"])):
        assert [estimate.mean, *estimate.interval] == pytest.approx([kept["mean"], *kept["interval"]], abs=1e-12)
    reached = tomllib.loads(zoo.read(path.stem))["reached"]
    known = [reached["test_error"], *reached["interval"], reached["linear"]]
    assert known == pytest.approx([found.circuit.mean, *found.circuit.interval, found.linear.mean], rel=1e-6, abs=1e-5)
    summary = (ROOT / "results/summary.md").read_text(encoding="utf-8")
    line = next(line for line in summary.splitlines() if f"`{reached['command']}`" in line and line.startswith("|"))
    if found.explained is not None:
        circuit, linear, difference = found.explained
        kept = told["r2"], told["r2"]["baseline"], told["r2"]["difference"]
        for estimate, of in zip((circuit, linear, difference), kept, strict=True):
            assert [estimate.mean, *estimate.interval] == pytest.approx([of["mean"], *of["interval"]], abs=1e-12)
        assert (reached["r2"], reached["linear_r2"]) == pytest.approx((circuit.mean, linear.mean), abs=1e-5)
        assert circuit.mean >= linear.mean - 0.02
        assert "; ".join("{:.3f} ({:.3f} to {:.3f})".format(one.mean, *one.interval) for one in (circuit, linear)) in line
        return
    assert found.circuit.mean <= found.linear.mean + 0.005
    low, high = found.circuit.interval
    assert f"{100 * found.circuit.mean:.2f} % ({100 * low:.1f} to {100 * high:.1f})" in line
    assert f"{100 * found.linear.mean:.2f} %" in line

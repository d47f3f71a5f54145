"""Regressions on the command line: errors are RMSE and R² in the targets' units, from training to decks, sweeps, searches and reports."""

import csv
import io
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

from cli.main import main

EXPERIMENT = """\
[circuit]
inputs = 2
outputs = 1
[data]
name = "mine.csv"
task = "regression"
targets = ["heat"]
scaling = "standard"
[training]
rate = 1e-6
epochs = 3
batch = 40
target_low = -0.1
target_high = 0.1
"""


def write_table(path: Path, *, shift: float = 0.0) -> None:
    """Write 60 samples of a plane with some noise; their targets lie about 100."""
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 2)) + shift
    heat = 100 + 7 * x[:, 0] - 3 * x[:, 1] + random.normal(size=60)
    rows = ["u,heat,w", *(f"{a:.6f},{y:.6f},{b:.6f}" for (a, b), y in zip(x.tolist(), heat.tolist(), strict=True))]
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Write an experiment and its data."""
    write_table(tmp_path / "mine.csv")
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    return tmp_path


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a run, once."""
    folder = tmp_path_factory.mktemp("regression")
    write_table(folder / "mine.csv")
    (folder / "mine.toml").write_text(EXPERIMENT.replace("mine.csv", str(folder / "mine.csv")))
    with redirect_stdout(io.StringIO()) as out:
        assert main(["train", str(folder / "mine.toml"), "--out", str(folder / "run")]) == 0
    assert "test RMSE " in out.getvalue()
    assert "test R² " in out.getvalue()
    assert "%" not in out.getvalue()
    return folder / "run"


@pytest.fixture
def run(once: Path, tmp_path: Path) -> Path:
    """Copy the run into the folder where commands are typed."""
    shutil.copytree(once, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_has_errors_in_units(hwsim, run: Path) -> None:
    """RMSE and R² of the summary are those of the predictions that solve prints, by what converters read; the folder has their plot."""
    solved = hwsim("solve", "run", "--sample", "0:12", "--json").json
    true, predicted = np.array(solved["targets"]), np.array(solved["predictions"])
    evaluated = hwsim("evaluate", "run", "--json").json
    assert evaluated["test_error"] == pytest.approx(np.sqrt(((true - predicted) ** 2).mean()))
    assert evaluated["test_r2"] == pytest.approx(r2_score(true, predicted))
    (heat,) = evaluated["by_target"]
    assert (heat["target"], heat["rmse"]) == ("heat", pytest.approx(evaluated["test_error"]))
    assert heat["r2"] == pytest.approx(evaluated["test_r2"])
    scale = evaluated["scale"]
    volts = scale["target_offset_V"][0] + scale["target_V_per_unit"][0] * predicted
    np.testing.assert_allclose(volts, solved["outputs"])
    assert 80 < predicted.mean() < 120
    assert (run / "predictions.png").read_bytes().startswith(b"\x89PNG")
    assert "RMSE" in hwsim("evaluate", "run", "--chips", "2").out
    read = ("--set", "variation.adc_offset=0.05", "--set", "variation.adc_bits=6", "--set", "variation.adc_full_scale=0.2", "--json")
    predicted = np.array(hwsim("solve", "run", "--sample", "0:12", *read).json["predictions"])
    assert hwsim("evaluate", "run", *read).json["test_error"] == pytest.approx(np.sqrt(((true - predicted) ** 2).mean()))


def test_ngspice_says_what_it_predicts(hwsim, run: Path) -> None:
    """The deck names target, scale and voltage, and ends with prediction and truth in units, as solve has them."""
    deck = run / "circuit.cir"
    assert "output 0: heat: V = " in deck.read_text()
    printed = subprocess.run(["ngspice", "-b", str(deck)], capture_output=True, text=True, check=False).stdout
    words = next(line.split() for line in printed.splitlines() if line.startswith("verdict: heat is predicted as "))
    solved = hwsim("solve", "run", "--json").json
    assert (float(words[5]), float(words[-1])) == pytest.approx((solved["predictions"][0][0], solved["targets"][0][0]), rel=1e-4)
    assert hwsim("inspect", "run/circuit.cir").code == 0


def test_other_data_are_read_by_the_run_s_scale(hwsim, run: Path) -> None:
    """An output stands for the target that it stood for in training, whatever range other data have."""
    write_table(run.parent / "other.csv", shift=1.0)
    ours, other = (hwsim("evaluate", "run", *words, "--json").json["scale"] for words in ((), ("--data", "other.csv")))
    assert ours == other
    answer = hwsim("sweep", "run", "--mode", "evaluate", "--vary", "variation.gain=0,0.1", "--data", "other.csv", "--out", "s.db")
    assert (answer.code, (run.parent / "s.db").exists()) == (2, False)
    assert "read by the scale of the run's own data" in answer.err


def test_a_report_shows_predictions(hwsim, run: Path) -> None:
    """The page has RMSE, R² and predictions against the truth, and no wrong samples."""
    assert hwsim("report", "run", "--out", "page.html").code == 0
    page = (run.parent / "page.html").read_text()
    assert all(words in page for words in ("test RMSE", "test R²", "Predictions", "root mean square error"))
    assert "wrong samples" not in page
    assert "onfusion" not in page
    assert (run.parent / "page-figures/run-1-predictions.png").exists()


def test_sweeps_and_searches_are_in_units(hwsim, mine: Path) -> None:
    """Errors beyond 1 are kept and exported as they are; a specification is in units; the search's file names what was reached."""
    words = ("sweep", "mine.toml", "--vary", "training.epochs=1,2", "--jobs", "1", "--out", "s.db")
    answer = hwsim(*words, "--spec", "1000", "--export", "s.csv", "--plot", "s.png")
    assert answer.code == 0, answer.err
    assert "RMSE" in answer.out
    assert "error" not in answer.out
    with (mine / "s.csv").open() as file:
        errors = [float(row["test_error"]) for row in csv.DictReader(file)]
    assert len(errors) == 2
    assert min(errors) > 1
    assert all(f"{error:.4g}" in answer.out for error in errors)
    tuned = hwsim("tune", "mine.toml", "--vary", "training.rate=1e-6,2e-6", "--trials", "2", "--out", "t.toml")
    assert tuned.code == 0, tuned.err
    assert "validation RMSE" in tuned.out
    assert ": RMSE " in (mine / "t.toml").read_text().splitlines()[1]


@pytest.mark.usefixtures("mine")
def test_folds_compare_with_ridge_regression(hwsim) -> None:
    """Both have RMSE and R² on every fold, and an interval of their means; R² follows from RMSE and the fold's targets."""
    words = ("train", "mine.toml", "--folds", "2", "--epochs", "1")
    result = hwsim(*words, "--json").json
    answer = hwsim(*words)  # the same, from the database
    assert f"{result['r2']['mean']:.3f}" in answer.out
    assert "linear: ridge regression" in answer.out
    assert result["baseline"]["model"].startswith("ridge regression on standardised features, alpha of")
    explained = result["r2"]
    assert explained["difference"]["mean"] == pytest.approx(explained["mean"] - explained["baseline"]["mean"])
    assert explained["baseline"]["mean"] > 0.9
    assert result["baseline"]["mean"] == pytest.approx(np.mean([one["linear"] for one in result["folds"]]))
    ratios = [(1 - one["r2"]) / (1 - one["linear_r2"]) for one in result["folds"]]
    assert ratios == pytest.approx([(one["error"] / one["linear"]) ** 2 for one in result["folds"]])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("train", "mine.toml", "--set", 'data.targets=["hat"]'), "there is no such column; did you mean heat?"),
        (("train", "mine.toml", "--set", "training.loss=cross-entropy"), "needs classes"),
        (("train", "mine.toml", "--set", "circuit.outputs=2"), "have 1 target; set it to 1"),
        (("train", "mine.toml", "--set", "data.task=reconstruction"), "data.targets"),
        (("sweep", "mine.toml", "--vary", "data.task=regression,reconstruction"), "errors of different tasks cannot be compared"),
        (("train", "iris", "--set", "data.task=regression"), "have classes, not real targets"),
        (
            (
                "train",
                "iris",
                "--folds",
                "3",
                "--set",
                "data.task=reconstruction",
                "--set",
                "circuit.outputs=4",
                "--set",
                "circuit.layers=[]",
            ),
            "this is no network with a hidden layer",
        ),
        (("train", "examples/xor", "--set", "data.task=regression"), "a netlist has no data to learn"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(hwsim, mine: Path, words: tuple[str, ...], line: str) -> None:
    """Before anything is written."""
    answer = hwsim(*words)
    assert (answer.code, answer.out) == (2, "")
    *_, last = answer.err.splitlines()
    assert last.startswith("hwsim: ")
    assert line in last
    assert {path.name for path in mine.iterdir()} == {"mine.csv", "mine.toml"}

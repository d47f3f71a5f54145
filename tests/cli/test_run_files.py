"""Run folders whose files were made to harm: one line of ours names the file and what to do, and repeats little of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.main import main

DEEP = "[" * 100_000
HUGE = "1" + "0" * 400


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train xor for an epoch, and return the run's folder."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", "xor", "--epochs", "1", "--out", str(folder)]) == 0
    return folder


def text(name: str, content: str) -> Callable[[Path], None]:
    """Put a text in the place of a file."""

    def put(folder: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8")

    return put


def changed(name: str, **values: object) -> Callable[[Path], None]:
    """Change some values of a JSON object."""

    def change(folder: Path) -> None:
        table = json.loads((folder / name).read_text(encoding="utf-8")) | values
        digits = json.dumps(table).replace('"HUGE"', HUGE)
        (folder / name).write_text(digits, encoding="utf-8")

    return change


def times(name: str, factor: float) -> Callable[[Path], None]:
    """Multiply conductances."""

    def multiply(folder: Path) -> None:
        with np.load(folder / name) as arrays:
            scaled = {key: value * factor if key.startswith(("w", "state/g/")) else value for key, value in dict(arrays).items()}
        np.savez(folder / name, **scaled)

    return multiply


def rows(content: str) -> Callable[[Path], None]:
    """Put a text in the place of a checkpoint's metrics."""

    def replace(folder: Path) -> None:
        with np.load(folder / "checkpoint.npz") as arrays:
            kept = dict(arrays) | {"rows": np.frombuffer(content.encode(), dtype=np.uint8)}
        np.savez(folder / "checkpoint.npz", **kept)

    return replace


ROW = '{"epoch": 1, "loss": 0.1, "train_error": 0.2, "test_error": %s, "residual_A": 1e-15, "seconds": 1.0}'
REPORT, EVALUATE, RESUME = "report bad -o page.html", "evaluate bad", "train bad --resume --epochs 2"
CASES = {
    "deep metrics": (REPORT, text("metrics.jsonl", DEEP), "metrics.jsonl: line 1 is no row of metrics: it is no JSON: its lists"),
    "deep environment": (REPORT, text("environment.json", DEEP), "environment.json: is no JSON: its lists"),
    "deep summary": (REPORT, text("summary.json", '{"a":' * 100_000), "summary.json: is no JSON: its lists"),
    "tables in tables": (REPORT, changed("environment.json", a={"b": {"c": 1}}), "environment.json: has a = {'c': 1}, which is neither"),
    "401 digits": (REPORT, changed("metrics.jsonl", test_error="HUGE"), "has test_error = inf, which is no number"),
    "401 digits elsewhere": (REPORT, changed("metrics.jsonl", seconds="HUGE"), "has seconds = inf, which is no number"),
    "5000 digits": (REPORT, text("summary.json", '{"test_error": ' + "7" * 5000 + "}"), "has test_error = inf, which is no number"),
    "a text for a number": (REPORT, text("summary.json", '{"test_error":"x"}'), "summary.json: has test_error = 'x', which is no number"),
    "a number for a text": (REPORT, changed("summary.json", device=7), "summary.json: has device = 7, which is no text"),
    "an error above 1": (REPORT, changed("metrics.jsonl", train_error=1.5), "has train_error = 1.5, which is not from 0 to 1"),
    "an error below 0": (REPORT, changed("summary.json", test_error=-0.5), "has test_error = -0.5, which is not from 0 to 1"),
    "a long text": (REPORT, changed("summary.json", loss="x" * 10_000), "summary.json: has loss = 'xxx"),
    "a list": (REPORT, text("summary.json", "[]"), "summary.json: is no JSON object"),
    "no text": (REPORT, lambda folder: (folder / "summary.json").write_bytes(b"\xff"), "summary.json: is not text in UTF-8"),
    "a folder": (
        REPORT,
        lambda folder: ((folder / "summary.json").unlink(), (folder / "summary.json").mkdir()),
        "summary.json: is no file",
    ),
    "deep experiment": (REPORT, text("experiment.toml", "a = " + DEEP), "experiment.toml: is not valid TOML"),
    "huge weights": (REPORT, times("weights.npz", 1e300), "weights.npz: w1 holds"),
    "huge weights to test": (EVALUATE, times("weights.npz", 1e300), "S, and 1e+06 S are the most; make it again with hwsim train bad"),
    "negative weights": (EVALUATE, times("weights.npz", -1.0), "is not a positive number"),
    "a huge state": (RESUME, times("checkpoint.npz", 1e300), "checkpoint.npz: g/w1 holds"),
    "deep rows": (RESUME, rows(DEEP), "checkpoint.npz: its metrics cannot be read (is no JSON: its lists"),
    "rows of huge numbers": (RESUME, rows("[" + ROW % HUGE + "]"), "its metrics cannot be read (has test_error = inf"),
    "rows of texts": (RESUME, rows("[" + ROW % '"x"' + "]"), "its metrics cannot be read (has test_error = 'x'"),
    "another epoch's rows": (RESUME, rows("[{}]"), "its metrics cannot be read (have no whole row for epoch 1)"),
    "too few rows": (RESUME, rows("[]"), "its metrics cannot be read (are not those of 1 epochs)"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_made_to_harm_is_refused_in_a_line(hwsim, whole: Path, tmp_path: Path, case: str) -> None:
    """Exit code 2, the file's name, no fault of hwsim's, and no warning of a library."""
    words, harm, message = CASES[case]
    shutil.copytree(whole, tmp_path / "bad")
    harm(tmp_path / "bad")
    answer = hwsim(*words.split())
    *progress, last = answer.err.splitlines()
    assert answer.code == 2, answer.err
    assert last.startswith("hwsim: ")
    assert message in last
    assert len(last) < 300
    assert all("loading and compiling" in line or "bad" in line for line in progress), progress
    assert not (tmp_path / "page.html").exists()


UNFIT = {
    "negative": lambda g: {name: -values for name, values in g.items()},
    "zero": lambda g: {name: 0.0 * values for name, values in g.items()},
    "not a number": lambda g: {name: np.nan * values for name, values in g.items()},
    "of another shape": lambda g: {name: values[:-1] for name, values in g.items()},
    "of another name": lambda g: {f"{name}0": values for name, values in g.items()},
    "missing": lambda g: dict(list(g.items())[1:]),
}
"""What is done to conductances so that they are no circuit's, or another one's."""

USES = {
    EVALUATE: ("bad/weights.npz: ", "make the file again with hwsim train bad --resume"),
    REPORT: ("bad/weights.npz: ", "make the file again with hwsim train bad --resume"),
    "sweep bad --mode evaluate --vary variation.offset=0,1e-3 --out bad.db": ("bad/weights.npz: ", "with hwsim train bad --resume"),
    "train xor --from bad/weights.npz": ("bad/weights.npz: ", "name conductances of this circuit"),
}
"""Commands that read conductances, the file that they name, and the remedy."""


@pytest.mark.parametrize("fault", UNFIT)
def test_conductances_that_do_not_fit_are_refused_with_their_file_and_a_remedy(hwsim, whole: Path, tmp_path: Path, fault: str) -> None:
    """Whatever reads them names the file, what is wrong in it, and what to do; nothing is written."""
    shutil.copytree(whole, tmp_path / "bad")
    with np.load(whole / "weights.npz") as arrays:
        np.savez(tmp_path / "bad" / "weights.npz", **UNFIT[fault](dict(arrays)))
    for words, (file, remedy) in USES.items():
        answer = hwsim(*words.split())
        assert (answer.code, answer.out) == (2, ""), words
        last = answer.err.splitlines()[-1]
        assert file in last, words
        assert last.endswith(remedy), words
        assert list(tmp_path.iterdir()) == [tmp_path / "bad"], words


def test_a_checkpoint_that_is_no_circuit_s_is_refused_with_its_file_and_a_remedy(hwsim, whole: Path, tmp_path: Path) -> None:
    """A run does not resume from conductances that no circuit has."""
    shutil.copytree(whole, tmp_path / "bad")
    times("checkpoint.npz", -1.0)(tmp_path / "bad")
    answer = hwsim(*RESUME.split())
    assert (answer.code, answer.out) == (2, "")
    assert "bad/checkpoint.npz: " in answer.err.splitlines()[-1]
    assert answer.err.endswith("train again into another folder (--out)\n")


def test_a_gradient_that_is_nothing_is_checked_without_a_warning(hwsim, whole: Path, tmp_path: Path) -> None:
    """Where conductances at their bounds let no output move, all estimates are 0, which is no division."""
    shutil.copytree(whole, tmp_path / "stuck")
    times("weights.npz", 1e6)(tmp_path / "stuck")
    answer = hwsim("check", "stuck")
    assert answer.code in {0, 1}
    assert "Warning" not in answer.err
    assert "NaN" not in answer.err

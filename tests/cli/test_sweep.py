"""`hwsim sweep`: what is typed, what is reported, and that it continues."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from cli.main import main
from cli.output import Output, ProgressStep
from hwsim.experiment.loading import load
from hwsim.report.sweep_pictures import sheet
from hwsim.sweep import export
from hwsim.sweep.axes import read_axis
from hwsim.sweep.database import Database, read
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.execution import run
from hwsim.sweep.points import Design
from hwsim.sweep.recorded import Recorded
from hwsim.sweep.sweep_errors import SweepError
from support.free_sweep import compute, definition

FEW = ("--set", "training.epochs=2", "--jobs", "1")


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluate xor before any training, with two initial ranges and three seeds; look, but do not write."""
    path = tmp_path_factory.mktemp("sweep") / "xor.db"
    vary = ("--vary", "training.g_init=[1e-6,2e-6],[1e-6,5e-5]", "--mode", "evaluate", "--chips", "2", "--seeds", "3")
    assert main(["sweep", "xor", *vary, *FEW, "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a sweep whose numbers cost nothing."""
    path = tmp_path_factory.mktemp("cheap") / "cheap.db"
    with Database.begin(path, definition(), {}) as database:
        run(database, lambda _: None, function=compute)
    return path


def test_what_was_computed_is_true(swept: Path) -> None:
    """The error at a point is that of `hwsim evaluate` with the same settings and seed."""
    loaded = read(swept)
    assert [dict(point.settings) for point in loaded.points] == [{"training.g_init": [1e-6, 2e-6]}, {"training.g_init": [1e-6, 5e-5]}]
    assert len(loaded.results) == loaded.total == 12
    assert {(result.chip, result.seed) for result in loaded.results} == {(chip, seed) for chip in range(2) for seed in range(3)}
    assert all(result.test_error in {0, 0.25, 0.5, 0.75, 1} and result.residual < 1e-12 for result in loaded.results)


@pytest.mark.parametrize("seed", [0, 2])
def test_a_result_is_that_of_evaluating(hwsim, swept: Path, seed: int) -> None:
    """A sweep is nothing but many evaluations."""
    alone = hwsim("evaluate", "xor", "--set", f"training.seed={seed}", "--set", "training.g_init=[1e-6,5e-5]", "--json").json
    ours = [result for result in read(swept).results if result.point == 2 and result.seed == seed]
    assert {result.test_error for result in ours} == {alone["test_error"]}


def test_a_database_tells_again_and_the_same_command_goes_on(hwsim, cheap: Path) -> None:
    """Without computing anything; JSON holds what the table does."""
    answer, report = hwsim("sweep", cheap, "--spec", "0.5"), hwsim("sweep", cheap, "--spec", "0.5", "--json").json
    assert answer.code == 0
    assert (report["results"], report["total"], len(report["points"])) == (192, 192, 6)
    heads, *lines = answer.out.partition("\n\n")[0].splitlines()
    rows = [line.split() for line in lines if line.split()[0] in set("123456")]
    assert [row[0] for row in rows] == list("123456")
    at = 3 if "results" in " ".join([heads, *lines]) else 2
    assert [float(row[at]) for row in rows] == pytest.approx([100 * point["mean"] for point in report["points"]], abs=0.01)
    assert "than point 1" in answer.unwrapped
    assert "training.beta" in answer.out
    assert "results have no error, the first at point" in answer.unwrapped
    assert all(point["interval"][0] < point["mean"] < point["interval"][1] for point in report["points"])
    assert [point["yield"]["units"] for point in report["points"]] == [16] * 6
    assert "difference" not in report["points"][0]


def test_the_default_file_goes_on_or_is_a_new_one(hwsim, tmp_path: Path) -> None:
    """The same sweep finds its file; another one takes the next name."""
    words = ("sweep", "xor", "--vary", "training.beta=1e-6,2e-6", "--mode", "evaluate", "--jobs", "1", "--json")
    by_key, by_option = ("--set", "training.epochs=2"), ("--epochs", "2")
    first, again, other = hwsim(*words, *by_key), hwsim(*words, *by_option), hwsim(*words, *by_option, "--seeds", "2")
    assert [answer.json["database"] for answer in (first, again, other)] == ["runs/xor-beta.db", "runs/xor-beta.db", "runs/xor-beta-2.db"]
    assert "resumes the sweep in it" in again.err
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == ["xor-beta-2.db", "xor-beta.db"]
    assert first.json["points"] == again.json["points"]


@pytest.mark.parametrize("words", ["sweep xor --vary training.beta=1e-6,2e-6 --mode evaluate", "train iris --folds 2"])
@pytest.mark.parametrize("content", [b"garbage" * 99, b"SQLite format 3\0" + bytes(99)])
def test_what_is_no_database_is_refused_and_not_resumed(hwsim, tmp_path: Path, words: str, content: bytes) -> None:
    """Nothing is announced before the file is known to be of the sweep, and the file stays as it was."""
    (tmp_path / "a.db").write_bytes(content)
    answer = hwsim(*words.split(), "--out", "a.db")
    assert answer.code == 2
    assert "a.db" in answer.err.splitlines()[-1]
    assert "resumes" not in answer.err
    assert (tmp_path / "a.db").read_bytes() == content


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("xor", "nothing is varied"),
        ("xor --vary training.beta", "KEY=START:STOP:COUNT"),
        ("xor --vary training.bta=1,2", "--vary training.bta: there is no such key; did you mean training.nudge.beta"),
        ("xor --vary training.beta=0:1:3", "training.nudge.beta = 0"),
        ("xor --vary device.preset=pcm,reram", "reram"),
        ("xor --vary training.seed=1,2", "--seeds N"),
        ("xor --vary training.beta=1e-6:1e-5", "--random N"),
        ("xor --vary training.beta=1e-6:1e-5 --random 3 --sobol 4", "--random and --sobol"),
        ("xor --vary training.beta=1e-6:1e-5 --sobol 5", "powers of two"),
        ("xor --vary training.beta=1e-6,2e-6 --chips 0", "--chips"),
        ("xor --vary training.beta=1e-6,2e-6 --spec 5", "--spec"),
        ("xor --vary training.beta=1e-6,2e-6 --against 3", "there are 2 points"),
        ("xor --vary training.beta=1e-6,2e-6 --export a.txt", "FILE.csv or FILE.parquet"),
        ("xor --vary training.beta=1e-6,2e-6 --out text.db", "text.db: is not a sweep's database"),
        ("xor --vary training.beta=1e-6,2e-6 --out text.db/a.db", "not a folder"),
        ("xor --vary training.beta=1e-6,2e-6 --out cheap.db", "cheap.db is a sweep with"),
        ("xor --vary data.name=iris,xor", "circuit.inputs = 2"),
        ("xor --vary training.beta=1e-6,2e-6 --jobs 2 --scheduler tcp://127.0.0.1:9", "use one of them"),
        ("iris-0 --mode evaluate --vary variation.offset=0,1e-3 --seeds 2", "take more chips"),
        ("iris-0 --mode evaluate --vary circuit.layers[0].size=8,9", "w1"),
        ("cheap.db --chips 3", "--chips would make it another"),
        ("cheap.db --set training.epochs=3", "--set would make it another"),
        ("cheap.db --epochs 3", "--epochs would make it another"),
        ("xor --vary training.beta=1e-6,2e-6 --epochs 3 --set training.epochs=2", "training.epochs"),
        ("cheap.db --vary training.beta=1,2", "--vary would make it another"),
        ("cheap.db --against 7", "there are 6 points"),
        ("nothing.db --vary training.beta=1e-6,2e-6", "no such file"),
    ],
)
def test_bad_input_is_said_and_leaves_nothing(hwsim, trained: Path, cheap: Path, tmp_path: Path, words: str, message: str) -> None:
    """One line, exit code 2, no file."""
    (tmp_path / "text.db").write_text("no database")
    (tmp_path / "cheap.db").write_bytes(cheap.read_bytes())
    (tmp_path / "iris-0").symlink_to(trained)
    before = sorted(tmp_path.iterdir())
    answer = hwsim("sweep", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert sorted(path for path in tmp_path.iterdir() if path.name not in {"cheap.db-wal", "cheap.db-shm"}) == before


def test_tables_hold_every_result(hwsim, cheap: Path, tmp_path: Path) -> None:
    """Both forms: a row a result, with the varied keys; what has no number is empty."""
    assert hwsim("sweep", cheap, "--export", "a.csv").code == hwsim("sweep", cheap, "--export", "a.parquet").code == 0
    loaded = read(cheap)
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    settings = {point.number: point.settings for point in loaded.points}
    assert len(rows) == len(table) == 192
    for result, row, entry in zip(loaded.results, rows, table, strict=True):
        assert (int(row["point"]), int(row["chip"]), int(row["seed"])) == result[:3] == (entry["point"], entry["chip"], entry["seed"])
        assert float(row["training.beta"]) == entry["training.beta"] == settings[result.point]["training.beta"]
        assert row["test_error"] == ("" if result.failed else repr(result.test_error))
        assert entry["test_error"] == (None if result.failed else result.test_error)
        assert (row["failed"] or None, row["pulses"]) == (result.failed, "")


def test_values_of_several_kinds_become_text(cheap: Path) -> None:
    """A column of a table has one kind."""
    loaded = read(cheap)
    points = [
        point._replace(settings={"training.beta": value})
        for point, value in zip(loaded.points, [1, "a", [1, 2], True, 0.5, {}], strict=True)
    ]
    mixed = Recorded(loaded.path, loaded.definition, points, loaded.results, {})
    assert list(dict.fromkeys(export.columns(mixed)["training.beta"])) == ["1", "a", "[1, 2]", "true", "0.5", "{}"]
    assert export.to_parquet(mixed)


@pytest.mark.parametrize(
    ("vary", "chosen"),
    [
        (["training.beta=log:1e-7:1e-5:4", "training.optimizer=sgd,adam"], {"kind": "alone"}),
        (["training.beta=log:1e-7:1e-5:4", "training.adam_b1=0:0.8:3"], {"kind": "grid"}),
        (["training.beta=log:1e-7:1e-5", "training.adam_b1=0:0.8"], {"kind": "sobol", "count": 4}),
    ],
)
def test_plots_are_drawn(tmp_path: Path, vary: list[str], chosen: dict[str, Any]) -> None:
    """Of one key at a time, of a map over two, and of Sobol's indices."""
    made = SweepDefinition.make(load("xor"), tuple(map(read_axis, vary)), design=Design(**chosen), chips=9)
    with Database.begin(tmp_path / "a.db", made, {}) as database:
        run(database, lambda _: None, function=compute)
        result = database.recorded()
    assert sheet(result, 0.5).startswith(b"\x89PNG")


def test_a_plot_is_written(hwsim, cheap: Path, tmp_path: Path) -> None:
    """The same numbers give the same bytes."""
    assert [hwsim("sweep", cheap, "--plot", name).code for name in ("a.png", "b.png")] == [0, 0]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_terminal_shows_the_table_as_it_fills(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With bar and time left, never wider or higher than the terminal."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for name, value in (("COLUMNS", "50"), ("LINES", "8"), ("TERM", "xterm"), ("FORCE_COLOR", "1")):
        monkeypatch.setenv(name, value)
    with Output().board("digits", ("point", "error %")) as show:
        for done in range(12):
            show(ProgressStep(done, 12, f"{done} of 12 results, and more than fifty letters"), {done: (str(done), "1.00")})
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line for line in re.split(r"[\r\n]+", shown) if line.strip()]
    assert all(len(line.rstrip()) <= 50 for line in lines)
    assert "digits ━━" in shown
    assert "point" in shown


def _has_results(path: Path) -> bool:
    try:
        return bool(read(path).results)
    except SweepError:  # it is being made
        return False


def test_ctrl_c_ends_with_130_and_the_workers_too(tmp_path: Path) -> None:
    """What is finished stays, and one line shows how to resume."""
    code = "import sys; from support import free_sweep; from cli.main import main; from hwsim.sweep import execution\n"
    code += "execution.run.__kwdefaults__['function'] = free_sweep.slowly\n"
    code += "if __name__ == '__main__': sys.exit(main(sys.argv[1:]))"
    program = tmp_path / "program.py"
    program.write_text(code)
    words = ["sweep", "xor", "--vary", "training.beta=log:1e-8:1e-5:400", "--chips", "4", "--jobs", "2", "--out", "a.db"]
    began = [sys.executable, program, *words]
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(began, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr.readline()
        while not _has_results(tmp_path / "a.db"):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        printed = process.stderr.read()
    assert process.returncode == 130
    assert re.search(r"hwsim: interrupted; \d+ of 1600 results are in a.db, and the same command resumes the sweep\n$", printed)
    assert "Traceback" not in printed
    assert np.isfinite(read(tmp_path / "a.db").results[0].seconds)


def test_the_run_that_is_evaluated_is_recorded(hwsim, trained: Path, tmp_path: Path) -> None:
    """So that a report's command repeats the sweep; a circuit without a run is tested before any training, which a note reports."""
    (tmp_path / "iris-0").symlink_to(trained)
    words = ("--mode", "evaluate", "--vary", "variation.offset=0,1e-3", "--jobs", "1", "--set", "variation.rails=0.01")
    assert "before any training" not in hwsim("sweep", "iris-0", *words, "-o", "run.db").err
    environment = read(tmp_path / "run.db").environment
    assert (environment["run"], environment["set"]) == ("iris-0", ["variation.rails=0.01"])
    assert "before any training" in hwsim("sweep", "iris", *words, "-o", "circuit.db").err
    assert "run" not in read(tmp_path / "circuit.db").environment

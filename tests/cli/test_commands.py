"""Commands do what their help states; JSON is alone on standard output."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core import kirchhoff
from hwsim.core.protocol import Drive, Equilibrium
from hwsim.data.loading import load_data
from hwsim.runs import train
from hwsim.runs.loaded import load_model


def test_training_leaves_a_run_that_other_commands_take(hwsim, trained: Path) -> None:
    """The folder's weights are what `evaluate`, `solve` and `compile` use, and all report the same error."""
    summary = json.loads((trained / "summary.json").read_text())
    report = hwsim("evaluate", trained, "--json").json
    assert report["trained"]
    assert report["test_error"] == summary["test_error"]
    confusion = np.array(report["confusion"])
    assert 1 - np.trace(confusion) / confusion.sum() == pytest.approx(report["test_error"])
    assert hwsim("solve", trained).out != hwsim("solve", "iris").out


def test_train_tells_in_json_what_it_wrote(hwsim, tmp_path: Path) -> None:
    """The object holds errors, epochs, seconds, engine and folder; progress goes elsewhere."""
    answer = hwsim("train", "xor", "--epochs", "2", "--seed", "5", "--batch", "2", "--json", "--set", "training.rate=1e-7")
    report = answer.json
    assert answer.code == 0
    assert {"test_error", "train_error", "epochs", "seconds_per_epoch", "engine", "run"} <= set(report)
    assert (report["epochs"], report["engine"], report["run"]) == (2, "numeric", "runs/xor-5")
    assert "epoch 2/2" in answer.err
    toml = (tmp_path / report["run"] / "experiment.toml").read_text()
    assert "batch = 2" in toml
    assert "rate = 1e-07" in toml


def test_solve_gives_an_equilibrium(hwsim, trained: Path) -> None:
    """Kirchhoff's law holds for the voltages that it prints, and the outputs are differences of them."""
    report = hwsim("solve", trained, "--sample", "2:6", "--json").json
    given = load_model(str(trained))
    x = load_data(given.experiment).x_test[2:6]
    v = {group: np.array(values) for group, values in report["voltages"].items()}
    equilibrium = Equilibrium(v, np.array(report["residual_A"]), np.array(report["steps"]), np.zeros(4))
    balance = kirchhoff.balance(given.circuit, Chip.nominal(given.circuit), given.g, Drive(x), equilibrium)
    assert (balance.residual <= 1e-9 * balance.largest).all()
    assert np.allclose(equilibrium.outputs(given.circuit), report["outputs"], atol=1e-15)
    assert report["samples"] == [2, 3, 4, 5]
    assert report["engine"] == "numeric"


def test_solve_prints_what_its_json_holds(hwsim) -> None:
    """The table shows the same outputs, with --nodes the voltage of every node, and with --currents the current of every source."""
    report = hwsim("solve", "iris", "--sample", "3", "--currents", "--json").json
    text = hwsim("solve", "iris", "--sample", "3", "--nodes", "--currents").out
    assert sum(len(i[0]) for i in report["currents"].values()) == 9 + 2 * 8 + 8  # rows and bias, rails, amplifiers
    assert all(f"{i:.6g}" in text for array in report["currents"].values() for i in array[0])
    assert all(f"{v:.6f}" in text for v in report["outputs"][0])
    assert all(f"{v:.9f}" in text for group in report["voltages"].values() for v in group[0])


def test_both_engines_solve_alike(hwsim) -> None:
    """What `--engine` names solves, and the voltages agree to 1e-8 V."""
    numeric, ngspice = (hwsim("solve", "iris", "--sample", "0:4", "--engine", name, "--json").json for name in ("numeric", "ngspice"))
    assert (numeric["engine"], ngspice["engine"]) == ("numeric", "ngspice")
    for group, v in numeric["voltages"].items():
        assert np.allclose(v, ngspice["voltages"][group], rtol=0, atol=1e-8)


def test_check_passes(hwsim) -> None:
    """The whole comparison of a small circuit holds, and its JSON states by how much."""
    answer = hwsim("check", "xor", "--json")
    report = answer.json
    assert (answer.code, report["passed"]) == (0, True)
    assert report["engines_max_dv"] <= 1e-8
    assert report["gradient_max_rel"] <= 1e-5


def test_a_failed_check_exits_with_one(hwsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that cannot be met makes the exit code 1, not an error."""
    monkeypatch.setattr("hwsim.checks.agreement.AGREE_KIRCHHOFF", 0.0)
    answer = hwsim("check", "xor", "--json")
    assert (answer.code, answer.json["passed"]) == (1, False)


@pytest.mark.parametrize("part", ["test", "train"])
def test_ngspice_runs_a_compiled_deck(hwsim, trained: Path, tmp_path: Path, part: str) -> None:
    """`ngspice deck.cir` prints the outputs that `hwsim solve` finds for that sample, free and nudged."""
    report = hwsim("compile", trained, "-o", "deck.cir", "--sample", "4", "--part", part, "--json").json
    assert report["bytes"] == (tmp_path / "deck.cir").stat().st_size
    assert report["nodes"] == load_model("iris").circuit.size
    outputs = hwsim("solve", trained, "--sample", "4", "--part", part, "--json").json["outputs"][0]
    done = subprocess.run(["ngspice", "-b", "deck.cir"], capture_output=True, text=True, check=False)
    printed = [float(output) for output in re.findall(r"^\S+ = (\S+)$", done.stdout, re.MULTILINE)]
    assert len(printed) == 3 * len(outputs)
    free, up, down = np.reshape(printed, (3, -1))
    assert np.allclose(free, outputs, atol=1e-8)
    assert np.allclose((up + down) / 2, free, atol=1e-4)
    assert not np.allclose(up, down, atol=1e-8)


def test_a_run_s_netlist_is_its_compiled_circuit(hwsim, trained: Path) -> None:
    """circuit.cir is what `hwsim compile` writes of the run: same circuit, same bytes, twice."""
    decks = [hwsim("compile", trained, "-o", "-").out for _ in range(2)]
    assert decks[0] == decks[1] == (trained / "circuit.cir").read_text()


def test_a_netlist_that_is_too_large_is_left_out(hwsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the trained netlist would be larger than any reader takes, it is not written, and that is stated with what writes it."""
    monkeypatch.setattr(train, "LARGEST_NETLIST", 10)
    report = hwsim("train", "xor", "--epochs", "1", "--out", "large")
    assert "netlist not written" in report.out
    assert not Path("large/circuit.cir").exists()
    assert hwsim("compile", "large", "-o", "large.cir").code == 0


def test_data_of_one_s_own(hwsim, tmp_path: Path) -> None:
    """A table of the user's is learnt with a circuit of the zoo, by --data alone."""
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{'in' if a * b > 0 else 'out'}" for a, b in rng.uniform(-1, 1, (40, 2))]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    report = hwsim("train", "xor", "--data", "mine.csv", "--epochs", "2", "--json").json
    assert report["data"] == "mine.csv"
    assert hwsim("evaluate", report["run"], "--json").json["class_names"] == ["in", "out"]


@contextmanager
def typed(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run `hwsim` in a process of its own, which is gone in the end."""
    code = "import sys; from cli.main import run; run()"
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until_an_epoch_is_done(folder: Path) -> None:
    """Wait until a run has done an epoch."""
    file = folder / "metrics.jsonl"
    while not (file.exists() and file.read_text()):
        time.sleep(0.05)


def test_ctrl_c_loses_nothing(hwsim, tmp_path: Path) -> None:
    """Interrupted by Ctrl-C, a run shows how to resume, and is resumed to the same bits as one that was left alone."""
    words = ("train", "xor", "--out", "stopped", "--set", "training.schedule=constant", "--set", "training.batch=1")
    with typed(*words, "--epochs", "1000000") as process:
        until_an_epoch_is_done(tmp_path / "stopped")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, out) == (130, "")
        assert "hwsim train stopped --resume" in err.splitlines()[-1]
    epochs = str(len((tmp_path / "stopped" / "metrics.jsonl").read_text().splitlines()) + 10)
    assert hwsim("train", "stopped", "--resume", "--epochs", epochs).code == 0
    assert hwsim(*[word.replace("stopped", "through") for word in words], "--epochs", epochs).code == 0
    with np.load(tmp_path / "stopped" / "weights.npz") as stopped, np.load(tmp_path / "through" / "weights.npz") as through:
        assert all(np.array_equal(stopped[name], through[name]) for name in through)
    shutil.rmtree(tmp_path / "stopped")


@pytest.mark.usefixtures("hwsim")
def test_ctrl_c_while_a_run_compiles_ends_it_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has the exit code of an interruption, and prints how to resume, though XLA's threads may still be at work."""
    monkeypatch.setenv("HOME", str(tmp_path))  # where no program is kept
    with typed("train", "iris", "--out", "stopped") as process:
        while not (tmp_path / "stopped" / "checkpoint.npz").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "hwsim train stopped --resume" in err.splitlines()[-1]


def test_a_finished_run_says_so(hwsim, trained: Path, tmp_path: Path) -> None:
    """Resumed, it trains nothing; with more epochs it continues."""
    shutil.copytree(trained, tmp_path / "run")
    finished = "run: is finished: all of its 3 epochs are trained; --epochs trains it further"
    assert finished in hwsim("train", "run", "--resume").err.splitlines()
    fewer = hwsim("train", "run", "--resume", "--epochs", "2").err
    assert "has completed 3 epochs" in fewer
    assert "is finished" not in fewer + hwsim("train", "run", "--resume", "--epochs", "4").err


@pytest.mark.parametrize(
    ("measure", "words", "numbers"),
    [
        ("power", [], {"p_takes": 3, "p_delivered": 3}),
        ("settle", ["--capacitance", "1e-13"], {"t_1pc_free": 1, "t_01pc_nudged_1": 1, "t_01pc_nudged_2": 1}),
        ("sweep", ["--input", "2"], {}),
        ("pulses", ["--pulses", "3", "--set", "device.preset=reram-sb"], {"g_up_3": 1, "model_down_1": 1}),
    ],
)
def test_ngspice_runs_a_deck_that_measures(hwsim, trained: Path, measure: str, words: list[str], numbers: dict[str, int]) -> None:
    """Each prints labelled numbers: watts, seconds, a table of 101 rows, siemens."""
    report = hwsim("compile", trained, "--measure", measure, *words, "-o", "deck.cir", "--json").json
    assert report["measure"] == measure
    done = subprocess.run(["ngspice", "-b", "deck.cir"], capture_output=True, text=True, check=True)
    printed = re.findall(r"^(\S+) += +(\S+)$", done.stdout, re.MULTILINE)
    assert {name: sum(name == other for other, _ in printed) for name in numbers} == numbers
    assert all(math.isfinite(float(value)) for _, value in printed)
    assert len(re.findall(r"^\d+\t", done.stdout, re.MULTILINE)) == (101 if measure == "sweep" else 0)


def test_notes_say_what_was_asked_for_and_is_not_there(hwsim):
    """Equilibria have no noise, and a comparison has no more samples than the training set."""
    assert "equilibria are shown without the noise of [noise]" in hwsim("solve", "iris", "--set", "noise.read=0.1").err
    assert "noise" not in hwsim("solve", "iris").err
    assert "has 120 samples; all are compared" in hwsim("check", "iris", "--samples", "121", "--ngspice-samples", "2").err


@pytest.mark.parametrize(("words", "exit_code"), [(["zoo"], 0), (["zoo", "nosuch"], 2)])
def test_a_command_ends_with_its_code_and_all_that_is_called_at_exit(words: list[str], exit_code: int) -> None:
    """What libraries clean up at exit is cleaned up, though the process ends without taking its memory apart."""
    code = f"""
import atexit, sys
import cli.main as entry
command = entry.main
entry.main = lambda words: [atexit.register(sys.stdout.write, "cleaned up"), command(words)][1]
sys.argv[1:] = {words!r}
entry.run()
"""
    environment = os.environ | {"PYTHONUNBUFFERED": ""}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == exit_code
    assert done.stdout.endswith("cleaned up")

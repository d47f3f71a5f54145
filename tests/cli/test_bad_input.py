"""Bad input: one clear line, exit code 2, nothing on standard output, no file, no traceback."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwsim.files import atomic

WORDS: dict[str, tuple[str, str]] = {
    "unknown command": ("trian digits", "did you mean train"),
    "unknown option": ("train digits --epoch 3", "--epoch"),
    "no WHAT": ("train", "WHAT"),
    "unknown circuit": ("train digts", "did you mean digits"),
    "unknown file": ("train my.toml", "no such file"),
    "a netlist without roles": ("train my.cir", "the deck declares no input; add a line like *hwsim: input V1"),
    "unknown data": ("train iris --data irsi", "did you mean iris"),
    "missing data": ("train iris --data mine.csv", "mine.csv: no such file"),
    "data that do not fit": ("train iris --data wine", "set it to 13"),
    "NaN features": ("train iris --data nan.csv", "line 2, column 3"),
    "wrong shapes": ("train iris --data wide.npz", "set it to 5"),
    "truncated data": ("evaluate iris --data cut.npz", "cannot be read"),
    "unknown key": ("train iris --set training.epoch=3", "did you mean training.epochs"),
    "wrong value": ("train iris --set training.beta=much", "training.nudge.beta = 'much'"),
    "no value": ("train iris --set training.beta", "KEY=VALUE"),
    "no epochs": ("train iris --epochs 0", "--epochs"),
    "unknown engine": ("solve iris --engine spice", "numeric"),
    "broken TOML": ("train broken.toml", "not valid TOML"),
    "no experiment": ("train notes.md", "notes.md: WHAT is a name in the zoo, an experiment file"),
    "wrong TOML": ("train wrong.toml", "circuit.outputs is missing"),
    "negative size": ("solve iris --set circuit.layers[0].size=-1", "at least 1"),
    "negative current": ("solve iris --set circuit.layers[0].neuron.i_sat=-1", "must be positive"),
    "crossed bounds": ("solve iris --set circuit.g_min=1", "g_max"),
    "folder without a run": ("evaluate .", "folder without experiment.toml"),
    "run without weights": ("evaluate begun", "--resume"),
    "run with other weights": ("evaluate strange", "w1"),
    "weights that are words": ("evaluate words", "not numbers"),
    "nothing to resume": ("train iris --resume", "nothing to resume"),
    "folder in use": ("train iris --out begun", "--resume"),
    "unreadable checkpoint": ("train begun --resume", "checkpoint.npz: cannot be read"),
    "a name that is misspelt": ("zoo iriss", "did you mean iris"),
    "no such sample": ("solve iris --sample 30", "30 samples"),
    "no sample at all": ("solve iris --sample 5:5", "5:5: is empty"),
    "strange sample": ("solve iris --sample first", "FIRST:END"),
    "no deck to write to": ("compile iris -o nowhere/deck.cir", "there is no folder nowhere; make it first"),
    "a full device": ("compile iris -o /dev/full", "/dev/full: the disk is full"),
    "an option of another measure": ("compile iris --measure power --input 1 -o deck.cir", "--input is for --measure sweep"),
    "no such input": ("compile iris --measure sweep --input 4 -o deck.cir", "4 features"),
    "no capacitance": ("compile iris --measure settle --capacitance 0 -o deck.cir", "--capacitance"),
    "no device": ("compile iris --measure pulses -o deck.cir", "device.preset"),
    "two results": ("compile iris -o - --json", "-o"),
    "output in a file": ("train iris --out nan.csv/run", "not a folder"),
    "precision": ("train iris --engine ngspice --set training.precision=float32", "float64"),
    "adjoint with ngspice": ("train iris --engine ngspice --set training.rule=adjoint", "adjoint"),
    "two seeds": (
        "train iris --seed 3 --set training.seed=5",
        "training.seed to 3, and --set training.seed=5 to something else",
    ),
    "a share next to folds": (
        "train iris --folds 3 --set data.test_share=0.5",
        "test_share = 0.5 divides data without folds, and folds = 3",
    ),
    "two chips": ("solve iris --chip 3 --set variation.chip=1", "omit one of them"),
    "two ages": ("evaluate iris --after 1d --set variation.after=5", "--after sets variation.after to 86400"),
    "two data sets": ("tune iris --data wine --set data.name=iris --vary training.rate=1e-7:1e-6", "--data sets data.name to 'wine'"),
    "a section besides an option": ("train iris --epochs 3 --set training={epochs=3}", "--epochs sets training.epochs to 3"),
    "lenient and not": ("train iris --skip-failed --set training.skip_failed=false", "--skip-failed sets training.skip_failed to True"),
    "two roles": ("solve my.cir --inputs V1 --set circuit.inputs=['V2']", "--inputs sets circuit.inputs to ['V1']"),
    "an age without devices": ("evaluate iris --after 30d", "hwsim: --after 30d: variation.after = 30 d lets the memristors"),
    "a key of many kinds": (
        "solve iris --set circuit.eg=0.69",
        "there is no such key; did you mean circuit.layers[0].neuron.eg or circuit.output_neuron.eg?",
    ),
    "a seed of many digits": (
        "train iris --seed 99999999999999999999",
        "--seed 99999999999999999999: training.seed = 9999",
    ),
    "a database": (
        "train folds.db",
        "folds.db: is a database, of a sweep or of folds; continue it with hwsim sweep",
    ),
    "unknown circuit in the zoo": ("zoo digts", "digits"),
}


@pytest.fixture
def clutter(hwsim, tmp_path: Path) -> Path:
    """Fill the folder with files that are wrong in one way each."""
    del hwsim
    (tmp_path / "nan.csv").write_text("1,2,3,4,a\n1,2,nan,4,b\n")
    np.savez(tmp_path / "wide.npz", x=np.ones((6, 5)), y=[0, 1, 2] * 2)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "wide.npz").read_bytes()[:200])
    (tmp_path / "folds.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)))
    (tmp_path / "broken.toml").write_text("[circuit\n")
    (tmp_path / "notes.md").write_text("Some notes.\n")
    (tmp_path / "wrong.toml").write_text("[circuit]\ninputs = 4\n[data]\nname = 'iris'\n")
    (tmp_path / "my.cir").write_text("* a deck\n.end\n")
    for name in ("begun", "strange", "words"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "experiment.toml").write_text("[circuit]\ninputs = 4\noutputs = 3\n[data]\nname = 'iris'\n")
    (tmp_path / "begun" / "checkpoint.npz").write_bytes(b"PK no longer")
    np.savez(tmp_path / "words" / "weights.npz", w1=np.array([["much"]]))
    np.savez(tmp_path / "strange" / "weights.npz", w1=np.ones((2, 2)))
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(file): file.read_bytes() if file.is_file() else b"" for file in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("case", WORDS)
def test_bad_input_is_one_line(hwsim, clutter: Path, case: str) -> None:
    """Exit code 2, a line that names what is wrong, and not a file more or less than before."""
    words, message = WORDS[case]
    before = snapshot(clutter)
    answer = hwsim(*words.split())
    *progress, last = answer.err.splitlines()
    assert answer.code == 2, answer.err
    assert last.startswith("hwsim: ")
    assert message in last
    assert "Traceback" not in answer.err
    assert all("loading and compiling" in line for line in progress)
    assert answer.out == "" or "--json" in words
    assert snapshot(clutter) == before


@pytest.mark.parametrize("case", ["unknown command", "unknown option", "unknown circuit", "unknown data", "wrong value", "two results"])
def test_errors_are_json_too(hwsim, clutter: Path, case: str) -> None:
    """With --json standard output holds one object, whatever happens."""
    del clutter
    words, message = WORDS[case]
    answer = hwsim(*words.split(), *(["--json"] if "--json" not in words else []))
    assert answer.code == 2
    assert message in answer.json["error"]


def test_debug_shows_the_traceback(hwsim) -> None:
    """What is hidden from users is there for those who ask."""
    with pytest.raises(ValueError, match="digts"):
        hwsim("train", "digts", "--debug")


def test_missing_ngspice(hwsim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without its library the ngspice engine names what to install; nothing falls back to the other engine."""
    monkeypatch.setenv("HWSIM_NGSPICE_LIBRARY", str(tmp_path / "libngspice.so"))
    answer = hwsim("train", "iris", "--engine", "ngspice")
    assert answer.code == 2
    assert "apt-get install" in answer.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_no_permission(hwsim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that may not be made is named, with the reason."""

    def denied(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "mkdir", denied)
    answer = hwsim("train", "xor", "--epochs", "1")
    assert answer.code == 2
    assert answer.err.splitlines()[-1] == "hwsim: runs/xor-0: no permission; look at who owns it, or name another place"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(hwsim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A deck that does not fit is not there, not even in part."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    answer = hwsim("compile", "iris", "-o", "deck.cir")
    assert answer.code == 2
    assert answer.err.endswith("deck.cir: the disk is full\n")
    assert list(tmp_path.iterdir()) == []


def test_no_equilibrium_is_a_failure_not_bad_input(hwsim, tmp_path: Path) -> None:
    """A circuit that does not settle in the allowed steps exits with 1 and names what to try."""
    answer = hwsim("solve", "iris", "--set", "solver.max_steps=1")
    assert answer.code == 1
    assert "solver.max_steps" in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["zoo"], ["zoo", "--json"], ["--help"]])
def test_a_full_standard_output(words: list[str]) -> None:
    """Where not even the result can be written, the exit code is 2 and one line names why."""
    code = "from cli.main import run; run()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "hwsim: cannot write the output: the disk is full\n"


def test_a_reader_that_goes_away() -> None:
    """`hwsim zoo | head -1` ends quietly."""
    command = f"{sys.executable} -c 'from cli.main import run; run()' zoo | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "error" in done.stdout
    assert done.stderr == ""


def test_json_holds_no_nan(hwsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that JSON does not know become null."""
    monkeypatch.setattr("circuits.zoo.names", lambda: ["iris"])
    monkeypatch.setattr(
        "circuits.zoo.read", lambda _: "about = ''\n[circuit]\ninputs = 4\noutputs = 3\n[data]\nname = 'x'\n[reached]\ntest_error = nan\n"
    )
    assert json.loads(hwsim("zoo", "--json").out)["circuits"][0]["test_error"] is None


def test_an_interruption_while_a_library_loads(hwsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries in C report that they failed to load when Ctrl-C comes meanwhile; it is reported as what it was."""

    def load(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            msg = "initialization failed"
            raise ImportError(msg) from None

    monkeypatch.setattr("hwsim.data.loading.load_data", load)
    answer = hwsim("solve", "iris")
    assert (answer.code, answer.err) == (130, "hwsim: interrupted\n")


WARNS = """
import subprocess, sys
import click, numpy as np
from cli import main

def overflow(*_, **__):
    np.float64(1e308) * 10
    subprocess.run([sys.executable, "-c", "import numpy as np; np.float64(1e308) * 10"])

main.hwsim.main = overflow
main.run()
"""


@pytest.mark.parametrize("options", [[], ["-W", "default"]])
def test_warnings_of_libraries_are_for_those_who_ask(options: list[str]) -> None:
    """Users get our own lines, from a command and from the processes that it starts; -W brings Python's and NumPy's back."""
    done = subprocess.run([sys.executable, *options, "-c", WARNS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert ("RuntimeWarning" in done.stderr) == bool(options)

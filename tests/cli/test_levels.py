"""Few levels on the command line: the netlist of a two-level circuit, and trained runs that are rounded."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

TWO = ["--set", "circuit.g_min=1e-6", "--set", "device.levels=2"]
PAIRS = ["--set", "device.coding=mirrored"]


def resistances(deck: Path) -> set[float]:
    """Return the values of a deck's memristors."""
    return {float(value) for value in re.findall(r"^R_w\d+_\S+ \S+ \S+ (\S+)$", deck.read_text(), re.MULTILINE)}


def test_a_trained_two_level_netlist_holds_two_resistances_and_answers_the_same(hwsim, tmp_path) -> None:
    """In plain ngspice, whose outputs are those of `solve`; the metrics count flips, and the run reports them with their energy."""
    trained = hwsim("train", "iris", *TWO, *PAIRS, "--epochs", "2", "--out", "two", "--json").json
    assert resistances(tmp_path / "two" / "circuit.cir") == {1e4, 1e6}
    printed = subprocess.run(["ngspice", "-b", "two/circuit.cir"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    outputs = [float(value) for value in re.findall(r"^yhat_\d = (\S+)", printed, re.MULTILINE)][:3]
    solved = hwsim("solve", "two", "--json").json
    np.testing.assert_allclose(outputs, solved["outputs"][0], rtol=0, atol=1e-8)
    assert trained["levels"] == 2
    assert trained["flips_per_device"] > 0
    assert "flips per memristor" in hwsim("evaluate", "two").unwrapped


def test_a_trained_run_is_rounded_to_levels(hwsim, tmp_path) -> None:
    """`evaluate --levels`, `compile` and a sweep in mode evaluate round the same conductances; with many levels little changes."""
    assert hwsim("train", "iris", "--epochs", "2", "--out", "run").code == 0
    as_it_is, many, few = (hwsim("evaluate", "run", *words, "--json").json for words in ([], ["--levels", "256"], ["--levels", "3"]))
    assert as_it_is["levels"] is None
    assert abs(many["test_error"] - as_it_is["test_error"]) < 0.1
    assert hwsim("compile", "run", "--set", "device.levels=3", "-o", "three.cir").code == 0
    assert len(resistances(tmp_path / "three.cir")) <= 3
    swept = hwsim("sweep", "run", "--vary", "device.levels=3,256", "--mode", "evaluate", "--json").json["points"]
    assert [point["mean"] for point in swept] == pytest.approx([few["test_error"], many["test_error"]], abs=1e-12)
    assert "with devices of 3 levels" in hwsim("evaluate", "run", "--levels", "3").unwrapped


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "iris", "--levels", "1"], "1 is not in the range 2<=x<=256"),
        (["train", "iris", "--set", "device.coding=mirrored"], "levels is absent"),
        (
            ["sweep", "iris", "--set", "device.levels=2", "--set", "device.preset=pcm", "--vary", "device.cycle=0,0.1"],
            "device.levels is set",
        ),
        (["train", "iris", "--set", "training.update.quantise=2"], "'power-of-two', 'sign' or a whole number from 3 to 256"),
        (["train", "iris", "--set", "training.output_copies=2"], "circuit.outputs = 3, but data iris have 3 classes; set it to 6"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(hwsim, words: list[str], message: str) -> None:
    """With the key, its value and what to do, and exit code 2."""
    answer = hwsim(*words)
    assert answer.code == 2
    assert message in " ".join(answer.err.split())

"""A chip on the command line: the deck is that very chip, many chips are tested at once, and noisy training continues to the same bits."""

import csv
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hwsim.data.loading import load_data
from hwsim.devices.manufacture import draw
from hwsim.experiment.loading import load
from hwsim.learning.state import State
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.settings.variation_settings import NoiseSettings

VARIED = [
    word
    for key in (
        "diode_i_sat=0.3",
        "rails=0.02",
        "gain=0.05",
        "back=0.05",
        "offset=0.005",
        "output_resistance=200",
        "stuck=0.02",
        "temperature=40",
    )
    for word in ("--set", f"variation.{key}")
]


def test_the_deck_of_a_chip_is_what_the_numeric_engine_solves(hwsim, tmp_path) -> None:
    """The ngspice program, given what `compile --chip 7` wrote, prints what `solve --chip 7` does, and no other chip's voltages."""
    assert hwsim("compile", "iris", "--chip", "7", *VARIED, "-o", "seven.cir").code == 0
    output = subprocess.run(["ngspice", "-b", "seven.cir"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    printed = [float(v) for v in re.findall(r"^yhat_\d = (\S+)", output, re.MULTILINE)[:3]]
    seven, eight = (hwsim("solve", "iris", "--chip", chip, *VARIED, "--json").json["outputs"][0] for chip in ("7", "8"))
    np.testing.assert_allclose(printed, seven, rtol=0, atol=1e-8)
    assert np.abs(np.subtract(seven, eight)).max() > 1e-4


def test_a_circuit_is_tested_on_many_chips(hwsim, trained) -> None:
    """Each chip is reported by its number, and the one of `--chip` is the same."""
    report = hwsim("evaluate", trained, *VARIED, "--chips", "3", "--json").json
    assert [one["chip"] for one in report["chips"]] == [0, 1, 2]
    assert report["chips"][2]["test_error"] == hwsim("evaluate", trained, *VARIED, "--chip", "2", "--json").json["test_error"]
    assert "all chips are equal" in hwsim("evaluate", trained, "--chips", "1").err


@pytest.mark.parametrize("words", [["--chip", "-1"], ["--chips", "0"]])
def test_there_is_no_chip_below_0(hwsim, words: list[str]) -> None:
    """Nor are there fewer than one to test."""
    assert hwsim("evaluate", "iris", *words).code == 2


def test_noisy_training_goes_on_to_the_same_bits() -> None:
    """Noise depends on the seed, the epoch and the step alone, and another seed's is another."""
    keys = ["training.epochs=2", "variation.diode_i_sat=0.3", "noise.thermal=true", "noise.shot=true", "noise.read=0.001"]
    loaded = load("xor", keys)
    circuit = loaded.circuit.compile()
    with NumericEngine().prepare(circuit, draw(circuit, loaded.variation, loaded.device)) as solver:
        trainer = Session.of(loaded).trainer(solver)
        training = trainer.run(trainer.begin())
        saved = next(training).state.arrays()  # before the next updates take its memory
        *_, last = training
        *_, resumed = trainer.run(State.from_arrays(saved, circuit))
        quiet = Session.of(loaded.model_copy(update={"noise": NoiseSettings()}), load_data(loaded)).trainer(solver)
        *_, other = quiet.run(quiet.begin())
    for name, g in trainer.g(last.state).items():
        np.testing.assert_array_equal(g, trainer.g(resumed.state)[name])
        assert (g != quiet.g(other.state)[name]).any()


def test_every_command_tests_a_chip_with_the_same_noise(hwsim) -> None:
    """A run of chip 2, its evaluation, `evaluate --chips` and a sweep err alike under read noise; and other chips do otherwise."""
    noisy = ("--set", "noise.read=0.5", "--set", "training.epochs=1", "--chip", "2")
    trained = hwsim("train", "iris", *noisy, "--out", "run", "--json").json["test_error"]
    assert hwsim("evaluate", "run", "--json").json["test_error"] == trained
    chips = [one["test_error"] for one in hwsim("evaluate", "run", "--chips", "6", "--json").json["chips"]]
    assert chips[2] == trained
    assert len(set(chips)) > 1
    swept = hwsim("sweep", "run", "--vary", "noise.shot=false", "--mode", "evaluate", "--chips", "4", "--out", "s.db", "--export", "s.csv")
    assert swept.code == 0
    with Path("s.csv").open(encoding="utf-8") as file:
        assert [float(row["test_error"]) for row in csv.DictReader(file)] == chips[2:6]

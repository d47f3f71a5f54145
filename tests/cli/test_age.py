"""Age and heat on the command line: a drifted chip's deck, what is stated where no drift is known, and how far a run tolerates heat."""

import re
import subprocess

import numpy as np
import pytest

from hwsim.inspection.heat import Tolerance

PCM = ["--set", "device.preset=pcm"]
HOT = ["--set", "variation.temperature=85", "--set", "device.temperature_coefficient=0.001"]


def test_the_deck_of_a_drifted_hot_chip_is_what_solve_solves(hwsim, tmp_path) -> None:
    """Of what `compile --after` wrote, ngspice prints what `solve --after` does by either engine, and no fresh chip's voltages."""
    assert hwsim("compile", "xor", *PCM, *HOT, "--after", "30d", "-o", "old.cir").code == 0
    text = (tmp_path / "old.cir").read_text()
    assert "chip 0; 1.058 times those at 27 degrees Celsius; 30 d after they were programmed" in text
    output = subprocess.run(["ngspice", "-b", "old.cir"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    printed = float(re.search(r"^yhat_0 = (\S+)", output, re.MULTILINE)[1])
    solved = {
        engine: hwsim("solve", "xor", *PCM, *HOT, "--after", "30d", "--engine", engine, "--json").json for engine in ("numeric", "ngspice")
    }
    fresh = hwsim("solve", "xor", *PCM, *HOT, "--json").json
    np.testing.assert_allclose(solved["numeric"]["outputs"], solved["ngspice"]["outputs"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(printed, solved["numeric"]["outputs"][0][0], rtol=0, atol=1e-8)
    assert abs(printed - fresh["outputs"][0][0]) > 1e-5
    assert (fresh["after_s"], fresh["drift"]) == (0, None)
    assert solved["numeric"]["after_s"] == 30 * 86400
    assert solved["numeric"]["drift"] == {"nu": 0.049, "nu_spread": 0.008, "t0": 20.0}


def test_the_deck_of_a_drifted_chip_reads_back(hwsim) -> None:
    """Bounds have drifted with the conductances, so that nothing in it lies outside of them."""
    assert hwsim("compile", "xor", *PCM, "--after", "1y", "-o", "old.cir").code == 0
    answer = hwsim("inspect", "old.cir")
    assert answer.code == 0
    assert "outside of their bounds" not in answer.out + answer.err


def test_every_command_evaluates_the_same_drifted_chip(hwsim) -> None:
    """`evaluate`, its `--chips`, and a sweep of the age: one error for one age, by either engine, and of a fresh chip that of no age."""
    age, run = ["--after", "10y"], ["iris-run", "--set", "variation.temperature=29"]
    assert hwsim("train", "iris", *PCM, "--epochs", "2", "--out", "iris-run").code == 0
    report = hwsim("evaluate", *run, *age, "--chips", "1", "--json").json
    assert report["chips"][0]["test_error"] == report["test_error"]
    assert hwsim("evaluate", *run, *age, "--engine", "ngspice", "--json").json["test_error"] == report["test_error"]
    swept = hwsim("sweep", *run, "--vary", f"variation.after=0,{report['after_s']}", "--mode", "evaluate", "--json").json["points"]
    assert swept[1]["mean"] == pytest.approx(report["test_error"], abs=1e-12)
    assert swept[0]["mean"] == pytest.approx(hwsim("evaluate", *run, "--json").json["test_error"], abs=1e-12)


def test_a_device_without_known_drift_is_noted(hwsim) -> None:
    """The error is the undrifted one, with a note and a null in JSON; the two ages that change nothing report it too."""
    words = ["evaluate", "xor", "--set", "device.preset=fefet"]
    fresh, old = hwsim(*words, "--json"), hwsim(*words, "--after", "30d", "--json")
    assert old.json["drift"] is None
    assert old.json["test_error"] == fresh.json["test_error"]
    assert "fefet has no drift model: its conductances are used as programmed" in old.err
    assert "known" not in fresh.err
    assert "after 30 d (no drift model, none counted)" in hwsim(*words, "--after", "30d").unwrapped
    swept = hwsim("sweep", "xor", "--vary", "device.preset=pcm,fefet", "--set", "variation.after=1e6", "--mode", "evaluate")
    assert swept.err.count("has no drift model") == swept.err.count("fefet has no drift model") == 1
    assert "pcm drifts from 20 s on, and variation.after is 20 s" in hwsim("solve", "xor", *PCM, "--after", "20s").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "xor", "--after", "30"], "--after 30: should be a finite number"),
        (["solve", "xor", "--after", "nan"], "--after nan: should be a finite number"),
        (["evaluate", "xor", *PCM, "--after", "-3d"], "--after -3d: should be a finite number"),
        (["compile", "xor", *PCM, "--after", "1e400y", "-o", "x.cir"], "--after 1e400y: should be a finite number"),
        (["evaluate", "xor", *PCM, "--after", "9e9y"], "variation.after = 2.840184e+17: should be less than or equal to"),
        (["solve", "iris", "--after", "3d"], "device.preset drift, and there is none; name one"),
        (["compile", "xor", *PCM, "--after", "3d", "--measure", "pulses", "-o", "x.cir"], "--after applies to a whole chip"),
        (["train", "xor", *PCM, "--set", "variation.after=5"], "a chip drifts after training, not before"),
        (["tune", "xor", *PCM, "--set", "variation.after=5", "--vary", "training.beta=log:1e-7:1e-5"], "drifts after training, not before"),
        (["inspect", "iris", "--heat"], "iris is not trained, and --heat evaluates a trained circuit"),
    ],
)
def test_what_has_no_meaning_is_refused_in_a_line(hwsim, words: list[str], message: str) -> None:
    """Exit 2, one line, nothing written."""
    answer = hwsim(*words)
    assert answer.code == 2
    assert message in answer.err.splitlines()[-1]


def test_inspect_says_how_far_a_run_tolerates_heat(hwsim, trained) -> None:
    """Within the range the error is at most a point above that of 27 °C, as `evaluate` measures it; just outside it is more."""
    answer = hwsim("inspect", trained, "--heat", "--json")
    heat = answer.json["heat"]
    errors = {one["temperature_C"]: one["test_error"] for one in heat["errors"]}
    assert list(errors) == sorted(errors)
    limit = errors[27.0] + 0.01
    within = [error <= limit for celsius, error in errors.items() if heat["coldest_C"] <= celsius <= heat["hottest_C"]]
    assert len(within) > 1
    assert all(within)
    assert errors[125.0] > limit
    hotter = min(celsius for celsius in errors if celsius > heat["hottest_C"])
    assert hotter - heat["hottest_C"] < 3.1
    measured = hwsim("evaluate", trained, "--set", f"variation.temperature={hotter}", "--json").json
    assert measured["test_error"] == errors[hotter] > limit
    (warning,) = (line for line in answer.json["warnings"] if line.startswith("heat:"))
    assert f"from {heat['coldest_C']:g} to {heat['hottest_C']:g} °C the test error stays within 1 point" in warning


@pytest.mark.parametrize(
    ("coldest", "hottest", "message"),
    [
        (
            4.6,
            28.6,
            "from 4.6 to 28.6 °C … within 1 point …; it first exceeds that at 2 and 30.2 °C",
        ),
        (-40.0, 28.6, "from -40 to 28.6 °C … within 1 point …; it first exceeds that at 30.2 °C"),
        (-40.0, 125.0, None),
    ],
)
def test_a_warning_of_heat_names_measured_temperatures_only(coldest: float, hottest: float, message: str | None) -> None:
    """No end of the range is rounded to where nothing was tried, and nothing is stated of what lies beyond the first failure."""
    errors = {-40.0: 0.0, 2.0: 0.3, 4.6: 0.03, 27.0: 0.02, 28.6: 0.03, 30.2: 0.3, 125.0: 0.0}
    warning = Tolerance(27.0, coldest, hottest, errors).warning
    if message is None:
        assert warning is None
    else:
        assert warning is not None
        assert re.fullmatch(re.escape(f"heat: {message}").replace("…", ".*"), warning)


def test_the_reference_of_heat_is_the_temperature_of_the_training(hwsim, trained) -> None:
    """A temperature that is only typed makes no run trained at it: it is refused, and that of the training changes nothing."""
    answer = hwsim("inspect", trained, "--heat", "--set", "variation.temperature=85")
    assert answer.code == 2
    assert "--heat compares all temperatures with 27 °C" in answer.err.splitlines()[-1]
    assert hwsim("inspect", trained, "--heat", "--set", "variation.temperature=27", "--json").json["heat"]["trained_at_C"] == 27


def test_heat_adds_to_the_other_warnings(hwsim, trained) -> None:
    """Conductances that the bounds cut are reported with --heat as without it."""
    tight = ("inspect", trained, "--set", "circuit.g_max=1e-5", "--json")
    warnings = hwsim(*tight).json["warnings"]
    assert any("cut to their bounds" in warning for warning in warnings)
    assert [warning for warning in hwsim(*tight, "--heat").json["warnings"] if not warning.startswith("heat:")] == warnings

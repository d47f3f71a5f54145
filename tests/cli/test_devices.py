"""`hwsim devices`: the list, one device, its picture, and fits."""

import re
import tomllib
from pathlib import Path

import pytest

from hwsim.devices.kinds import presets

HEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] * 2
TRAIN = "pulses,g\n0,1e-6\n" + "".join(
    f"{1 if k % 24 < 12 else -1},{1e-6 * (1 + height) + 3e-8 * (k * k % 7):.3e}\n" for k, height in enumerate(HEIGHTS)
)


def png(path: Path) -> tuple[int, int]:
    """Return the width and height of a picture."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def test_the_list_has_every_preset(hwsim) -> None:
    """A row each with model, range and source; JSON states the same and more."""
    answer, report = hwsim("devices"), hwsim("devices", "--json").json
    assert answer.code == 0
    assert [entry["name"] for entry in report["presets"]] == presets.names()
    laws, sources = ([line for line in part.splitlines() if line.startswith(tuple(presets.names()))] for part in answer.out.split("\n\n"))
    for entry, line, source in zip(report["presets"], laws, sources, strict=True):
        assert line.split()[:2] == [entry["name"], entry["kind"]]
        assert source.split()[0] == entry["name"]
        assert entry["source"].partition(",")[0].partition(";")[0] in source
        assert ("crossbar's" in line) == (entry["g_min"] is None)


@pytest.mark.parametrize("name", presets.names())
def test_one_device_tells_all(hwsim, name: str) -> None:
    """Source, range of validity and what is approximate stand there; as TOML it reads back to the same device."""
    device, answer = presets.load(name), hwsim("devices", name)
    for message in (device.source, device.valid, *device.approximate.values()):
        assert message in answer.unwrapped
    report = hwsim("devices", name, "--json").json
    assert report["name"] == name
    assert presets.parse(report["toml"], name) == device
    assert hwsim("devices", name, "--toml").out == report["toml"]


def test_a_device_file_of_one_s_own(hwsim, tmp_path: Path) -> None:
    """`hwsim devices reram-sb --toml > my.toml` gives a file to change."""
    text = hwsim("devices", "reram-sb", "--toml").out.replace("delta_up = 0.001", "delta_up = 0.01")
    (tmp_path / "my.toml").write_text(text)
    assert hwsim("devices", "my.toml", "--json").json["step"]["delta_up"] == 0.01


def test_pictures(hwsim, tmp_path: Path) -> None:
    """One device or all of them are drawn, the same bytes each time, and the result is printed with it."""
    answer = hwsim("devices", "reram-array-om", "--plot", "one.png")
    assert answer.code == 0
    assert "one.png" in answer.err
    assert "soft-bounds" in answer.out
    first = (tmp_path / "one.png").read_bytes()
    hwsim("devices", "reram-array-om", "--plot", "one.png")
    assert (tmp_path / "one.png").read_bytes() == first
    hwsim("devices", "pcm", "--plot", "pcm.png")
    hwsim("devices", "--plot", "all.png")
    assert png(tmp_path / "all.png")[0] > png(tmp_path / "one.png")[0] == png(tmp_path / "pcm.png")[0]


def test_a_fit_prints_a_file_that_can_be_used(hwsim, tmp_path: Path) -> None:
    """Standard output is TOML with the comparison in comments; the picture shows the train."""
    (tmp_path / "measured.csv").write_text(TRAIN)
    answer = hwsim("devices", "--fit", "measured.csv", "--plot", "fit.png")
    assert answer.code == 0, answer.err
    assert "# Compared" in answer.out
    assert "95 %" in answer.out
    assert tomllib.loads(answer.out)["step"]["kind"] in {"constant", "linear"}
    (tmp_path / "my.toml").write_text(answer.out)
    assert hwsim("devices", "my.toml").code == 0
    assert png(tmp_path / "fit.png")[0] > 1000


def test_one_model_is_fitted_when_it_is_named(hwsim, tmp_path: Path) -> None:
    """JSON holds parameters with their intervals; a table has none."""
    (tmp_path / "measured.csv").write_text(TRAIN)
    report = hwsim("devices", "--fit", "measured.csv", "--model", "constant", "--json").json
    assert report["model"] == "constant"
    step = report["parameters"]["delta_up"]
    assert step["low"] <= step["value"] <= step["high"]
    assert step["value"] == pytest.approx(1 / 12, rel=0.05)
    smoothed = hwsim("devices", "--fit", "measured.csv", "--model", "table", "--json").json
    assert smoothed["models"]["table"]["aic"] is None
    assert len(tomllib.loads(smoothed["toml"])["step"]["up"]) == 13


def test_training_on_a_device_tells_pulses_and_joules(hwsim, tmp_path: Path) -> None:
    """A preset or a file of one's own is named with --set; the summary holds what programming took, the run folder what was used."""
    (tmp_path / "my.toml").write_text(hwsim("devices", "ecram", "--toml").out)
    report = hwsim("train", "xor", "--epochs", "2", "--set", "device.preset=my.toml", "--set", "device.rounding=accumulate", "--json").json
    assert report["device"] == "my.toml"
    assert report["pulses_per_device"] >= 0
    evaluated = hwsim("evaluate", report["run"], "--json").json
    assert [evaluated[key] for key in ("pulses_per_device", "programming_J")] == [report["pulses_per_device"], report["programming_J"]]
    kept = tomllib.loads((Path(report["run"]) / "experiment.toml").read_text())
    assert kept["device"]["rounding"] == "accumulate"
    resumed = hwsim("train", report["run"], "--resume", "--epochs", "3")
    assert " after 3 epochs " in resumed.out
    assert re.search(r"^pulses  \S+ pulses per memristor, \S+ in all, \S+ .?J$", resumed.out, re.MULTILINE)


WORDS = {
    "no such device to train on": ("train xor --set device.preset=reram", "did you mean"),
    "no such rounding": ("train xor --set device.rounding=up", "stochastic"),
    "a device that cannot": ("train xor --set device.preset=pcm --set device.scheme=tiki-taka", "use 'pulses'"),
    "no such preset": ("devices reram", "did you mean"),
    "no such file": ("devices my.toml", "no such file"),
    "a folder": ("devices folder.toml", "folder"),
    "no such table": ("devices --fit none.csv", "none.csv: no such file"),
    "wrong table": ("devices --fit wrong.csv", "line 2"),
    "a device and a fit": ("devices pcm --fit wrong.csv", "--fit"),
    "a model without a fit": ("devices pcm --model linear", "--fit"),
    "no model": ("devices --fit wrong.csv --model cubic", "constant"),
    "no device to print": ("devices --toml", "name it"),
    "nowhere to draw": ("devices pcm --plot nowhere/pcm.png", "nowhere/pcm.png"),
    "a wrong device": ("devices wrong.toml", "wrong.toml: step.kind"),
}


@pytest.mark.parametrize("case", WORDS)
def test_bad_input_is_one_line(hwsim, tmp_path: Path, case: str) -> None:
    """Exit code 2, a line that names what is wrong, and no file more than before."""
    words, message = WORDS[case]
    (tmp_path / "wrong.csv").write_text("pulses,g\n1,1 kOhm\n")
    (tmp_path / "wrong.toml").write_text("[step]\nkind = 'soft'\n")
    (tmp_path / "folder.toml").mkdir()
    before = sorted(tmp_path.iterdir())
    answer = hwsim(*words.split())
    assert answer.code == 2, answer.err
    assert message in answer.err.splitlines()[-1]
    assert answer.out == ""
    assert sorted(tmp_path.iterdir()) == before

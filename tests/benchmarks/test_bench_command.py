"""`hwsim bench`: what it measures when, writes and refuses. Its clock here is a counter where it is timed at all."""

import json
from functools import partial
from pathlib import Path

import pytest

from cli.main import main
from hwsim.benchmarks import cases, scaling, training
from hwsim.benchmarks.places import SameProcess
from support.benchmarks import DATA, measured, point


@pytest.mark.parametrize("words", [["engines", "xor"], ["xor", "--full"]])
def test_the_command_writes_what_it_prints(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the same results as the JSON on stdout; a circuit's name alone stands for `engines`."""
    folder = tmp_path / "results"
    assert main(["bench", *words, "--samples", "3", "--rounds", "2", "--out", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    full = "--full" in words
    assert report["files"] == [str(folder / f"engines{'-full' if full else ''}.{kind}") for kind in ("json", "png")]
    assert json.loads(Path(report["files"][0]).read_text(encoding="utf-8"))["results"] == report["results"]
    assert report["results"][0]["netlist"] == ("full" if full else "norton")
    assert report["ratios"]["xor"] > 0


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let synthetic images stand in for MNIST, and all contestants work in this process."""
    monkeypatch.setattr(cases, "images", lambda _=None: DATA)
    monkeypatch.setattr(training, "race", partial(training.race, place=SameProcess))


@pytest.mark.usefixtures("few_images")
def test_training_is_timed_at_the_sizes_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--hidden` and `--batch` name which; so do table and file."""
    monkeypatch.setenv("COLUMNS", "80")
    words = ["--hidden", "3x2", "--batch", "8", "--rounds", "2", "--seconds", "0.01", "--out", str(tmp_path)]
    assert main(["bench", "training", *words]) == 0
    printed = capsys.readouterr()
    assert "784-3-3-10" in printed.out
    assert "synthetic" in printed.err
    report = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert [(one["layers"], one["batch"]) for one in report["results"]] == [([784, 3, 3, 10], 8)]
    assert report["complete"]


@pytest.mark.usefixtures("few_images")
def test_ctrl_c_keeps_the_cases_that_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted benchmark writes what it has, reports that it is not complete, and exits with 130; with nothing, it writes nothing."""
    results = iter([measured(1e-2)])

    def measure(*_: object, **__: object) -> scaling.Measured:
        for result in results:
            return result
        raise KeyboardInterrupt

    monkeypatch.setattr(scaling, "measure", measure)
    words = ["bench", "scaling", "--along", "tolerance", "--out", str(tmp_path)]
    assert main(words) == 130
    written = (tmp_path / "scaling.json").read_text(encoding="utf-8")
    assert not json.loads(written)["complete"]
    assert len(json.loads(written)["results"]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert main(words) == 130
    assert (tmp_path / "scaling.json").read_text(encoding="utf-8") == written


@pytest.mark.usefixtures("few_images")
def test_the_short_version_runs_three_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`hwsim bench` alone runs a few cases of three benchmarks, into files of their own."""
    monkeypatch.setattr("cli.bench.USUAL", ("xor",))
    monkeypatch.setattr(training, "SHORT_CASES", (((20,), 8),))
    monkeypatch.setattr(scaling, "SHORT_POINTS", (point(1e-2),))
    assert main(["bench", "--out", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["ratios"]) == {"engines", "training", "scaling"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}-short.{kind}" for name in report["ratios"] for kind in ("json", "png")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["training", "--hidden", "many"], "--hidden many"),
        (["training", "--hidden", "100x"], "--hidden 100x"),
        (["training", "--hidden", "0"], "--hidden 0"),
        (["training", "--batch", "0"], "0"),
        (["training", "--full"], "--full"),
        (["scaling", "--along", "height"], "height"),
        (["scaling", "--seconds", "0"], "0"),
        (["--out", "somewhere", "training"], "--out follows the name"),
        (["no-such-circuit"], "no-such-circuit"),
    ],
)
def test_wrong_words_are_refused_at_once(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what is wrong; nothing is measured."""
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("words", "name"), [(["xor"], "engines.json"), (["scaling"], "scaling.png"), ([], "training-short.json")])
def test_numbers_of_the_default_folder_are_kept(
    words: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --out and --force they are not replaced, and nothing is measured before that is reported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/benchmarks").mkdir(parents=True)
    (tmp_path / "results/benchmarks" / name).write_text("{}")
    assert main(["bench", *words]) == 2
    *_, printed = capsys.readouterr().err.splitlines()
    assert (
        printed
        == f"hwsim: results/benchmarks/{name} has the numbers of an earlier benchmark; --force replaces them, --out FOLDER keeps them"
    )
    assert (tmp_path / "results/benchmarks" / name).read_text() == "{}"


def test_missing_data_are_an_error_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A circuit that was named is not left out in silence."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path / "nowhere"))
    assert main(["bench", "mnist-kendall2020", "--out", str(tmp_path / "new")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()

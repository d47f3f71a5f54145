"""A benchmark is compared with an earlier run: slower is what is slower by more than the rounds spread, on the same machine."""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from hwsim.benchmarks import comparison, figures, history
from hwsim.benchmarks.figures import BenchmarkFileError, BenchRun, Figure
from hwsim.benchmarks.turns import Spread

HERE = {"cpu": "A", "cores": 2, "packages": {"jax": "1"}, "load_before": 0.25}


def spread(median: float, by: float = 0.1) -> Spread:
    """Return a spread by a share of the median to both sides."""
    return Spread(median=median, least=median * (1 - by), most=median * (1 + by))


def run(figure: Spread, *, absolute: bool = False, **environment: Any) -> BenchRun:
    """Return a run of one case."""
    return BenchRun({("training", "a case"): Figure(figure, absolute)}, HERE | environment)


def verdict(before: BenchRun, now: BenchRun) -> str:
    """Return the verdict on the only case."""
    (change,) = comparison.changes(before, now)
    return change.verdict


@pytest.mark.parametrize(
    ("now", "by", "expected"), [(1.3, 0.1, "slower"), (1.3, 0.2, "same"), (1.04, 0.0, "same"), (0.7, 0.1, "faster"), (1.0, 0.1, "same")]
)
def test_spreads_that_overlap_prove_nothing(now: float, by: float, expected: str) -> None:
    """Slower is where the fastest round now is slower than the slowest before, and the medians differ enough; the reverse is faster."""
    before, after = run(spread(1.0, by)), run(spread(now, by))
    assert verdict(before, after) == expected
    opposite = {"slower": "faster", "faster": "slower", "same": "same"}
    assert verdict(after, before) == opposite[expected]
    (change,) = comparison.changes(before, after)
    assert change.change.least <= change.change.median <= change.change.most
    assert change.change.median == pytest.approx(now)


def test_times_of_another_machine_are_not_compared_but_ratios_are() -> None:
    """A ratio to something timed in turn is the same on any machine; what differs is listed, load included."""
    before, now = run(spread(1.0), absolute=True), run(spread(2.0), absolute=True, cpu="B", load_before=1.0, packages={"jax": "2"})
    assert verdict(before, now) == "another machine"
    assert verdict(run(spread(1.0)), run(spread(2.0), cpu="B")) == "slower"
    assert verdict(before, run(spread(2.0), absolute=True, packages={"jax": "2"})) == "slower"  # it is the machine that counts
    assert comparison.differences(before, now) == ["cpu: A, now B", "jax: 1, now 2", "load before it began: 0.2, now 1.0"]


def test_cases_of_one_run_alone_are_left_out() -> None:
    """Nothing is compared with nothing."""
    other = BenchRun({("training", "another"): Figure(spread(1.0))}, HERE)
    assert comparison.changes(run(spread(1.0)), other) == []


def test_the_history_keeps_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is named after its time and the commit, reads as it was written, and is small."""
    monkeypatch.setattr(history, "commit", lambda: "abc")
    recorded = run(spread(1.0), absolute=True)
    moments = [datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC) for second in (5, 6)]
    paths = [history.add(tmp_path, recorded, now) for now in moments]
    assert [path.name for path in paths] == ["2026-01-02T030405-abc.json", "2026-01-02T030406-abc.json"]
    assert figures.read(paths[0]) == recorded
    assert json.loads(paths[0].read_text(encoding="utf-8"))["commit"] == "abc"


def test_a_commit_is_named_in_a_checkout_and_a_version_elsewhere(tmp_path: Path) -> None:
    """A folder that is no checkout has the version of hwsim, or none."""
    assert history.commit(tmp_path)
    assert history.commit(tmp_path) == history.commit(tmp_path / "deeper")


WRONG = ["{}", "[1]", "no JSON", '{"benchmark": "music", "results": []}', '{"figures": {"training": {"a": {"median": 1}}}}', "[" * 100_000]


@pytest.mark.parametrize("text", WRONG)
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    """The message names the file and the remedy."""
    (tmp_path / "file.json").write_text(text, encoding="utf-8")
    with pytest.raises(BenchmarkFileError, match=r"file\.json.*hwsim bench wrote"):
        figures.read(tmp_path / "file.json")


def test_what_has_no_end_is_not_read() -> None:
    """A device or a pipe is no file with numbers."""
    with pytest.raises(OSError, match="not a regular file"):
        figures.read(Path("/dev/zero"))


def test_packages_that_are_no_table_are_refused(tmp_path: Path) -> None:
    """Else the comparison would fail after everything was measured."""
    kept = history.add(tmp_path, run(spread(1.0)))
    content = json.loads(kept.read_text(encoding="utf-8"))
    content["environment"]["packages"] = ["jax"]
    kept.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BenchmarkFileError, match="hwsim bench wrote"):
        figures.read(kept)


def bench(folder: Path, *words: str) -> int:
    """Run a small benchmark of both engines."""
    return main(["bench", "engines", "xor", "--samples", "3", "--rounds", "2", "--out", str(folder), *words])


def test_the_command_compares_with_its_own_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that was a hundred times as fast makes this one slower, exit 1; a slower one makes it faster, exit 0."""
    assert bench(tmp_path / "first") == 0
    written = json.loads((tmp_path / "first/engines.json").read_text(encoding="utf-8"))
    numbers = written["results"][0]["ratio"]  # time of ngspice over that of numeric: more is faster
    capsys.readouterr()
    for number, (factor, code) in enumerate([(100.0, 1), (0.01, 0)]):
        written["results"][0]["ratio"] = {key: factor * value for key, value in numbers.items()}
        earlier = tmp_path / f"{number}.json"
        earlier.write_text(json.dumps(written), encoding="utf-8")
        assert bench(tmp_path / f"again-{number}", "--compare", str(earlier), "--json") == code
        report = json.loads(capsys.readouterr().out)
        assert report["slower"] == (["engines: xor"] if code else [])
        assert [one["verdict"] for one in report["compared"]] == ["slower" if code else "faster"]


def test_what_cannot_be_compared_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file, a file of something else, and one of another benchmark, with the words to repeat it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    history.add(tmp_path, run(spread(1.0)), datetime(2026, 1, 2, tzinfo=UTC))
    (kept,) = (tmp_path / "history").iterdir()
    expected = {"none.json": "no such file", "other.json": "hwsim bench wrote", str(kept): "run hwsim bench training --compare"}
    for name, message in expected.items():
        assert bench(tmp_path / "new", "--compare", name) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_what_was_measured_is_printed_even_if_nothing_can_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without any of the cases is an error, so that nobody takes it for one in which nothing is slower."""
    kept = history.add(tmp_path, BenchRun({("engines", "another"): Figure(spread(1.0))}, HERE))
    assert bench(tmp_path / "new", "--compare", str(kept)) == 2
    shown = capsys.readouterr()
    assert "engines.json" in shown.out
    assert "none of the cases" in shown.err


def test_the_earlier_run_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers are not written over those that they are compared with, with --force either."""
    assert bench(tmp_path) == 0
    assert bench(tmp_path, "--compare", str(tmp_path / "engines.json"), "--force") == 2
    assert "engines.json" in capsys.readouterr().err


def test_every_case_has_one_figure(tmp_path: Path) -> None:
    """Cases of the stored results in this repository have names of their own."""
    folder = Path(__file__).parents[2] / "results/benchmarks"
    stored = [path for path in folder.glob("*.json") if path.stem in {"engines", "engines-full", "training", "scaling", "devices"}]
    assert stored
    for path, again in itertools.product(stored, [tmp_path]):
        recorded = figures.read(path)
        assert len(recorded.figures) == len(json.loads(path.read_text(encoding="utf-8"))["results"])
        assert figures.read(history.add(again, recorded)).figures.keys() == recorded.figures.keys()

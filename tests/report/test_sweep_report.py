"""Reports of sweeps: what stands there is what the database holds, finished or not."""

import json
import math
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.main import main
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.figures import new_figure
from hwsim.report.command_line import sweep_command
from hwsim.report.picture import WIDE, Picture, style
from hwsim.report.section import PageSection
from hwsim.report.sweep_pictures import sketches
from hwsim.report.sweep_section import sweep_section
from hwsim.sweep.axes import read_axis
from hwsim.sweep.database import Database, read
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.mean_interval import of_errors
from hwsim.sweep.points import Design
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.statistics import summary
from support.report_pages import assert_complete

BETA, RATE, WORD = "training.beta=log:1e-7:1e-5:3", "training.rate=1e-7:1e-6:3", "training.optimizer=adam,sgd"
CHIPS, SEEDS = 8, 2


def error_at(settings: Mapping[str, Any], chip: int, seed: int) -> float:
    """Return an error that each key, the chip and the seed raise."""
    beta = math.log10(settings.get("training.beta", 1e-7)) + 7
    rate = settings.get("training.rate", 0.0) * 1e5
    return 0.02 + 0.04 * beta + 0.1 * rate + 0.03 * (settings.get("training.optimizer") == "sgd") + 0.002 * chip + 0.001 * seed


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make the database of a sweep over some axes."""

    def made(*vary: str, name: str = "s.db", left_out: int = 0, failed: int = 0, pulses: float | None = None, **settings: Any) -> Path:
        experiment = override(load("iris"), ["training.epochs=3", *settings.pop("changed", [])])
        given = {"chips": CHIPS, "seeds": SEEDS} | settings
        definition = SweepDefinition.make(experiment, tuple(map(read_axis, vary)), **given)
        with Database.begin(tmp_path / name, definition, {"python": "3.99"}) as database:
            rows = [
                SweepResult(point.number, chip, seed, error_at(point.settings, chip, seed), 0.01, pulses, pulses, 1e-16, 0.5, None)
                for point in database.points
                for chip in range(definition.chips)
                for seed in range(definition.seeds)
            ]
            rows = rows[: len(rows) - left_out]
            rows[:failed] = [row._replace(test_error=math.nan, failed="no equilibrium: <b>") for row in rows[:failed]]
            database.add(rows)
        return tmp_path / name

    return made


def section(path: Path) -> PageSection:
    """Lay a sweep out."""
    return sweep_section(path.name, read(path), "s")


def pictures(result: PageSection) -> dict[str, Picture]:
    """Return the pictures by their names."""
    return {picture.name: picture for picture in result.pictures()}


def test_a_page_of_a_sweep(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It loads nothing, reports means, intervals and energy as the statistics have them, and its command sweeps again."""
    path = make(BETA, pulses=1000.0)
    capsys.readouterr()
    assert main(["report", str(path), "-o", str(tmp_path / "page.html"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    page = assert_complete((tmp_path / "page.html").read_text(encoding="utf-8"))
    for results in read(path).by_point().values():
        result = summary(results)
        assert f"{100 * result.mean:.2f} %" in page.text
        assert f"{100 * result.interval.low:.2f} to {100 * result.interval.high:.2f} %" in page.text
    assert "3.99" in page.text
    assert "hwsim sweep iris --set training.epochs=3 --vary training.beta=log:1e-07:1e-05:3 --chips 8 --seeds 2" in page.text
    assert [Path(file).name for file in report["figures"]] == ["sweep-1-error.png", "sweep-1-yield.png", "sweep-1-energy.png"]
    assert report["bytes"] < 150_000


def test_sixteen_chips_stay_small(make: Make, tmp_path: Path) -> None:
    """A page of a grid of 36 points with 16 chips and 4 seeds takes well under 5 MB."""
    path = make("training.beta=log:1e-7:1e-5:6", "training.rate=1e-7:1e-6:6", chips=16, seeds=4)
    assert main(["report", str(path), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").stat().st_size < 500_000


def test_two_keys_make_a_map(make: Make) -> None:
    """Its text names the best and the worst point; a family of curves and the yield stand next to it."""
    result = pictures(section(make(BETA, RATE)))
    assert list(result) == ["s-map", "s-curves", "s-yield"]
    lowest, highest = (100 * (error_at(settings, 0, 0) + 0.002 * 3.5 + 0.0005) for settings in (
        {"training.beta": 1e-7, "training.rate": 1e-7}, {"training.beta": 1e-5, "training.rate": 1e-6}
    ))  # fmt: skip
    assert f"Least: {lowest:.2f} % at training.beta = 1e-07, training.rate = 1e-07" in result["s-map"].caption
    assert f"Most: {highest:.2f} % at training.beta = 1e-05, training.rate = 1e-06" in result["s-map"].caption


@pytest.mark.parametrize(
    ("vary", "settings"),
    [((BETA,), {"pulses": 1e-6}), (("variation.diode_i_sat=0:0.5:3", "variation.output_resistance_spread=0:1:8"), {"chips": 2})],
    ids=["one key", "two keys"],
)  # fmt: skip
def test_axes_have_words_and_nothing_is_cut_off(make: Make, vary: tuple[str, ...], settings: dict[str, Any]) -> None:
    """All that is drawn lies within the picture, and no axis bears a key."""
    for sketch in sketches(read(make(*vary, **settings)), "s", 0.1):
        with style("s"):
            figure = new_figure(WIDE, sketch.height)
            sketch.draw(figure)
            figure.canvas.draw()
        box = figure.get_tightbbox()  # in inches, of all that is drawn
        assert min(box.x0, box.y0, WIDE - box.x1, sketch.height - box.y1) > -0.02
        assert [axis.get_text() for axes in figure.axes for axis in (axes.xaxis.label, axes.yaxis.label) if "." in axis.get_text()] == []


@pytest.mark.parametrize(
    ("vary", "settings", "names"),
    [
        ((WORD,), {}, ["s-error", "s-yield"]),
        ((BETA, WORD), {}, ["s-map", "s-curves", "s-yield"]),
        ((WORD, "training.batch=4,8"), {"chips": 1}, ["s-map", "s-curves"]),
        ((BETA, RATE, WORD), {}, ["s-error-1", "s-error-2", "s-error-3", "s-yield"]),
        ((BETA, RATE, WORD), {"design": Design(kind="alone")}, ["s-error-1", "s-error-2", "s-error-3", "s-yield"]),
        (("training.beta=log:1e-7:1e-5", WORD), {"design": Design(kind="random", count=5)}, ["s-error-1", "s-error-2", "s-yield"]),
        (
            ("training.beta=log:1e-7:1e-5", "training.rate=1e-7:1e-6"),
            {"design": Design(kind="sobol", count=8), "chips": 1},
            ["s-error-1", "s-error-2", "s-sobol"],
        ),
    ],
    ids=["words", "number and word", "words on one chip", "three keys", "alone", "random", "sobol"],
)  # fmt: skip
def test_every_design_has_its_pictures(make: Make, vary: tuple[str, ...], settings: dict[str, Any], names: list[str]) -> None:
    """All of them have words, and the table a row a point."""
    result = section(make(*vary, **settings))
    assert list(pictures(result)) == names
    assert all(len(picture.alt) > 40 for picture in result.pictures())
    assert len(result.tables[0].rows) == int(dict(result.facts)["points"])


def test_a_report_states_the_slope(make: Make) -> None:
    """A decade of beta costs four points, whatever the chips are."""
    costs = next(table for table in section(make(BETA)).tables if "Cost" in table.caption)
    assert costs.rows == [["training.beta", "decade", "+4", "+4 to +4", "+8"]]


@pytest.mark.parametrize("left_out", [20, 48])
def test_a_sweep_under_way_is_shown_as_far_as_it_is(make: Make, left_out: int) -> None:
    """A note shows how far; points without results are left out; nothing at all is shown without any."""
    result = section(make(BETA, left_out=left_out))
    assert f"{48 - left_out} of 48 results" in result.notes[0]
    assert dict(result.facts)["results"] == f"{48 - left_out} of 48"
    points = [table for table in result.tables if "point" in table.caption]
    assert [len(table.rows) for table in points] == ([math.ceil((48 - left_out) / 16)] if left_out < 48 else [])
    assert bool(list(result.pictures())) == (left_out < 48)


def test_folds_have_a_corrected_interval_and_no_slope(make: Make) -> None:
    """The number of a fold is a name, and the mean over all of them has the interval of cross-validation."""
    page = section(make("data.fold=0,1,2", changed=["data.folds=3"]))
    assert dict(page.facts)["cross-validated error"].endswith("% (95 %, corrected for samples that folds share)")
    assert not [table for table in page.tables if "costs" in table.caption]
    assert "cross-validated error" not in dict(section(make("training.beta=1e-7,1e-6", name="b.db")).facts)


def test_a_report_counts_failures(make: Make) -> None:
    """They count in no mean, but the chip is a bad one for the yield; the first reason stands in a note, as text."""
    result = section(make(BETA, failed=3))
    assert "3 results of 48 failed" in result.notes[0]
    assert "no equilibrium: <b>" in result.notes[0]
    row = result.tables[0].rows[0]
    assert row[2] == "13 (3 failed)"
    rest = [[error_at({}, chip, seed) for seed in range(SEEDS)] for chip in range(CHIPS)]
    units = [np.mean(errors) for errors in ([rest[1][1:], *rest[2:]])]
    assert row[3:5] == [f"{100 * np.mean(units):.2f} %", "{:.2f} to {:.2f} %".format(*(100 * end for end in of_errors(np.array(units))))]


def test_all_failed(make: Make) -> None:
    """A sweep in which nothing came to an end has a page all the same."""
    result = section(make(BETA, failed=48))
    assert {row[3] for row in result.tables[0].rows} == {"–"}
    assert not list(result.pictures())


@pytest.mark.parametrize(
    ("vary", "settings", "message"),
    [
        ((BETA,), {}, ["--vary", "training.beta=log:1e-07:1e-05:3"]),
        ((WORD, "training.batch=4:8:2"), {"mode": "transfer"}, ["--mode", "transfer"]),
        (("training.rate=1e-7:1e-6",), {"design": Design(kind="random", count=7)}, ["--random", "7"]),
    ],
)
def test_the_command_names_the_same_axes(make: Make, vary: tuple[str, ...], settings: dict[str, Any], message: list[str]) -> None:
    """What is typed again is the same definition."""
    definition = read(make(*vary, **settings)).definition
    words = shlex.split(sweep_command(definition))
    assert words[:3] == ["hwsim", "sweep", "iris"]
    assert set(message) <= set(words)
    axes = [read_axis(words[k + 1]) for k, word in enumerate(words) if word == "--vary"]
    changed = [words[k + 1] for k, word in enumerate(words) if word == "--set"]
    again = SweepDefinition.make(override(load("iris"), changed), tuple(axes), **{"chips": CHIPS, "seeds": SEEDS} | settings)
    assert again.difference(definition) is None


@pytest.mark.parametrize(("settings", "message"), [({}, False), ({"design": Design(kind="alone")}, True)])
def test_the_command_does_not_fix_what_it_varies(make: Make, settings: dict[str, Any], message: bool) -> None:  # noqa: FBT001 - a case
    """Unless keys vary one at a time, from the value that is set; hwsim sweep refuses both together otherwise."""
    command = sweep_command(read(make(BETA, changed=["training.beta=3e-6"], **settings)).definition)
    assert ("beta=3e-06" in command) == message


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"run": "runs/my iris", "set": ["variation.rails=0.01"]}, "'runs/my iris' --set variation.rails=0.01"),
        ({}, "RUN"),  # databases of earlier versions have not recorded it
    ],
)
def test_the_command_names_the_run_that_was_evaluated(make: Make, environment: Mapping[str, Any], words: str) -> None:
    """Not the circuit's name in the zoo, whose conductances are others."""
    definition = read(make(BETA, mode="evaluate", weights="0123")).definition
    assert sweep_command(definition, environment).startswith(f"hwsim sweep {words} --vary ")


def test_runs_and_sweeps_share_a_page(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps stand first; every section can be reached from the top."""
    monkeypatch.chdir(tmp_path)
    paths = [make(BETA, name="a.db"), make(WORD, name="b.db")]
    assert main(["report", *map(str, paths), "--title", "Two <sweeps>"]) == 0
    page = assert_complete(Path("report.html").read_text(encoding="utf-8"))
    assert [given["id"] for given in page.all("section")] == ["sweep-1", "sweep-2"]
    assert {"#sweep-1", "#sweep-2"} <= {given["href"] for given in page.all("a")}
    assert "Two <sweeps>" in page.text


def test_another_database_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one line, no page."""
    import sqlite3  # noqa: PLC0415 - only here

    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    assert main(["report", str(tmp_path / "other.db"), "-o", str(tmp_path / "p.html")]) == 2
    assert "other.db" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "p.html").exists()

"""Reports of runs: what stands there is what the run's folder holds."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from circuits.chip import Chip
from cli.main import main
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.formatting import quantity
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.report import command_line
from hwsim.report.conductances import of_run
from hwsim.report.overview import overview
from hwsim.report.run_files import RunRecord, read_run
from hwsim.report.run_section import run_section
from hwsim.session import Session
from support.report_pages import assert_complete


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train iris on devices for a moment."""
    folder = tmp_path_factory.mktemp("runs") / "iris-7"
    words = ["--epochs", "2", "--seed", "7", "--set", "device.preset=ecram", "--out", str(folder)]
    assert main(["train", "iris", *words]) == 0
    return folder


@pytest.fixture(scope="module")
def record(run: Path) -> RunRecord:
    """Read it."""
    return read_run(str(run))


@pytest.fixture
def partial(run: Path, tmp_path: Path) -> Path:
    """Copy the run without what is written at its end."""
    shutil.copytree(run, tmp_path / "partial")
    (tmp_path / "partial" / "summary.json").unlink()
    return tmp_path / "partial"


def test_the_page_shows_what_the_folder_holds(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Test error, pulses, joules, experiment, environment and command stand there; so do the pictures, as PNG too; the page is small."""
    out = tmp_path / "page.html"
    capsys.readouterr()
    assert main(["report", str(run), "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    html = out.read_text(encoding="utf-8")
    page = assert_complete(html)
    summary = json.loads((run / "summary.json").read_text())
    environment = json.loads((run / "environment.json").read_text())
    message = (
        f"{100 * summary['test_error']:.2f} %",
        f"{summary['pulses_per_device']:.4g}",
        environment["packages"]["numpy"],
        (run / "experiment.toml").read_text(),
        "hwsim train iris --epochs 2 --seed 7 --set device.preset=ecram",
        "confusion",
        "w1",
    )
    assert [text for text in message if text not in page.text.replace("Confusion", "confusion")] == []
    assert report["page"] == str(out)
    assert report["bytes"] == len(html.encode()) < 300_000
    assert len(report["figures"]) == len(page.all("svg")) == 10
    assert all(Path(file).stat().st_size > 1000 for file in report["figures"])


def test_the_confusion_matrix_is_the_run_s(run: Path, record: RunRecord) -> None:
    """Its share of mistakes is the test error that training reported."""
    assert record.confusion is not None
    assert record.confusion.error == pytest.approx(json.loads((run / "summary.json").read_text())["test_error"])


def test_before_is_where_training_began(record: RunRecord) -> None:
    """The conductances before training, device by device, are those of the trainer's first state."""
    circuit = record.circuit
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        ours = record.experiment
        trainer = Session.of(ours).trainer(solver)
        begun = trainer.g(trainer.begin())
    for name, values in begun.items():
        np.testing.assert_array_equal(record.before[name], values)


SETTINGS = [
    [],
    ["training.seed=3", "training.epochs=7", "training.rate=[1e-7, 2e-7]"],
    ["circuit.layers[0].size=5", "circuit.layers[0].neuron.v_high=0.2", "data.clip=2.0"],
    ["circuit.layers[0].neuron.kind=rectifier"],
    ["circuit.layers=[{size=3}, {size=4}]"],
    ["circuit.layers[0].amplifier="],
    ["variation.diode_i_sat=0.1", "variation.chip=3"],
    ["data.name=my data.csv", 'device.preset=it\'s "mine".toml'],
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_command_makes_the_same_experiment(settings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed again, the command trains the experiment that it was made from; where it cannot, it names the run's own experiment."""
    import shlex  # noqa: PLC0415 - only here

    import hwsim.runs.train  # noqa: PLC0415 - to be replaced

    experiment, seen = override(load("iris"), settings), list[Experiment]()
    words = shlex.split(command_line.train_command(experiment, "runs/a b"))
    assert words[:2] == ["hwsim", "train"]
    if words[2] == "runs/a b/experiment.toml":
        assert "layers=[" in settings[0]
        return

    def interrupted(start: Any, *_: Any, **_how: Any) -> None:
        seen.append(start.experiment)
        raise KeyboardInterrupt

    monkeypatch.setattr(hwsim.runs.train, "train", interrupted)
    main(words[1:])
    assert seen == [experiment]


def test_runs_of_one_name_have_headings_of_their_own(run: Path, partial: Path, tmp_path: Path) -> None:
    """Where runs are called alike, each heading has its folder; one by itself needs none."""
    for named, runs in (([run], [run]), ([run, partial, run], [run, partial])):  # each is shown once
        out = tmp_path / "page.html"
        assert main(["report", *map(str, named), "-o", str(out), "--force"]) == 0
        page = assert_complete(out.read_text(encoding="utf-8"))
        headings = [page.by_id[f"run-{k}-title"] for k in range(1, len(runs) + 1)]
        assert headings == (["iris, seed 7"] if len(runs) == 1 else [f"iris, seed 7 ({one})" for one in runs])


def test_a_run_under_way_is_shown_as_far_as_it_is(partial: Path) -> None:
    """Without a summary the page shows how far the run is and how to resume it; without weights or epochs that is reported too."""
    begun = read_run(str(partial))
    assert any("2 of 2 epochs" in note and "--resume" in note for note in begun.notes)
    (partial / "weights.npz").unlink()
    (partial / "metrics.jsonl").unlink()
    (partial / "environment.json").unlink()
    bare = read_run(str(partial))
    assert any("no epoch is saved yet" in note for note in bare.notes)
    assert any("weights.npz" in note for note in bare.notes)
    section = run_section(bare, "r")
    assert [picture.title for picture in section.pictures()] == [
        "The circuit",
        "Map of w1",
        "Histogram of w1",
        "Map of w2",
        "Histogram of w2",
    ]
    assert dict(section.facts)["epochs"] == "0 of 2"
    assert overview([bare, begun], ["a", "b"]).tables[0].rows[0][5] == "0 of 2"


def test_data_that_are_gone_cost_the_confusion_matrix_alone(run: Path, tmp_path: Path) -> None:
    """When the test set cannot be read, a note names why, and all else is shown."""
    shutil.copytree(run, tmp_path / "gone")
    file = tmp_path / "gone" / "experiment.toml"
    file.write_text(file.read_text().replace('name = "iris"\ntask', 'name = "gone.csv"\ntask'))
    record = read_run(str(tmp_path / "gone"))
    assert record.confusion is None
    assert any("gone.csv" in note for note in record.notes)
    assert record.rows


def test_runs_that_differ_in_their_seed_are_one_experiment(record: RunRecord) -> None:
    """Mean and standard deviation are those of the sample."""
    from dataclasses import replace  # noqa: PLC0415 - only here

    errors = (0.02, 0.04, 0.09)
    records = [
        replace(record, experiment=override(record.experiment, [f"training.seed={k}"]), summary=record.summary | {"test_error": error})
        for k, error in enumerate(errors)
    ]
    other = replace(record, experiment=override(record.experiment, ["training.rate=1e-9"]), summary={})
    means = overview([*records, other], list("abcd")).tables[1]
    assert means.rows == [[means.rows[0][0], "3", "5.00 %", f"{100 * np.std(errors, ddof=1):.2f} %", "2.00 %", "9.00 %"]]


def test_images_show_what_the_first_layer_looks_for() -> None:
    """The fields of a circuit that reads images are the difference of the conductances from x and from −x, pixel by pixel."""
    experiment = override(load("digits"), ["circuit.layers[0].size=3", "training.epochs=1"])
    circuit = experiment.circuit.compile("digits")
    g = {element.name: np.full(element.shape, 1e-5) for element in circuit.trainable}
    record = RunRecord(
        what="r",
        experiment=experiment,
        circuit=circuit,
        chip=Chip.nominal(circuit),
        rows=[],
        summary={},
        environment={},
        before=g,
        g=g,
        confusion=None,
        notes=(),
    )
    pictures = {picture.name: picture for picture in of_run(record, "r")}
    assert "8 by 8 pixels" in pictures["r-fields"].alt
    assert pictures["r-fields"].svg.count("<image") == 3


WRONG = {
    "metrics": ("metrics.jsonl", '{"epoch": 1}\n', "line 1"),
    "no JSON": ("metrics.jsonl", "epoch 1", "line 1"),
    "summary": ("summary.json", "[1]", "no JSON object"),
    "bytes": ("environment.json", b"\xff\xfe", "UTF-8"),
    "weights": ("weights.npz", "no", "cannot be read"),
    "experiment": ("experiment.toml", "[circuit]\n", "circuit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_damaged_folder_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """One line names the file and what to do, exit code 2, and no page."""
    name, content, message = WRONG[case]
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["report", str(tmp_path / "run"), "-o", str(tmp_path / "p.html")]) == 2
    printed = capsys.readouterr().err.splitlines()[-1]
    assert name in printed
    assert message in printed
    assert {file.name for file in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize(
    ("words", "message"), [("nowhere", "no such file or folder"), (".", "without experiment.toml"), ("digits", "no such file or folder")]
)
def test_what_is_no_run_is_refused(words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """One line, before anything else, names what is asked for."""
    monkeypatch.chdir(tmp_path)
    assert main(["report", words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("out", "message"), [("folder", "this is a folder"), ("no/page.html", "no folder no")])
def test_a_page_that_cannot_be_written_is_refused_at_once(out: str, message: str, tmp_path: Path, monkeypatch, capsys) -> None:
    """Before any work is done."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    run = Path(__file__).parents[2] / "results" / "runs" / "breast-cancer-0"
    assert main(["report", str(run), "-o", out]) == 2
    assert message in capsys.readouterr().err


def test_a_netlist_is_shown_too() -> None:
    """Its lone memristors make one row; no row has a name."""
    deck = Path(__file__).parents[2] / "netlists" / "examples" / "iris-mesh.cir"
    experiment = load(str(deck), ["data.name=iris"])
    circuit = experiment.circuit.compile("mesh")
    g = {element.name: np.full(element.shape, 2e-6) for element in circuit.trainable}
    record = RunRecord(
        what="r",
        experiment=experiment,
        circuit=circuit,
        chip=Chip.nominal(circuit),
        rows=[],
        summary={},
        environment={},
        before=g,
        g=g,
        confusion=None,
        notes=(),
    )
    first = of_run(record, "r")[0]
    assert f"{circuit.trainable[0].shape[0]} memristors side by side, {quantity(2e-6, 'S')}" in first.caption
    assert run_section(record, "r").listings[0].text == "hwsim train r/experiment.toml"

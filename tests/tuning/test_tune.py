"""`hwsim tune`: the best of what was tried, checked fairly, the same whether it was interrupted or not."""

import contextlib
import json
import sqlite3
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from hwsim.core.protocol import ConvergenceError
from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.sweep.axes import read_axis
from hwsim.sweep.points import fitted
from hwsim.tuning import space, trial

VARY = ["--vary", "training.rate=log:1e-7:1e-5", "--vary", "training.batch=4:32", "--vary", "training.optimizer=adam,sgd"]


def bowl(experiment: Experiment) -> Iterator[float]:
    """Stand for a training of four epochs whose error is least at a rate of 1e-6 and a batch of 16."""
    training = experiment.training
    error = 0.1 + abs(training.batch - 16) / 100 + (training.optimizer.kind == "sgd") * 0.2 + abs(training.rate - 1e-6) * 1e4
    yield from (error + 0.1 / epoch for epoch in range(1, 5))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let trials take no time, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trial, "validation_errors", bowl)


def tuned(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    """Tune, and give what JSON reports."""
    capsys.readouterr()
    assert main(["tune", "iris", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_ends_with_a_file_to_train_with(tmp_path: Path, monkeypatch, capsys) -> None:
    """The file holds the settings that did best, and what is trained with it is checked by the test set again."""
    monkeypatch.chdir(tmp_path)
    report = tuned(capsys, "--vary", "training.rate=1e-9,5e-6", "--trials", "3", "--epochs", "2", "--data", "iris")
    assert report["best"] == {"training.rate": 5e-6}
    errors = {one["settings"]["training.rate"]: one["validation_error"] for one in report["tried"]}
    assert errors[5e-6] < errors[1e-9]
    assert min(errors.values()) == report["validation_error"]
    experiment = load("iris-tuned.toml")
    assert (experiment.training.rate, experiment.training.epochs, experiment.name) == (5e-6, 2, "iris-tuned")
    assert experiment.data.validation is None
    assert experiment.reached is None
    assert len(load_data(experiment).x_test) == len(load_data(load("iris")).x_test)


@pytest.mark.usefixtures("quick")
def test_the_search_finds_the_best(capsys) -> None:
    """Led by what it saw it comes near the least error, and gives up what is worse than the median of the others."""
    report = tuned(capsys, *VARY, "--trials", "24")
    assert report["best"]["training.optimizer"] == "adam"
    assert abs(report["best"]["training.batch"] - 16) <= 3
    assert report["validation_error"] < 0.18
    assert 0 < report["given_up"] < 20
    assert all("others did better" in one["why"] for one in report["tried"] if one["validation_error"] is None)


@pytest.mark.usefixtures("quick")
def test_a_killed_search_goes_on_as_if_it_had_not_been(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the midst of trials, and interrupted, it tries the same settings in the same order as one that ran through."""
    through = tuned(capsys, *VARY, "--trials", "16", "--out", "through.toml")
    for error, after in ((SystemError, 9), (KeyboardInterrupt, 17), (SystemError, 1)):
        left = after

        def stopped(experiment: Experiment, error: type[BaseException] = error) -> Iterator[float]:
            nonlocal left
            for value in bowl(experiment):
                left -= 1
                if left == 0:
                    raise error
                yield value

        monkeypatch.setattr(trial, "validation_errors", stopped)
        code = main(["tune", "iris", *VARY, "--trials", "16", "--out", "killed.toml"])
        assert code == (130 if error is KeyboardInterrupt else 1)
    assert "the same command resumes" in capsys.readouterr().err
    monkeypatch.setattr(trial, "validation_errors", bowl)
    killed = tuned(capsys, *VARY, "--trials", "16", "--out", "killed.toml")
    assert killed["tried"] == through["tried"]
    assert killed["best"] == through["best"]


@pytest.mark.usefixtures("quick")
def test_more_trials_prolong_a_search(capsys) -> None:
    """What was tried stays; fewer trials than there are change nothing."""
    first = tuned(capsys, *VARY, "--trials", "3")["tried"]
    assert tuned(capsys, *VARY, "--trials", "5")["tried"][:3] == first
    assert tuned(capsys, *VARY, "--trials", "1")["trials"] == 5


@pytest.mark.usefixtures("quick")
def test_what_is_there_now_is_tried_first(capsys) -> None:
    """So that the best is never worse; it is left out where it is not in the ranges."""
    now = load("iris").training
    assert now.batch not in range(1000, 2000)
    report = tuned(capsys, "--vary", f"training.rate={now.rate / 2}:{now.rate * 2}", "--vary", "training.batch=4:64", "--trials", "1")
    assert report["best"] == {"training.rate": now.rate, "training.batch": now.batch}
    other = tuned(capsys, "--vary", "training.batch=1000:2000", "--trials", "1", "--out", "other.toml")
    assert 1000 <= other["best"]["training.batch"] <= 2000


@pytest.mark.usefixtures("quick")
def test_settings_that_fail_are_given_up(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial without an equilibrium does not end the search; when none comes to an end, the line names why."""

    def fails(experiment: Experiment) -> Iterator[float]:
        if experiment.training.optimizer.kind == "sgd":
            msg = "no equilibrium; raise solver.max_steps"
            raise ConvergenceError(msg)
        yield from bowl(experiment)

    monkeypatch.setattr(trial, "validation_errors", fails)
    report = tuned(capsys, "--vary", "training.optimizer=adam,sgd", "--trials", "6")
    assert report["best"] == {"training.optimizer": "adam"}
    assert any("max_steps" in one["why"] for one in report["tried"])
    assert main(["tune", "iris", "--vary", "training.optimizer=sgd", "--trials", "2", "--out", "none.toml"]) == 1
    assert "max_steps" in capsys.readouterr().err
    assert not Path("none.toml").exists()


@pytest.mark.usefixtures("quick")
def test_the_error_is_the_mean_over_seeds(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every seed has its own split, and counts alike."""
    seen = []

    def by_seed(experiment: Experiment) -> Iterator[float]:
        seen.append((experiment.training.seed, experiment.data.validation))
        yield 0.1 * experiment.training.seed

    monkeypatch.setattr(trial, "validation_errors", by_seed)
    result = tuned(
        capsys, "--vary", "training.batch=8,16", "--trials", "1", "--seeds", "3", "--validation", "0.3", "--set", "training.seed=2"
    )
    assert seen == [(2, 0.3), (3, 0.3), (4, 0.3)]
    assert result["validation_error"] == pytest.approx(0.3)
    assert "30 % of the training set" in Path(result["file"]).read_text()


@pytest.mark.usefixtures("quick")
def test_a_setting_is_trained_once(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial with the settings of an earlier one takes its error over."""
    count = 0

    def counted(experiment: Experiment) -> Iterator[float]:
        nonlocal count
        count += 1
        yield experiment.training.batch / 100

    monkeypatch.setattr(trial, "validation_errors", counted)
    assert tuned(capsys, "--vary", "training.batch=8,16", "--trials", "9")["trials"] == 9
    assert count == 2


@pytest.mark.parametrize(
    ("text", "parameter", "value"),
    [
        ("training.rate=log:1e-7:1e-5", 1.23456e-6, 1.235e-6),
        ("training.rate=1e-5:1e-7", 9.99999e-6, 1e-5),
        ("training.batch=4:32", 7, 7),
        ("training.batch=4:32:3", 1, 18),
        ("training.loss=cross-entropy,squared-error", '"cross-entropy"', "cross-entropy"),
        ("training.rate=[1e-6,2e-6],1e-7", "[1e-06, 2e-06]", [1e-6, 2e-6]),
    ],
)
def test_parameters_stand_for_values(text: str, parameter: object, value: object) -> None:
    """Values have four digits, never lie outside their range, and are what the key takes."""
    axes = fitted([read_axis(text)], load("iris"))
    key = axes[0].key
    assert space.settings(axes, {key: parameter}) == {key: value}
    assert space.distributions(axes)[key]._contains(space.distributions(axes)[key].to_internal_repr(parameter))


TAUGHT = ["company.chips=1", "company.exchange=teacher", "company.teacher=near", "company.common=20"]
DRIVEN = """* a line
*hwsim: input V_in scale=0.3 offset=0.5
*hwsim: output a
V_in in 0 0.5
R1 in a 20k
C1 a 0 10p
.end
"""
RESERVOIR = """[reservoir]
deck = {netlist = "near"}
period = 2e-7
washout = 20
[[blocks]]
kind = "digital"
layers = [{kind = "dense", size = 2}]
optimizer = {kind = "ridge"}
[data]
name = "memory"
task = "regression"
error = "nrmse"
horizon = 2
length = 80
[training]
epochs = 1
"""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ["teacher", "deck"])
def test_the_file_names_others_from_its_own_folder(kind: str) -> None:
    """Teachers, and the deck of a reservoir, as decks and starts: where the file lies, not where the command was given."""
    Path("found").mkdir()
    Path("near").write_text(DRIVEN)
    Path("own.toml").write_text(RESERVOIR)
    of = ["iris", *(word for one in TAUGHT for word in ("--set", one)), "--vary", "training.batch=4:8"]
    words = of if kind == "teacher" else ["own.toml", "--vary", "reservoir.washout=10,20"]
    assert main(["tune", *words, "--trials", "1", "--out", "found/best.toml"]) == 0
    experiment = load("found/best.toml")
    named = experiment.company.teacher[0] if kind == "teacher" else experiment.reservoir.deck.netlist
    assert Path(named).resolve() == Path("near").resolve()


WRONG = {
    "nothing varied": ("iris", "--vary"),
    "unknown key": ("iris --vary training.rat=1:2", "training.rate"),
    "a wrong end": ("iris --vary training.rate=-1:2", "training.rate"),
    "a wrong word": ("iris --vary training.optimizer=adam,sdg", "sdg"),
    "the seed": ("iris --vary training.seed=1,2", "training.seed"),
    "the data": ("iris --vary data.name=iris,wine", "cannot be compared"),
    "twice": ("iris --vary training.rate=1e-6,1e-7 --vary training.rate=1e-6,1e-8", "twice"),
    "no range": ("iris --vary training.rate=1:2:3:4", "--vary"),
    "no trials": ("iris --vary training.batch=4:8 --trials 0", "--trials"),
    "all of it": ("iris --vary training.batch=4:8 --validation 1", "--validation"),
    "no experiment": ("irsi --vary training.batch=4:8", "did you mean iris"),
    "no TOML": ("iris --vary training.batch=4:8 --out best.json", ".toml"),
    "no folder": ("iris --vary training.batch=4:8 --out no/best.toml", "no folder no"),
    "somebody's file": ("iris --vary training.batch=4:8 --out mine.toml", "choose another file"),
    "somebody's database": ("iris --vary training.batch=4:8 --out other.toml", "no database of hwsim tune"),
    "no database": ("iris --vary training.batch=4:8 --out text.toml", "no database of hwsim tune"),
    "missing data": ("iris --data gone.csv --vary training.batch=4:8", "gone.csv"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("quick")
def test_bad_input_is_one_line(case: str, tmp_path: Path, capsys) -> None:
    """Exit code 2, a line that names what is wrong, and not a byte more or less than before."""
    words, message = WRONG[case]
    (tmp_path / "mine.toml").write_text("mine")
    (tmp_path / "text.db").write_text("text")
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert main(["tune", *words.split()]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("hwsim: ")
    assert message in last
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("quick")
def test_another_search_is_refused(capsys) -> None:
    """A database resumes the search that it holds, and the line names what differs."""
    tuned(capsys, *VARY, "--trials", "1")
    for words, message in ((["--vary", "training.rate=log:1e-7:1e-4", *VARY[2:]], "training.rate"), ([*VARY, "--epochs", "3"], "epochs")):
        assert main(["tune", "iris", *words, "--trials", "2"]) == 2
        assert message in capsys.readouterr().err
    assert tomllib.loads(Path("iris-tuned.toml").read_text())["training"]["epochs"] == load("iris").training.epochs


HOSTILE = {
    "a trigger": ("CREATE TRIGGER sqliteXautoindexX1 AFTER INSERT ON trials BEGIN DELETE FROM trial_values; END", "trigger"),
    "a view": ("CREATE VIEW more AS SELECT * FROM trials", "view"),
    "a missing table": ("DROP TABLE trial_heartbeats", "trial_heartbeats"),
    "an error above 1": ("UPDATE trial_values SET value = 7", "7.0, which is no share"),
    "an error below 0": ("UPDATE trial_values SET value = -1", "-1.0, which is no share"),
    "an error on the way": ("UPDATE trial_intermediate_values SET intermediate_value = 2", "2.0, which is no share"),
    "another range": (
        """UPDATE trial_params SET distribution_json = replace(distribution_json, '"high": 32', '"high": 33')""",
        "other keys or ranges",
    ),
    "a planned trial": (
        """UPDATE trial_system_attributes SET value_json = '{"training.batch": 1000}' WHERE key LIKE 'fixed_params%'""",
        "does not plan",
    ),
    "the other way up": ("UPDATE study_directions SET direction = 'MAXIMIZE'", "to rise"),
    "lists in lists": ("UPDATE study_user_attributes SET value_json = '" + "[" * 100_000 + "'", "cannot be used"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.usefixtures("quick")
def test_a_study_that_no_search_makes_is_refused(case: str, studied: bytes, capsys) -> None:
    """Nothing in it is run or believed: one line that names the file, and the file stays as it is."""
    statement, message = HOSTILE[case]
    Path("iris-tuned.db").write_bytes(studied)
    with contextlib.closing(sqlite3.connect("iris-tuned.db")) as connection:
        connection.executescript(statement)
    before = Path("iris-tuned.db").read_bytes()
    assert main(["tune", "iris", "--vary", "training.batch=4:32", "--trials", "3"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("hwsim: iris-tuned.db: ")
    assert message in last
    assert len(last) < 300
    assert Path("iris-tuned.db").read_bytes() == before


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Search for a moment, and return the database."""
    out = tmp_path_factory.mktemp("study") / "iris-tuned.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "validation_errors", bowl)
        assert main(["tune", "iris", "--vary", "training.batch=4:32", "--trials", "2", "--out", str(out)]) == 0
    return out.with_suffix(".db").read_bytes()


@pytest.mark.usefixtures("quick")
def test_a_moved_study_gets_no_company(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is moved during a search ends it with a line; a second search at its path has its trials for itself."""

    def moves(experiment: Experiment) -> Iterator[float]:
        if Path("iris-tuned.db").exists():
            Path("iris-tuned.db").rename("moved.db")
        yield from bowl(experiment)

    monkeypatch.setattr(trial, "validation_errors", moves)
    assert main(["tune", "iris", "--vary", "training.batch=4:32", "--trials", "2"]) == 2
    assert "iris-tuned.db was moved or replaced" in capsys.readouterr().err
    monkeypatch.setattr(trial, "validation_errors", bowl)
    assert tuned(capsys, "--vary", "training.batch=4:32", "--trials", "1")["trials"] == 1

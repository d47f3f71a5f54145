"""The database of a sweep: what was committed stays, and several processes may write at once."""

import contextlib
import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.sweep.axes import read_axis
from hwsim.sweep.claims import claim, release
from hwsim.sweep.database import Database, is_database, read
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.execution import run
from hwsim.sweep.points import Design
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepError
from support.free_sweep import compute

ONE = SweepResult(1, 0, 0, 0.125, 0.0625, 12.0, 1e-9, 1e-15, 0.5, None)
FAILED = SweepResult(2, 3, 1, math.nan, math.nan, None, None, math.nan, 0.25, "did not settle")


def definition(**settings) -> SweepDefinition:
    axes = tuple(map(read_axis, settings.pop("vary", ("training.beta=log:1e-7:1e-5:3",))))
    return SweepDefinition.make(load("xor"), axes, **{"chips": 4, "seeds": 2} | settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "a.db"


def test_what_is_written_comes_back(file: Path) -> None:
    """Definition, points, weights, results, environment; what failed has no error but a reason."""
    weights = {"w1": np.arange(1.0, 7.0).reshape(2, 3), "w2": np.ones((1, 2)) / 3}
    with Database.begin(file, definition(), {"python": "3"}, weights) as database:
        database.add([ONE, FAILED])
        result = database.weights
    assert {name: g.tolist() for name, g in result.items()} == {name: g.tolist() for name, g in weights.items()}
    recorded = read(file)
    assert recorded.definition == definition()
    assert [dict(point.settings) for point in recorded.points] == [{"training.beta": beta} for beta in (1e-7, 1e-6, 1e-5)]
    assert (recorded.results[0], recorded.total, recorded.environment) == (ONE, 24, {"python": "3"})
    assert recorded.results[1][:3] == FAILED[:3]
    assert math.isnan(recorded.results[1].test_error)
    assert recorded.results[1].failed == "did not settle"
    assert [len(results) for results in recorded.by_point().values()] == [1, 1, 0]
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.db"]


def test_the_same_sweep_goes_on_and_the_first_result_counts(file: Path) -> None:
    """A repeated point is the same row."""
    with Database.begin(file, definition(), {}) as database:
        database.add([ONE])
    with Database.begin(file, definition(), {}) as database:
        database.add([ONE._replace(test_error=0.5), FAILED])
        assert database.done() == {(1, 0, 0), (2, 3, 1)}
        assert database.results()[0] == ONE


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"chips": 5}, "chips = 4, not 5"),
        ({"mode": "evaluate"}, "mode = 'train', not 'evaluate'"),
        ({"design": Design(kind="alone")}, "design.kind = 'grid', not 'alone'"),
        ({"vary": ("training.beta=log:1e-7:1e-5:4",)}, "--vary training.beta = log:1e-07:1e-05:3, not log:1e-07:1e-05:4"),
        ({"vary": ("training.epochs=1,2",)}, "--vary training.beta = log:1e-07:1e-05:3, not nothing"),
        ({"weights": "0f"}, "weights = '', not '0f'"),
    ],
)
def test_another_sweep_is_refused(file: Path, other: dict[str, object], message: str) -> None:
    """The message states in what it differs, and the file is as it was."""
    Database.begin(file, definition(), {}).close()
    before = file.read_bytes()
    with pytest.raises(SweepError) as refused:
        Database.begin(file, definition(**other), {})
    assert f"{file} is a sweep with {message}; resume" in str(refused.value)
    assert file.read_bytes() == before


def test_another_experiment_is_another_sweep() -> None:
    """Any key counts, but for those that change no number."""
    same = SweepDefinition.make(load("xor").model_copy(update={"about": "else", "reached": None}), definition().axes, chips=4, seeds=2)
    assert definition().difference(same) is None
    other = SweepDefinition.make(load("iris"), definition().axes, chips=4, seeds=2)
    assert "circuit" in (definition().difference(other) or "") or "name" in (definition().difference(other) or "")


def test_definitions_survive_being_written(file: Path) -> None:
    """A database that is read back is equal; keys that experiments get later have their defaults."""
    del file
    one = definition(vary=("training.rate=[1e-6,2e-6],3e-6", "training.epochs=1:9"), design=Design(kind="random", count=3))
    assert SweepDefinition.from_json(one.to_json()) == one
    table = json.loads(one.to_json())
    del table["experiment"]["device"]
    assert SweepDefinition.from_json(json.dumps(table)) == one
    with pytest.raises(SweepError, match="another version of hwsim"):
        SweepDefinition.from_json(json.dumps(table | {"mode": "guess"}))


def _text(file: Path) -> None:
    file.write_text("not a database, but longer than a header " * 20)


def _other(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")


def _newer(file: Path) -> None:
    Database.begin(file, definition(), {}).close()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA user_version = 9")


def _cut(file: Path) -> None:
    Database.begin(file, definition(), {}).close()
    file.write_bytes(file.read_bytes()[:9000])


@pytest.mark.parametrize(
    ("make", "message"), [(_text, "not a sweep's database"), (_other, "not of a sweep"), (_newer, "of version 9"), (_cut, "damaged")]
)
def test_other_files_are_refused_and_left_alone(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    """Whatever lies there."""
    file = tmp_path / "a.db"
    make(file)
    before = file.read_bytes()
    for use in (read, lambda path: Database.begin(path, definition(), {})):
        with pytest.raises(SweepError, match=message):
            use(file)
    assert file.read_bytes() == before


def test_a_database_is_known_by_its_content(tmp_path: Path) -> None:
    """Whatever it is called."""
    Database.begin(tmp_path / "a", definition(), {}).close()
    _text(tmp_path / "b.db")
    assert [is_database(tmp_path / name) for name in ("a", "b.db", "c.db")] == [True, False, False]


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """And what was committed stays."""
    with Database.begin(file, definition(), {}) as database:
        database.add([ONE])
        pages = database._pragma("page_count")
        database._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SweepError, match="the disk is full"):
            database.add(ONE._replace(point=3, chip=chip, failed="long " * 1000) for chip in range(50))
        assert database.results() == [ONE]
    del monkeypatch


def test_claims_share_the_work(file: Path) -> None:
    """What a living process is at work on is not given out; what a dead one was at work on is, at once."""
    Database.begin(file, definition(), {}).close()
    code = "import sys; from pathlib import Path; from hwsim.sweep.claims import claim; from hwsim.sweep.database import Database\n"
    code += "claimed = claim(Database.open(Path(sys.argv[1])), [0, 1, 2]); print(claimed, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "0\n"
        with Database.open(file) as database:
            assert [claim(database, [0, 1]), claim(database, [0, 2])] == [1, 2]
            other.kill()
            other.wait()
            assert claim(database, [0, 2]) == 0
            release(database)
            assert database._connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_many_processes_make_a_file_and_write_at_once(tmp_path: Path) -> None:
    """Each puts the same rows in an order of its own; every file holds each once, and is whole."""
    code = (
        "import sys, random; from pathlib import Path\n"
        "from support.free_sweep import definition; from hwsim.sweep.database import Database\n"
        "from hwsim.sweep.recorded import SweepResult\n"
        "made, chips = definition(), list(range(8)); random.Random(int(sys.argv[2])).shuffle(chips); input()\n"
        "for k in range(10):\n"
        "    with Database.begin(Path(sys.argv[1]) / f'{k}.db', made, {}) as database:\n"
        "        for chip in chips: database.add([SweepResult(1, chip, 0, chip / 64, 0.0, None, None, 0.0, 0.1, None)])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-c", code, tmp_path]
    writers = [subprocess.Popen([*program, str(k)], stdin=subprocess.PIPE, env=environment) for k in range(3)]
    for writer in writers:
        writer.stdin.write(b"\n")
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for k in range(10):
        file = tmp_path / f"{k}.db"
        assert [result.test_error for result in read(file).results] == [chip / 64 for chip in range(8)]
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_moved_database_is_written_to_no_further(file: Path) -> None:
    """What was committed is in the moved file, whatever was in the journal; the next write names where to continue."""
    with Database.begin(file, definition(), {}) as database:
        database.add([ONE])
        moved = file.rename(file.with_name("moved.db"))
        with pytest.raises(SweepError, match=r"a\.db was moved or replaced"):
            database.add([FAILED])
    assert read(moved).results == [ONE]
    assert list(file.parent.iterdir()) == [moved]


def test_a_new_sweep_at_the_path_of_a_moved_one_is_its_own(file: Path) -> None:
    """While the moved one is open its journal is at the old path, and SQLite would take it for the new one's: the new one waits."""
    with Database.begin(file, definition(), {}) as database:
        database.add([ONE])
        moved = file.rename(file.with_name("moved.db"))
        with pytest.raises(SweepError, match=r"a\.db-wal is the journal of a database that is no longer at"):
            Database.begin(file, definition(), {})
        assert not file.exists()
    with Database.begin(file, definition(chips=1), {}) as database:
        assert database.results() == []
    assert read(moved).results == [ONE]


def test_a_start_counts_by_its_content(file: Path, tmp_path: Path) -> None:
    """A sweep continues from the conductances that it began with, or not at all; files of earlier versions do not hold what those were."""
    start = tmp_path / "start.npz"
    np.savez(start, w1=np.full((5, 8), 1e-6), w2=np.full((9, 2), 1e-6))
    experiment = override(load("xor"), [f"training.start={start}"])

    def now() -> SweepDefinition:
        return SweepDefinition.make(experiment, definition().axes)

    began = now()
    assert SweepDefinition.from_json(began.to_json()) == began
    np.savez(start, w1=np.full((5, 8), 2e-6), w2=np.full((9, 2), 1e-6))
    assert (began.difference(now()) or "").startswith("start = ")
    with Database.begin(file, began, {}) as database, pytest.raises(SweepError, match="has other conductances than when the sweep began"):
        run(database, lambda _: None, function=compute)
    table = json.loads(began.to_json())
    del table["start"]
    assert SweepDefinition.from_json(json.dumps(table)).difference(now()) is None
    assert began.difference(definition()) is not None

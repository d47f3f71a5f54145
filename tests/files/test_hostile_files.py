"""Files from a stranger, or from a failing disk: one line names what is wrong, nothing in them is run, no memory is taken for claims."""

import contextlib
import gzip
import pickle
import sqlite3
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from cli.output import shown
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files import atomic
from hwsim.sweep.database import Database
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sealed import seal
from hwsim.sweep.sweep_errors import SweepError
from support.damaged_files import GOOD, attempt, damage

_BYTES = 100e6
"""What reading a small file may take at most, whatever it claims."""


@pytest.mark.parametrize("kind", sorted(set(GOOD) - {"decks"}))
def test_a_good_file_is_read(kind, tmp_path):
    """What the others are damaged from is whole."""
    assert attempt(kind, GOOD[kind][1](), tmp_path) == ""


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_damaged_file_is_named_in_a_line(kind, tmp_path):
    """However it is cut, flipped or stirred, its reader takes it or states in its own words why not."""
    good = GOOD[kind][1]()

    @settings(max_examples=40)
    @given(st.data())
    def read(data):
        attempt(kind, data.draw(damage(good)), tmp_path)

    read()


def member(dtype, shape, content=b""):
    """Make the file of an array whose header claims a type and shape."""
    return npy.magic(1, 0) + header(f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}") + content


def header(text):
    """Write a header of version 1.0 with its length before it."""
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


class Runs:
    """What a pickle that does harm is made of."""

    def __reduce__(self):
        """Make it write a file where it is read."""
        return open, ("escaped", "w")


_PICKLE = pickle.dumps(Runs())
CLAIMS = {
    "ten terabytes": (member("<f8", (10**12, 10)), "declares shape"),
    "ten gigabytes": (member("<f8", (10**9, 10), b"\0" * 80), "declares shape"),
    "more than numbers hold": (member("<f8", (2**62, 2**62)), "declares shape"),
    "negative": (member("<f8", (-1, 8), b"\0" * 64), "declares shape"),
    "objects": (member("|O", (1,), _PICKLE), "Object arrays"),
    "objects in records": (member("|V8", (1,), b"\0" * 8).replace(b"'|V8'", b"[('a', '|O')]"), "EOF"),
    "a call": (npy.magic(1, 0) + header("__import__('os').system('touch escaped')"), "malformed node"),
    "a later version": (npy.magic(3, 0) + b"\0" * 100, "only 1.0 and 2.0"),
    "no array": (b"GIF89a", "magic"),
    "a header without end": (npy.magic(2, 0) + b"\xff\xff\xff\x7f", "EOF"),
    "nothing": (b"", "EOF"),
    "a bare pickle": (_PICKLE, "magic"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_an_array_claims_is_not_believed(name, tmp_path, monkeypatch):
    """Ten terabytes take no memory, and pickles stay bytes."""
    monkeypatch.chdir(tmp_path)
    content, message = CLAIMS[name]
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    tracemalloc.start()
    try:
        with pytest.raises(atomic.UnreadableError, match=message):
            atomic.read_arrays(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < _BYTES
    finally:
        tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """What unpacks to more than half of the memory is refused before the first byte; a file that lies about its size is cut off there."""
    monkeypatch.setattr(atomic.os, "sysconf", lambda _: 4096)  # a machine of 16 MB
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", member("<f8", (2_000_000,)) + b"\0" * 16_000_000)
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    with pytest.raises(atomic.UnreadableError, match=r"unpacks to 0\.0 GB, and 0\.0 GB, half of this machine's memory"):
        atomic.read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("shape", [(3, 4, 4), (2**31, 2**31, 4), (60_000, 28, 28), (0, 4, 4)])
def test_an_idx_bomb_is_unpacked_as_far_as_it_says(shape, tmp_path):
    """A few bytes may unpack to gigabytes; no more is taken than the header states, and no more than fits."""
    tracemalloc.start()
    try:
        packed = gzip.compress(b"\0\0\x08\x03" + struct.pack(">III", *(size % 2**32 for size in shape)) + b"\0" * 20_000_000, mtime=0)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert "idx" in attempt("idx.gz", packed, tmp_path)
        assert tracemalloc.get_traced_memory()[1] - before < _BYTES
    finally:
        tracemalloc.stop()


def test_an_idx_file_whose_sizes_are_cut_off(tmp_path):
    """What is missing is no size of 0; found by fuzzing."""
    assert "is not a whole idx file" in attempt("idx", bytes.fromhex("00000805080000017f0703191a74"), tmp_path)


def test_an_idx_file_of_more_bytes_than_a_float_counts(tmp_path):
    """A product of 255 sizes is reported too; found by fuzzing."""
    assert "half of this machine's memory" in attempt("idx", b"\0\0\x08\xff" + b"\x7f" * 1020, tmp_path)


_HEAD = "[data]\nname = 'iris'\n[circuit]\n"
EXPERIMENTS = {
    "lists in lists": ("a = " + "[" * 100_000 + "]" * 100_000, "too deeply"),
    "a number of ten thousand digits": ("a = " + "9" * 10_000, "not valid TOML"),
    "a number of 401 digits": (_HEAD + "inputs = 4\noutputs = 3\n[training]\nseed = 1" + "0" * 400, "training.seed = 1000000"),
    "a number of 401 digits in a list": (_HEAD + "inputs = 4\noutputs = 3\ng_max = [1" + "0" * 400 + "]", "more than 64 bits"),
    "a page too long": ("#" * (1 << 20) + "\na = 1", "longer than"),
    "no text": ("\0\0", "not valid TOML"),
    "a trillion inputs": (_HEAD + "inputs = 1000000000000\noutputs = 3", "nodes are more than"),
    "a hundred million inputs": (_HEAD + "inputs = 100000000\noutputs = 3", "nodes are more than"),
    "two huge layers": (
        _HEAD + "inputs = 4\noutputs = 3\nlayers = [{size = 100000}, {size = 100000}]",
        "memristors are more than",
    ),
    "ten thousand layers": (
        _HEAD + "inputs = 4\noutputs = 3\nlayers = [" + "{size = 2}," * 10_000 + "]",
        "layers are more than",
    ),
    "a name with a path": ("name = '../../x'\n" + _HEAD + "inputs = 4\noutputs = 3", "name = '../../x'"),
    "infinite": (_HEAD + "inputs = 4\noutputs = 3\n[training]\nbeta = inf", "training.nudge.beta"),
    "no number": (_HEAD + "inputs = 4\noutputs = 3\ninput_scale = nan", "input_scale = nan"),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_that_asks_for_too_much_is_refused(name, tmp_path):
    """Before anything is made: a line of text may ask for any amount of memory."""
    text, message = EXPERIMENTS[name]
    (tmp_path / "e.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path / "e.toml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_value_on_the_command_line_may_be_anything():
    """Brackets without end are a text like another."""
    with pytest.raises(ExperimentError, match=r"training\.beta"):
        override(load("iris"), ["training.beta=" + "[" * 10_000])


CELLS = [
    ("1_000,2,a\n3,4,b\n", "line 1, column 1 holds '1_000'"),
    ("1,2,9007199254740993\n3,4,9007199254740992\n", "is no class"),
    ("1,inf,a\n2,3,b\n", "column 2 holds 'inf'"),
    ("1,2,a\n3,nan,b\n", "column 2 holds 'nan'"),
    ("1,2,a\n3,4\n", "line 2 has 2 columns"),
    ("1," + "9" * 400 + ",a\n3,4,b\n", "column 2 holds '999"),
    ("1,2,a\n" + "x" * 200_000 + ",4,b\n", "field larger than field limit"),
    ('"two\nlines",c,d\n,1,a\n', "column 1 (two lines) is empty"),  # found by fuzzing
    ("1,2,a\n3,4,\0\n1,2,b", ""),
]


@pytest.mark.parametrize(("text", "message"), CELLS)
def test_a_table_is_read_as_people_read_it(text, message, tmp_path):
    """An underscore makes a name of a number, and whole numbers that floats mix up are no classes."""
    expected_message = attempt("data.csv", text.encode(), tmp_path)
    assert message in expected_message
    assert len(expected_message) < 300


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON results BEGIN DELETE FROM results; END",
        "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        "CREATE TABLE more (x)",
        "DROP TABLE claims; CREATE VIEW claims AS SELECT 1 AS batch",
        "CREATE INDEX i ON results (abs(point))",
        "CREATE TRIGGER sqliteXautoindexX1 AFTER INSERT ON results BEGIN UPDATE results SET test_error = 0; END",
        "CREATE INDEX sqliteXautoindexX1 ON results (test_error)",
    ],
)
def test_a_database_that_computes_is_refused(statement, tmp_path):
    """A trigger would change what is written, and a view what a query returns; no sweep has any."""
    path = tmp_path / "sweep.db"
    path.write_bytes(GOOD["sweep"][1]())
    with sqlite3.connect(path) as connection:
        connection.executescript(statement)
    connection.close()
    with pytest.raises(SweepError, match="which no sweep makes"):
        Database.open(path)


def test_a_sealed_connection_runs_what_is_asked_of_it_alone(tmp_path):
    """Where a trigger or a view gets past every look, what it does fails, and nothing is changed."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.executescript(
            "CREATE TABLE t (x); CREATE TABLE u (x); CREATE VIEW v AS SELECT 1;"
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO u VALUES (new.x); END"
        )
        seal(connection)
        for statement in ("INSERT INTO t VALUES (1)", "SELECT * FROM v"):
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                connection.execute(statement)
        assert connection.execute("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)").fetchone() == (0,)


IMPOSSIBLE = {
    "an error above 1": ("UPDATE results SET test_error = 1.5", "test_error = 1.5 is no number from 0 to 1"),
    "an error below 0": ("UPDATE results SET train_error = -0.5", "train_error = -0.5 is no number from 0 to 1"),
    "infinite energy": ("UPDATE results SET joules = 9e999", "joules = inf is no number from 0 on"),
    "time that runs back": ("UPDATE times SET seconds = -1.0", "seconds = -1.0"),
    "another point": ("UPDATE results SET point = 9; UPDATE times SET point = 9", "points from 1 to 3"),
    "another chip": ("UPDATE results SET chip = 2; UPDATE times SET chip = 2", "chips from 0 to 1"),
    "another seed": ("UPDATE results SET seed = -1; UPDATE times SET seed = -1", "seeds from 0 to 0"),
    "a point of other keys": ('UPDATE points SET settings = \'{"data.name": "/etc/passwd"}\'', "none of its 1 varied keys"),
    "a hole in the points": ("UPDATE points SET point = 7 WHERE point = 2", "none of its 1 varied keys"),
    "a point that is infinite": (
        "UPDATE points SET settings = '{\"training.beta\": 1e400}' WHERE point = 1",
        "point 1: training.beta = inf, and its definition has 1e-07",
    ),
    "a point of another type": (
        'UPDATE points SET settings = \'{"training.beta": "1e-07"}\' WHERE point = 1',
        "point 1: training.beta = '1e-07'",
    ),
    "points that were exchanged": (
        "UPDATE points SET point = CASE point WHEN 1 THEN -2 WHEN 2 THEN -1 ELSE point END; UPDATE points SET point = abs(point)",
        "point 1: training.beta = 1e-06, and its definition has 1e-07",
    ),
    "a point too few": ("DELETE FROM points WHERE point = 3", "it has 2 points, and its definition 3"),
    "no error without a reason": ("UPDATE results SET test_error = NULL", "it has no error, and no reason why there is none"),
    "negative conductances": ("UPDATE weights SET g = CAST(x'00000000000000c0' || substr(g, 9) AS BLOB)", "not all positive and finite"),
    "a claim of no process": ("INSERT INTO claims VALUES (0, -7, 0.0)", "is damaged"),
    "an environment that is a list": ("UPDATE sweep SET value = '[]' WHERE key = 'environment'", "its environment is no JSON object"),
    "lists in lists": ("UPDATE sweep SET value = '" + "[" * 100_000 + "'", "cannot be read"),
    "millions of chips": ("UPDATE sweep SET value = replace(value, '\"chips\": 2', '\"chips\": 20000000')", "chips = 20000000"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_database_with_what_no_sweep_finds_is_refused(name, tmp_path):
    """Errors are shares, amounts are not negative, and every result is one of the sweep's; the line is short whatever the file holds."""
    statement, stated = IMPOSSIBLE[name]
    path = tmp_path / "sweep.db"
    path.write_bytes(GOOD["sweep"][1]())
    with Database.open(path) as database:
        database.add([SweepResult(1, 0, 0, 0.25, 0.25, 1.0, 1.0, 0.0, 1.0, None)])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    message = attempt("sweep", path.read_bytes(), tmp_path)
    assert stated in message
    assert len(message.replace(str(path), "")) < 300


@pytest.mark.parametrize("statement", ["UPDATE sweep SET value = '{'", "UPDATE points SET settings = '['", "UPDATE weights SET g = x'00'"])
def test_a_database_with_strange_texts_is_refused(statement, tmp_path):
    """What is in its tables is looked at too."""
    path = tmp_path / "sweep.db"
    path.write_bytes(GOOD["sweep"][1]())
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    assert str(path) in attempt("sweep", path.read_bytes(), tmp_path)


def test_a_database_whose_pages_hold_nothing_where_a_text_should_be(tmp_path):
    """SQLite does not look at its own rules when it reads; found by fuzzing."""
    path = tmp_path / "sweep.db"
    path.write_bytes(GOOD["sweep"][1]())
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'settings TEXT NOT NULL', 'settings TEXT         ');"
    )
    connection.close()
    connection = sqlite3.connect(path)
    connection.executescript("UPDATE points SET settings = NULL; PRAGMA writable_schema = ON;")
    connection.executescript(
        "UPDATE sqlite_master SET sql = replace(sql, 'settings TEXT         ', 'settings TEXT NOT NULL') WHERE name = 'points';"
    )
    connection.close()
    assert "is damaged" in attempt("sweep", path.read_bytes(), tmp_path)


def test_a_database_whose_tables_are_no_text(tmp_path):
    """SQLite shows the lines that it could not decode; found by fuzzing."""
    damaged = GOOD["sweep"][1]().replace(b"-- from 1 on", b"-- from \xff on")
    assert attempt("sweep", damaged, tmp_path)


def test_no_text_commands_a_terminal():
    """Names in files may hold what clears a screen or renames a window; line ends and letters of all languages stay."""
    assert shown("a\x1b[2Jb\x07\r\x9b1m\nŷ µ\t") == "a\ufffd[2Jb\ufffd\ufffd\ufffd1m\nŷ µ\t"

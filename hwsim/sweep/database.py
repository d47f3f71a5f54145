"""Database: one SQLite file a sweep. What was committed stays, whoever is killed; many processes may read and write at once."""

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.sweep.definition import Definition
from hwsim.sweep.errors import SweepError
from hwsim.sweep.points import Point

Weights = Mapping[str, NDArray[np.float64]]

SCHEMA = 1
"""Version of the tables below; a file says in `user_version` which it has."""

MARK = 0x68775357
"""What `application_id` of a sweep's file says: hwSW."""

WAIT = 60.0
"""How long to wait for another process that writes [s]."""

_TABLES = """
CREATE TABLE sweep (
    key   TEXT PRIMARY KEY,          -- definition, environment
    value TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID

CREATE TABLE weights (
    element TEXT PRIMARY KEY,        -- given conductances, if any
    rows    INTEGER NOT NULL,
    columns INTEGER NOT NULL,
    g       BLOB NOT NULL            -- row by row, little-endian doubles [S]
) STRICT, WITHOUT ROWID

CREATE TABLE points (
    point    INTEGER PRIMARY KEY,    -- from 1 on
    settings TEXT NOT NULL           -- JSON: the varied keys' values
) STRICT

CREATE TABLE results (
    point       INTEGER NOT NULL REFERENCES points (point),
    chip        INTEGER NOT NULL,
    seed        INTEGER NOT NULL,
    test_error  REAL,                -- 0 to 1; NULL where it failed
    train_error REAL,                -- 0 to 1
    pulses      REAL,                -- sent to all devices; NULL without pulses
    joules      REAL,                -- of programming; NULL without pulses
    residual    REAL,                -- largest [A]
    failed      TEXT,                -- why there is no error; NULL where all is well
    PRIMARY KEY (point, chip, seed)
) STRICT, WITHOUT ROWID

CREATE TABLE times (
    point    INTEGER NOT NULL,       -- what differs from one time to the next, and is no result
    chip     INTEGER NOT NULL,
    seed     INTEGER NOT NULL,
    seconds  REAL NOT NULL,          -- its share of the computing time [s]
    PRIMARY KEY (point, chip, seed)
) STRICT, WITHOUT ROWID

CREATE TABLE claims (
    batch INTEGER PRIMARY KEY,       -- what a process is at work on
    pid   INTEGER NOT NULL,
    born  REAL NOT NULL              -- when that process began, so that a later one of its number is not taken for it
) STRICT
"""


class Result(NamedTuple):
    """What came out at one point, on one chip, with one seed; errors are shares, NaN where it failed."""

    point: int
    chip: int
    seed: int
    test_error: float
    train_error: float
    pulses: float | None
    joules: float | None
    residual: float
    seconds: float
    failed: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a sweep's file holds: results in the order of point, chip and seed, of as many as are finished."""

    path: Path
    definition: Definition
    points: list[Point]
    results: list[Result]
    environment: dict[str, Any]

    @property
    def total(self) -> int:
        """How many results there are when the sweep is complete."""
        return len(self.points) * self.definition.chips * self.definition.seeds

    def by_point(self) -> dict[int, list[Result]]:
        """Give each point's results by its number."""
        found: dict[int, list[Result]] = {point.number: [] for point in self.points}
        for result in self.results:
            found[result.point].append(result)
        return found


def read(path: Path) -> Recorded:
    """Read a sweep's file, finished or not, also while others write to it.

    Raises
    ------
    SweepError
        When it is no such file.

    """
    with Database.open(path) as database:
        return database.recorded()


def is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's; `read` says whether it is a sweep's."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


class Database:
    """An open file of one sweep; used by the thread that opened it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._seen = -1

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that exists.

        Raises
        ------
        SweepError
            When it is not a sweep's, or of a newer version.

        """
        if not path.is_file():
            msg = f"{path}: there is no such database"
            raise SweepError(msg)
        with _plainly(path):
            database = cls(path, _connect(path))
            version, mark = database._pragma("user_version"), database._pragma("application_id")
            if mark != MARK or not version:
                database.close()
                msg = f"{path}: is a database, but not of a sweep; choose another file with --out"
                raise SweepError(msg)
            if version != SCHEMA:
                database.close()
                msg = f"{path}: its tables are of version {version}, and this hwsim knows {SCHEMA}; use a newer hwsim"
                raise SweepError(msg)
            if strange := database._strange():
                database.close()
                msg = f"{path}: it holds {strange}, which no sweep makes; choose another file with --out"
                raise SweepError(msg)
            return database

    @classmethod
    def begin(cls, path: Path, definition: Definition, environment: Mapping[str, Any], weights: Weights | None = None) -> Self:
        """Open a sweep's file, or make it; it is there with all its points, or not at all.

        Parameters
        ----------
        path
            The file.
        definition
            What the sweep is.
        environment
            What it is made with.
        weights
            Given conductances by element array, if any [S].

        Raises
        ------
        SweepError
            When another sweep lies there, or something that is none.
        OSError
            When its folder cannot be made.

        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with _plainly(path):
            connection = _connect(path)
            _keep_journal(connection)
            with _writing(connection):
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    _fill(connection, definition, environment, weights or {})
            connection.close()
        database = cls.open(path)
        if difference := database.definition.difference(definition):
            database.close()
            msg = f"{path} holds a sweep with {difference}; go on with it as it was, or choose another file with --out"
            raise SweepError(msg)
        return database

    def close(self) -> None:
        """Let the file go; the last process to do so leaves it alone, without the files of its journal."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def definition(self) -> Definition:
        """What the sweep is."""
        try:
            return Definition.from_json(self._value("definition"))
        except SweepError as error:
            msg = f"{self.path}: {error}"
            raise SweepError(msg) from None

    @property
    def points(self) -> list[Point]:
        """Its points, by number."""
        with _plainly(self.path):
            rows = self._connection.execute("SELECT point, settings FROM points ORDER BY point").fetchall()
            return [Point(number, json.loads(settings)) for number, settings in rows]

    @property
    def weights(self) -> dict[str, NDArray[np.float64]] | None:
        """Given conductances by element array [S]; None without any."""
        with _plainly(self.path):
            rows = self._connection.execute("SELECT element, rows, columns, g FROM weights ORDER BY element").fetchall()
            return {name: np.frombuffer(g, dtype="<f8").astype(np.float64).reshape(*shape) for name, *shape, g in rows} or None

    def results(self) -> list[Result]:
        """Give what is finished, in the order of point, chip and seed."""
        with _plainly(self.path):
            rows = self._connection.execute(
                "SELECT point, chip, seed, test_error, train_error, pulses, joules, residual, seconds, failed "
                "FROM results JOIN times USING (point, chip, seed) ORDER BY point, chip, seed"
            ).fetchall()
        return [
            Result(point, chip, seed, _number(test), _number(train), pulses, joules, _number(residual), seconds, failed)
            for point, chip, seed, test, train, pulses, joules, residual, seconds, failed in rows
        ]

    def done(self) -> set[tuple[int, int, int]]:
        """Give (point, chip, seed) of what is finished."""
        with _plainly(self.path):
            return set(self._connection.execute("SELECT point, chip, seed FROM results"))

    def changed(self) -> bool:
        """Whether another process has written since the last time that this was asked."""
        with _plainly(self.path):
            before, self._seen = self._seen, self._pragma("data_version")
        return before != self._seen

    def recorded(self) -> Recorded:
        """Read everything, as of one moment."""
        with _plainly(self.path):
            self._connection.execute("BEGIN")
            try:
                return Recorded(self.path, self.definition, self.points, self.results(), json.loads(self._value("environment")))
            finally:
                self._connection.execute("ROLLBACK")

    def add(self, results: Iterable[Result], batch: int | None = None) -> None:
        """Put results on disk, all or none, and end the claim on their batch. What is there already stays as it is.

        Raises
        ------
        SweepError
            When they cannot be written.

        """
        with _plainly(self.path), _writing(self._connection) as connection:
            for one in results:
                row = (one.point, one.chip, one.seed)
                values = (one.test_error, one.train_error, one.pulses, one.joules, one.residual)
                known = [value if value is None or math.isfinite(value) else None for value in values]
                connection.execute("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *known, one.failed))
                connection.execute("INSERT OR IGNORE INTO times VALUES (?, ?, ?, ?)", (*row, one.seconds))
            if batch is not None:
                connection.execute("DELETE FROM claims WHERE batch = ?", (batch,))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write several things as one, while no other process writes."""
        with _plainly(self.path), _writing(self._connection) as connection:
            yield connection

    def _value(self, key: str) -> str:
        with _plainly(self.path):
            found = self._connection.execute("SELECT value FROM sweep WHERE key = ?", (key,)).fetchone()
        if found is None:
            msg = f"{self.path}: its {key} is missing; choose another file with --out"
            raise SweepError(msg)
        return str(found[0])

    def _strange(self) -> str:
        """Name a table that is not as sweeps make it, a view or a trigger, which could compute anything; nothing if there is none."""
        ours = {_words(statement) for statement in _TABLES.split("\n\n")}
        found = self._connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%'").fetchall()
        return next((f"the {kind} {name!a}" for kind, name, sql in found if _words(sql or "") not in ours), "")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])


def _words(statement: str) -> str:
    return " ".join(statement.split())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a loss of power too
    return connection


def _keep_journal(connection: sqlite3.Connection) -> None:
    """Switch to a journal that lets others read meanwhile; SQLite does not wait by itself where another process does the same."""
    patience = time.monotonic() + WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if str(error) != "database is locked" or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Do all that is inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _fill(connection: sqlite3.Connection, definition: Definition, environment: Mapping[str, Any], weights: Weights) -> None:
    for statement in _TABLES.split("\n\n"):
        connection.execute(statement)
    about = [("definition", definition.to_json()), ("environment", json.dumps(environment))]
    connection.executemany("INSERT INTO sweep VALUES (?, ?)", about)
    rows = [(point.number, json.dumps(point.settings)) for point in definition.points()]
    connection.executemany("INSERT INTO points VALUES (?, ?)", rows)
    arrays = [(element, *np.atleast_2d(g).shape, np.asarray(g, dtype="<f8").tobytes()) for element, g in weights.items()]
    connection.executemany("INSERT INTO weights VALUES (?, ?, ?, ?)", arrays)
    connection.execute(f"PRAGMA application_id = {MARK}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Say in words what SQLite cannot do."""
    try:
        yield
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        if isinstance(error, SweepError):
            raise
        msg = f"{path}: is damaged ({str(error).partition(chr(10))[0][:100]}); sweep again into another file (--out)"
        raise SweepError(msg) from None
    except sqlite3.Error as error:
        remedy = {
            "file is not a database": "is not a sweep's database; choose another file with --out",
            "database disk image is malformed": "is damaged; sweep again into another file (--out)",
            "database or disk is full": "the disk is full",
            "unable to open database file": "cannot be opened; look at the folder and its permissions",
            "attempt to write a readonly database": "may not be written; choose another file with --out",
            "database is locked": f"another process has been writing for {WAIT:g} s; wait for it, or choose another file with --out",
        }
        said = " ".join(str(error).split())[:200]
        msg = f"{path}: {remedy.get(said, said)}"
        raise SweepError(msg) from None


def _number(value: float | None) -> float:
    return math.nan if value is None else value

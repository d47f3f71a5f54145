"""Database: one SQLite file a sweep. What was committed stays, whoever is killed; many processes may read and write at once."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.sweep import schema
from hwsim.sweep.connection import connect, keep_journal, plainly, writing
from hwsim.sweep.definition import Definition
from hwsim.sweep.errors import SweepError
from hwsim.sweep.points import Point
from hwsim.sweep.recorded import Recorded, Result, Weights


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


@contextmanager
def _closed_on_error(database: "Database") -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


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
        with plainly(path):
            database = cls(path, connect(path))
            with _closed_on_error(database):
                database._check()
            return database

    def _check(self) -> None:
        """Refuse what is no sweep's."""
        version, mark = self._pragma("user_version"), self._pragma("application_id")
        if mark != schema.MARK or not version:
            msg = f"{self.path}: is a database, but not of a sweep; choose another file with --out"
            raise SweepError(msg)
        if version != schema.VERSION:
            msg = f"{self.path}: its tables are of version {version}, and this hwsim knows {schema.VERSION}; use a newer hwsim"
            raise SweepError(msg)
        if strange := schema.strange(self._connection):
            msg = f"{self.path}: it holds {strange}, which no sweep makes; choose another file with --out"
            raise SweepError(msg)

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
        with plainly(path), closing(connect(path)) as connection:
            keep_journal(connection)
            with writing(connection):
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    schema.fill(connection, definition, environment, weights or {})
        database = cls.open(path)
        with _closed_on_error(database):
            difference = database.definition.difference(definition)
        if difference:
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
        with plainly(self.path):
            rows = self._connection.execute("SELECT point, settings FROM points ORDER BY point").fetchall()
            return [Point(number, json.loads(settings)) for number, settings in rows]

    @property
    def weights(self) -> dict[str, NDArray[np.float64]] | None:
        """Given conductances by element array [S]; None without any."""
        with plainly(self.path):
            rows = self._connection.execute("SELECT element, rows, columns, g FROM weights ORDER BY element").fetchall()
            return {name: np.frombuffer(g, dtype="<f8").astype(np.float64).reshape(*shape) for name, *shape, g in rows} or None

    def results(self) -> list[Result]:
        """Give what is finished, in the order of point, chip and seed."""
        with plainly(self.path):
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
        with plainly(self.path):
            return set(self._connection.execute("SELECT point, chip, seed FROM results"))

    def changed(self) -> bool:
        """Whether another process has written since the last time that this was asked."""
        with plainly(self.path):
            before, self._seen = self._seen, self._pragma("data_version")
        return before != self._seen

    def recorded(self) -> Recorded:
        """Read everything, as of one moment."""
        with plainly(self.path):
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
        with plainly(self.path), writing(self._connection) as connection:
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
        with plainly(self.path), writing(self._connection) as connection:
            yield connection

    def _value(self, key: str) -> str:
        with plainly(self.path):
            found = self._connection.execute("SELECT value FROM sweep WHERE key = ?", (key,)).fetchone()
        if found is None:
            msg = f"{self.path}: its {key} is missing; choose another file with --out"
            raise SweepError(msg)
        return str(found[0])

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])


def _number(value: float | None) -> float:
    return math.nan if value is None else value

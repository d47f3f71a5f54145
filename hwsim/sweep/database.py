"""Database: one SQLite file a sweep. Committed results persist, whoever is killed; many processes may read and write at once."""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.regular_file import open_regular
from hwsim.company.figures import CompanyFigures
from hwsim.files import atomic
from hwsim.sweep import checked, schema
from hwsim.sweep.connection import connect, keep_journal, plainly, writing
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import SweepPoint
from hwsim.sweep.recorded import Recorded, SweepResult
from hwsim.sweep.sealed import objects
from hwsim.sweep.sweep_errors import SweepError
from hwsim.typing import Weights


def read(path: Path) -> Recorded:
    """Read a sweep's file, finished or not, also while others write to it.

    Raises
    ------
    SweepError
        When it is not a sweep's file.

    """
    with Database.open(path) as database:
        return database.recorded()


def is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's; `read` checks whether it is a sweep's."""
    try:
        with open_regular(path) as file:
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


def journals(path: Path) -> list[Path]:
    """List the files that SQLite keeps next to a database while it is open."""
    return [path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm")]


def _refuse_journal(path: Path) -> None:
    """Refuse a path for a new database that has the journal of another one, which SQLite would use."""
    if not path.exists() and (journal := journals(path)[0]).exists():
        msg = f"{journal} is the journal of a database that is no longer at {path}; bring that back, or delete the journal"
        raise SweepError(msg)


class Database:
    """An open file of one sweep; used by the thread that opened it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._seen = -1
        self._definition: SweepDefinition | None = None
        self._identity = atomic.identity(path)

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
        """Refuse another kind of database."""
        version, mark = self._pragma("user_version"), self._pragma("application_id")
        if mark != schema.MARK or not version:
            msg = f"{self.path}: is a database, but not of a sweep; choose another file with --out"
            raise SweepError(msg)
        if version != schema.VERSION:
            msg = f"{self.path}: its tables are of version {version}, and this hwsim knows {schema.VERSION}; use a newer hwsim"
            raise SweepError(msg)
        if strange := schema.strange(self._connection):
            msg = f"{self.path}: {strange}; choose another file with --out"
            raise SweepError(msg)

    @classmethod
    def begin(cls, path: Path, definition: SweepDefinition, environment: Mapping[str, Any], weights: Weights | None = None) -> Self:
        """Open or create a sweep's file; it exists with all its points, or not at all.

        Parameters
        ----------
        path
            The file.
        definition
            The sweep's definition.
        environment
            The environment that it is computed in.
        weights
            Evaluated conductances by element array, if any [S].

        Raises
        ------
        SweepError
            When another sweep is there, or another file.
        OSError
            When its folder cannot be made.

        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            msg = f"{path}: is not a regular file; choose another file with --out"
            raise SweepError(msg)
        _refuse_journal(path)
        with plainly(path), closing(connect(path)) as connection:
            if not objects(connection):  # an existing file is checked before it is written to
                keep_journal(connection)
                with writing(connection):
                    if not objects(connection):
                        schema.fill(connection, definition, environment, weights or {})
        database = cls.open(path)
        with _closed_on_error(database):
            difference = database.definition.difference(definition)
        if difference:
            database.close()
            msg = f"{path} is a sweep with {difference}; resume it as it was, or choose another file with --out"
            raise SweepError(msg)
        return database

    def close(self) -> None:
        """Close the file; the last process to do so leaves it without the files of its journal."""
        try:
            if self._moved:
                self._settle()
        finally:
            self._connection.close()

    @property
    def _moved(self) -> bool:
        """Whether the path leads to another file now; the open file keeps its number, so that no other one can have it."""
        return atomic.identity(self.path) != self._identity

    def _settle(self) -> None:
        """Put the journal, which stayed at the old path, into the moved file, and delete its files unless another database is there."""
        with plainly(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if not self.path.exists():
            for journal in journals(self.path):
                journal.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def definition(self) -> SweepDefinition:
        """The sweep's definition; it never changes."""
        if self._definition is None:
            try:
                self._definition = SweepDefinition.from_json(self._value("definition"))
            except SweepError as error:
                msg = f"{self.path}: {error}"
                raise SweepError(msg) from None
        return self._definition

    @property
    def points(self) -> list[SweepPoint]:
        """Its points, by number."""
        with plainly(self.path):
            rows = self._connection.execute("SELECT point, settings FROM points ORDER BY point").fetchall()
            return checked.points(rows, self.definition)

    @property
    def weights(self) -> dict[str, NDArray[np.float64]] | None:
        """Evaluated conductances by element array [S]; None without any."""
        with plainly(self.path):
            rows = self._connection.execute("SELECT element, rows, columns, g FROM weights ORDER BY element").fetchall()
            return checked.weights(rows) or None

    def results(self) -> list[SweepResult]:
        """Read the finished results, in the order of point, chip and seed."""
        with plainly(self.path):
            count = self._connection.execute("SELECT count(*) FROM points").fetchone()[0]
            rows = self._connection.execute(
                "SELECT point, chip, seed, test_error, train_error, pulses, joules, residual, seconds, failed "
                "FROM results JOIN times USING (point, chip, seed) ORDER BY point, chip, seed"
            )
            return list(checked.results(rows, self.definition, count, self._companies()))

    def _companies(self) -> dict[tuple[int, int, int], CompanyFigures]:
        """Read what companies have besides, by (point, chip, seed); nothing where no chips learn together."""
        if not schema.has_companies(self._connection):
            return {}
        rows = self._connection.execute("SELECT point, chip, seed, together_error, churn, sent_bytes FROM companies")
        return checked.companies(rows, self.definition)

    def done(self) -> set[tuple[int, int, int]]:
        """Return (point, chip, seed) of the finished results."""
        with plainly(self.path):
            return set(self._connection.execute("SELECT point, chip, seed FROM results"))

    def changed(self) -> bool:
        """Whether another process has written since the last call."""
        with plainly(self.path):
            before, self._seen = self._seen, self._pragma("data_version")
        return before != self._seen

    def recorded(self) -> Recorded:
        """Read everything, in one transaction."""
        with plainly(self.path):
            self._connection.execute("BEGIN")
            try:
                return Recorded(self.path, self.definition, self.points, self.results(), checked.environment(self._value("environment")))
            finally:
                self._connection.execute("ROLLBACK")

    def add(self, results: Iterable[SweepResult], batch: int | None = None) -> None:
        """Store results, all or none, and end the claim on their batch. Existing results are kept.

        Raises
        ------
        SweepError
            When they cannot be written.

        """
        with self.writing() as connection:
            for one in results:
                row = (one.point, one.chip, one.seed)
                values = (one.test_error, one.train_error, one.pulses, one.joules, one.residual)
                stored = [value if value is None or math.isfinite(value) else None for value in values]
                connection.execute("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *stored, one.failed))
                connection.execute("INSERT OR IGNORE INTO times VALUES (?, ?, ?, ?)", (*row, one.seconds))
                if one.company is not None:
                    figures = [value if math.isfinite(value) else None for value in one.company]
                    connection.execute("INSERT OR IGNORE INTO companies VALUES (?, ?, ?, ?, ?, ?)", (*row, *figures))
            if batch is not None:
                connection.execute("DELETE FROM claims WHERE batch = ?", (batch,))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, while no other process writes."""
        with plainly(self.path), writing(self._connection) as connection:
            if self._moved:
                msg = f"{self.path} was moved or replaced while it was written to; its results are in the moved file: continue there"
                raise SweepError(msg)
            yield connection

    def _value(self, key: str) -> str:
        with plainly(self.path):
            row = self._connection.execute("SELECT value FROM sweep WHERE key = ?", (key,)).fetchone()
        if row is None:
            msg = f"{self.path}: its {key} is missing; choose another file with --out"
            raise SweepError(msg)
        return str(row[0])

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

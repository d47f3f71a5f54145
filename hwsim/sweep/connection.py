"""Connection: SQLite with patience for other writers, whole transactions, and errors in plain words."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circuits.quoting import quote
from hwsim.sweep.sealed import seal
from hwsim.sweep.sweep_errors import SweepError

WAIT = 60.0
"""How long to wait for another process that writes [s]."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a file, with nothing in it trusted."""
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        seal(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a loss of power too
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def keep_journal(connection: sqlite3.Connection) -> None:
    """Switch to a journal that lets others read meanwhile; SQLite does not wait where another process does the same."""
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
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run the body as one transaction: all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line."""
    try:
        yield
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        if isinstance(error, SweepError):
            raise
        msg = f"{path}: is damaged ({quote(error, 150)}); sweep again into another file (--out)"
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
        text = quote(error, 150)
        msg = f"{path}: {remedy.get(text, text)}"
        raise SweepError(msg) from None

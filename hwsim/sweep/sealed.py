"""Sealed databases: one from a stranger runs no code of its own, and has exactly the tables that we make."""

import sqlite3

from circuits.quoting import quote

Objects = frozenset[tuple[str, str, str, str]]
"""Each table, index, view and trigger: type, name, its table's name, and its SQL statement, blanks normalised."""


def seal(connection: sqlite3.Connection) -> None:
    """Run only the statements of the caller; those of a trigger or a view fail as "not authorized"."""
    connection.set_authorizer(_asked_for)
    connection.execute("PRAGMA trusted_schema = OFF")


def _asked_for(action: int, first: str | None, second: str | None, database: str | None, cause: str | None) -> int:
    """Allow an action unless it is caused by a trigger or a view, which SQLite then names."""
    del action, first, second, database
    return sqlite3.SQLITE_OK if cause is None else sqlite3.SQLITE_DENY


def objects(connection: sqlite3.Connection) -> Objects:
    """List the objects of a database."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset((str(kind), str(name), str(table), " ".join(str(sql or "").split())) for kind, name, table, sql in rows)


def difference(present: Objects, wanted: Objects) -> str:
    """Describe an object that a database should not have, or has not; nothing when there is none."""
    for kind, name, *_ in sorted(present - wanted):
        return f"it has the {quote(kind)} {quote(ascii(name))}, which no {{}} makes"
    for kind, name, *_ in sorted(wanted - present):
        return f"the {kind} {name}, which every {{}} makes, is missing"
    return ""

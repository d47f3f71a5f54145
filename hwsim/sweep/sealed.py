"""Sealed: a database that may come from a stranger computes nothing by itself, and holds the tables that we make, no more and no less."""

import sqlite3

from circuits.quoting import quote

Objects = frozenset[tuple[str, str, str, str]]
"""Of each table, index, view and trigger: type, name, its table's name, and the statement that makes it, blanks made alike."""


def seal(connection: sqlite3.Connection) -> None:
    """Let a connection run what is asked of it alone; what a trigger or a view would do meanwhile fails as "not authorized"."""
    connection.set_authorizer(_asked_for)
    connection.execute("PRAGMA trusted_schema = OFF")


def _asked_for(action: int, first: str | None, second: str | None, database: str | None, cause: str | None) -> int:
    """Allow an action unless a trigger or a view, which SQLite then names, is its cause."""
    del action, first, second, database
    return sqlite3.SQLITE_OK if cause is None else sqlite3.SQLITE_DENY


def objects(connection: sqlite3.Connection) -> Objects:
    """List what a database is made of."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset((str(kind), str(name), str(table), " ".join(str(sql or "").split())) for kind, name, table, sql in rows)


def difference(present: Objects, wanted: Objects) -> str:
    """Say in words what a database has that it should not have, or misses; nothing when there is no such thing."""
    for kind, name, *_ in sorted(present - wanted):
        return f"it holds the {quote(kind)} {quote(ascii(name))}, which no {{}} makes"
    for kind, name, *_ in sorted(wanted - present):
        return f"the {kind} {name}, which every {{}} makes, is missing"
    return ""

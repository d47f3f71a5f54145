"""Schema: the tables of a sweep's file, the numbers that mark it, and a check for anything else."""

import functools
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np

from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.sealed import Objects, difference, objects
from hwsim.typing import Weights

VERSION = 1
"""Version of the tables below; a file has its version in `user_version`."""

MARK = 0x68775357
"""The `application_id` of a sweep's file: hwSW."""

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

_OF_COMPANIES = """
CREATE TABLE companies (
    point          INTEGER NOT NULL, -- of chips that learn together; only where they do
    chip           INTEGER NOT NULL,
    seed           INTEGER NOT NULL,
    together_error REAL,             -- of the mean of their outputs
    churn          REAL,             -- 0 to 1; NULL without classes
    sent_bytes     REAL,             -- by all of them
    PRIMARY KEY (point, chip, seed)
) STRICT, WITHOUT ROWID
"""


def fill(connection: sqlite3.Connection, definition: SweepDefinition, environment: Mapping[str, Any], weights: Weights) -> None:
    """Create the tables, with the definition, points and conductances of a sweep."""
    for statement in _statements(of_companies=definition.experiment.company is not None):
        connection.execute(statement)
    about = [("definition", definition.to_json()), ("environment", json.dumps(environment))]
    connection.executemany("INSERT INTO sweep VALUES (?, ?)", about)
    rows = [(point.number, json.dumps(point.settings)) for point in definition.points()]
    connection.executemany("INSERT INTO points VALUES (?, ?)", rows)
    arrays = [(element, *np.atleast_2d(g).shape, np.asarray(g, dtype="<f8").tobytes()) for element, g in weights.items()]
    connection.executemany("INSERT INTO weights VALUES (?, ?, ?, ?)", arrays)
    connection.execute(f"PRAGMA application_id = {MARK}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(*, of_companies: bool) -> list[str]:
    """List what makes the tables; one of them is for companies alone, so that other files stay as they were."""
    return [*_TABLES.split("\n\n"), *[_OF_COMPANIES] * of_companies]


@functools.cache
def ours(*, of_companies: bool) -> Objects:
    """List the objects of a sweep's file, indices that SQLite makes itself too."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in _statements(of_companies=of_companies):
            connection.execute(statement)
        return objects(connection)


def has_companies(connection: sqlite3.Connection) -> bool:
    """Whether a sweep's file is of companies."""
    return objects(connection) >= ours(of_companies=True)


def strange(connection: sqlite3.Connection) -> str:
    """Describe the first difference of a file from a sweep's: a view or a trigger could compute anything; nothing if there is none."""
    return difference(objects(connection), ours(of_companies=has_companies(connection))).format("sweep")

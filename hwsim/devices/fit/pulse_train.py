"""Pulse trains: what someone measured on one device, read from a table."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote_all, quoted
from hwsim.files.data_tables import as_number, table
from hwsim.files.raw import DataError
from hwsim.typing import Floats

COLUMNS = {
    "g": "g conductance g_s conductance_s",
    "pulses": "pulses n signed_pulses",
    "pulse": "pulse pulse_number number",
    "direction": "direction polarity sign",
}
"""The columns that are read, and what else they may be called; brackets and spaces in a name count as underscores."""

HOW = (
    "give the columns pulses,g (pulses sent before each reading, negative ones down) or pulse,direction,g (a running number and up or down)"
)

_SIGNS = {"up": 1, "+": 1, "+1": 1, "1": 1, "set": 1, "ltp": 1, "p": 1, "down": -1, "-": -1, "-1": -1, "reset": -1, "ltd": -1, "d": -1}

_FEWEST = 4
"""Readings of one run without which there is nothing to fit."""


class Run(NamedTuple):
    """Readings in a row with pulses in one direction: the signed pulses since the first of them, and their conductances [S].

    A run that `continues` begins with the reading that the run before it ended with.
    """

    n: NDArray[np.int64]
    g: Floats
    continues: bool


class PulseTrain(NamedTuple):
    """A measured train as runs."""

    name: str
    runs: tuple[Run, ...]

    @property
    def g(self) -> Floats:
        """All conductances [S]."""
        return np.concatenate([run.g for run in self.runs])

    def along(self, sign: int) -> tuple[Run, ...]:
        """Return the runs up (1) or down (−1)."""
        return tuple(run for run in self.runs if sign * run.n[-1] > 0)


def read(path: Path) -> PulseTrain:
    """Read a train from a .csv file.

    Raises
    ------
    DataError
        When it cannot be used; the message names line, column and remedy.
    OSError
        When it is missing or may not be read.

    """
    name = str(path)
    with table(path, name) as reader:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    columns = _columns(name, lines)
    n, g = np.array([_reading(name, number, row, columns) for number, row in lines]).reshape(-1, 2).T
    if "pulse" in columns:
        n = _from_numbers(name, lines, columns)
    return PulseTrain(name, _runs(name, n.astype(np.int64), g))


def _columns(name: str, lines: list[tuple[int, list[str]]]) -> dict[str, int]:
    """Find the columns, from a header, which is taken off, or from their number."""
    if not lines:
        msg = f"{name}: it is empty; {HOW}"
        raise DataError(msg)
    first = lines[0][1]
    if as_number(first[-1]) is not None:
        usual = {2: ("pulses", "g"), 3: ("pulse", "direction", "g")}.get(len(first))
        if usual is None:
            msg = f"{name}: line {lines[0][0]} has {len(first)} columns and there is no header; {HOW}"
            raise DataError(msg)
        return {column: k for k, column in enumerate(usual)}
    lines.pop(0)
    plain = [cell.lower().replace("[", "_").replace("]", "").replace("(", "_").replace(")", "").replace(" ", "_") for cell in first]
    plain = [cell.replace("__", "_") for cell in plain]
    numbers = {column: k for column, words in COLUMNS.items() for k, cell in enumerate(plain) if cell in words.split()}
    if "g" not in numbers or not ("pulses" in numbers or {"pulse", "direction"} <= numbers.keys()):
        msg = f"{name}: its header has {quote_all(first)}; {HOW}"
        raise DataError(msg)
    if "pulses" in numbers:
        numbers.pop("pulse", None)
        numbers.pop("direction", None)
    return numbers


def _reading(name: str, number: int, row: list[str], columns: dict[str, int]) -> tuple[float, float]:
    if len(row) <= max(columns.values()):
        msg = f"{name}: line {number} has {len(row)} columns; {HOW}"
        raise DataError(msg)
    key = "pulses" if "pulses" in columns else "pulse"
    values = []
    for column in (key, "g"):
        cell = row[columns[column]]
        value = as_number(cell)
        if value is None or not math.isfinite(value):
            msg = f"{name}: line {number}, column {column} holds {quoted(cell)}; it must be a finite number"
            raise DataError(msg)
        values.append(value)
    if not values[0].is_integer():
        msg = f"{name}: line {number}, column {key} = {values[0]:g}; pulses are counted in whole numbers"
        raise DataError(msg)
    if values[1] <= 0:
        msg = f"{name}: line {number}, column g = {values[1]:g} S; a conductance is positive (is it a current or a resistance?)"
        raise DataError(msg)
    return values[0], values[1]


def _from_numbers(name: str, lines: list[tuple[int, list[str]]], columns: dict[str, int]) -> NDArray[np.int64]:
    """Return the signed pulses before each reading from running numbers; where these restart there is a gap, written as 0."""
    n = np.zeros(len(lines), dtype=np.int64)
    before = None
    for k, (number, row) in enumerate(lines):
        word = row[columns["direction"]].lower()
        sign = _SIGNS.get(word)
        if sign is None:
            msg = f"{name}: line {number}, column direction holds {quoted(word)}; it must be up or down"
            raise DataError(msg)
        now = int(float(row[columns["pulse"]]))
        n[k] = 0 if before is None or now <= before else sign * (now - before)
        before = now
    return n


def _runs(name: str, n: NDArray[np.int64], g: Floats) -> tuple[Run, ...]:
    """Split a train where the direction turns; readings without pulses in between begin a run of their own."""
    places, continues = [[0]], [False]
    for k in range(1, len(n)):
        run = places[-1]
        if n[k] == 0:
            places.append([k])
            continues.append(False)
        elif len(run) > 1 and np.sign(n[k]) != np.sign(n[run[-1]]):
            places.append([run[-1], k])
            continues.append(True)
        else:
            run.append(k)
    runs = [
        Run(np.concatenate([[0], np.cumsum(n[run[1:]])]), g[run], goes_on)
        for run, goes_on in zip(places, continues, strict=True)
        if len(run) > 1
    ]
    if not any(len(run.n) >= _FEWEST for run in runs):
        msg = f"{name}: no {_FEWEST} readings in a row with pulses in one direction between them; {HOW}"
        raise DataError(msg)
    if all(run.n[-1] < 0 for run in runs):
        msg = f"{name}: it has pulses down only; a device is fitted to pulses up, or up and down"
        raise DataError(msg)
    if max(float(np.ptp(run.g)) for run in runs) == 0:
        msg = f"{name}: no pulse changed the conductance; there is nothing to fit"
        raise DataError(msg)
    return tuple(runs)

"""Tables of numbers (.csv), such as signals: lines of equal length; a first line without any number is a header."""

from pathlib import Path

import numpy as np

from circuits.quoting import quote
from hwsim.files.data_tables import as_number, table
from hwsim.files.raw import DataError
from hwsim.formatting import counted
from hwsim.typing import Floats

_SHOWN = 40
"""Characters of a cell that a message shows."""


def read_signal(path: Path, inputs: int) -> Floats:
    """Read a signal, a line for each interval, shape (T, inputs) [units of the features].

    Raises
    ------
    DataError
        When a line has another number of cells, a cell is no finite number, or there is none.
    OSError
        When the file cannot be read.

    """
    return read_numbers(path, inputs, f"the circuit has {counted(inputs, 'input')}, and each has a cell")


def read_numbers(path: Path, count: int | None = None, why: str = "all lines have as many cells as the first") -> Floats:
    """Read a table, shape (lines, cells of each).

    Parameters
    ----------
    path
        The file.
    count
        Cells that each line must have; None: as many as the first that holds numbers.
    why
        Why it must, for messages.

    Raises
    ------
    DataError
        When a line has another number of cells, a cell is no finite number, or there is none.
    OSError
        When the file cannot be read.

    """
    rows = list[list[float]]()
    with table(path, str(path)) as reader:
        for number, cells in enumerate(reader, start=1):
            values = [as_number(cell) for cell in cells]
            if not cells or (number == 1 and all(value is None for value in values)):
                continue
            if len(cells) != (count := count or len(cells)):
                msg = f"{path}: line {number} has {len(cells)} cells; {why}"
                raise DataError(msg)
            for cell, value in zip(cells, values, strict=True):
                if value is None or not np.isfinite(value):
                    msg = f"{path}: line {number}: {quote(cell, _SHOWN)} is no finite number"
                    raise DataError(msg)
            rows.append([value for value in values if value is not None])
    if not rows:
        msg = f"{path}: it holds no line of numbers; {why}"
        raise DataError(msg)
    return np.array(rows)

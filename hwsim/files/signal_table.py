"""Signals (.csv): a line of numbers for each interval, one an input; a first line without any number is a header."""

from pathlib import Path

import numpy as np

from circuits.quoting import quote
from hwsim.files.data_tables import as_number, table
from hwsim.files.raw import DataError
from hwsim.typing import Floats

_SHOWN = 40
"""Characters of a cell that a message shows."""


def read_signal(path: Path, inputs: int) -> Floats:
    """Read a signal, shape (T, inputs) [units of the features].

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
            if len(cells) != inputs:
                msg = f"{path}: line {number} has {len(cells)} cells; the circuit has {inputs} inputs, and each has a cell"
                raise DataError(msg)
            for cell, value in zip(cells, values, strict=True):
                if value is None or not np.isfinite(value):
                    msg = f"{path}: line {number}: {quote(cell, _SHOWN)} is no finite number"
                    raise DataError(msg)
            rows.append([value for value in values if value is not None])
    if not rows:
        msg = f"{path}: it holds no signal; give a line of {inputs} numbers for each interval"
        raise DataError(msg)
    return np.array(rows)

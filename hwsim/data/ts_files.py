"""`.ts` files, in which the UEA and UCR archives of time series come: a sequence a line, its channels between colons, its class last."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from circuits.quoting import quote, quote_all
from hwsim.files.raw import DataError
from hwsim.typing import Floats

_SHOWN = 30
"""Characters of a number that a message shows."""

_MOST_BYTES = 2**30


class TimeSeries(NamedTuple):
    """Sequences (T, I) of any lengths, and the class of each by its name."""

    sequences: list[Floats]
    classes: list[str]


def read_ts(path: Path, name: str) -> TimeSeries:
    """Read a `.ts` file of classes, without time stamps and gaps.

    Raises
    ------
    DataError
        Naming the line and the remedy.
    OSError
        When the file cannot be read.

    """
    if path.stat().st_size > _MOST_BYTES:
        msg = f"{name}: is longer than 1 GB; give fewer sequences"
        raise DataError(msg)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        msg = f"{name}: is not a text in UTF-8; .ts files are"
        raise DataError(msg) from None
    begun, named, read = False, set[str](), TimeSeries([], [])
    for number, raw in enumerate(lines, start=1):
        line, where = raw.strip(), f"{name}: line {number}"
        if not line or line.startswith("#"):
            continue
        if begun:
            sequence, label = _sequence(line, where)
            if read.sequences and sequence.shape[1] != read.sequences[0].shape[1]:
                msg = f"{where}: has {sequence.shape[1]} channels, and the lines before have {read.sequences[0].shape[1]}"
                raise DataError(msg)
            if named and label not in named:
                msg = f"{where}: its class {quote(label, _SHOWN)} is none of those behind @classLabel true: {quote_all(sorted(named))}"
                raise DataError(msg)
            read.sequences.append(sequence)
            read.classes.append(label)
        else:
            begun = _head(line, where)
            named |= _classes(line)
    if not read.sequences:
        msg = f"{name}: has no sequences behind a line @data"
        raise DataError(msg)
    return read


def _head(line: str, where: str) -> bool:
    """Read a line of the head; whether it is the last."""
    key, *words = line.lower().split()
    if not key.startswith("@"):
        msg = f"{where}: {quote(line, _SHOWN)} stands before @data, where lines begin with @ or #"
        raise DataError(msg)
    if key in {"@timestamps", "@missing"} and words[:1] == ["true"]:
        msg = f"{where}: {key} true; sequences come without time stamps and gaps"
        raise DataError(msg)
    if (key == "@classlabel" and words[:1] != ["true"]) or key == "@targetlabel":
        msg = f"{where}: its sequences have no classes; a .ts file needs @classLabel true"
        raise DataError(msg)
    return key == "@data"


def _classes(line: str) -> set[str]:
    """Return the classes that a line of the head names."""
    key, *words = line.split()
    return set(words[1:]) if key.lower() == "@classlabel" else set()


def _sequence(line: str, where: str) -> tuple[Floats, str]:
    """Read a sequence (T, I) and its class."""
    *channels, label = line.split(":")
    if not channels or not label.strip():
        msg = f"{where}: has no class behind its last colon"
        raise DataError(msg)
    rows = [channel.split(",") for channel in channels]
    if len({len(row) for row in rows}) > 1:
        msg = f"{where}: its channels have {', '.join(str(len(row)) for row in rows)} values; they must be equally long"
        raise DataError(msg)
    numbers = np.empty((len(rows[0]), len(rows)))
    for k, row in enumerate(rows):
        for t, text in enumerate(row):
            try:
                numbers[t, k] = float(text)
            except ValueError:
                numbers[t, k] = np.nan
            if not np.isfinite(numbers[t, k]):
                msg = f"{where}: value {t + 1} of channel {k + 1} is {quote(text.strip(), _SHOWN)}; it must be a finite number"
                raise DataError(msg)
    return numbers, label.strip()

"""Readers of data files: a table (.csv), arrays (.npz) and the idx files in which MNIST was published."""

import csv
import gzip
import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.files import UnreadableError, bounded, read_arrays
from hwsim.samples import DataError, Samples

_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("train_x", "train_y", "test_x", "test_y"),
    ("x", "y", "x_test", "y_test"),
    ("images", "labels", "test_images", "test_labels"),
    ("data", "target", "test_data", "test_target"),
)
"""What people call the arrays of a data set; upper and lower case are the same."""

_LONGEST_START = 1 << 20
"""Characters of a table's first line that are looked at for what separates its cells."""

_SHOWN = 40
_MOST_DIMENSIONS = 32

_BROKEN = (zlib.error, EOFError, gzip.BadGzipFile)


def read_file(path: Path, name: str) -> Samples:
    """Read a data file by its ending.

    Raises
    ------
    DataError
        When the ending is unknown, or the content cannot be used.
    OSError
        When the file is missing or may not be read.

    """
    try:
        bounded(path.stat().st_size)
    except UnreadableError as error:
        msg = f"{name}: is too long ({error}); give fewer samples"
        raise DataError(msg) from None
    match path.suffix.lower():
        case ".npz":
            return read_npz(path, name)
        case ".csv":
            return read_csv(path, name)
        case ending:
            msg = f"{name}: data files end in .npz or .csv, not in {ending or 'nothing'}"
            raise DataError(msg)


def read_npz(path: Path, name: str) -> Samples:
    """Read arrays `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test`, or others of the usual names."""
    arrays = _arrays(path, name)
    for x, y, x_test, y_test in _NAMES:
        if x in arrays and y in arrays:
            if (x_test in arrays) != (y_test in arrays):
                found, lacks = (x_test, y_test) if x_test in arrays else (y_test, x_test)
                msg = f"{name}: it holds {found} but no {lacks}; give both or neither"
                raise DataError(msg)
            return Samples.checked(name, arrays[x], arrays[y], arrays.get(x_test), arrays.get(y_test))
    msg = f"{name}: it holds {', '.join(arrays) or 'no arrays'}; it needs x and y, or x_train, y_train, x_test and y_test"
    raise DataError(msg)


def _arrays(path: Path, name: str) -> dict[str, NDArray[Any]]:
    try:
        return {key.lower(): array for key, array in read_arrays(path).items()}
    except UnreadableError as error:
        msg = f"{name}: cannot be read as an .npz file of plain arrays ({error}); make it anew"
        raise DataError(msg) from None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@contextmanager
def table(path: Path, name: str) -> Iterator[Any]:
    """Open a table of texts, whose cells commas, semicolons or tabs separate.

    Raises
    ------
    DataError
        When it is none, as soon as that line is read.

    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            start = file.readline(_LONGEST_START)
            file.seek(0)
            yield csv.reader(file, delimiter=max(",;\t", key=start.count))
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{name}: cannot be read as a table in UTF-8 ({_first_line(error)})"
        raise DataError(msg) from None


def read_csv(path: Path, name: str) -> Samples:
    """Read a table with a sample a line: features, then the label; a first line without any number is a header."""
    with table(path, name) as reader:
        header, lines = _samples(reader)
    if not lines:
        msg = f"{name}: it holds no samples; give a line a sample: features, then the label"
        raise DataError(msg)
    width = len(header) if header else Counter(line.width for line in lines).most_common(1)[0][0]
    for line in lines:
        _check_line(name, line, header, width)
    return Samples.checked(name, np.array([line.values for line in lines]), _text_labels(name, lines))


class _Line(NamedTuple):
    """A sample: the number of its line, its cells, its features up to the first that is no finite number, that one, its label."""

    number: int
    width: int
    values: "array[float]"
    odd: str | None
    label: str


def _samples(reader: Any) -> tuple[list[str] | None, list[_Line]]:
    """Read the header, if there is one, and all lines that are not blank; numbers take a tenth of the room that their texts do."""
    header: list[str] | None = None
    lines: list[_Line] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if not lines and header is None and any(cells[:-1]) and not any(as_number(cell) is not None for cell in cells[:-1]):
            header = [" ".join(cell.split())[:_SHOWN] for cell in cells]  # quotes may hold line ends
            continue
        values, odd = array("d"), None
        for cell in cells[:-1]:
            value = as_number(cell)
            if value is None or not math.isfinite(value):
                odd = cell
                break
            values.append(value)
        lines.append(_Line(reader.line_num, len(cells), values, odd, cells[-1]))
    return header, lines


def as_number(cell: str) -> float | None:
    """Read a number; None where the text is none."""
    try:
        return float(cell) if "_" not in cell else None  # Python takes 1_000 for a number; in a table it is a name
    except ValueError:
        return None


def _check_line(name: str, line: _Line, header: list[str] | None, width: int) -> None:
    if line.width != width or width < 2:  # noqa: PLR2004 - a feature and the label
        expected = "most lines have" if header is None else "the header has"
        msg = f"{name}: line {line.number} has {line.width} columns where {expected} {width}; give features, then the label"
        raise DataError(msg)
    if line.odd is not None:
        k = len(line.values)
        column = f"column {k + 1}" + (f" ({header[k]})" if header else "")
        held = f"holds {line.odd[:_SHOWN]!r}" if line.odd else "is empty"
        msg = f"{name}: line {line.number}, {column} {held}; features must be finite numbers: drop the line or fill the gap in"
        raise DataError(msg)


def _text_labels(name: str, lines: list[_Line]) -> NDArray[Any]:
    texts = [line.label for line in lines]
    for line in lines:
        if not line.label:
            msg = f"{name}: line {line.number} has no label in its last column"
            raise DataError(msg)
    numbers = [as_number(text) for text in texts]
    if all(n is not None for n in numbers):
        return np.array(numbers, dtype=np.float64)
    return np.array(texts)


def read_idx(path: Path, name: str) -> NDArray[np.uint8]:
    """Read an array of bytes from an idx file, which may be packed (.gz).

    Source: LeCun, Cortes, Burges 1998, the MNIST database: two zeros, the type (8: unsigned byte), the number of dimensions, their sizes as
    32-bit big-endian numbers, the bytes.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(4)
            dimensions = start[3] if start[:3] == b"\x00\x00\x08" and len(start) > 3 else 0  # noqa: PLR2004 - the header's four bytes
            sizes = file.read(4 * dimensions)
            shape = tuple(int.from_bytes(sizes[k : k + 4], "big") for k in range(0, 4 * dimensions, 4))
            size = bounded(math.prod(shape)) if dimensions else 0
            content = file.read(size + 1)  # not more, whatever else is packed there
    except (*_BROKEN, UnreadableError) as error:
        msg = f"{name}: {path.name} cannot be unpacked ({_first_line(error)}); fetch it anew"
        raise DataError(msg) from None
    if not 0 < dimensions <= _MOST_DIMENSIONS or 0 in shape or len(content) != size:
        msg = f"{name}: {path.name} is not a whole idx file of bytes; fetch it anew"
        raise DataError(msg)
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)

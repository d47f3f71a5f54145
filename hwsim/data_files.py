"""Readers of data files: a table (.csv), arrays (.npz) and the idx files in which MNIST was published."""

import csv
import gzip
import math
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.files import UnreadableError, read_arrays
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


def read_csv(path: Path, name: str) -> Samples:
    """Read a table with a sample a line: features, then the label; a first line without any number is a header."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            start = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=start.count))
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{name}: cannot be read as a table in UTF-8 ({_first_line(error)})"
        raise DataError(msg) from None
    header = None
    if lines and not any(_number(cell) is not None for cell in lines[0][1][:-1]) and any(lines[0][1][:-1]):
        header = lines.pop(0)[1]
    if not lines:
        msg = f"{name}: it holds no samples; give a line a sample: features, then the label"
        raise DataError(msg)
    width = len(header) if header else Counter(len(row) for _, row in lines).most_common(1)[0][0]
    x = np.array([_row(name, number, row, header, width) for number, row in lines])
    return Samples.checked(name, x, _text_labels(name, lines))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _row(name: str, number: int, row: list[str], header: list[str] | None, width: int) -> list[float]:
    if len(row) != width or width < 2:  # noqa: PLR2004 - a feature and the label
        expected = "most lines have" if header is None else "the header has"
        msg = f"{name}: line {number} has {len(row)} columns where {expected} {width}; give features, then the label"
        raise DataError(msg)
    values = []
    for k, cell in enumerate(row[:-1]):
        value = _number(cell)
        if value is None or not math.isfinite(value):
            column = f"column {k + 1}" + (f" ({header[k]})" if header else "")
            held = f"holds {cell!r}" if cell else "is empty"
            msg = f"{name}: line {number}, {column} {held}; features must be finite numbers: drop the line or fill the gap in"
            raise DataError(msg)
        values.append(value)
    return values


def _text_labels(name: str, lines: list[tuple[int, list[str]]]) -> NDArray[Any]:
    texts = [row[-1] for _, row in lines]
    for (number, _), text in zip(lines, texts, strict=True):
        if not text:
            msg = f"{name}: line {number} has no label in its last column"
            raise DataError(msg)
    numbers = [_number(text) for text in texts]
    if all(n is not None for n in numbers):
        return np.array(numbers, dtype=np.float64)
    return np.array(texts)


def read_idx(path: Path, name: str) -> NDArray[np.uint8]:
    """Read an array of bytes from an idx file, which may be packed (.gz).

    Source: LeCun, Cortes, Burges 1998, the MNIST database: two zeros, the type (8: unsigned byte), the number of dimensions, their sizes as
    32-bit big-endian numbers, the bytes.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except _BROKEN as error:
        msg = f"{name}: {path.name} cannot be unpacked ({_first_line(error)}); fetch it anew"
        raise DataError(msg) from None
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0  # noqa: PLR2004 - the header's four bytes
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[k : k + 4], "big") for k in range(4, start, 4))
    if dimensions == 0 or len(content) != start + math.prod(shape):
        msg = f"{name}: {path.name} is not a whole idx file of bytes; fetch it anew"
        raise DataError(msg)
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)

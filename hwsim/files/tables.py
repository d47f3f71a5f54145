"""Readers of data files by their ending; arrays (.npz), and the idx files in which MNIST was published."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import REASON, quote, quote_all
from hwsim.files.atomic import UnreadableError, bounded, read_arrays
from hwsim.files.data_tables import read_csv
from hwsim.files.raw import DataError, Samples
from hwsim.files.target_columns import TargetColumns

_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("train_x", "train_y", "test_x", "test_y"),
    ("x", "y", "x_test", "y_test"),
    ("images", "labels", "test_images", "test_labels"),
    ("data", "target", "test_data", "test_target"),
)
"""What people call the arrays of a data set; upper and lower case are the same."""

_MOST_DIMENSIONS = 32

_BROKEN = (zlib.error, EOFError, gzip.BadGzipFile)


def read_file(path: Path, name: str, targets: TargetColumns | None = None) -> Samples:
    """Read a data file by its ending: samples of classes, or with `targets` of real targets.

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
            return read_npz(path, name) if targets is None else _with_targets(path, name, targets)
        case ".csv":
            return read_csv(path, name, targets)
        case ending:
            msg = f"{name}: data files end in .npz or .csv, not in {ending or 'nothing'}"
            raise DataError(msg)


def read_npz(path: Path, name: str) -> Samples:
    """Read arrays `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test`, or others of the usual names."""
    arrays = _arrays(path, name)
    for x, y, x_test, y_test in _NAMES:
        if x in arrays and y in arrays:
            if (x_test in arrays) != (y_test in arrays):
                present, missing = (x_test, y_test) if x_test in arrays else (y_test, x_test)
                msg = f"{name}: it holds {present} but no {missing}; give both or neither"
                raise DataError(msg)
            return Samples.checked(name, arrays[x], arrays[y], arrays.get(x_test), arrays.get(y_test))
    msg = f"{name}: it holds {quote_all(arrays, 'no arrays')}; it needs x and y, or x_train, y_train, x_test and y_test"
    raise DataError(msg)


def _with_targets(path: Path, name: str, targets: TargetColumns) -> Samples:
    """Read features by the usual names, and the targets that are chosen, which may have any names."""
    arrays = _arrays(path, name)
    usual = [names for names in _NAMES if names[0] in arrays]
    for x, y, x_test, y_test in sorted(usual, key=lambda names: names[1] not in arrays):
        train, called = targets.of_arrays(name, arrays, x, y, "_train")
        if train is None and targets.chosen != ():
            msg = (
                f"{name}: it holds {quote_all(arrays)}, and no {y}, the targets; add it, or name the array that they are in (data.targets)"
            )
            raise DataError(msg)
        if x_test not in arrays:
            return Samples.with_targets(name, arrays[x], train, names=called)
        test, _ = targets.of_arrays(name, arrays, x_test, y_test, "_test")
        if train is not None and test is None:
            msg = f"{name}: it holds {x_test} but no {y_test}; give both or neither"
            raise DataError(msg)
        return Samples.with_targets(name, arrays[x], train, arrays[x_test], test, names=called)
    msg = f"{name}: it holds {quote_all(arrays, 'no arrays')}; it needs x and y, or x_train, y_train, x_test and y_test"
    raise DataError(msg)


def _arrays(path: Path, name: str) -> dict[str, NDArray[Any]]:
    try:
        return {key.lower(): array for key, array in read_arrays(path).items()}
    except UnreadableError as error:
        msg = f"{name}: cannot be read as an .npz file of plain arrays ({quote(error, REASON)}); make it again"
        raise DataError(msg) from None


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
        msg = f"{name}: {path.name} cannot be unpacked ({quote(str(error) or type(error).__name__, REASON)}); fetch it again"
        raise DataError(msg) from None
    if not 0 < dimensions <= _MOST_DIMENSIONS or 0 in shape or len(content) != size:
        msg = f"{name}: {path.name} is not a whole idx file of bytes; fetch it again"
        raise DataError(msg)
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)

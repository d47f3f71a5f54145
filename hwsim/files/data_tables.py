"""Tables of samples (.csv): a sample a line, features, then the label, or real targets in chosen columns.

Headers and index columns that are none are refused.
"""

import csv
import io
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import REASON, quote, quoted
from circuits.regular_file import open_regular
from hwsim.files.raw import DataError, Samples
from hwsim.files.target_columns import TargetColumns

_LONGEST_START = 1 << 20
"""Characters of a table's first line that are looked at for what separates its cells."""

_SHOWN = 40
"""Characters of a cell that a message shows."""

_LONGEST_LABEL = 200
"""Characters; NumPy takes four bytes for each of them in every sample."""

_COUNTED = 10
"""Lines from which on a first column without a name that counts them is no coincidence."""

_COUNTED_COLUMNS = 4
"""Columns from which on a first line that counts them is none."""

_INDICES = {"", "index", "id", "unnamed: 0"}
"""What pandas and R call the numbers of the lines."""


@contextmanager
def table(path: Path, name: str) -> Iterator[Any]:
    """Open a table of texts, whose cells commas, semicolons or tabs separate.

    Raises
    ------
    DataError
        When it is none, as soon as that line is read.

    """
    try:
        with io.TextIOWrapper(open_regular(path), newline="", encoding="utf-8-sig") as file:
            start = file.readline(_LONGEST_START)
            file.seek(0)
            yield csv.reader(file, delimiter=max(",;\t", key=start.count))
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{name}: cannot be read as a table in UTF-8 ({quote(error, REASON)})"
        raise DataError(msg) from None


def as_number(cell: str) -> float | None:
    """Read a number; None where the text is none."""
    try:
        return float(cell) if "_" not in cell else None  # Python takes 1_000 for a number; in a table it is a name
    except ValueError:
        return None


def read_csv(path: Path, name: str, targets: TargetColumns | None = None) -> Samples:
    """Read a table with a sample a line; a first line without any number is a header.

    Features come first, then the label. With `targets` there is none, and the chosen columns are real targets.
    """
    with table(path, name) as reader:
        header, first, lines = _samples(reader)
    if not lines:
        msg = f"{name}: it holds no samples; write a line for each sample: its features, then its label"
        raise DataError(msg)
    width = len(header) if header else Counter(line.width for line in lines).most_common(1)[0][0]
    if header is None and all(line.width == width for line in lines):
        _refuse_header_of_numbers(name, first, lines)
    columns = [] if targets is None else targets.of_table(name, header, width)
    for line in lines:
        _check_line(name, line, header, width, columns)
    x = np.array([line.values for line in lines])
    if targets is not None:
        return _with_targets(name, x, lines, header, columns)
    _refuse_index(name, header, x[:, 0])
    samples = Samples.checked(name, x, _text_labels(name, lines))
    features = range(x.shape[1])
    return replace(samples, columns=tuple(_column(k, header) for k in features), header=_named(header, features))


def _with_targets(name: str, x: NDArray[np.float64], lines: "list[_Line]", header: list[str] | None, columns: list[int]) -> Samples:
    """Return samples whose targets are some columns of a table; all its cells are numbers."""
    last = [as_number(line.label) for line in lines]
    for line, value in zip(lines, last, strict=True):
        if value is None or not math.isfinite(value):
            raise _no_number(name, line.number, line.label, x.shape[1], header, columns)
    table = np.column_stack([x, np.array(last, dtype=np.float64)])
    features = [k for k in range(table.shape[1]) if k not in columns]
    if features[0] == 0:
        _refuse_index(name, header, table[:, 0])
    names = [header[k] if header and header[k] else f"column {k + 1}" for k in columns]
    samples = Samples.with_targets(name, table[:, features], table[:, columns] if columns else None, names=names)
    return replace(samples, columns=tuple(_column(k, header) for k in features), header=_named(header, features))


def _named(header: list[str] | None, features: Iterable[int]) -> tuple[str, ...]:
    """Return the names of the features, where a header has one for each, and none twice."""
    names = tuple(header[k] for k in features) if header else ()
    return names if all(names) and len(set(names)) == len(names) else ()


def answers(path: Path, name: str) -> tuple[list[str] | None, int, list[str]]:
    """Return the header of a table, if there is one, the number of its columns, and the cells of the last one."""
    with table(path, name) as reader:
        header, _, lines = _samples(reader)
    return header, max((line.width for line in lines), default=0), [line.label for line in lines]


class _Line(NamedTuple):
    """A sample: the number of its line, its cells, its features up to the first that is no finite number, that one, its label."""

    number: int
    width: int
    values: "array[float]"
    odd: str | None
    label: str


def _samples(reader: Any) -> tuple[list[str] | None, list[str], list[_Line]]:
    """Read the header, if there is one, the first line's cells, and all lines that are not blank.

    Numbers take a tenth of the room that their texts do.
    """
    header: list[str] | None = None
    first: list[str] = []
    lines: list[_Line] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if not lines and header is None and any(cells[:-1]) and not any(as_number(cell) is not None for cell in cells[:-1]):
            header = [quote(cell, _SHOWN) for cell in cells]
            continue
        values, odd = array("d"), None
        for cell in cells[:-1]:
            value = as_number(cell)
            if value is None or not math.isfinite(value):
                odd = cell
                break
            values.append(value)
        first = first or cells
        lines.append(_Line(reader.line_num, len(cells), values, odd, cells[-1]))
    return header, first, lines


def _refuse_header_of_numbers(name: str, first: list[str], lines: list[_Line]) -> None:
    """Refuse a first line that counts the columns, or whose label is the only word among numbers: pandas names columns so."""
    cells = first[1:] if not first[0] else first  # above an index there is nothing
    numbers, label = [as_number(cell) for cell in cells], cells[-1]
    others = {line.label for line in lines[1:]}
    only = len(others) > 1 and label not in others
    counts = numbers == list(range(len(cells))) and (only or len(cells) >= _COUNTED_COLUMNS)
    names = only and numbers[:-1] == list(range(len(cells) - 1)) and len(cells) > 1
    word = only and as_number(label) is None and all(as_number(other) is not None for other in others)
    if counts or names or word:
        shown = quote(", ".join(first), _SHOWN)
        msg = (
            f"{name}: line {lines[0].number} ({shown}) looks like a header of numbers, as pandas writes one for columns without names; "
            "drop it (to_csv(header=False, index=False)), or name the columns if it is a sample"
        )
        raise DataError(msg)


def _refuse_index(name: str, header: list[str] | None, x: NDArray[np.float64]) -> None:
    """Refuse a first column that numbers the lines: where lines are sorted by class, nothing else would have to be learnt."""
    called = None if header is None else header[0].lower()
    counts = bool(np.array_equal(x - x[0], np.arange(len(x))) and x[0] in {0, 1})
    whole = bool((x == np.round(x)).all()) and len(np.unique(x)) == len(x)
    without = whole if called in {"", "unnamed: 0"} else counts and (len(x) >= _COUNTED if called is None else called in _INDICES)
    if without:
        remedy = "add a header line that names it" if header is None else "give it another name"
        msg = (
            f"{name}: {_column(0, header)} numbers the lines, as the index that pandas writes, and may give their classes away; "
            f"drop it (to_csv(index=False)), or {remedy} if it is a feature"
        )
        raise DataError(msg)


def _column(k: int, header: list[str] | None) -> str:
    """Return what messages call a column."""
    return f"column {k + 1}" + (f" ({header[k]})" if header and header[k] else "")


def _no_number(name: str, line: int, cell: str, k: int, header: list[str] | None, targets: list[int]) -> DataError:
    """Return the error about a cell that is no finite number."""
    value = f"holds {quoted(cell, _SHOWN)}" if cell else "is empty"
    kind = "targets of a regression" if k in targets else "features"
    return DataError(f"{name}: line {line}, {_column(k, header)} {value}; {kind} must be finite numbers: drop the line or fill the gap in")


def _check_line(name: str, line: _Line, header: list[str] | None, width: int, targets: list[int]) -> None:
    if line.width != width or width < 2:  # noqa: PLR2004 - a feature and the label
        expected = "most lines have" if header is None else "the header has"
        msg = f"{name}: line {line.number} has {line.width} columns where {expected} {width}; give features, then the label"
        raise DataError(msg)
    if line.odd is not None:
        raise _no_number(name, line.number, line.odd, len(line.values), header, targets)


def _text_labels(name: str, lines: list[_Line]) -> NDArray[Any]:
    texts = [line.label for line in lines]
    for line in lines:
        if not line.label or len(line.label) > _LONGEST_LABEL:
            what = "has no label in its last column" if not line.label else f"has a label of more than {_LONGEST_LABEL} characters"
            msg = f"{name}: line {line.number} {what}; give features, then a number or a word for the class"
            raise DataError(msg)
    numbers = [as_number(text) for text in texts]
    if all(n is not None for n in numbers):
        return np.array(numbers, dtype=np.float64)
    return np.array(texts)

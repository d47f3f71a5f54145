"""Export: a sweep's results as a table for other programs, a row a result, as CSV or Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwsim.company.figures import CompanyFigures
from hwsim.files import atomic
from hwsim.sweep.recorded import Recorded, SweepResult
from hwsim.sweep.sweep_errors import SweepError


def kind_of(path: Path) -> Callable[[Recorded], bytes]:
    """Return the writer for a file name's extension.

    Raises
    ------
    SweepError
        When the name ends in neither `.csv` nor `.parquet`.

    """
    makers = {".csv": to_csv, ".parquet": to_parquet}
    if path.suffix.lower() not in makers:
        msg = f"--export {path}: a table is FILE.csv or FILE.parquet"
        raise SweepError(msg)
    return makers[path.suffix.lower()]


def export(recorded: Recorded, path: Path) -> None:
    """Write the table.

    Raises
    ------
    SweepError, OSError
        When its extension is unknown, or it cannot be written.

    """
    atomic.write(path, kind_of(path)(recorded))


def columns(recorded: Recorded) -> dict[str, list[Any]]:
    """Return the table by columns: the point, the varied keys, then the results; None where there is no number."""
    settings = {point.number: point.settings for point in recorded.points}
    results = recorded.results
    keys = [axis.key for axis in recorded.definition.axes]
    varied = {key: _alike([settings[result.point].get(key) for result in results]) for key in keys}
    fields = {name: [_finite(getattr(result, name)) for result in results] for name in SweepResult._fields if name != "company"}
    return {"point": fields.pop("point")} | varied | fields | _of_companies(results)


def _of_companies(results: list[SweepResult]) -> dict[str, list[Any]]:
    """Return what companies have besides, by columns; nothing where no chips learn together."""
    if not any(result.company for result in results):
        return {}
    return {name: [_finite(getattr(result.company, name, None)) for result in results] for name in CompanyFigures._fields}


def to_csv(recorded: Recorded) -> bytes:
    """Write as CSV, numbers with all their digits."""
    table = columns(recorded)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


def to_parquet(recorded: Recorded) -> bytes:
    """Write as Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - only those who want Parquet need it
    from pyarrow import parquet  # noqa: PLC0415

    types = {"train_error": pa.float64(), "pulses": pa.float64(), "joules": pa.float64(), "failed": pa.string()}  # they may be empty
    arrays = {name: pa.array(values, type=types.get(name)) for name, values in columns(recorded).items()}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(arrays), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _alike(values: list[Any]) -> list[Any]:
    """Convert a column to one type: whole numbers next to others become floats; mixed types become text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values] if float in kinds else values
    if len(kinds) == 1 and kinds <= {str, bool}:
        return values
    return [value if isinstance(value, str | None) else json.dumps(value) for value in values]

"""Loops that run free, as `hwsim run`, `hwsim evaluate` and `hwsim compile` show and write them."""

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.output import Output
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from hwsim.runs.free_run import FreeRunResult
    from hwsim.runs.loaded import LoadedModel

_SHOWN = 10
"""Rows that are printed; all are in the file."""

ROWS = click.IntRange(min=1, max=1_000_000)


def run(output: Output, given: "LoadedModel", rows: int, out: Path | None, *, force: bool) -> None:
    """Let a loop run free, print its first rows and how long it follows the series, and write all of it."""
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.runs.free_run import FreeLoop  # noqa: PLC0415 - as above
    from hwsim.sweep import outputs  # noqa: PLC0415 - as above

    if out is not None and out.suffix.lower() != ".csv":
        msg = f"-o {out}: free runs are written as .csv"
        raise click.UsageError(msg)
    written = [outputs.OutputFile("-o", out, outputs.TRAJECTORY)] if out is not None else []
    outputs.refuse(written, outputs.inputs(given.what, given.experiment), force=force)
    result = FreeLoop(given).run(rows)
    if out is not None:
        atomic.write(out, result.table)
    record = {"what": given.what, "trained": given.trained, "targets": list(result.names), "made": result.made, **scores(result)}
    output.result(record, f"{_rows(result)}\n\n{wrapped(summary(result))}")


def scores(result: "FreeRunResult") -> dict[str, Any]:
    """Return the numbers of a free run by name."""
    return {"free_rows": len(result.made), "free_nrmse": result.nrmse, "free_followed": result.followed}


def summary(result: "FreeRunResult") -> str:
    """Describe how far a free run follows the series."""
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without
    from hwsim.runs.free_run import CLOSE  # noqa: PLC0415 - as above

    compared = len(result.error)
    return (
        f"free run of {counted(len(result.made), 'row')}: NRMSE {result.nrmse:.4f} of the first {compared}; "
        f"within {CLOSE} standard deviations of the series for {counted(result.followed, 'row')}"
    )


def deck(output: Output, given: "LoadedModel", rows: int, out: str, *, force: bool) -> None:
    """Write a loop that runs free as a deck."""
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.runs.free_run import FreeLoop  # noqa: PLC0415 - as above
    from hwsim.sweep import outputs  # noqa: PLC0415 - as above

    written = [outputs.OutputFile("-o", Path(out), outputs.DECK)] if out != "-" else []
    outputs.refuse(written, outputs.inputs(given.what, given.experiment), force=force)
    text = FreeLoop(given).deck(rows, (given.note,))
    if out == "-":
        output.raw(text)
        return
    atomic.write(Path(out), text)
    record = {"what": given.what, "file": out, "measure": "loop", "rows": rows, "bytes": len(text.encode())}
    output.result(record, f"{out}: {rows} rows, {record['bytes']} bytes; run it: ngspice -b {out}")


def _rows(result: "FreeRunResult") -> str:
    ended = [""] * len(result.names)  # the series is shorter than the run
    cells = [
        (str(k), *(f"{value:.6g}" for value in made), *([f"{value:.6g}" for value in true] if true else ended))
        for k, (made, true) in enumerate(zip_longest(result.made[:_SHOWN].tolist(), result.true[:_SHOWN].tolist()))
    ]
    return table(("row", *result.names, *(f"{name} of the series" for name in result.names)), cells)

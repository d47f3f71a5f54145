"""The cost of programming the devices of a run: pulses and energy, as its summary reports them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circuits.quoting import quote_path
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.formatting import quantity
from hwsim.runs.open_run import RunError

COUNTS = ("pulses", "flips")
"""What is counted where devices are written: pulses, or changes of a device's level."""


def counts_in(record: Mapping[str, Any], form: str = "{}") -> tuple[str, ...]:
    """Return what a record counts under a key of this form; nothing where its devices were not written."""
    return tuple(count for count in COUNTS if form.format(count) in record)


def costs(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's summary holds about programming: writes per device, and energy [J]; of ideal devices nothing."""
    keys = [f"{count}_per_device" for count in counts_in(record, "{}_per_device")]
    return {key: record[key] for key in (*keys, "programming_J")} if keys and "programming_J" in record else {}


def cost_of_run(folder: Path) -> dict[str, float]:
    """Return pulses or flips per device and energy [J] of a completed run whose devices were written; of others nothing.

    Raises
    ------
    RunError
        When its summary cannot be read.

    """
    path = folder / "summary.json"
    if not path.exists():
        return {}
    try:
        summary = records.summary(records.read_text(path))
    except UnreadableError as error:
        msg = f"{quote_path(path)}: {error}; remove the file"
        raise RunError(msg) from None
    return costs(summary)


def spelled_cost(summary: Mapping[str, Any], memristors: int) -> str:
    """Format the cost of programming; an empty text where no device was written."""
    if not (given := costs(summary)):
        return ""
    counts, (*writes, joules) = counts_in(summary, "{}_per_device"), given.values()
    each = [f"{n:,.4g} {count} per memristor, {n * memristors:,.0f} in all" for count, n in zip(counts, writes, strict=True)]
    return ", ".join([*each, quantity(joules, "J")])

"""The cost of programming the devices of a run: pulses and energy, as its summary reports them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circuits.quoting import quote_path
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.formatting import quantity
from hwsim.runs.open_run import RunError

_KEYS = ("pulses_per_device", "programming_J")


def cost_of_run(folder: Path) -> dict[str, float]:
    """Return pulses per device and energy [J] of a completed run on pulsed devices; of others nothing.

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
    return {key: summary[key] for key in _KEYS} if summary.keys() >= set(_KEYS) else {}


def spelled_cost(summary: Mapping[str, Any], memristors: int) -> str:
    """Format the cost of programming; an empty text where nothing was programmed by pulses."""
    if not summary.keys() >= set(_KEYS):
        return ""
    pulses, joules = (summary[key] for key in _KEYS)
    return f"{pulses:.4g} pulses per memristor, {pulses * memristors:,.0f} in all, {quantity(joules, 'J')}"

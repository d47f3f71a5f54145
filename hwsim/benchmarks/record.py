"""The record of a benchmark: all numbers with the machine and its load as JSON, and a plot."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwsim.benchmarks import device_cost, engine_speed, ratio_plots, scaling, training, whole_epochs
from hwsim.benchmarks.cases import BASE
from hwsim.experiment.loading import load as load_experiment
from hwsim.files import atomic
from hwsim.runs.environment import environment

RATIOS: dict[str, Callable[[Any], dict[str, float]]] = {
    "engines": engine_speed.ratios,
    "training": training.ratios,
    "epochs": whole_epochs.ratios,
    "scaling": scaling.ratios,
    "devices": device_cost.ratios,
    "convolutions": device_cost.ratios,
    "blocks": device_cost.ratios,
    "transient": device_cost.ratios,
    "company": device_cost.ratios,
}
"""Topic of each benchmark, by its name."""


def load_average() -> float | None:
    """Return the mean number of processes ready to compute during the last minute; None where the system does not report it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Return the files of a benchmark's numbers and of its plot."""
    return folder / f"{name}.json", folder / f"{name}.png"


def save(folder: Path, name: str, results: Sequence[Any], load: float | None, *, complete: bool) -> tuple[dict[str, Any], list[Path]]:
    """Write `NAME.json` and `NAME.png`.

    Parameters
    ----------
    name
        One of RATIOS, with the variant of this run: `engines-full`, `training-short`.
    results
        Results, case by case.
    load
        Load of the machine before the benchmark began.
    complete
        Whether it was completed.

    Returns
    -------
    measured
        Contents of the JSON file.
    paths
        Both files.

    Raises
    ------
    OSError
        When they cannot be written.

    """
    kind = name.partition("-")[0]
    measured = {
        "benchmark": name,
        "results": [asdict(result) for result in results],
        "ratios": RATIOS[kind](results),
        "complete": complete,
        "load_before": load,
        "load_after": load_average(),
        "environment": environment(load_experiment(BASE)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    numbers, plot = paths(folder, name)
    atomic.write(numbers, json.dumps(measured, indent=2) + "\n")
    atomic.write(plot, ratio_plots.DRAW[kind](results))
    return measured, [numbers, plot]

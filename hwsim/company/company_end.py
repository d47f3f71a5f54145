"""The end of a company's run: a run's folder for each chip, the samples of each by class, and the summary of all."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hwsim.company.company_files import SHARDS, chip_folder, shards_text
from hwsim.company.company_record import of_chip
from hwsim.company.company_result import settings_of
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.learnt import record
from hwsim.files.records import Row
from hwsim.runs.environment import environment
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import OpenRun
from hwsim.runs.power_meter import Consumption
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.start import OF_COMPANY
from hwsim.runs.train import Ending
from hwsim.session import Session
from hwsim.typing import Weights


class TrainedCompany(NamedTuple):
    """A company that reached its last epoch: its folder, its summary, and a row an epoch."""

    folder: Path
    summary: dict[str, Any]
    rows: Sequence[Row] = ()


class EndedChip(NamedTuple):
    """A chip with what it has learned: the session that it is tested in, conductances [S], and its labelled samples by class."""

    session: Session
    g: Weights
    samples: Sequence[int]


class Took(NamedTuple):
    """What all processes of a run took: seconds, processor time and joules, and how the last were counted."""

    seconds: float
    consumed: Consumption
    method: str


def write_end(
    folder: OpenRun, experiment: Experiment, chips: Sequence[EndedChip], rows: list[Row], took: Callable[[], Took], about: Mapping[str, Any]
) -> TrainedCompany:
    """Write the folders of all chips, and the summary, which has `about` in it too; `took` is called when the chips have been tested."""
    settings, last = settings_of(experiment), rows[-1]
    tested = [_write_chip(folder.present, k, chip, of_chip(rows, k)) for k, chip in enumerate(chips)]
    folder.write(SHARDS, shards_text(chips[0].session.data.class_names, [list(chip.samples) for chip in chips]))
    costs = took()
    summary: dict[str, Any] = {
        "name": experiment.name,
        "data": experiment.data.name,
        "engine": experiment.training.engine,
        "rule": experiment.rules,
        "seed": experiment.training.seed,
        "chips": settings.chips,
        "exchange": settings.exchange,
        "epochs": len(rows),
        "test_error": float(np.mean([one["test_error"] for one in tested])),
        **{f"test_error/{k}": one["test_error"] for k, one in enumerate(tested)},
        "together_error": last["together_error"],
        **({"churn": last["churn"]} if "churn" in last else {}),
        "sent_bytes": sum(one["sent_bytes"] for one in rows),
        "pool_bytes": 0,
        **about,
        "seconds": costs.seconds,
        **costs.consumed._asdict(),
        **experiment.energy.simulated(costs.consumed.simulation_J),
        "simulation_method": costs.method,
    }
    folder.write("summary.json", json.dumps(summary, indent=2) + "\n")
    return TrainedCompany(folder.present, summary, rows)


def _write_chip(company: Path, k: int, chip: EndedChip, rows: list[Row]) -> dict[str, Any]:
    """Write the run's folder of chip k into that of its company, in place of that of an earlier end; return its summary."""
    about = f"chip {k}{OF_COMPANY}{company.name}, which trains it again"
    experiment = chip.session.experiment.model_copy(update={"about": about})
    place = RunFolder(chip_folder(company, k))
    if place.path.exists():  # of an earlier end, before more epochs
        with place.locked() as earlier:
            earlier.empty(remove=True)
    with place.begun(experiment, environment(experiment) | record(chip.session.data)) as opened:
        opened.write_rows(rows)
        return Ending(chip.session, opened, chip.g, rows, Stopwatch(), None, None, {}).write()

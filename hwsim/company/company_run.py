"""The run of a company: a folder with a folder for each chip, which is a run as any other; resumed from the last epoch."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hwsim.cluster.dask_client import connected
from hwsim.company.company import Company
from hwsim.company.company_files import CHURN, PLOT, SHARDS, chip_folder, churn_text, shards_text
from hwsim.company.company_plot import company_plot
from hwsim.company.company_record import of_chip, row
from hwsim.company.company_result import settings_of
from hwsim.company.dask_workers import DaskWorkers, WorkerEvent, WorkersError
from hwsim.company.members import Members
from hwsim.company.memory import CompanyMemory
from hwsim.company.messages import inputs_bytes
from hwsim.company.worker_log import WorkerLog
from hwsim.experiment.learnt import record
from hwsim.files.records import Row
from hwsim.learning.epochs import Progress
from hwsim.learning.state import Arrays, State
from hwsim.runs.environment import environment
from hwsim.runs.epoch_loop import InterruptedRunError
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import CHECKPOINT, OpenRun
from hwsim.runs.power_meter import PowerMeter
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.start import OF_COMPANY, Start
from hwsim.runs.stop_signals import stop_signals
from hwsim.runs.train import Ending
from hwsim.session import Session
from hwsim.typing import Weights


class TrainedCompany(NamedTuple):
    """A company that reached its last epoch: its folder, its summary, and a row an epoch."""

    folder: Path
    summary: dict[str, Any]
    rows: Sequence[Row] = ()


class WorkPlace(NamedTuple):
    """Where chips are computed: in so many processes of our own, on the user's Dask scheduler, or in this process where both are None."""

    processes: int | None = None
    scheduler: str | None = None

    @contextmanager
    def opened(self, chips: int, log: Callable[[WorkerEvent], None]) -> Iterator[DaskWorkers | None]:
        """Start the processes, no more than there are chips, or connect to the scheduler."""
        if self.processes is None and self.scheduler is None:
            yield None
            return
        with connected(min(self.processes or 1, chips), self.scheduler) as client:
            yield DaskWorkers(client, log)


HERE = WorkPlace()
"""This process."""


def train_company(
    start: Start, observe: Callable[[Progress | Row], None], place: WorkPlace = HERE, note: Callable[[str], None] = lambda _: None
) -> TrainedCompany:
    """Train a company to the last epoch; `observe` is called with every chunk of updates, and with each epoch's row.

    Parameters
    ----------
    start
        The experiment and its folder.
    observe
        As above.
    place
        Where chips are computed.
    note
        Is called with a line about each worker that is lost or refused.

    Raises
    ------
    InterruptedRunError
        When SIGINT or SIGTERM was received; the state of the last epoch is saved.
    ClusterError
        When no scheduler answers.
    WorkersError
        When no worker is left that can compute; the state of the last epoch is saved.
    ConvergenceError
        When a sample has no equilibrium; the last checkpoint stays.
    RunError, DataError, CircuitError, OSError
        When an input is unusable.

    """
    experiment = start.experiment
    settings = settings_of(experiment)
    experiment.refuse_age()
    meter = PowerMeter(experiment.energy.core_watts)
    members = Members.of(experiment, settings)
    data = members.alone[0].data
    log = WorkerLog(note)
    with place.opened(settings.chips, log) as workers, Company(members, settings, workers) as company:
        begun = company.begin()
        memory = None if start.resume else company.begin_memory(begun)  # a teacher that is none is refused before there is a folder
        with start.locked(environment(experiment) | record(data)) as folder, stop_signals() as stopped, _saved(folder):
            log.open(folder)
            state, memory, rows = (begun, memory, []) if memory else _restored(folder, company, begun)
            _save(folder, company, state, memory, rows)
            log.epoch = state.epoch
            for one in company.rounds(state, memory):
                if isinstance(one, Progress):
                    observe(one)
                else:
                    state, memory, log.epoch = one.state, one.memory, one.state.epoch
                    rows.append(row(one, members.alone[0].task) | meter.since()._asdict())
                    folder.write_rows(rows)
                    _save(folder, company, state, memory, rows)
                    observe(rows[-1])
                if stopped.is_set() and state.epoch < experiment.training.epochs:
                    msg = f"interrupted; {_resume(folder)}"
                    raise InterruptedRunError(msg)
            return TrainedCompany(folder.present, _finished(folder, company, state, rows, meter), rows)


@contextmanager
def _saved(folder: OpenRun) -> Iterator[None]:
    """Let an error about workers state what is saved."""
    try:
        yield
    except WorkersError as error:
        msg = f"{error}; {_resume(folder)}"
        raise WorkersError(msg) from error


def _resume(folder: OpenRun) -> str:
    return f"what the last epoch left is saved; resume with: hwsim train {folder.present} --resume"


def write_chip(company: Path, k: int, session: Session, g: Weights, rows: list[Row]) -> dict[str, Any]:
    """Write the run's folder of chip k into that of its company, in place of that of an earlier end; return its summary."""
    about = f"chip {k}{OF_COMPANY}{company.name}, which trains it again"
    experiment = session.experiment.model_copy(update={"about": about})
    place = RunFolder(chip_folder(company, k))
    if place.path.exists():  # of an earlier end, before more epochs
        with place.locked() as earlier:
            earlier.empty(remove=True)
    with place.begun(experiment, environment(experiment) | record(session.data)) as opened:
        opened.write_rows(rows)
        return Ending(session, opened, g, rows, Stopwatch(), None, None, {}).write()


def _arrays(company: Company, state: State, memory: CompanyMemory) -> Arrays:
    """Lay out the states of all chips, and what they remember of exchanges."""
    each = [one.arrays() for one in company.alone.apart(state)]
    whole = {f"chip-{k}/{name}": values for k, arrays in enumerate(each) for name, values in arrays.items()}
    return whole | memory.arrays() | {"epoch": np.array(state.epoch)}


def _restored(folder: OpenRun, company: Company, begun: State) -> tuple[State, CompanyMemory, list[Row]]:
    """Return what to resume from, out of a checkpoint, or what is there before the first update."""
    if not folder.holds(CHECKPOINT):
        return begun, company.begin_memory(begun), []
    arrays, rows = folder.read_checkpoint(_arrays(company, begun, company.no_memory))
    circuit, count = company.alone.trainers[0].circuit, len(company.alone.trainers)
    of_each = [
        {name.removeprefix(f"chip-{k}/"): values for name, values in arrays.items() if name.startswith(f"chip-{k}/")} for k in range(count)
    ]
    return company.alone.together([State.from_arrays(one, circuit) for one in of_each]), CompanyMemory.from_arrays(arrays), rows


def _save(folder: OpenRun, company: Company, state: State, memory: CompanyMemory, rows: list[Row]) -> None:
    folder.write_checkpoint(_arrays(company, state, memory), rows)


def _finished(folder: OpenRun, company: Company, state: State, rows: list[Row], meter: PowerMeter) -> dict[str, Any]:
    """Write a run's folder for each chip, the plot and the summary; return the last."""
    tested, seed = [], company.alone.settings.seed
    for k, (trainer, session, one) in enumerate(
        zip(company.alone.trainers, company.members.alone, company.alone.apart(state), strict=True)
    ):
        tested.append(write_chip(folder.present, k, session, trainer.g(one), of_chip(rows, k)))
    experiment, settings = company.members.alone[0].experiment, company.settings
    data = company.members.alone[0].data
    shards = [np.bincount(session.data.labels_train, minlength=max(session.data.classes, 1)) for session in company.members.alone]
    folder.write(SHARDS, shards_text(data.class_names, [counts.tolist() for counts in shards]))
    if "churn" in rows[-1]:
        outputs = company.chips.outputs(state)
        targets = company.members.alone[0].task.test
        folder.write(CHURN, churn_text([targets.answers(each) for each in outputs]))
    folder.write(PLOT, company_plot(rows, f"{experiment.name}, seed {seed}: {settings.chips} chips, {settings.exchange}", experiment.data))
    took = {key: value + sum(one.get(key, 0.0) for one in rows) for key, value in meter.since(workers=True)._asdict().items()}
    summary: dict[str, Any] = {
        "name": experiment.name,
        "data": experiment.data.name,
        "engine": experiment.training.engine,
        "rule": experiment.rules,
        "seed": seed,
        "chips": settings.chips,
        "exchange": settings.exchange,
        "epochs": len(rows),
        "memristors": len(tested) * tested[0]["memristors"],
        "test_error": float(np.mean([one["test_error"] for one in tested])),
        **{f"test_error/{k}": one["test_error"] for k, one in enumerate(tested)},
        "together_error": rows[-1]["together_error"],
        **({"churn": rows[-1]["churn"]} if "churn" in rows[-1] else {}),
        "sent_bytes": sum(one["sent_bytes"] for one in rows),
        "pool_bytes": inputs_bytes(settings, data.x_train.shape[1]) if settings.taught else 0,
        "seconds": sum(one["seconds"] for one in rows),
        **took,
        **experiment.energy.simulated(took["simulation_J"]),
        "simulation_method": meter.method,
    }
    folder.write("summary.json", json.dumps(summary, indent=2) + "\n")
    return summary

"""The run of a company: a folder with a folder for each chip, which is a run as any other; resumed from the last epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from hwsim.cluster.dask_client import connected
from hwsim.company.chip_owners import ChipOwners
from hwsim.company.chip_samples import keep_owners, read_owners
from hwsim.company.chip_workers import WorkersError
from hwsim.company.company import Company
from hwsim.company.company_end import EndedChip, Took, TrainedCompany, write_end
from hwsim.company.company_files import CHURN, PLOT, churn_text
from hwsim.company.company_plot import company_plot
from hwsim.company.company_record import answers, row
from hwsim.company.company_result import settings_of
from hwsim.company.dask_workers import DaskWorkers, WorkerEvent
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
from hwsim.runs.open_run import CHECKPOINT, OpenRun
from hwsim.runs.power_meter import Consumption, PowerMeter
from hwsim.runs.start import Start
from hwsim.runs.stop_signals import stop_signals, until_stopped
from hwsim.settings.company_settings import CompanySettings


class WorkPlace(NamedTuple):
    """Where chips are computed: in so many processes of our own, on the user's Dask scheduler, or in this process where both are None."""

    processes: int | None = None
    scheduler: str | None = None

    @contextmanager
    def opened(
        self, settings: CompanySettings, log: Callable[[WorkerEvent], None], owners: ChipOwners | None
    ) -> Iterator[DaskWorkers | None]:
        """Start processes, no more than there are chips, or connect to the scheduler, whose workers alone may have data of their own."""
        if self.scheduler is None and (self.processes is None or settings.local):
            yield None
            return
        with connected(min(self.processes or 1, settings.chips), self.scheduler) as client:
            yield DaskWorkers(client, log, owners=owners)


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
    ExperimentError
        When samples are local to workers, and no scheduler has any.
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
    owners = _owners(start, settings) if settings.local else None
    with place.opened(settings, log, owners) as workers, Company(members, settings, workers) as company:
        _ = company.samples  # whoever has none, or others, is refused before there is a folder, as a teacher that is none
        begun = company.begin()
        memory = None if start.resume else company.begin_memory(begun)
        with start.locked(environment(experiment) | record(data)) as folder, stop_signals() as stopped, _saved(folder):
            log.open(folder)
            if owners is not None:
                keep_owners(folder, owners.names, company.samples)
            state, memory, rows = (begun, memory, []) if memory else _restored(folder, company, begun)
            _save(folder, company, state, memory, rows)
            log.epoch = state.epoch
            for one in until_stopped(company.rounds(state, memory), stopped):
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
            return _finished(start, folder, company, state, rows, meter)


def _owners(start: Start, settings: CompanySettings) -> ChipOwners:
    """Return who is to have the samples of which chip: in a run that is resumed, whoever had them."""
    before = read_owners(start.folder.path, settings.chips) if start.resume and start.folder is not None else []
    return ChipOwners(settings.chips, [one.worker for one in before])


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


def _finished(start: Start, folder: OpenRun, company: Company, state: State, rows: list[Row], meter: PowerMeter) -> TrainedCompany:
    """Write what is left of a run: the churn of each two chips, the plot, and the files of any company."""
    experiment, settings, sessions = start.experiment, company.settings, company.members.alone
    data = sessions[0].data
    if "churn" in rows[-1]:
        targets = sessions[0].task.test
        folder.write(CHURN, churn_text([answers(targets, each) for each in company.chips.outputs(state)]))
    title = f"{experiment.name}, seed {experiment.training.seed}: {settings.chips} chips, {settings.exchange}"
    folder.write(PLOT, company_plot(rows, title, experiment.data))
    each = zip(company.alone.trainers, sessions, company.alone.apart(state), company.samples, strict=True)
    chips = [EndedChip(session, trainer.g(one), counts.by_class.tolist()) for trainer, session, one, counts in each]
    about = {
        "memristors": len(chips) * sessions[0].circuit.memristors,
        "pool_bytes": inputs_bytes(settings, data.x_train.shape[1]) if settings.taught else 0,
    }

    def took() -> Took:
        each = {key: value + sum(one.get(key, 0.0) for one in rows) for key, value in meter.since(workers=True)._asdict().items()}
        return Took(sum(one["seconds"] for one in rows), Consumption(**each), meter.method)

    return write_end(folder, experiment, chips, rows, took, about)

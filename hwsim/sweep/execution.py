"""Execution: sends a sweep's unfinished batches to workers, and stores every result before it is reported."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from hwsim.ensemble.reached import TrainingProgress
from hwsim.experiment.overriding import override
from hwsim.settings.variation_settings import VariationSettings
from hwsim.sweep.batches import Batch, batches
from hwsim.sweep.claims import claim, release
from hwsim.sweep.compute import BatchJob, compute
from hwsim.sweep.database import Database
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepStoppedError
from hwsim.sweep.workers import Compute, Workers, workers

Observe = Callable[[list[SweepResult]], None]
"""Called with new results, those of earlier and of other processes too, each once; with an empty list as a heartbeat."""

AtWork = Callable[[float, Sequence[TrainingProgress]], None]
"""Called before `Observe` when batches at work advanced: how many results' worth of work is done in them, and how far each is."""

LOOK = 1.0
"""How often to look for results of other processes [s]."""


class SweepInterruptedError(RuntimeError):
    """The sweep was interrupted."""

    exit_code = 130


def run(
    database: Database,
    observe: Observe,
    at_work: AtWork = lambda *_: None,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    function: Compute = compute,
) -> None:
    """Compute the missing results. Other processes may do so at the same time, in the same database: they share the work.

    Parameters
    ----------
    database
        The sweep's database; results that it has are not computed again.
    observe
        Called with new results.
    at_work
        Called before `observe` when batches at work advanced, at most once a second each.
    jobs
        Number of processes; 1 is this one.
    scheduler
        Address of the user's Dask scheduler, instead of processes of our own.
    function
        Computes a batch.

    Raises
    ------
    SweepInterruptedError
        When SIGINT or SIGTERM was received.
    SweepStoppedError
        When the workers cannot continue.
    SweepError
        When no scheduler answers, or nothing can be written.
    Exception
        What the computation of a batch raised.

    """
    done = database.done()
    observe(database.results())
    wanted = {batch.number: batch for batch in batches(database.definition, database.points) if not done.issuperset(batch.rows)}
    if not wanted:
        return
    database.definition.refuse_changed_files()
    total = len(database.points) * database.definition.chips * database.definition.seeds
    try:
        sweep = _Sweep(database, observe, at_work, wanted)
        with _stop_signals() as stopped, workers(min(jobs, len(wanted)), scheduler, function, sweep.follow) as pool:
            sweep.go_on(pool, stopped)
    except KeyboardInterrupt:
        msg = f"interrupted; {len(database.done())} of {total} results are in {database.path}, and the same command resumes the sweep"
        raise SweepInterruptedError(msg) from None
    except SweepStoppedError as error:
        msg = f"{error}; {len(database.done())} of {total} results are in {database.path}, and the same command resumes the sweep"
        raise SweepStoppedError(msg) from error
    finally:
        release(database)


class _Sweep:
    """The missing batches, those under way, and the observer."""

    def __init__(self, database: Database, observe: Observe, at_work: AtWork, wanted: dict[int, Batch]) -> None:
        self.database, self.observe, self.at_work, self.wanted = database, observe, at_work, wanted
        self.definition, self.weights, self.version = database.definition, database.weights, version("hwsim")
        self.given: set[int] = set()
        self.reached: dict[int, TrainingProgress] = {}

    def go_on(self, pool: Workers, stopped: threading.Event) -> None:
        """Run until nothing is missing, or a signal has stopped it: a library may have lost the exception."""
        while self.wanted:
            if stopped.is_set():
                raise KeyboardInterrupt
            self._hear_of_others()
            while len(self.given) < len(self.wanted) and pool.capacity() and (batch := self._claimed()) is not None:
                self.given.add(batch.number)
                pool.submit(self._job(batch))
            for job, results in pool.collect(LOOK):
                self.database.add(results, job.batch)
                self.given.discard(job.batch)
                self.reached.pop(job.batch, None)
                missing = self.wanted.pop(job.batch, None)
                self._pass_on()
                self.observe(results if missing else [])
            self.observe([])

    def follow(self, batch: int, reached: TrainingProgress) -> None:
        """Take up how far a batch is that was given out, and pass on how far all are."""
        if batch not in self.given:
            return  # done meanwhile
        self.reached[batch] = reached
        self._pass_on()
        self.observe([])

    def _pass_on(self) -> None:
        each = {number: one for number, one in self.reached.items() if number in self.wanted}
        self.at_work(sum(one.share * len(self.wanted[number].instances) for number, one in each.items()), list(each.values()))

    def _claimed(self) -> Batch | None:
        number = claim(self.database, (number for number in self.wanted if number not in self.given))
        return None if number is None else self.wanted[number]

    def _job(self, batch: Batch) -> BatchJob:
        experiment = batch.point.experiment(self.definition.experiment)
        if experiment.training.engine == "ngspice" and experiment.solver.ngspice_workers is None:
            experiment = override(experiment, ["solver.ngspice_workers=1"])  # there are as many processes as cores already
        weights = self.weights
        if weights is not None:
            evaluated_at = VariationSettings(temperature=self.definition.weights_at)
            weights = dict(experiment.at_temperature(weights, evaluated_at, VariationSettings()))  # by this point's coefficient
        return BatchJob(batch.number, batch.point.number, experiment, batch.instances, self.definition.mode, weights, self.version)

    def _hear_of_others(self) -> None:
        """Read the results of other processes."""
        if not self.database.changed():
            return
        done = self.database.done()
        finished = [number for number, batch in self.wanted.items() if number not in self.given and done.issuperset(batch.rows)]
        if not finished:
            return
        rows = {row for number in finished for row in self.wanted.pop(number).rows}
        self.observe([result for result in self.database.results() if result[:3] in rows])


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Treat SIGTERM as SIGINT, and record both."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # only the main thread may handle signals
        return
    interrupted = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        stopped.set()
        (interrupted if callable(interrupted) else signal.default_int_handler)(number, frame)

    before = signal.signal(signal.SIGTERM, stop)
    if callable(interrupted):  # what ignores Ctrl-C still does
        signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGTERM, before)
        if callable(interrupted):
            signal.signal(signal.SIGINT, interrupted)

"""Workers of a Dask scheduler that compute chips: each chip stays with one worker while that is there, and lost work is done again."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from circuits.quoting import quote
from hwsim.cluster.dask_client import incompatible, replace_ended
from hwsim.company.chip_job import ChipAnswer, ChipJob, ChipProgress
from hwsim.company.chip_owners import ChipOwners
from hwsim.company.chip_samples import Fingerprint
from hwsim.company.chip_work import Compute, computed, on_worker
from hwsim.company.chip_workers import Refusal, WorkersError

LOOK = 1.0
"""How often to look which workers are there [s]."""

PATIENCE = 120.0
"""How long to wait for a worker where none is there [s]."""

AHEAD = 2
"""Jobs sent per worker: one that it computes and one that waits, so that it is never idle."""

REFUSALS = 3
"""Workers whose answers to one job are refused before the run stops: the fault is the job's then."""

LOSSES = 5
"""Workers that may be lost over one job: they may have run out of memory by it."""


class WorkerEvent(NamedTuple):
    """What happened to a worker: it `joined`, `left`, or its answer was `refused`, and why."""

    event: str
    worker: str
    address: str
    reason: str = ""


@dataclass
class _Jobs:
    """Jobs that wait, and those that are at work: the job of each future, and its worker's address."""

    waiting: list[ChipJob]
    at_work: dict[Any, tuple[ChipJob, str]] = field(default_factory=dict)
    lost: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)

    def load(self, address: str) -> int:
        """Return how many jobs a worker has."""
        return sum(worker == address for _, worker in self.at_work.values())


class DaskWorkers:
    """The workers of a Dask scheduler. Jobs are sent to a worker each, so that whoever returns what is refused is known by name.

    Parameters
    ----------
    client
        Connected to the scheduler.
    log
        Is called with what happens to workers.
    compute
        Computes a job; the workers import it by its name.
    owners
        Who alone has the samples of which chip; None: every worker has all.

    """

    def __init__(
        self, client: Any, log: Callable[[WorkerEvent], None], compute: Compute = computed, owners: ChipOwners | None = None
    ) -> None:
        self._client, self._log, self._compute, self._owners = client, log, compute, owners
        self._names: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._homes: dict[int, str] = {}
        self._looked, self._seen = 0.0, time.monotonic()
        self._reached = deque[ChipProgress]()  # by the client's own thread
        self._processes = 0 if client.cluster is None else len(client.cluster.worker_spec)
        self._topic = f"hwsim-{uuid4().hex}"  # several runs may share a scheduler
        client.subscribe_topic(self._topic, self._take)

    def compute(self, jobs: Sequence[ChipJob], refusal: Refusal) -> Iterator[ChipAnswer | ChipProgress | None]:
        """Compute all jobs, each again elsewhere when its worker is lost or its answer refused.

        Raises
        ------
        WorkersError
            When no worker is there for two minutes, all were refused, a job ended several, or the scheduler is lost.

        """
        open_jobs = _Jobs(list(jobs))
        self._reached.clear()
        try:
            while open_jobs.waiting or open_jobs.at_work:
                self._look(open_jobs)
                self._send(open_jobs)
                for future in self._finished(open_jobs):
                    job, address = open_jobs.at_work.pop(future)
                    answer = self._received(future, job, address)
                    if answer is None:
                        self._lose(open_jobs, job)
                    elif reason := _reason(refusal, job, answer):
                        self._refuse(open_jobs, job, address, reason)
                    else:
                        self._homes[job.chip] = address
                        yield answer
                while self._reached:
                    yield self._reached.popleft()
                yield None
        finally:
            with suppress(Exception):  # the scheduler may be gone
                self._client.cancel(list(open_jobs.at_work))

    def _take(self, event: Any) -> None:
        """Take up how far a chip is; what is no report is passed over."""
        match event[1]:
            case [int(chip), int(samples), int() | float() as loss]:
                self._reached.append(ChipProgress(chip, samples, float(loss)))

    def _look(self, open_jobs: _Jobs) -> None:
        """See who joined and who left, and take back the jobs of those."""
        now = time.monotonic()
        if now - self._looked < LOOK and self._usable():
            return
        self._looked = now
        present = self._present()
        for address in present.keys() - self._names.keys():
            self._log(WorkerEvent("joined", present[address], address))
        for address in self._names.keys() - present.keys():
            self._log(WorkerEvent("left", self._names[address], address))
        self._names = present
        if self._owners is not None:
            self._owners.assign(present.values())
        for future in [future for future, (_, address) in open_jobs.at_work.items() if address not in present]:
            job, _ = open_jobs.at_work.pop(future)
            self._client.cancel([future])
            self._lose(open_jobs, job)
        if len(present) < self._processes:
            replace_ended(self._client.cluster, self._processes)
        self._require_workers(now)
        self._require_owners(open_jobs.waiting)

    def _present(self) -> dict[str, str]:
        """Return the names of the workers that are there now, by their addresses."""
        if self._client.status != "running":
            raise WorkersError(_LOST)
        try:
            addresses = list(self._client.nthreads())
            asked = self._client.scheduler_info()["workers"] if set(addresses) - self._names.keys() else {}  # it may be an old list
        except (OSError, asyncio.CancelledError):
            raise WorkersError(_LOST) from None
        return {address: self._names.get(address) or str(asked.get(address, {}).get("name", address)) for address in addresses}

    def _require_workers(self, now: float) -> None:
        """Stop where nobody is left who could compute."""
        if self._usable():
            self._seen = now
        elif self._names:
            address, reason = next((address, self._refused[address]) for address in reversed(self._refused) if address in self._names)
            msg = f"all workers were refused; the last, worker {self._names[address]} ({address}): {reason}"
            raise WorkersError(msg)
        elif now - self._seen > PATIENCE:
            msg = f"no worker has been there for {PATIENCE:g} s; start one with: dask worker ADDRESS"
            raise WorkersError(msg)
        else:
            time.sleep(min(LOOK, 0.2))

    def _require_owners(self, waiting: Sequence[ChipJob]) -> None:
        """Wait for those who alone have samples."""
        usable = {self._names[address] for address in self._usable()}
        refused = {self._names[address]: reason for address, reason in self._refused.items() if address in self._names}
        if self._owners is not None and not self._owners.require(waiting, usable, refused, PATIENCE):
            self._looked = 0.0
            time.sleep(min(LOOK, 0.2))

    def _usable(self) -> list[str]:
        """List the workers that were not refused."""
        return [address for address in self._names if address not in self._refused]

    def _send(self, open_jobs: _Jobs) -> None:
        """Send jobs: to the worker that computed the chip before, to one that has none, or to any where that one is not there."""
        usable = self._usable()
        homes = {chip: address for chip, address in self._homes.items() if address in usable}
        for level in range(AHEAD):
            for address in usable:
                if open_jobs.load(address) > level or not open_jobs.waiting:
                    continue
                job = self._next(open_jobs.waiting, address, homes, idle=not level)
                if job is not None:
                    open_jobs.waiting.remove(job)
                    open_jobs.at_work[self._submitted(job, address)] = job, address

    def _next(self, waiting: Sequence[ChipJob], address: str, homes: Mapping[int, str], *, idle: bool) -> ChipJob | None:
        """Choose a worker's next job; None where it can do none of them."""
        if self._owners is not None:
            return self._owners.next(waiting, self._names[address])
        of_nobody = [job for job in waiting if homes.get(job.chip, address) == address]
        others = waiting if idle else []  # an idle worker takes the work of a busy one
        return min(of_nobody, key=lambda job: job.chip not in homes, default=None) or next(iter(others), None)

    def _submitted(self, job: ChipJob, address: str) -> Any:
        import warnings  # noqa: PLC0415 - for this line alone

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a large state is meant to be sent
            return self._client.submit(
                on_worker, self._compute, job, self._topic, pure=False, workers=[address], allow_other_workers=False, retries=0
            )

    def _finished(self, open_jobs: _Jobs) -> set[Any]:
        """Wait for the next answers, for a moment."""
        from distributed import wait  # noqa: PLC0415 - only those who compute on workers need it

        if not open_jobs.at_work:
            return set()
        try:
            done: set[Any] = wait(list(open_jobs.at_work), timeout=LOOK, return_when="FIRST_COMPLETED").done  # type: ignore[no-untyped-call]  # Dask leaves it untyped
        except TimeoutError:
            return set()
        return done

    def _received(self, future: Any, job: ChipJob, address: str) -> ChipAnswer | None:
        """Fetch an answer; None where it was lost with its worker."""
        from distributed import KilledWorker  # noqa: PLC0415 - only those who compute on workers need it

        broken = ChipAnswer(job.chip, {}, Fingerprint(), job.company.hwsim)
        try:
            answer = self._fetched(future, address)
        except WorkersError:
            raise
        except (KilledWorker, asyncio.CancelledError, OSError):
            return None
        except Exception as error:  # noqa: BLE001 - whatever a worker raises in place of an answer
            return broken._replace(fault=incompatible(quote(error, 150) or type(error).__name__))
        return (
            answer
            if isinstance(answer, ChipAnswer)
            else broken._replace(fault=f"it returned no answer, but {quote(type(answer).__name__)}")
        )

    def _fetched(self, future: Any, address: str) -> Any:
        """Fetch what a worker returned, for longer each time: whoever stops waiting gets a large answer from its beginning again.

        Raises
        ------
        OSError
            When the worker has died with it.

        """
        patience = LOOK
        while True:
            try:
                return future.result(timeout=patience)
            except TimeoutError:
                if future.status == "error" or address not in self._present():
                    raise
                patience *= 2

    def _lose(self, open_jobs: _Jobs, job: ChipJob) -> None:
        """Take back a job whose worker is gone."""
        self._looked = 0.0  # look at once who is there
        open_jobs.lost[job.chip] += 1
        if open_jobs.lost[job.chip] >= LOSSES:
            msg = f"{job.name}, ended {LOSSES} workers; if they ran out of memory, use fewer of them, or a smaller batch"
            raise WorkersError(msg)
        open_jobs.waiting.insert(0, job)

    def _refuse(self, open_jobs: _Jobs, job: ChipJob, address: str, reason: str) -> None:
        """Send a worker no more jobs, and its job to another."""
        self._refused[address] = reason
        name = self._names.get(address, address)
        self._log(WorkerEvent("refused", name, address, f"{job.name}: {reason}"))
        open_jobs.refused[job.chip] += 1
        if open_jobs.refused[job.chip] >= REFUSALS:
            msg = f"{job.name}: the answers of {REFUSALS} workers were refused; the last, worker {name} ({address}): {reason}"
            raise WorkersError(msg)
        open_jobs.waiting.insert(0, job)


def _reason(refusal: Refusal, job: ChipJob, answer: ChipAnswer) -> str:
    """Return why an answer is refused, whatever is in it."""
    try:
        return refusal(job, answer)
    except Exception as error:  # noqa: BLE001 - what a stranger sends may be anything
        return f"its answer cannot be read ({quote(error, 150) or type(error).__name__})"


_LOST = "the connection to the Dask scheduler is lost"

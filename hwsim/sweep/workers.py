"""Workers that compute batches: this process, processes of a local cluster, or the user's Dask cluster."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from uuid import uuid4

from circuits.units import Second
from hwsim.cluster.dask_client import ClusterError, connected, incompatible
from hwsim.ensemble.reached import Follow, TrainingProgress
from hwsim.sweep.compute import BatchJob
from hwsim.sweep.recorded import SweepResult
from hwsim.sweep.sweep_errors import SweepError, SweepStoppedError

Compute = Callable[[BatchJob, Follow], list[SweepResult]]

Follows = Callable[[int, TrainingProgress], None]
"""Is called, in the process and thread that gives jobs out, with a batch's number and how far it is."""

AHEAD = 2
"""Jobs sent per worker: one that it computes and one that waits, so that it is never idle."""

REPORT = 1.0
"""Least time between two reports of how far a batch is [s]: every one is drawn, and a scheduler keeps the last ones."""


class Workers(Protocol):
    """Computes jobs, in any order."""

    def capacity(self) -> int:
        """Return how many more jobs may be sent."""
        ...

    def submit(self, job: BatchJob) -> None:
        """Send a job."""
        ...

    def collect(self, wait: Second) -> list[tuple[BatchJob, list[SweepResult]]]:
        """Return finished jobs, after `wait` [s] at the latest; possibly none.

        Raises
        ------
        SweepStoppedError
            When the workers cannot continue.
        Exception
            What the computation of a job raised.

        """
        ...


class InProcess:
    """One job at a time, in the calling process."""

    def __init__(self, compute: Compute, follow: Follows) -> None:
        self._compute, self._follow = compute, follow
        self._job: BatchJob | None = None

    def capacity(self) -> int:
        """Return 1 if it is idle."""
        return int(self._job is None)

    def submit(self, job: BatchJob) -> None:
        """Send a job."""
        self._job = job

    def collect(self, wait: Second) -> list[tuple[BatchJob, list[SweepResult]]]:
        """Compute the job, however long it takes."""
        if self._job is None:
            time.sleep(wait)
            return []
        job, self._job = self._job, None
        return [(job, self._compute(job, _seldom(lambda reached: self._follow(job.batch, reached), REPORT)))]


class Cluster:
    """The workers of a Dask scheduler, which sends a dead worker's jobs to others.

    Parameters
    ----------
    client
        Connected to the scheduler.
    compute
        Computes a job; the workers import it by its name.
    follow
        Is called with each batch at work and how far it is.

    """

    def __init__(self, client: Any, compute: Compute, follow: Follows) -> None:
        self._client, self._compute, self._follow = client, compute, follow
        self._jobs: dict[Any, BatchJob] = {}
        self._reported = deque[tuple[int, TrainingProgress]]()  # by the client's own thread
        self._topic = f"hwsim-{uuid4().hex}"  # several sweeps may share a scheduler
        client.subscribe_topic(
            self._topic, lambda event: self._reported.append((event[1]["batch"], TrainingProgress(*event[1]["reached"])))
        )

    def capacity(self) -> int:
        """Return how many more jobs keep every worker busy."""
        threads = sum(self._client.nthreads().values()) if self._client.status == "running" else 0
        return max(AHEAD * max(threads, 1) - len(self._jobs), 0)

    def submit(self, job: BatchJob) -> None:
        """Send a job."""
        self._jobs[self._client.submit(_report, self._compute, job, self._topic, REPORT, pure=False)] = job

    def _pass_on(self) -> None:
        while self._reported:
            self._follow(*self._reported.popleft())

    def collect(self, wait: Second) -> list[tuple[BatchJob, list[SweepResult]]]:
        """Wait for the next jobs to be done."""
        import asyncio  # noqa: PLC0415 - only for its error

        from distributed import KilledWorker  # noqa: PLC0415 - only those who sweep on workers need it
        from distributed import wait as wait_for  # noqa: PLC0415

        if not self._jobs:
            time.sleep(wait)
            return []
        try:
            done = wait_for(list(self._jobs), timeout=wait, return_when="FIRST_COMPLETED").done  # type: ignore[no-untyped-call]  # Dask leaves it untyped
        except TimeoutError:
            done = set()
        self._pass_on()
        if self._client.status != "running":
            msg = "the connection to the Dask scheduler is lost"
            raise SweepStoppedError(msg)
        finished = []
        for future in done:
            job = self._jobs.pop(future)
            try:
                finished.append((job, future.result()))
            except KilledWorker as error:
                msg = f"point {job.point} ended every worker that it was given to; {_MEMORY}"
                raise SweepStoppedError(msg) from error
            except asyncio.CancelledError:
                msg = "the Dask scheduler was ended, or dropped a point"
                raise SweepStoppedError(msg) from None
            except (ImportError, AttributeError) as error:
                raise SweepStoppedError(incompatible(str(error))) from error
            except RuntimeError as error:
                if "deserialization" not in str(error):
                    raise
                raise SweepStoppedError(incompatible("it cannot read the jobs")) from error
        return finished


def _report(compute: Compute, job: BatchJob, topic: str, every: Second) -> list[SweepResult]:
    """Compute a job on a worker, and report how far it is."""
    from distributed import get_worker  # noqa: PLC0415 - only those who sweep on workers need it

    worker = get_worker()
    return compute(job, _seldom(lambda reached: worker.log_event(topic, {"batch": job.batch, "reached": tuple(reached)}), every))


def _seldom(follow: Follow, every: Second) -> Follow:
    """Return the same, called at most once in some time [s]."""
    last = time.monotonic()

    def seldom(reached: TrainingProgress) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= every:
            last = now
            follow(reached)

    return seldom


_MEMORY = "if they ran out of memory, use fewer workers (--jobs)"


@contextmanager
def workers(jobs: int, scheduler: str | None, compute: Compute, follow: Follows) -> Iterator[Workers]:
    """Start `jobs` processes, none for one job; or connect to the user's scheduler.

    Raises
    ------
    SweepError
        When no scheduler answers.

    """
    if scheduler is None and jobs == 1:
        yield InProcess(compute, follow)
        return
    with ExitStack() as stack:
        try:
            client = stack.enter_context(connected(jobs, scheduler))
        except ClusterError as error:
            raise SweepError(str(error)) from None
        yield Cluster(client, compute, follow)

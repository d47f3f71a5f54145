"""Worker processes that share out jobs; a dead or silent one ends the work with an error that says why."""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from time import monotonic
from typing import Any

from hwsim.ngspice.errors import NgspiceDeckError, NgspiceError
from hwsim.ngspice.installed import missing
from hwsim.ngspice.messages import Answer, Busy, Deck, Failure, Job, Version
from hwsim.ngspice.process import WorkerProcess
from hwsim.ngspice.threads import ONE_THREAD


class Pool:
    """Up to `size` workers, each started when there is work for it and again after it died. With any, NumPy's products take one thread.

    Parameters
    ----------
    size
        Number of processes.
    timeout
        Seconds after which a worker that sends nothing counts as hung.

    """

    def __init__(self, size: int, timeout: float) -> None:
        self.size, self.timeout = size, timeout
        self.workers: list[WorkerProcess] = []
        self._let_go: weakref.finalize[..., Pool] | None = None

    def run(self, deck: Deck, jobs: Sequence[Job]) -> list[Answer]:
        """Carry out jobs in one deck, which each worker loads unless it holds it already; answers come in the order of the jobs.

        Raises
        ------
        NgspiceError
            When a worker cannot do its job; all are ended then, and the next run starts afresh.

        """
        self._start(min(self.size, len(jobs)))
        try:
            return self._share_out(deck, jobs)
        except BaseException:  # also Ctrl-C: no worker goes on computing for nobody
            self.close()
            raise

    def _start(self, count: int) -> None:
        """Start workers until there are so many."""
        while len(self.workers) < count:
            self.workers.append(WorkerProcess())
        if self._let_go is None:
            ONE_THREAD.hold()
            self._let_go = weakref.finalize(self, ONE_THREAD.let_go)

    def _share_out(self, deck: Deck, jobs: Sequence[Job]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        waiting = iter(enumerate(jobs))
        at_work: dict[Any, tuple[int, WorkerProcess, float]] = {}

        def next_job(worker: WorkerProcess) -> None:
            number, job = next(waiting, (-1, None))
            if job is not None:
                worker.send(job if worker.deck is deck else replace(job, deck=deck))
                worker.deck = deck
                at_work[worker.connection] = number, worker, monotonic()

        for worker in self.workers:
            next_job(worker)
        while at_work:
            oldest = min(since for _, _, since in at_work.values())
            ready = wait(list(at_work), timeout=max(oldest + self.timeout - monotonic(), 0.0))
            if not ready:
                msg = (
                    f"an ngspice worker sent nothing for {self.timeout:g} s and was ended; raise solver.ngspice_timeout if it was only slow"
                )
                raise NgspiceDeckError(msg)
            for connection in ready:
                number, worker, _ = at_work[connection]
                message = _receive(worker)
                if isinstance(message, Busy):
                    at_work[connection] = number, worker, monotonic()
                    continue
                del at_work[connection]
                answers[number] = message
                next_job(worker)
        return [answers[k] for k in range(len(jobs))]

    def version(self) -> str:
        """Ask a worker for the version of its ngspice.

        Raises
        ------
        NgspiceError
            When the library cannot be loaded or does not answer.

        """
        self._start(1)
        self.workers[0].send(Version())
        if not self.workers[0].connection.poll(self.timeout):
            msg = f"ngspice did not tell its version within {self.timeout:g} s"
            raise NgspiceError(msg)
        return str(_receive(self.workers[0]))

    def close(self) -> None:
        """End all workers."""
        while self.workers:
            self.workers.pop().end()
        if self._let_go is not None:
            self._let_go()
            self._let_go = None


def _receive(worker: WorkerProcess) -> Any:
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        msg = f"an ngspice worker {worker.death()}"
        raise NgspiceDeckError(msg) from None
    match message:
        case Failure("library", said):
            raise missing(said)
        case Failure("deck", said):
            raise NgspiceDeckError(said)
        case Failure("nudge", said):
            raise NgspiceError(said)
    return message


def library_version() -> str:
    """Give the version of the libngspice that the engine uses, as it says it itself, for instance `ngspice-39`.

    Raises
    ------
    NgspiceMissingError
        When there is none.
    NgspiceError
        When it cannot be loaded or does not answer.

    """
    pool = Pool(1, timeout=60.0)
    try:
        return pool.version()
    finally:
        pool.close()

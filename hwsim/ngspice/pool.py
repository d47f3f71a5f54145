"""Worker processes that share out jobs; in the place of one that died, fell silent or grew there comes another."""

import weakref
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from time import monotonic
from typing import Any

from hwsim.ngspice.errors import NgspiceDeckError, NgspiceError, NgspiceWorkerError
from hwsim.ngspice.installed import missing
from hwsim.ngspice.limits import Limits
from hwsim.ngspice.messages import Answer, Busy, Deck, Failure, Job, Version
from hwsim.ngspice.process import WorkerProcess
from hwsim.ngspice.threads import ONE_THREAD

_TRIES = 3
"""Workers that may die over a job before it is to blame: one may be killed by a person, or by the system when memory is short."""

_START = 60.0
"""Seconds that a process may take to start, on a busy machine."""

_GROWTH = 256_000_000
"""Bytes by which a worker may grow before another takes its place."""


class Pool:
    """Up to `size` workers, each started when there is work for it and again after it died. With any, NumPy's products take one thread.

    A job whose worker was killed or fell silent is given to a new one: it depends on nothing but itself, and gives the same numbers.

    Parameters
    ----------
    size
        Number of processes.
    limits
        What each may use.

    """

    def __init__(self, size: int, limits: Limits) -> None:
        self.size, self.limits = size, limits
        self.workers: list[WorkerProcess] = []
        self._let_go: weakref.finalize[..., Pool] | None = None

    def run(self, deck: Deck, jobs: Sequence[Job]) -> list[Answer]:
        """Carry out jobs in one deck, which each worker loads unless it holds it already; answers come in the order of the jobs.

        Raises
        ------
        NgspiceError
            When a job cannot be done, or has cost several workers; all are ended then, and the next run starts afresh.

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
            self.workers.append(WorkerProcess(self.limits.of_memory(self.size), self.limits.processor))
        if self._let_go is None:
            ONE_THREAD.hold()
            self._let_go = weakref.finalize(self, ONE_THREAD.let_go)

    def _share_out(self, deck: Deck, jobs: Sequence[Job]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        lost: Counter[int] = Counter()
        waiting = deque(range(len(jobs)))
        at_work: dict[Any, tuple[int, WorkerProcess, float]] = {}

        def next_job(worker: WorkerProcess) -> None:
            if waiting:
                number = waiting.popleft()
                worker.send(jobs[number] if worker.deck is deck else replace(jobs[number], deck=deck))
                worker.deck = deck
                at_work[worker.connection] = number, worker, monotonic()

        def lose(number: int, worker: WorkerProcess, error: NgspiceWorkerError) -> None:
            lost[number] += 1
            del at_work[worker.connection]
            if lost[number] >= error.tries:
                raise error
            waiting.appendleft(number)
            next_job(self._instead_of(worker))

        for worker in self.workers:
            next_job(worker)
        while at_work:
            first = min(since + self._patience(worker) for _, worker, since in at_work.values())
            for connection in wait(list(at_work), timeout=max(first - monotonic(), 0.0)):
                number, worker, _ = at_work[connection]
                try:
                    message = _receive(worker)
                except NgspiceWorkerError as error:
                    lose(number, worker, error)
                    continue
                worker.heard = True
                at_work[connection] = number, worker, monotonic()
                if not isinstance(message, Busy):
                    del at_work[connection]
                    answers[number] = message
                    if not _has_grown(worker, message):
                        next_job(worker)
                    elif waiting:
                        next_job(self._instead_of(worker))
                    else:
                        self._end(worker)
            for number, worker, since in list(at_work.values()):
                if monotonic() > since + self._patience(worker):
                    lose(number, worker, _silent(self.limits.silence))
        return [answers[k] for k in range(len(jobs))]

    def _patience(self, worker: WorkerProcess) -> float:
        """Give how long a worker may be silent [s]; one that is being started may for longer."""
        return self.limits.silence + (0.0 if worker.heard else _START)

    def _instead_of(self, worker: WorkerProcess) -> WorkerProcess:
        """End a worker, and start another in its place."""
        self._end(worker)
        self._start(len(self.workers) + 1)
        return self.workers[-1]

    def _end(self, worker: WorkerProcess) -> None:
        worker.end()
        self.workers.remove(worker)

    def version(self) -> str:
        """Ask a worker for the version of its ngspice.

        Raises
        ------
        NgspiceError
            When the library cannot be loaded or does not answer.

        """
        self._start(1)
        self.workers[0].send(Version())
        if not self.workers[0].connection.poll(self.limits.silence):
            msg = f"ngspice did not tell its version within {self.limits.silence:g} s"
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
        how, hopeless = worker.death()
        raise NgspiceWorkerError(f"an ngspice worker {how}", 1 if hopeless else _TRIES) from None
    match message:
        case Failure("library", said):
            raise missing(said)
        case Failure("deck", said):
            raise NgspiceDeckError(said)
        case Failure("nudge", said):
            raise NgspiceError(said)
    return message


def _silent(seconds: float) -> NgspiceWorkerError:
    msg = f"an ngspice worker sent nothing for {seconds:g} s, twice, and was ended; raise solver.ngspice_timeout if it was only slow"
    return NgspiceWorkerError(msg, 2)


def _has_grown(worker: WorkerProcess, answer: Answer) -> bool:
    """Whether a worker holds so much more memory than after its first job that a new one is better."""
    if worker.settled is None:
        worker.settled = answer.memory
    return answer.memory > worker.settled + _GROWTH


def library_version() -> str:
    """Give the version of the libngspice that the engine uses, as it says it itself, for instance `ngspice-39`.

    Raises
    ------
    NgspiceMissingError
        When there is none.
    NgspiceError
        When it cannot be loaded or does not answer.

    """
    pool = Pool(1, Limits(silence=60.0))
    try:
        return pool.version()
    finally:
        pool.close()

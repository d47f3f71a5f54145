"""Worker processes that share out jobs; in the place of one that died, fell silent or grew there comes another."""

import weakref
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from pickle import UnpicklingError
from time import monotonic
from typing import Any, overload

from circuits.quoting import quote
from hwsim.ngspice.installed import missing
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Answer, Busy, Failure, Job, TransientAnswer, TransientDeck, TransientJob, Version, WorkerDeck
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError, NgspiceWorkerError
from hwsim.ngspice.process import WorkerProcess
from hwsim.ngspice.threads import ONE_THREAD
from hwsim.ngspice.unpickling import unpickled

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

    def __init__(self, size: int, limits: WorkerLimits) -> None:
        self.size, self.limits = size, limits
        self.workers: list[WorkerProcess] = []
        self._let_go: weakref.finalize[..., Pool] | None = None

    @overload
    def run(self, deck: WorkerDeck, jobs: Sequence[Job]) -> list[Answer]: ...
    @overload
    def run(self, deck: TransientDeck, jobs: Sequence[TransientJob]) -> list[TransientAnswer]: ...
    def run(self, deck: Any, jobs: Sequence[Any]) -> list[Any]:
        """Carry out jobs in one deck, which each worker loads unless it holds it already; answers come in the order of the jobs.

        Raises
        ------
        NgspiceError
            When a job cannot be done, or has cost several workers; all are ended then, and the next run starts afresh.

        """
        self._start(min(self.size, len(jobs)))
        try:
            return _Batch(self, deck, jobs).run()
        except BaseException:  # also Ctrl-C: no worker continues to compute for nobody
            self.close()
            raise

    def _start(self, count: int) -> None:
        """Start workers until there are so many."""
        while len(self.workers) < count:
            self.workers.append(WorkerProcess(self.limits.of_memory(self.size), self.limits.processor))
        if self._let_go is None:
            ONE_THREAD.hold()
            self._let_go = weakref.finalize(self, ONE_THREAD.let_go)

    def patience(self, worker: WorkerProcess) -> float:
        """Return how long a worker may be silent [s]; one that is being started may for longer."""
        return self.limits.silence + (0.0 if worker.answered else _START)

    def instead_of(self, worker: WorkerProcess) -> WorkerProcess:
        """End a worker, and start another in its place."""
        self.end(worker)
        self._start(len(self.workers) + 1)
        return self.workers[-1]

    def end(self, worker: WorkerProcess) -> None:
        """End a worker; the next batch starts another if it needs one."""
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
            msg = f"ngspice did not report its version within {self.limits.silence:g} s"
            raise NgspiceError(msg)
        return str(receive(self.workers[0]))

    def close(self) -> None:
        """End all workers."""
        while self.workers:
            self.workers.pop().end()
        self.pause()

    def pause(self) -> None:
        """Let NumPy's products take all threads until the next run."""
        if self._let_go is not None:
            self._let_go()
            self._let_go = None


class _Batch:
    """Jobs under way: who is at work on which, since when, and what is still waiting."""

    def __init__(self, pool: Pool, deck: WorkerDeck | TransientDeck, jobs: Sequence[Any]) -> None:
        self.pool, self.deck, self.jobs = pool, deck, jobs
        self.answers: dict[int, Any] = {}
        self.lost: Counter[int] = Counter()
        self.waiting = deque(range(len(jobs)))
        self.at_work: dict[Any, tuple[int, WorkerProcess, float]] = {}

    def run(self) -> list[Any]:
        """Hand out jobs until all are done."""
        for worker in self.pool.workers:
            self._give(worker)
        while self.at_work:
            first = min(since + self.pool.patience(worker) for _, worker, since in self.at_work.values())
            for connection in wait(list(self.at_work), timeout=max(first - monotonic(), 0.0)):
                self._hear(connection)
            for number, worker, since in list(self.at_work.values()):
                if monotonic() > since + self.pool.patience(worker):
                    self._lose(number, worker, _silent(self.pool.limits.silence))
        return [self.answers[k] for k in range(len(self.jobs))]

    def _give(self, worker: WorkerProcess) -> None:
        """Send a worker the next job, if there is one."""
        if self.waiting:
            number = self.waiting.popleft()
            job = self.jobs[number]
            worker.send(job if worker.deck is self.deck else replace(job, deck=self.deck))
            worker.deck = self.deck
            self.at_work[worker.connection] = number, worker, monotonic()

    def _hear(self, connection: Any) -> None:
        """Take in what a worker sent."""
        number, worker, _ = self.at_work[connection]
        try:
            message = receive(worker)
        except NgspiceWorkerError as error:
            self._lose(number, worker, error)
            return
        worker.answered = True
        self.at_work[connection] = number, worker, monotonic()
        if isinstance(message, Busy):
            return
        del self.at_work[connection]
        self.answers[number] = message
        if not _has_grown(worker, message):
            self._give(worker)
        elif self.waiting:
            self._give(self.pool.instead_of(worker))
        else:
            self.pool.end(worker)

    def _lose(self, number: int, worker: WorkerProcess, error: NgspiceWorkerError) -> None:
        """Hand a lost worker's job to another, unless it has cost too many."""
        self.lost[number] += 1
        del self.at_work[worker.connection]
        if self.lost[number] >= error.tries:
            raise error
        self.waiting.appendleft(number)
        self._give(self.pool.instead_of(worker))


def receive(worker: WorkerProcess) -> Any:
    """Return a worker's next message.

    Raises
    ------
    NgspiceError
        When it died, or reports that it failed.

    """
    try:
        message = unpickled(worker.connection.recv_bytes())
    except UnpicklingError as error:
        msg = f"an ngspice worker sent what is no answer, and was ended: {quote(error)}; look through the deck"
        raise NgspiceWorkerError(msg, 1) from None
    except (EOFError, ConnectionResetError):
        how, hopeless = worker.death()
        raise NgspiceWorkerError(f"an ngspice worker {how}", 1 if hopeless else _TRIES) from None
    match message:
        case Failure("library", text):
            raise missing(text)
        case Failure("deck", text, place):
            raise NgspiceDeckError(text, place)
        case Failure("nudge", text):
            raise NgspiceError(text)
    return message


def _silent(seconds: float) -> NgspiceWorkerError:
    msg = f"an ngspice worker sent nothing for {seconds:g} s, twice, and was ended; raise solver.ngspice_timeout if it was only slow"
    return NgspiceWorkerError(msg, 2)


def _has_grown(worker: WorkerProcess, answer: Answer | TransientAnswer) -> bool:
    """Whether a worker holds so much more memory than after its first job that a new one is better."""
    if worker.settled is None:
        worker.settled = answer.memory
    return answer.memory > worker.settled + _GROWTH


def library_version() -> str:
    """Return the version of the libngspice that the engine uses, as it reports it itself, for instance `ngspice-39`.

    Raises
    ------
    NgspiceMissingError
        When there is none.
    NgspiceError
        When it cannot be loaded or does not answer.

    """
    pool = Pool(1, WorkerLimits(silence=60.0))
    try:
        return pool.version()
    finally:
        pool.close()

"""A process with its own libngspice: takes jobs from a pipe, sweeps through their points, and sends the answers back.

Started as `python -m hwsim.ngspice.worker HANDLE` in a directory of its own, so that nobody's .spiceinit is read. Its own session keeps
a terminal's Ctrl-C away; it ends when the pipe does, even while ngspice computes.
"""

import os
import pickle
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from hwsim.engine import Nudge, Push, Result
from hwsim.ngspice.messages import Answer, Busy, Failure, Job, Version
from hwsim.ngspice.plan import Layout
from hwsim.ngspice.session import Session, SessionError

Floats = NDArray[np.float64]

_BUSY_EVERY = 1.0
"""s; how often a worker says that it is alive."""

_GIVE_UP_AFTER = 5
"""Failed samples in a row, from the first of a job on, after which the deck is to blame and the others are not tried."""


class Sweeper:
    """A job under way: gives the sources' values point by point, and collects the answers."""

    def __init__(self, job: Job, layout: Layout, connection: Connection) -> None:
        samples, outputs = len(job.values), len(layout.plus)
        self.job, self.layout, self.connection = job, layout, connection
        self.nudge: Nudge | None = pickle.loads(job.nudge) if job.nudge else None  # noqa: S301 - it comes from the engine, through its own pipe
        self.v = np.full((samples, job.phases, len(layout.nodes)), np.nan)
        self.steps = np.zeros((samples, job.phases), dtype=np.int64)
        self.result = np.full((samples, job.phases), int(Result.ENGINE_FAILED))
        self.beta = np.zeros((samples, job.phases))
        self.target, self.current = np.zeros((samples, job.phases, outputs)), np.zeros((samples, job.phases, outputs))
        if self.nudge is None:
            self.beta[:, 0], self.current[:, 0] = job.beta, job.currents
        self.at, self.total = 0, samples * job.phases
        self.told = time.monotonic()

    def values(self) -> list[float]:
        """Give what all EXTERNAL sources say at the point that comes next."""
        sample, phase = divmod(self.at, self.job.phases)
        beta = self.beta[sample, phase]
        currents = beta * self.target[sample, phase] + self.current[sample, phase]
        return [*self.job.values[sample].tolist(), float(beta), *currents.tolist()]

    def follow(self, v: Floats) -> list[float] | None:
        """Take in a point, work out the pushes after a free one, and give the values of the next."""
        sample, phase = divmod(self.at, self.job.phases)
        if self.result[sample, phase] != Result.NOT_FINITE:
            self.v[sample, phase], self.result[sample, phase] = v, Result.CONVERGED
        if self.nudge is not None and phase == 0:
            self._push(self.nudge, sample, v)
        if time.monotonic() > self.told + _BUSY_EVERY:
            self.connection.send(Busy())
            self.told = time.monotonic()
        self.at += 1
        return self.values() if self.at < self.total else None

    def _push(self, nudge: Nudge, sample: int, v: Floats) -> None:
        """Ask the nudge for the pushes of a sample; a phase whose push is no number goes on without, and is marked."""
        at = np.append(v, 0.0)
        outputs = (at[self.layout.plus] - at[self.layout.minus])[None]
        pushes = nudge.pushes(outputs, self.job.targets[sample][None])
        for phase, push in enumerate(pushes, start=1):
            beta, target, current = _numbers(push)
            if np.isfinite(beta) and np.isfinite(target).all() and np.isfinite(current).all():
                self.beta[sample, phase], self.target[sample, phase], self.current[sample, phase] = beta, target, current
            else:
                self.result[sample, phase] = Result.NOT_FINITE

    def run(self, session: Session) -> Answer:
        """Sweep until all samples are solved or given up."""
        said, failed, phases = "", 0, self.job.phases
        while self.at < self.total:
            if failed >= _GIVE_UP_AFTER and failed == self.at // phases:
                break
            first, start = self.at, dict(zip(self.layout.sources, self.values(), strict=True))
            found, asked = session.sweep(self.layout.counter, self.total - first, start, self.layout.nodes, self.follow)
            self.steps.reshape(-1)[first : first + len(found)] = np.asarray(asked, dtype=np.int64) // len(self.layout.sources)
            if len(found) < self.total - first:
                said, failed = said or session.said(), failed + 1
                self.at += phases - self.at % phases
        return Answer(v=self.v, steps=self.steps, result=self.result, beta=self.beta, target=self.target, current=self.current, said=said)


def _numbers(push: Push) -> tuple[Floats, Floats, Floats]:
    beta, target, current = (np.asarray(part, dtype=np.float64) for part in push)
    return beta.reshape(()), target.reshape(-1), current.reshape(-1)


class Worker:
    """The process's one session, started when it is first needed, and the deck in it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session: Session | None = None
        self.layout: Layout | None = None

    def carry_out(self, request: Job | Version) -> Answer | Failure | str:
        """Give the answer to a request."""
        try:
            self.session = self.session or Session()
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine must hear of it
            return Failure(f"libngspice cannot be loaded: {error}", missing=True)
        try:
            if isinstance(request, Version):
                return f"ngspice-{self.session.ngspice_version}"
            return self._solve(request, self.session)
        except SessionError as error:
            return Failure(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine must hear of it
            return Failure("".join(traceback.format_exception_only(error)).strip())

    def _solve(self, job: Job, session: Session) -> Answer:
        if job.deck is not None:
            self.layout = None
            session.load(job.deck.text)
            self.layout = job.deck.layout
        if self.layout is None:
            msg = "no deck is loaded"
            raise SessionError(msg)
        return Sweeper(job, self.layout, self.connection).run(session)


def _listen(connection: Connection, requests: "SimpleQueue[bytes]") -> None:
    """Pass on what comes through the pipe; when it closes, the engine is gone and so is the reason to compute on."""
    try:
        while True:
            requests.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def main() -> None:
    """Carry out requests until the pipe closes or ngspice has given up."""
    connection, requests = Connection(int(sys.argv[1])), SimpleQueue[bytes]()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    worker = Worker(connection)
    while worker.session is None or worker.session.ended is None:
        message = requests.get()
        try:
            request = pickle.loads(message)  # noqa: S301 - it comes from the engine, through its own pipe
        except Exception as error:  # noqa: BLE001
            connection.send(Failure(f"cannot read the request: {error}"))
            continue
        connection.send(worker.carry_out(request))


if __name__ == "__main__":
    main()

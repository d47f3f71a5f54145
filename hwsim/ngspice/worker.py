"""A process with its own libngspice: takes jobs from a pipe, sweeps through their points, and sends the answers back.

Started as `python -m hwsim.ngspice.worker HANDLE MEMORY PROCESSOR` in a directory of its own, within a sandbox and with limits, so that
nobody's .spiceinit is read and nothing in a deck reaches the machine. Its own session keeps a terminal's Ctrl-C away; it ends when the
pipe does, even while ngspice computes.
"""

import gc
import os
import pickle
import shutil
import sys
import threading
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

import numpy as np

from hwsim.core.protocol import Nudge, Push, Result
from hwsim.ngspice.expand import expand
from hwsim.ngspice.importable import MODULES, programs, readable
from hwsim.ngspice.library_session import LibrarySession, SessionError
from hwsim.ngspice.limits import limit_memory, limit_processor, memory_held
from hwsim.ngspice.messages import Answer, Busy, Expand, Failure, Job, TransientAnswer, TransientDeck, TransientJob, Version, WorkerDeck
from hwsim.ngspice.sandbox import close_behind, close_reading
from hwsim.ngspice.seccomp import refuse_sockets
from hwsim.typing import Floats
from netlists.foreign.expansion import Expansion, ExpansionError
from netlists.write.options import FALLBACK

_BUSY_EVERY = 1.0
"""s; how often a worker reports that it is alive."""

_GIVE_UP_AFTER = 5
"""Failed samples in a row, from the first of a job on, after which the deck is to blame and the others are not tried."""

_LOOSE_TIMES = 4
"""Times that a point at which ngspice failed is gone through with loose tolerances: each is two iterations at least."""


_LAST_ROUNDING = 1e-9
"""Share of an analysis in time by which its last point may be early."""

Request = Job | TransientJob | Expand | Version


class Sweeper:
    """A job under way: gives the sources' values point by point, and collects the answers."""

    def __init__(self, job: Job, deck: WorkerDeck, session: LibrarySession, connection: Connection) -> None:
        samples, outputs = len(job.values), len(deck.layout.plus)
        self.job, self.deck, self.layout, self.session, self.connection = job, deck, deck.layout, session, connection
        self.nudge = _nudge(job.nudge) if job.nudge else None
        self.v = np.full((samples, job.phases, len(self.layout.nodes)), np.nan)
        self.steps = np.zeros((samples, job.phases), dtype=np.int64)
        self.result = np.full((samples, job.phases), int(Result.ENGINE_FAILED))
        self.beta = np.zeros((samples, job.phases))
        self.target, self.current = np.zeros((samples, job.phases, outputs)), np.zeros((samples, job.phases, outputs))
        if self.nudge is None:
            self.beta[:, 0], self.current[:, 0] = job.beta, job.currents
        self.at, self.stop, self.times, self.left = 0, 0, 1, 1
        self.reported = time.monotonic()

    def values(self) -> list[float]:
        """Return the values of all EXTERNAL sources at the point that comes next."""
        sample, phase = divmod(self.at, self.job.phases)
        beta = self.beta[sample, phase]
        currents = self.layout.gain * (beta * self.target[sample, phase] + self.current[sample, phase])
        noise = [] if self.job.noise is None else self.job.noise[sample, phase].tolist()
        return [*self.job.values[sample].tolist(), *noise, float(beta), *currents.tolist()]

    def follow(self, v: Floats, steps: int) -> list[float] | None:
        """Take in a point, work out the pushes after a free one, and give the values of the next."""
        sample, phase = divmod(self.at, self.job.phases)
        self.steps[sample, phase] += steps
        self._report()
        self.left -= 1
        if self.left:
            return None
        if self.result[sample, phase] != Result.NOT_FINITE:
            self.v[sample, phase], self.result[sample, phase] = v, Result.CONVERGED
        if self.nudge is not None and phase == 0:
            self._push(self.nudge, sample, v)
        self.at, self.left = self.at + 1, self.times
        return self.values() if self.at < self.stop else None

    def _push(self, nudge: Nudge, sample: int, v: Floats) -> None:
        """Ask the nudge for the pushes of a sample; a phase whose push is no number is solved without, and is marked."""
        at = np.append(v, 0.0)
        outputs = (at[self.layout.plus] - at[self.layout.minus])[None]
        try:
            pushes = nudge.pushes(outputs, self.job.targets[sample][None])
        except Exception as error:
            msg = f"{type(nudge).__name__}.pushes: {_described(error)}"
            raise NudgeError(msg) from error
        for phase, push in enumerate(pushes, start=1):
            beta, target, current = _numbers(push)
            if np.isfinite(beta) and np.isfinite(target).all() and np.isfinite(current).all():
                self.beta[sample, phase], self.target[sample, phase], self.current[sample, phase] = beta, target, current
            else:
                self.result[sample, phase] = Result.NOT_FINITE

    def respond(self) -> Answer:
        """Linearise the circuit at each sample's free phase, and drive its outputs."""
        message, driven = "", self.layout.sources[-len(self.layout.plus) :]
        amplitudes, self.current = self.layout.gain * self.current[:, 0], np.zeros_like(self.current)
        for sample, each in enumerate(amplitudes):
            self.at = sample
            values = dict(zip(self.layout.sources, self.values(), strict=True))
            v = self.session.respond(dict(zip(driven, each.tolist(), strict=True)), values, self.layout.nodes)
            message = message or ("" if v is not None else self.session.complaint())
            if v is not None:
                self.v[sample, 0], self.result[sample, 0] = v, Result.CONVERGED
            self._report()
        return Answer(
            v=self.v, steps=self.steps, result=self.result, beta=self.beta, target=self.target, current=self.current, message=message
        )

    def _report(self) -> None:
        """Report now and then that the worker is at work."""
        if time.monotonic() > self.reported + _BUSY_EVERY:
            self.connection.send(Busy())
            self.reported = time.monotonic()

    def run(self) -> Answer:
        """Sweep until all samples are solved or given up."""
        if self.job.response:
            return self.respond()
        message, failed, phases, total = "", 0, self.job.phases, len(self.v) * self.job.phases
        while self.at < total and not (failed >= _GIVE_UP_AFTER and failed == self.at // phases):
            self._sweep(total, self.deck.times)
            if self.at < total:
                message = message or self.session.complaint()
                failed += not self._retry()
        return Answer(
            v=self.v, steps=self.steps, result=self.result, beta=self.beta, target=self.target, current=self.current, message=message
        )

    def _sweep(self, stop: int, times: int) -> None:
        """Sweep up to point `stop`, through each `times` times."""
        self.stop, self.times, self.left = stop, times, times
        layout, count, phases = self.layout, stop - self.at, self.job.phases
        counters, counts = [layout.counter], [count * times]
        if layout.groups and (layout.afresh or (times == 1 and phases > 1)) and count % phases == 0:
            counters, counts = [layout.counter, layout.groups], [phases * times, count // phases]
        start = dict(zip(layout.sources, self.values(), strict=True))
        self.session.sweep(counters, counts, start, layout.nodes, self.follow)

    def _retry(self) -> bool:
        """Try the rest of a sample at which ngspice failed with looser tolerances, under which each time brings it nearer."""
        end = self.at + self.job.phases - self.at % self.job.phases
        self.session.tolerate(FALLBACK)
        self._sweep(end, _LOOSE_TIMES)
        self.session.tolerate(self.deck.tolerances)
        solved, self.at = self.at == end, end
        return solved


def _nudge(pickled: bytes) -> Nudge:
    try:
        nudge: Nudge = pickle.loads(pickled)  # noqa: S301 - it comes from the engine, through its own pipe
    except Exception as error:
        msg = f"a worker cannot rebuild the nudge ({error}); define its class in a module that can be imported"
        raise NudgeError(msg) from error
    return nudge


def _numbers(push: Push) -> tuple[Floats, Floats, Floats]:
    beta, target, current = (np.asarray(part, dtype=np.float64) for part in push)
    return beta.reshape(()), target.reshape(-1), current.reshape(-1)


def _described(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


class NudgeError(RuntimeError):
    """Raised when the nudge is to blame, not ngspice."""


class Worker:
    """The process's one session, started when it is first needed, and the deck in it; `processor` is its time for a job [s]."""

    def __init__(self, connection: Connection, processor: float) -> None:
        self.connection, self.processor = connection, processor
        self.session: LibrarySession | None = None
        self.deck: WorkerDeck | None = None
        self.in_time: TransientDeck | None = None

    def carry_out(self, request: Request) -> Answer | TransientAnswer | Expansion | Failure | str:
        """Return the answer to a request."""
        try:
            if self.session is None:
                self.session = LibrarySession()
                modules = Path(MODULES).read_text(encoding="utf-8", errors="surrogateescape").split("\n")
                close_reading(Path.cwd(), *((programs(),) if isinstance(request, Expand) else readable(modules)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine must get to know
            return Failure("library", f"libngspice cannot be loaded: {error}")
        try:
            return self._answer(request, self.session)
        except NudgeError as error:
            return Failure("nudge", str(error))
        except ExpansionError as error:
            return Failure("deck", str(error), error.place)
        except SessionError as error:
            return Failure("deck", str(error))
        except Exception as error:  # noqa: BLE001 - as above
            return Failure("deck", _described(error))

    def _answer(self, request: Request, session: LibrarySession) -> Answer | TransientAnswer | Expansion | str:
        if isinstance(request, Version):
            return f"ngspice-{session.ngspice_version}"
        limit_processor(self.processor)
        if isinstance(request, TransientJob):
            return self._follow(request, session)
        if not isinstance(request, Expand):
            return self._solve(request, session)
        gc.disable()  # hundreds of thousands of cards, all of which stay, would be looked through again and again
        try:
            return expand(session, request.cards)
        finally:
            gc.enable()

    def _solve(self, job: Job, session: LibrarySession) -> Answer:
        warned = ""
        if job.deck is not None:
            loaded, self.deck = self.deck, None
            if loaded is None or loaded.text != job.deck.text:
                warned = session.load(job.deck.text)
            session.alter(job.deck.altered)
            self.deck = job.deck
        if self.deck is None:
            msg = "no deck is loaded"
            raise SessionError(msg)
        answer = Sweeper(job, self.deck, session, self.connection).run()
        return replace(answer, warned=warned, memory=memory_held())

    def _follow(self, job: TransientJob, session: LibrarySession) -> TransientAnswer:
        """Run an analysis in time, and return the voltages at the times that are asked for."""
        self.deck, self.in_time = None, job.deck or self.in_time
        if self.in_time is None:
            msg = "no analysis was named"
            raise SessionError(msg)
        session.load(job.text)
        points, reported = list[Floats](), time.monotonic()

        def arrived(values: Floats, _: int) -> None:
            nonlocal reported
            points.append(values)
            if time.monotonic() > reported + _BUSY_EVERY:
                self.connection.send(Busy())
                reported = time.monotonic()

        wanted = self.in_time
        session.follow(wanted.command, wanted.nodes, arrived)
        v = np.full((len(wanted.times), len(wanted.nodes)), np.nan)
        if points:
            came = np.array(points)
            reached = wanted.times <= came[-1, 0] * (1.0 + _LAST_ROUNDING)
            for k in range(len(wanted.nodes)):
                v[reached, k] = np.interp(wanted.times[reached], came[:, 0], came[:, 1 + k])
        message = "" if np.isfinite(v).all() else session.complaint()
        return TransientAnswer(v=v, points=len(points), message=message, memory=memory_held())


def _listen(connection: Connection, requests: "SimpleQueue[Any]") -> None:
    """Pass on what comes through the pipe; when it closes, the engine is gone and so is the reason to compute on."""
    try:
        while True:
            requests.put(connection.recv())
    except (EOFError, OSError):
        _leave()


_LEAVING = threading.Lock()


def _leave() -> NoReturn:
    """Remove the directory that the engine made for this process, and end. Both threads see a pipe break; the second waits here."""
    with _LEAVING:
        shutil.rmtree(Path.cwd(), ignore_errors=True)
        os._exit(0)


def main() -> None:
    """Carry out requests until the pipe closes or ngspice has given up."""
    connection, requests = Connection(int(sys.argv[1])), SimpleQueue[Any]()
    limit_memory(int(sys.argv[2]))
    close_behind(Path.cwd())
    refuse_sockets()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    worker = Worker(connection, float(sys.argv[3]))
    while worker.session is None or worker.session.ended is None:
        answer = worker.carry_out(requests.get())
        try:
            connection.send(answer)
        except OSError:
            _leave()


if __name__ == "__main__":
    main()

"""A process with its own libngspice: takes jobs from a pipe, sweeps through their points, and sends the answers back.

Started as `python -m hwsim.ngspice.worker HANDLE MEMORY PROCESSOR` in a directory of its own, within a sandbox and with limits, so that
nobody's .spiceinit is read and nothing in a deck reaches the machine. Its own session keeps a terminal's Ctrl-C away; it ends when the
pipe does, even while ngspice computes.
"""

import gc
import os
import shutil
import sys
import threading
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

import numpy as np

from hwsim.ngspice.alive import Alive
from hwsim.ngspice.expand import expand
from hwsim.ngspice.importable import MODULES, programs, readable
from hwsim.ngspice.library_session import LibrarySession, SessionError
from hwsim.ngspice.limits import limit_memory, limit_processor, memory_held
from hwsim.ngspice.messages import Answer, Expand, Failure, Job, TransientAnswer, TransientDeck, TransientJob, Version, WorkerDeck
from hwsim.ngspice.sandbox import close_behind, close_reading
from hwsim.ngspice.seccomp import refuse_sockets
from hwsim.ngspice.sweeper import NudgeError, Sweeper, error_line
from hwsim.typing import Floats
from netlists.foreign.expansion import Expansion, ExpansionError

_LAST_ROUNDING = 1e-9
"""Share of an analysis in time by which its last point may be early."""

Request = Job | TransientJob | Expand | Version


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
            return Failure("deck", error_line(error))

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
        points, alive = list[Floats](), Alive(self.connection)

        def arrived(values: Floats, _: int) -> None:
            points.append(values)
            alive.report()

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
    gc.freeze()  # what is loaded stays
    while worker.session is None or worker.session.ended is None:
        answer = worker.carry_out(requests.get())
        try:
            connection.send(answer)
        except OSError:
            _leave()


if __name__ == "__main__":
    main()

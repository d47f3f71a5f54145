"""Sweeper: a job of a worker, point by point: the sources' values go to ngspice, and the voltages that it finds are collected."""

import pickle
import traceback
from multiprocessing.connection import Connection

import numpy as np

from hwsim.core.protocol import Nudge, Push, Result
from hwsim.ngspice.alive import Alive
from hwsim.ngspice.library_session import LibrarySession
from hwsim.ngspice.messages import Answer, Job, WorkerDeck
from hwsim.typing import Floats
from netlists.write.options import FALLBACK

_GIVE_UP_AFTER = 5
"""Failed samples in a row, from the first of a job on, after which the deck is to blame and the others are not tried."""

_LOOSE_TIMES = 4
"""Times that a point at which ngspice failed is gone through with loose tolerances: each is two iterations at least."""


class NudgeError(RuntimeError):
    """Raised when the nudge is to blame, not ngspice."""


class Sweeper:
    """A job under way: gives the sources' values point by point, and collects the answers."""

    def __init__(self, job: Job, deck: WorkerDeck, session: LibrarySession, connection: Connection) -> None:
        samples, outputs = len(job.values), len(deck.layout.plus)
        self.job, self.deck, self.layout, self.session, self._alive = job, deck, deck.layout, session, Alive(connection)
        self.nudge = _nudge(job.nudge) if job.nudge else None
        self.v = np.full((samples, job.phases, len(self.layout.nodes)), np.nan)
        self.steps = np.zeros((samples, job.phases), dtype=np.int64)
        self.result = np.full((samples, job.phases), int(Result.ENGINE_FAILED))
        self.beta = np.zeros((samples, job.phases))
        self.target, self.current = np.zeros((samples, job.phases, outputs)), np.zeros((samples, job.phases, outputs))
        if self.nudge is None:
            self.beta[:, 0], self.current[:, 0] = job.beta, job.currents
        carried = np.repeat(job.values[:, None], job.phases, axis=1)
        self.carried = (carried if job.noise is None else np.concatenate([carried, job.noise], axis=2)) * self.layout.source_factors
        self.at, self.stop, self.times, self.left = 0, 0, 1, 1

    def values(self) -> list[float]:
        """Return the values of all EXTERNAL sources at the point that comes next."""
        sample, phase = divmod(self.at, self.job.phases)
        beta = self.beta[sample, phase]
        currents = self.layout.gain * (beta * self.target[sample, phase] + self.current[sample, phase])
        return [*self.carried[sample, phase].tolist(), float(beta), *currents.tolist()]

    def follow(self, v: Floats, steps: int) -> list[float] | None:
        """Take in a point, work out the pushes after a free one, and give the values of the next."""
        v = v / self.layout.node_factors
        sample, phase = divmod(self.at, self.job.phases)
        self.steps[sample, phase] += steps
        self._alive.report()
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
            msg = f"{type(nudge).__name__}.pushes: {error_line(error)}"
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
                self.v[sample, 0], self.result[sample, 0] = v / self.layout.node_factors, Result.CONVERGED
            self._alive.report()
        return self._answer(message)

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
        return self._answer(message)

    def _answer(self, message: str) -> Answer:
        return Answer(
            v=self.v, steps=self.steps, result=self.result, beta=self.beta, target=self.target, current=self.current, message=message
        )

    def _sweep(self, stop: int, times: int) -> None:
        """Sweep up to point `stop`, through each `times` times."""
        self.stop, self.times, self.left = stop, times, times
        layout, count, phases = self.layout, stop - self.at, self.job.phases
        counters, counts, group = [layout.counter], [count * times], phases * times if phases > 1 else 0
        if layout.groups and count % phases == 0:
            counters, counts, group = [layout.counter, layout.groups], [phases * times, count // phases], 0
        start = dict(zip(layout.sources, self.values(), strict=True))
        self.session.sweep(counters, counts, start, layout.nodes, self.follow, group=group)

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


def error_line(error: BaseException) -> str:
    """Return an error's type and text."""
    return "".join(traceback.format_exception_only(error)).strip()

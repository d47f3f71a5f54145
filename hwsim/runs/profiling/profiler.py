"""Profiler: the time of a training by activity, with advice."""

import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.units import Second
from hwsim.core.protocol import Capability
from hwsim.core.replayed import Replayed
from hwsim.cores import usable_cores
from hwsim.files.records import Row
from hwsim.runs.profiling.step_timing import time_parts
from hwsim.runs.profiling.stopwatch import REST, Stopwatch
from hwsim.runs.profiling.timed_solver import CIRCUIT, COMPILING, DATA, EVALUATION, FILES, LOADING, PHASES, UPDATES

if TYPE_CHECKING:
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer

FREE, NUDGED, GRADIENT, PROGRAMMING, OTHER = "free phase", "nudged phases", "gradient", "programming", "rest of the updates"
SOLVING, ALTERING, WAITING = "ngspice at work", "decks, values and verification", "waiting"

EQUILIBRIA = "free and nudged phases"

_START_UP = (LOADING, DATA, CIRCUIT, COMPILING)

_OTHERS = (EVALUATION, FILES, REST)

_SWEEPS = {"free": "steps", "nudged": "nudged_steps"}

_COMPILED = (
    "An update is one compiled program. Its parts were compiled and timed separately after the training, on a few batches and the "
    "trained conductances; their shares of the time of all updates are estimates."
)

_NGSPICE = (
    "ngspice at work is the processor time of its workers, their start included, divided by their number; gradient and programming were "
    "timed again on the last batch."
)

_BY_PORTS = (
    "The circuit has no layers, so that nothing is compiled: equilibria were found update by update; gradient and programming were timed "
    "again on the last batch."
)

_ADVICE = {
    LOADING: "this is spent once per run: more epochs per run make its share small",
    COMPILING: "this is spent once for each circuit, batch and precision; later runs find the programs in the cache",
    FREE: "fewer sweeps (a larger solver.tolerance), training.precision=float32 or larger batches make it shorter",
    NUDGED: "fewer sweeps (a larger solver.tolerance), one nudged phase (training.nudge.method=random-sign) or float32 make it shorter",
    GRADIENT: "larger batches or training.precision=float32 make it shorter",
    EQUILIBRIA: "larger batches factorize the circuit less often",
    PROGRAMMING: "larger batches program less often; sgd touches less memory than adam",
    OTHER: "larger batches make it shorter",
    EVALUATION: "data.test_limit evaluates on fewer samples",
    FILES: "plot and netlist are made once, at the end; checkpoints are written once a second at most, and longer on a slow disk",
    SOLVING: "more cores and solver.ngspice_workers, or --engine numeric, make it shorter",
    ALTERING: "larger batches make fewer decks; --engine numeric needs none",
    WAITING: "batches that hold a few samples for each worker keep all of them busy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLine:
    """The time of one activity.

    Parameters
    ----------
    group
        Its group: start-up, updates, or its own.
    seconds
        Wall-clock time [s].
    share
        Of the whole.

    """

    group: str
    name: str
    seconds: Second
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The time of a training by activity.

    Parameters
    ----------
    seconds
        The whole, up to the last file [s].
    sweeps
        Mean iterations of a free equilibrium and of a nudged one, over all updates.
    programs, from_cache
        How many programs were compiled, and how many of them were read from the cache on disk.
    note
        How the lines were measured, and their accuracy.
    advice
        How to make the largest one smaller.

    """

    seconds: Second
    lines: tuple[ProfileLine, ...]
    sweeps: dict[str, float]
    programs: int
    from_cache: int
    note: str
    advice: str

    def table(self) -> dict[str, Any]:
        """Return everything as plain dictionaries."""
        return asdict(self)


class Profiler:
    """Follows a training from its start: provides the stopwatch, and at the end reports the profile.

    Time that this process spent before counts as loading.
    """

    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.watch.add(time.process_time(), LOADING)
        self.programs = self.from_cache = 0
        self._compiled: list[tuple[float, float]] = []
        self._following = True
        self._children = _children()

    def follow_compiling(self) -> None:
        """Register with JAX for the times of tracing and compiling, and move these to an account of their own."""
        import jax  # noqa: PLC0415 - only the numeric engine compiles

        jax.monitoring.register_event_duration_secs_listener(self._took)
        jax.monitoring.register_event_listener(self._happened)

    def _took(self, event: str, duration_secs: Second, **_: Any) -> None:
        if not self._following or not event.startswith("/jax/core/compile/"):
            return
        self.programs += event.endswith("backend_compile_duration")
        end = time.perf_counter()
        begin, within = end - duration_secs, 0.0
        while self._compiled and self._compiled[-1][0] >= begin:  # a function that was traced inside of this one
            inner = self._compiled.pop()
            within += inner[1] - inner[0]
        self._compiled.append((begin, end))
        self.watch.move(max(duration_secs - within, 0.0), COMPILING)

    def _happened(self, event: str, **_: Any) -> None:
        self.from_cache += self._following and event == "/jax/compilation_cache/cache_hits"

    def profile(self, trainer: "Trainer", state: "State", rows: list[Row], workers: int | None) -> Profile:
        """Report the time of each activity, at the end.

        Parameters
        ----------
        trainer, state
            The trainer and its last state, on a solver that this profiler's stopwatch followed; ngspice's workers have ended.
        rows
            The metrics of the epochs that were followed.
        workers
            How many processes ngspice may run in; None is one a core.

        """
        seconds, self._following = self.watch.seconds(), False
        whole = sum(seconds.values())
        updates = seconds.pop(UPDATES, 0.0)
        if not rows:
            split, note = {OTHER: updates}, "No epoch remained to be trained."
        elif Capability.TRACEABLE in trainer.solver.capabilities:
            split, note = _compiled_updates(trainer, state, updates, trainer.steps * len(rows)), _COMPILED
        elif trainer.settings.engine == "numeric":
            split, note = _updates_in_steps(trainer, state, updates) | {EQUILIBRIA: seconds.get(PHASES, 0.0)}, _BY_PORTS
        else:
            inside = _updates_in_steps(trainer, state, updates)
            split, note = inside | self._phases_by_ngspice(trainer, seconds, workers or usable_cores()), _NGSPICE
        start_up, others = ({name: seconds[name] for name in names if name in seconds} for names in (_START_UP, _OTHERS))
        groups = {"start-up": start_up, "updates": split, "": others}
        lines = [
            ProfileLine(group=group, name=name, seconds=took, share=took / whole)
            for group, accounts in groups.items()
            for name, took in accounts.items()
        ]
        largest = max(lines, key=lambda line: line.seconds).name
        return Profile(
            seconds=whole,
            lines=tuple(lines),
            sweeps={name: float(np.mean([row[key] for row in rows])) for name, key in _SWEEPS.items() if rows},
            programs=self.programs,
            from_cache=self.from_cache,
            note=note,
            advice=f"Most went into {largest}: {_ADVICE[largest]}." if largest in _ADVICE else "",
        )

    def _phases_by_ngspice(self, trainer: "Trainer", seconds: Mapping[str, Second], workers: int) -> dict[str, Second]:
        """Divide the time of all phases: computation of the workers, of this process for them, and the rest."""
        solver: Any = trainer.solver
        phases, evaluation = seconds.get(PHASES, 0.0), seconds.get(EVALUATION, 0.0)
        computed = (_children() - self._children) / workers * phases / max(phases + evaluation, 1e-9)
        altering = min(solver.process_time, phases)
        solving = min(computed, phases - altering)
        return {SOLVING: solving, ALTERING: altering, WAITING: phases - altering - solving}


def _children() -> Second:
    """Return the processor time of ended child processes [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _compiled_updates(trainer: "Trainer", state: "State", updates: Second, count: int) -> dict[str, Second]:
    """Divide the time of updates that are one compiled program in the proportions of its parts, timed as separate programs."""
    parts = time_parts(trainer, state, updates / count)
    named = {FREE: parts.free, NUDGED: parts.nudged, GRADIENT: parts.gradient, PROGRAMMING: parts.programming}
    whole = max(parts.whole, sum(named.values()))
    return {name: updates * part / whole for name, part in named.items()} | {OTHER: updates * (1 - sum(named.values()) / whole)}


def _updates_in_steps(trainer: "Trainer", state: "State", updates: Second) -> dict[str, Second]:
    """Divide the time of updates outside the phases in the proportions of a repetition of the last one."""
    solver: Any = trainer.solver
    if solver.last is None:  # a rule that asks for no phases
        return {OTHER: updates}
    g, x, y, equilibria = solver.last
    updater, batches = trainer.updater, trainer.plan(0)
    replay = Replayed(solver.circuit, solver.chip, equilibria)
    began = time.perf_counter()
    slope = updater.rule.gradient(replay, g, x, y, updater.loss).by_block
    between = time.perf_counter()
    dg, _ = updater.optimizer.step(slope, state.moments, batches.rates, state.g)
    updater.programming.update(state.g, dg, solver.chip, batches.seeds[0], state.programming)
    ended = time.perf_counter()
    share = (between - began) / max(ended - began, 1e-9)
    return {GRADIENT: updates * share, PROGRAMMING: updates * (1 - share)}

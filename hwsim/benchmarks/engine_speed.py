"""Speed of both engines: the same equilibria in turn, with steps, residual and success next to each time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.elements import IdealDiodes
from hwsim.benchmarks.turns import CLOCK, PHASES, Clock, Spread, take_turns
from hwsim.core import kirchhoff
from hwsim.core.protocol import FREE, Drive, Equilibrium, Result, Solver
from hwsim.learning import rule_factory
from hwsim.learning.rules.estimator import LossNudge
from hwsim.random.streams import stream
from hwsim.runs.loaded import LoadedModel
from hwsim.settings.engine_names import EngineName
from hwsim.typing import Floats

_JUDGED = 20
"""Samples that are verified against Kirchhoff's law; the verification is slow."""

ENGINES: tuple[EngineName, EngineName] = ("numeric", "ngspice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time and quality of one engine's equilibria.

    Parameters
    ----------
    milliseconds
        Time of one equilibrium [ms].
    steps
        Mean number of iterations of an equilibrium.
    imbalance
        Largest sum of currents into a node, as a share of the largest branch current: the same residual check for both engines. None where
        ngspice has sharp diodes in the place of ideal ones, which the residual check models.
    converged
        Share of the equilibria that converged.

    """

    engine: EngineName
    milliseconds: Spread
    steps: float
    imbalance: float | None
    converged: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineComparison:
    """Both engines on one circuit.

    Parameters
    ----------
    equilibria
        How many each engine solves in one round.
    netlist
        Form of ngspice's netlist: `norton` (inputs folded into the first crossbar) or `full`.
    ratio
        Time of ngspice over that of numeric, round by round.

    """

    circuit: str
    memristors: int
    equilibria: int
    rounds: int
    netlist: str
    timings: tuple[Timing, ...]
    ratio: Spread

    @property
    def name(self) -> str:
        """The circuit, and the netlist when it is the full one."""
        return self.circuit if self.netlist == "norton" else f"{self.circuit}, {self.netlist} netlist"


@dataclass(frozen=True, slots=True)
class _Job:
    """The equilibria to find: samples x (n, I), targets y (n, K) [V], and the nudges."""

    x: Floats
    y: Floats
    nudge: LossNudge


def compare(
    model: LoadedModel,
    *,
    samples: int,
    rounds: int,
    full: bool,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> EngineComparison:
    """Let both engines solve the same equilibria in turn: numeric in one batch on all cores, ngspice in one sweep of one process.

    Parameters
    ----------
    model
        The circuit with its conductances.
    samples
        How many samples, drawn at random with the experiment's seed; each has three equilibria.
    rounds
        Turns of each engine, after one that is not timed.
    full
        Use the full netlist for ngspice.
    observe
        Called after every round with the number of completed ones.
    clock
        Returns the time [s].

    Raises
    ------
    ConvergenceError
        When an engine does not find an equilibrium.
    DataError
        When the experiment's data are missing.

    """
    experiment = model.experiment
    session = model.session.changed("solver", ngspice_workers=1, ngspice_full=full)
    job = _job(model, samples)
    numeric, ngspice = (session.changed("training", engine=name).solver() for name in ENGINES)
    with numeric, ngspice:
        solvers = (numeric, ngspice)
        settled = [_solve(solver, model, job) for solver in solvers]
        turns = [lambda _, solver=solver: _solve(solver, model, job) for solver in solvers]
        seconds = take_turns(turns, rounds, clock, observe)
    each = 1e3 * seconds / (PHASES * samples)
    timings = tuple(
        _timing(name, model, job, phases, each[:, k].tolist()) for k, (name, phases) in enumerate(zip(ENGINES, settled, strict=True))
    )
    return EngineComparison(
        circuit=experiment.name,
        memristors=sum(map(len, model.circuit.trainable)),
        equilibria=PHASES * samples,
        rounds=rounds,
        netlist="full" if full else "norton",
        timings=timings,
        ratio=Spread.of((each[:, 1] / each[:, 0]).tolist()),
    )


def ratios(comparisons: Sequence[EngineComparison]) -> dict[str, float]:
    """Return how many times as long ngspice takes, by circuit."""
    return {comparison.circuit: comparison.ratio.median for comparison in comparisons}


def _job(model: LoadedModel, samples: int) -> _Job:
    training, data = model.experiment.training, model.session.data
    chosen = stream(training.seed, "bench").integers(len(data.x_train), size=samples)
    return _Job(
        data.x_train[chosen],
        model.session.task.train.of(chosen),
        rule_factory.both_sides(training, model.circuit, model.g),
    )


def _solve(solver: Solver, model: LoadedModel, job: _Job) -> tuple[Equilibrium, ...]:
    """Solve for the equilibria, and wait for them: JAX returns before it is done."""
    phases = solver.phases(model.g, job.x, job.y, job.nudge)
    return tuple(_as_numpy(phase) for phase in phases)


def _as_numpy(phase: Equilibrium) -> Equilibrium:
    v = {group: np.asarray(volts) for group, volts in phase.v.items()}
    return Equilibrium(v, np.asarray(phase.residual), np.asarray(phase.steps), np.asarray(phase.result))


def _timing(name: EngineName, model: LoadedModel, job: _Job, phases: Sequence[Equilibrium], milliseconds: Sequence[float]) -> Timing:
    stand_ins = name == "ngspice" and model.circuit.of(IdealDiodes)
    return Timing(
        engine=name,
        milliseconds=Spread.of(milliseconds),
        steps=float(np.mean([phase.steps for phase in phases])),
        imbalance=None if stand_ins else max(_imbalances(model, job, phases)),
        converged=float(np.mean([phase.result == Result.CONVERGED for phase in phases])),
    )


def _imbalances(model: LoadedModel, job: _Job, phases: Sequence[Equilibrium]) -> Iterator[float]:
    """Verify the first samples of each phase against Kirchhoff's law."""
    few = slice(_JUDGED)
    for phase, push in zip(phases, (FREE, *job.nudge.pushes(phases[0].outputs(model.circuit), job.y)), strict=True):
        yield float(kirchhoff.balance(model.circuit, model.chip, model.g, Drive(job.x, push).some(few), phase.some(few)).share.max())

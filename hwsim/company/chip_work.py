"""The work of a chip, as a worker does it: an epoch, the gradient of an update, or the chip's outputs, by programs of this chip alone."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.quoting import quote
from hwsim.cluster.one_thread import one_thread
from hwsim.company.chip_job import COUNTS, OUTPUTS, SUMS, ChipAnswer, ChipJob, ChipProgress, CompanyKey, G, gradient_arrays, sums_of
from hwsim.company.chip_samples import Fingerprint, by_class, fingerprints
from hwsim.company.members import Members
from hwsim.company.taught import sample_weights, taught
from hwsim.core import blocks
from hwsim.core.protocol import ConvergenceError
from hwsim.learning import epochs
from hwsim.learning.evaluate import noise_seed, read_outputs
from hwsim.learning.skipping import Skipping
from hwsim.learning.state import Arrays, State
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.learning.targets import Targets
from hwsim.learning.trainer import Trainer
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Array, Conductances, Floats, Weights

if TYPE_CHECKING:
    from hwsim.company.split_update import SplitTrainer

_ONE_AT_A_TIME = threading.Lock()
"""Threads of a worker; it computes one chip after the other, and more processes compute more at once."""

_CHIPS = 64
"""Most chips whose samples and solvers a worker keeps, the last that it computed; another one is made again."""

_REPORT = 1.0
"""Least time between two reports of how far a chip is [s]."""

Compute = Callable[[ChipJob], Iterator[ChipAnswer | ChipProgress]]
"""Computes a job: how far it is, and at last the answer."""


def computed(job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
    """Compute a job.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.
    DataError, CircuitError
        When the chip's samples or circuit cannot be made here.

    """
    chip = _chip(job.company, job.chip)
    match job.work:
        case "epoch":
            yield from chip.epoch(job)
        case "gradient":
            yield chip.gradient(job)
        case "test outputs" | "common outputs":
            yield chip.outputs(job)
        case "samples":
            yield chip.counts(job)


def on_worker(compute: Compute, job: ChipJob, topic: str) -> ChipAnswer:
    """Compute a job on a worker of Dask's, and report how far it is; what goes wrong is in the answer."""
    from distributed import get_worker  # noqa: PLC0415 - only those who compute on workers need it

    if (mine := version("hwsim")) != job.company.hwsim:
        return ChipAnswer(job.chip, {}, Fingerprint(), mine)
    one_thread()
    worker, answer, last = get_worker(), ChipAnswer(job.chip, {}, Fingerprint(), mine, fault="it computed nothing"), time.monotonic()
    try:
        with _ONE_AT_A_TIME:
            for one in compute(job):
                if isinstance(one, ChipAnswer):
                    answer = one
                elif (now := time.monotonic()) - last >= _REPORT:
                    last = now
                    worker.log_event(topic, tuple(one))
    except ConvergenceError as error:
        return answer._replace(failed=str(error), fault="")
    except Exception as error:  # noqa: BLE001 - whatever a worker cannot do, another may
        return answer._replace(fault=quote(error, 300) or type(error).__name__)
    return answer


@lru_cache(maxsize=1)
def _whole(company: CompanyKey) -> Session:
    """Return a company's session, whose data all chips of a worker share."""
    return Session.of(company.experiment())


@lru_cache(maxsize=_CHIPS)
def _chip(company: CompanyKey, k: int) -> "_Chip":
    whole = _whole(company)
    settings = whole.experiment.company
    assert settings is not None  # noqa: S101 - whoever packs it has one
    return _Chip(Members.of(whole.experiment, settings, whole=whole, chips=[k]), settings)


class _Chip:
    """One chip of a company, with its samples and its solver."""

    def __init__(self, members: Members, settings: CompanySettings) -> None:
        self.members, self.settings, self.session = members, settings, members.alone[0]
        self.solver = self.session.training_solver()
        (self.samples,) = fingerprints(members, settings)
        self._plan: tuple[int, Batches] | None = None

    @cached_property
    def alone(self) -> Trainer:
        """Its trainer on its labelled samples."""
        return trainer_of(self.session, self.solver, self.members.starts[0])

    @cached_property
    def taught(self) -> Trainer:
        """Its trainer on these and on the common samples."""
        return trainer_of(self.members.taught[0], self.solver, self.members.starts[0])

    @cached_property
    def split(self) -> "SplitTrainer":
        """Its trainer, which computes gradients alone."""
        from hwsim.company.split_update import SplitTrainer  # noqa: PLC0415 - what a worker loads first must not load JAX

        return SplitTrainer(self.alone)

    def epoch(self, job: ChipJob) -> Iterator[ChipAnswer | ChipProgress]:
        """Do all updates of an epoch; the arrays are those of the state then, and the epoch's sums."""
        trainer, targets, weights = self.alone, None, None
        if job.answers is not None:
            trainer, labelled = self.taught, self.session.task.train
            targets = taught(labelled, job.answers).cast(trainer.dtype)
            weights = sample_weights(self.settings, labelled.shape[0], trainer.dtype)
        state = State.from_arrays(job.arrays, trainer.circuit)
        for progress in epochs.run(_OneEpoch(trainer, state.epoch + 1, targets, weights), state):
            state = progress.state
            yield ChipProgress(job.chip, progress.samples_done, float(progress.loss) * progress.samples_done)
        yield self._answer(job, state.arrays() | {f"{SUMS}{name}": np.array(value) for name, value in (progress.record or {}).items()})

    def gradient(self, job: ChipJob) -> ChipAnswer:
        """Compute the gradient of an update, by block, and the sums with what it found."""
        if self._plan is None or self._plan[0] != job.epoch:
            self._plan = job.epoch, self.alone.plan(job.epoch)
        g = blocks.split(self.alone.circuit, {name.removeprefix(G): values for name, values in job.arrays.items() if name.startswith(G)})
        by_block, sums = self.split.gradient(g, sums_of(job.arrays), self._plan[1], job.step, newton=job.newton)
        return self._answer(job, gradient_arrays(by_block, sums))

    def outputs(self, job: ChipJob) -> ChipAnswer:
        """Compute what it answers, as its instruments read it, (n, K) [V]."""
        x = self.session.data.x_test if job.work == "test outputs" else self.members.pool[0]
        g = {name.removeprefix(G): values.astype(np.float64) for name, values in job.arrays.items()}
        return self._answer(job, {OUTPUTS: outputs_of(self.session, self.solver, g, x)})

    def counts(self, job: ChipJob) -> ChipAnswer:
        """Count its labelled samples by class, (K,)."""
        return self._answer(job, {COUNTS: by_class(self.session.data)})

    def _answer(self, job: ChipJob, arrays: Arrays) -> ChipAnswer:
        return ChipAnswer(job.chip, arrays, self.samples, job.company.hwsim)


@dataclass(frozen=True)
class _OneEpoch:
    """A chip until the end of an epoch, as a learner of the loop that all trainings go through."""

    trainer: Trainer
    until: int
    targets: Targets | None
    weights: Floats | None

    @property
    def settings(self) -> TrainingSettings:
        return self.trainer.settings.model_copy(update={"epochs": self.until})

    @property
    def steps(self) -> int:
        return self.trainer.steps

    def plan(self, epoch: int) -> Batches:
        batches = self.trainer.plan(epoch)
        return batches if self.weights is None else batches._replace(weights=self.weights[batches.order])

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        return self.trainer.advance(carry, batches, first, last, newton=newton, targets=self.targets)

    def zero_sums(self) -> Sums:
        return self.trainer.zero_sums()

    def check(self, state: State) -> None:
        self.trainer.check(state)

    def record(self, state: State) -> dict[str, Any]:
        return state.sums._asdict()

    def wants_newton(self, state: State) -> bool:
        return self.trainer.wants_newton(state)


def trainer_of(session: Session, solver: Any, start: Weights) -> Trainer:
    """Return the trainer of a chip, from its initial conductances [S]."""
    setup = session.made.setup(solver)._replace(start=start)
    return Trainer(session.experiment.training, session.data, solver, task=session.task, setup=setup)


def outputs_of(session: Session, solver: Any, g: Conductances, x: Array) -> Floats:
    """Return what a chip with conductances [S] answers on samples x (n, I), as its instruments read it, (n, K) [V].

    NaN of samples without an equilibrium, where the experiment skips these.

    Raises
    ------
    ConvergenceError
        When a sample does not settle, and the experiment does not skip it.

    """
    training = session.experiment.training
    lenient = solver.wrapped(Skipping) if training.skip_failed else solver
    read = read_outputs(lenient, g, x, session.reading, noise_seed(training.seed, session.experiment.variation.chip))
    outputs: Floats = np.where(read.settled[:, None], read.outputs, np.nan)
    return outputs

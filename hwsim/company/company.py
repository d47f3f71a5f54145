"""Company: chips that learn side by side in rounds, and exchange what they know between them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from hwsim.company.gradients import MEANS
from hwsim.company.members import Members
from hwsim.company.messages import bytes_an_epoch, sent
from hwsim.company.taught import taught
from hwsim.core import blocks
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning import epochs
from hwsim.learning.epochs import Progress
from hwsim.learning.evaluate import noise_seed, read_outputs
from hwsim.learning.initial import within
from hwsim.learning.state import State, joined
from hwsim.learning.step import Batches, Carry, Sums, keep
from hwsim.learning.task import Targets
from hwsim.learning.trainer import Trainer
from hwsim.random.streams import stream
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Array, Floats


class Round(NamedTuple):
    """What came of an epoch of all chips.

    Parameters
    ----------
    state
        Of all chips, after the exchange that follows the epoch.
    sums
        Of the epoch's updates by name, each (chips,).
    seconds
        Of its updates [s].
    outputs
        What each chip answers on the test set before that exchange, (chips, m, K) [V].
    sent_bytes
        By all chips together in this epoch and the exchange behind it.

    """

    state: State
    sums: dict[str, Any]
    seconds: float
    outputs: Floats
    sent_bytes: float


@dataclass
class _Learner:
    """The chips until the next exchange, as one learner of the loop that all trainings go through."""

    chips: EnsembleTrainer
    until: int
    targets: Sequence[Targets] | None = None

    @property
    def settings(self) -> TrainingSettings:
        return self.chips.settings.model_copy(update={"epochs": self.until})

    @property
    def steps(self) -> int:
        return self.chips.steps

    def plan(self, epoch: int) -> Batches:
        return self.chips.plan(epoch)

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        return self.chips.advance(carry, batches, first, last, newton=newton, targets=self.targets)

    def zero_sums(self) -> Sums:
        return self.chips.zero_sums()

    def check(self, state: State) -> None:
        for trainer, one in zip(self.chips.trainers, self.chips.apart(state), strict=True):
            trainer.check(one)

    def record(self, state: State) -> dict[str, Any]:
        return self.chips.record(state) | {"seconds": state.seconds}

    def wants_newton(self, state: State) -> bool:
        return self.chips.wants_newton(state)


class Company:
    """Chips in company; a context that keeps their solvers open.

    Parameters
    ----------
    members
        Their sessions.
    settings
        What they exchange.

    """

    def __init__(self, members: Members, settings: CompanySettings) -> None:
        self.members, self.settings = members, settings
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Keep it open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all solvers."""
        self._open.close()

    @cached_property
    def alone(self) -> EnsembleTrainer:
        """All chips on their labelled samples."""
        exchange = MEANS[self.settings.precision] if self.settings.exchange == "mean-gradient" else keep
        return EnsembleTrainer([self._trainer(k, session) for k, session in enumerate(self.members.alone)], exchange)

    @cached_property
    def taught(self) -> EnsembleTrainer:
        """All chips on these and on the pool."""
        if self.members.taught is self.members.alone:
            return self.alone
        return EnsembleTrainer([self._trainer(k, session) for k, session in enumerate(self.members.taught)])

    def _trainer(self, k: int, session: Session) -> Trainer:
        solver = self._open.enter_context(session.training_solver())
        setup = session.made.setup(solver)._replace(start=self.members.starts[k])
        return Trainer(session.experiment.training, session.data, solver, task=session.task, setup=setup)

    def begin(self) -> State:
        """Return the state before the first update."""
        return self.alone.begin()

    def rounds(self, state: State) -> Iterator[Progress | Round]:
        """Train from the beginning, or from a state that a Round left, to the last epoch; report chunks of updates, and each epoch."""
        settings, last = self.settings, self.alone.settings.epochs
        targets = self.answered(state) if self._teaches(state.epoch) else None
        while state.epoch < last:
            learner = _Learner(self.alone if targets is None else self.taught, state.epoch + 1, targets)
            for progress in epochs.run(learner, state):
                state = progress.state
                if progress.record is None:
                    yield progress
            sums = dict(progress.record or {})
            outputs = self.outputs(state, [session.data.x_test for session in self.members.alone])
            due = (state.epoch - settings.burn_in * (settings.exchange == "outputs")) % settings.every == 0
            if settings.exchange == "mean-weights" and due:
                state = self._averaged(state)
            if self._teaches(state.epoch) and (due or targets is None):
                targets = self.answered(state)
            yield Round(state, sums, sums.pop("seconds"), outputs, self._sent(state.epoch, due=due))

    def resumable(self, epoch: int) -> bool:
        """Whether a run can be resumed from the end of an epoch: what peers answered before is not kept, so an exchange must follow it."""
        settings = self.settings
        return settings.exchange != "outputs" or epoch < settings.burn_in or (epoch - settings.burn_in) % settings.every == 0

    def _teaches(self, epoch: int) -> bool:
        return self.settings.exchange == "outputs" and epoch >= self.settings.burn_in

    def _sent(self, epoch: int, *, due: bool) -> float:
        """Return the bytes of an epoch and of the exchange behind it."""
        trainer, settings = self.alone.trainers[0], self.settings
        conductances = sum(len(element) for element in trainer.circuit.trainable)
        outputs = len(trainer.circuit.outputs)
        each = bytes_an_epoch(settings, updates=self.alone.steps, conductances=conductances, outputs=outputs)
        if settings.exchange == "mean-gradient":
            return each
        return each * settings.every if due and (settings.exchange != "outputs" or epoch >= settings.burn_in) else 0.0

    def outputs(self, state: State, x: Sequence[Array]) -> Floats:
        """Return what each chip answers on samples of its own, (chips, n, K) [V], as its instruments read it."""
        chips = zip(self.alone.trainers, self.members.alone, self.alone.apart(state), x, strict=True)
        read = []
        for trainer, session, one, samples in chips:
            seed = noise_seed(session.experiment.training.seed, session.experiment.variation.chip)
            read.append(read_outputs(trainer.solver, trainer.g(one), samples, session.reading, seed).outputs)
        return np.stack(read)

    def answered(self, state: State) -> list[Targets]:
        """Return each chip's targets, those on the pool from what the peers that it listens to answer there."""
        trainers = self.taught.trainers
        answers = np.stack(
            [self._message(trainer, one) for trainer, one in zip(trainers, self.outputs(state, self.members.pool), strict=True)]
        )
        labelled = [session.task.train for session in self.members.alone]
        listening = listened(self.settings, self.alone.settings.seed, state.epoch)
        means = [answers[peers].mean(axis=0) for peers in listening]
        each = zip(labelled, means, trainers, strict=True)
        return [taught(one, mean).cast(trainer.dtype) for one, mean, trainer in each]

    def _message(self, trainer: Trainer, outputs: Floats) -> Floats:
        """Return what a chip sends of its outputs (n, K) [V]: target voltages, rounded."""
        targets = self.members.alone[0].task.train
        if self.settings.precision == "sign" and targets.of_classes:
            return np.asarray(targets.meaning(targets.answers(outputs)))
        return np.asarray(sent(trainer.updater.loss.as_targets(outputs), self.settings.precision))

    def _averaged(self, state: State) -> State:
        """Return the state in which all chips have the mean of their conductances, within each chip's bounds."""
        each = self.alone.apart(state)
        parts = [joined(one.g) for one in each]
        mean = {
            name: np.mean([np.asarray(sent(part[name], self.settings.precision), np.float64) for part in parts], axis=0)
            for name in parts[0]
        }
        given = []
        for trainer, one in zip(self.alone.trainers, each, strict=True):
            wanted = {name: values.astype(trainer.dtype) for name, values in within(trainer.solver.chip, mean).items()}
            g, programming = trainer.updater.programming.begin(blocks.split(trainer.circuit, wanted))
            given.append(replace(one, g=g, programming=programming))
        return self.alone.together(given)


def listened(settings: CompanySettings, seed: int, epoch: int) -> list[list[int]]:
    """Return the numbers of the peers that each chip listens to at an exchange."""
    chips = range(settings.chips)
    match settings.listen:
        case "all":
            return [[peer for peer in chips if peer != chip] for chip in chips]
        case "ring":
            return [[(chip + 1) % settings.chips] for chip in chips]
        case "pairs":
            steps = stream(seed, f"company/pairs/{epoch}").integers(1, settings.chips, settings.chips)
            return [[int(chip + step) % settings.chips] for chip, step in zip(chips, steps, strict=True)]

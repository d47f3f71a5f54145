"""Company: chips that learn side by side in rounds, and exchange what they know between them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from hwsim.company.averaging import averaged
from hwsim.company.chip_samples import ChipSamples, samples_of
from hwsim.company.chip_work import trainer_of
from hwsim.company.chip_workers import ChipWorkers, ThisProcess
from hwsim.company.elimination import eliminated, peers
from hwsim.company.gradients import MEANS
from hwsim.company.listening import due, exchanges
from hwsim.company.mapped_chips import MappedChips
from hwsim.company.members import Members, refuse_local
from hwsim.company.memory import CompanyMemory
from hwsim.company.messages import bytes_an_exchange, sent
from hwsim.company.separate_chips import SeparateChips
from hwsim.company.taught import taught
from hwsim.company.teachers import mean_answer, teachers
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning.epochs import Progress
from hwsim.learning.state import State
from hwsim.learning.step import keep
from hwsim.learning.targets import Targets
from hwsim.learning.trainer import Trainer
from hwsim.session import Session
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Floats


class Round(NamedTuple):
    """What came of an epoch of all chips.

    Parameters
    ----------
    state
        Of all chips, after the exchange that follows the epoch.
    memory
        What is kept of exchanges, that one included.
    sums
        Of the epoch's updates by name, each (chips,).
    seconds
        Of its updates [s].
    outputs
        What each chip answers on the test set before that exchange, (chips, m, K) [V].
    sent_bytes
        By all chips together in this epoch and the exchange behind it.
    eliminated
        The chip that begins again then, if one does.

    """

    state: State
    memory: CompanyMemory
    sums: dict[str, Any]
    seconds: float
    outputs: Floats
    sent_bytes: float
    eliminated: int | None = None


class Company:
    """Chips in company; a context that keeps their solvers open.

    Parameters
    ----------
    members
        Their sessions.
    settings
        What they exchange.
    workers
        Who computes the chips; None: this process, side by side or, with `exact`, one by one.

    Raises
    ------
    ExperimentError
        When samples are local to workers, and there are none.

    """

    def __init__(self, members: Members, settings: CompanySettings, workers: ChipWorkers | None = None) -> None:
        if workers is None:
            refuse_local(settings)
        self.members, self.settings, self._workers = members, settings, workers
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
        return trainer_of(session, self._open.enter_context(session.training_solver()), self.members.starts[k])

    @cached_property
    def chips(self) -> MappedChips | SeparateChips:
        """What computes all chips."""
        workers = ThisProcess() if self._workers is None and self.settings.exact else self._workers
        if workers is None:
            return MappedChips(self.members, self.settings, self.alone, lambda: self.taught)
        return SeparateChips(self.members, self.settings, self.alone, workers)

    @cached_property
    def samples(self) -> Sequence[ChipSamples]:
        """The labelled samples of each chip.

        Raises
        ------
        WorkersError
            When they are local to workers, and one does not come, or is refused.

        """
        return self.chips.samples if isinstance(self.chips, SeparateChips) else samples_of(self.members, self.settings)

    @property
    def _samples(self) -> list[int] | None:
        """How many samples each chip has; None: equally many."""
        return [int(one.by_class.sum()) for one in self.samples] if self.settings.local else None

    def begin(self) -> State:
        """Return the state before the first update."""
        return self.alone.begin()

    @property
    def no_memory(self) -> CompanyMemory:
        """What is kept of exchanges before the first of them."""
        settings, samples = self.settings, self.settings.common if self.settings.taught else 0
        voices = 1 if settings.exchange == "teacher" else settings.chips
        return CompanyMemory.empty(settings.chips, (settings.staleness + 1, voices, samples, len(self.alone.trainers[0].circuit.outputs)))

    def begin_memory(self, state: State) -> CompanyMemory:
        """Return what is kept of exchanges before the first epoch, of which one may come before that."""
        memory = self.no_memory
        return memory.after(self.answers(state)) if self.settings.taught and due(self.settings, state.epoch) else memory

    def rounds(self, state: State, memory: CompanyMemory | None = None) -> Iterator[Progress | Round]:
        """Train from the beginning, or from what a Round left, to the last epoch; report chunks of updates, and each epoch."""
        settings, last = self.settings, self.alone.settings.epochs
        memory = self.begin_memory(state) if memory is None else memory
        while state.epoch < last:
            targets, first = self.targets(memory, state.epoch), state.epoch
            for progress in self.chips.epoch(state, targets):
                state = progress.state
                if progress.record is None:
                    yield progress
            sums = dict(progress.record or {})
            outputs = self.chips.outputs(state)
            exchanging, chip = due(settings, state.epoch), None
            if exchanging and settings.exchange == "mean-weights":
                state = averaged(self.alone, state, settings.precision, self._samples)
            elif exchanging:
                memory = memory.after(self.answers(state))
                if (done := eliminated(self.members, settings, self.alone, state, memory)) is not None:
                    state, memory, chip = done
            count = self.alone.steps if settings.exchange == "mean-gradient" else exchanging + (first == 0 and due(settings, 0))
            yield Round(state, memory, sums, sums.pop("seconds"), outputs, count * self._bytes, chip)

    @property
    def _bytes(self) -> float:
        """What an exchange takes, of all chips together."""
        circuit = self.alone.trainers[0].circuit
        return bytes_an_exchange(self.settings, sum(len(element) for element in circuit.trainable), len(circuit.outputs))

    def answers(self, state: State) -> Floats:
        """Return what each chip sends of its outputs on the common samples, (chips, n, K) [V]; teachers send their mean, (1, n, K)."""
        if self.settings.exchange == "teacher":
            common = self.members.division.common
            models = teachers(self.settings.teacher, self.members.whole, common)
            return self._message(mean_answer(models, common))[None]
        loss = self.alone.trainers[0].updater.loss
        outputs = np.nan_to_num(self.chips.outputs(state, common=True), nan=0.0)  # without an equilibrium a sample is of no class
        return np.stack([self._message(np.asarray(loss.as_targets(one))) for one in outputs])

    def targets(self, memory: CompanyMemory, epoch: int) -> list[Targets] | None:
        """Return each chip's targets after an epoch, those on the pool from the peers that it listens to; None where none have answered."""
        settings = self.settings
        if exchanges(settings, epoch) <= settings.staleness:
            return None
        answers = memory.answers[settings.staleness]
        alone = settings.exchange == "teacher"
        listening = [[0]] * settings.chips if alone else peers(settings, self.alone.settings.seed, epoch, memory)
        labelled = [session.task.train for session in self.members.alone]
        means = [answers[chosen].mean(axis=0) for chosen in listening]
        each = zip(labelled, means, self.taught.trainers, strict=True)
        return [taught(one, mean).cast(trainer.dtype) for one, mean, trainer in each]

    def _message(self, voltages: Floats) -> Floats:
        """Return target voltages (n, K) [V] as they are sent: rounded, or of their class."""
        targets = self.members.alone[0].task.train
        if self.settings.precision == "sign" and targets.of_classes:
            return np.asarray(targets.meaning(targets.answers(voltages)))
        return np.asarray(sent(voltages, self.settings.precision))

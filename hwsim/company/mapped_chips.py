"""The chips of a company side by side, as one program that is mapped over them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.company.chip_work import outputs_of
from hwsim.company.members import Members
from hwsim.company.taught import sample_weights
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning import epochs
from hwsim.learning.epochs import Progress
from hwsim.learning.state import State
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.learning.targets import Targets
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Floats


@dataclass(frozen=True)
class MappedChips:
    """Chips that are computed together, in this process.

    Parameters
    ----------
    members
        Their sessions.
    settings
        What they exchange.
    alone, taught
        What trains all of them on their labelled samples, and on the common ones too.

    """

    members: Members
    settings: CompanySettings
    alone: EnsembleTrainer
    taught: Callable[[], EnsembleTrainer]

    def epoch(self, state: State, targets: Sequence[Targets] | None) -> Iterator[Progress]:
        """Do all updates of an epoch; with `targets`, a set a chip, on the common samples too."""
        trainer = self.alone if targets is None else self.taught()
        weights = (
            None if targets is None else sample_weights(self.settings, len(self.members.alone[0].data.x_train), trainer.trainers[0].dtype)
        )
        yield from epochs.run(AllTogether(trainer, state.epoch + 1, targets, weights), state)

    def outputs(self, state: State, *, common: bool = False) -> Floats:
        """Return what each chip answers on the test set, or on the common samples, (chips, n, K) [V]."""
        read = []
        for k, (trainer, session, one) in enumerate(zip(self.alone.trainers, self.members.alone, self.alone.apart(state), strict=True)):
            x = self.members.pool[k] if common else session.data.x_test
            read.append(outputs_of(session, trainer.solver, trainer.g(one), x))
        return np.stack(read)


@dataclass(frozen=True)
class AllTogether:
    """All chips until the end of an epoch, as one learner of the loop that all trainings go through."""

    chips: EnsembleTrainer
    until: int
    targets: Sequence[Targets] | None = None
    weights: Floats | None = None

    @property
    def settings(self) -> TrainingSettings:
        """How they learn until then."""
        return self.chips.settings.model_copy(update={"epochs": self.until})

    @property
    def steps(self) -> int:
        """Updates of an epoch."""
        return self.chips.steps

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches."""
        batches = self.chips.plan(epoch)
        return batches if self.weights is None else batches._replace(weights=self.weights[batches.order])

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        """Do some updates."""
        return self.chips.advance(carry, batches, first, last, newton=newton, targets=self.targets)

    def zero_sums(self) -> Sums:
        """Return the sums before the first update."""
        return self.chips.zero_sums()

    def check(self, state: State) -> None:
        """Raise what must end training, of any chip."""
        for trainer, one in zip(self.chips.trainers, self.chips.apart(state), strict=True):
            trainer.check(one)

    def record(self, state: State) -> dict[str, Any]:
        """Return the epoch's sums, each (chips,), and its time [s]."""
        return self.chips.record(state) | {"seconds": state.seconds}

    def wants_newton(self, state: State) -> bool:
        """Whether sweeps alone are too slow."""
        return self.chips.wants_newton(state)

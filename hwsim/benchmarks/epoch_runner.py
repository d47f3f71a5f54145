"""A training whose epochs are run one at a time, as contestants of a benchmark take turns."""

from typing import TYPE_CHECKING, Any

from hwsim.learning import epochs
from hwsim.learning.state import State
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.settings.training_settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
    from hwsim.learning.epochs import Progress
    from hwsim.learning.trainer import Trainer


class EpochRunner:
    """Runs whole epochs of a training, one at a time, through the loop that all trainings go through.

    Parameters
    ----------
    trainer
        What is trained: a circuit, a chain, or many chips side by side.
    lenient
        Whether equilibria that are not found are ignored: without sweeps, none is.
    state, state_of_last_check
        Where training is after the last epoch, and where it was at the last check, with the sums of that epoch.

    """

    def __init__(self, trainer: "Trainer | EnsembleTrainer", *, lenient: bool = False) -> None:
        self.trainer, self.lenient = trainer, lenient
        self.state = self.state_of_last_check = trainer.begin()
        self._progress: Iterator[Progress] = epochs.run(self, self.state)

    def epoch(self) -> None:
        """Run one more epoch, to its last check."""
        ended = False
        while not ended:
            progress = next(self._progress)
            self.state, ended = progress.state, progress.record is not None

    @property
    def settings(self) -> TrainingSettings:
        """Those of the training."""
        return self.trainer.settings

    @property
    def steps(self) -> int:
        """Updates of an epoch."""
        return self.trainer.steps

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches."""
        return self.trainer.plan(epoch)

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        """Do some updates of an epoch."""
        return self.trainer.advance(carry, batches, first, last, newton=newton)

    def zero_sums(self) -> Sums:
        """Return the sums before an epoch."""
        return self.trainer.zero_sums()

    def check(self, state: State) -> None:
        """Raise a ConvergenceError where equilibria were not found."""
        self.state_of_last_check = state
        if not self.lenient:
            self.trainer.check(state)

    def record(self, state: State) -> dict[str, Any]:  # noqa: ARG002 - it is not timed
        """Return an empty row: what is measured at the end of an epoch belongs to no update."""
        return {}

    def wants_newton(self, state: State) -> bool:
        """Whether sweeps alone are too slow for a state's conductances."""
        return not self.lenient and self.trainer.wants_newton(state)

"""Epochs as a user runs them: a circuit of the zoo with its own optimizer, against perceptrons, and against itself without sweeps.

An epoch draws its plan, gathers its samples, updates chunk by chunk and verifies after each that all equilibria were found; tests and
audits at its end are left out, as perceptrons have none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.perceptron import Perceptron
from hwsim.benchmarks.turns import CLOCK, Clock, take_turns
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.overriding import override
from hwsim.learning import epochs
from hwsim.learning.dataset import Dataset
from hwsim.learning.state import State
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.random.streams import stream
from hwsim.session import Session
from hwsim.settings.training_settings import TrainingSettings

if TYPE_CHECKING:
    from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
    from hwsim.learning.epochs import Progress
    from hwsim.learning.trainer import Trainer

CIRCUIT, BATCH = "mnist-100", 32

_SGD, _ADAM = 0.05, 1e-3
"""Step sizes of the perceptrons: of plain gradient descent, and Adam's usual one."""

FLOOR, BY_SGD, BY_ADAM = "itself, no sweeps", "SGD perceptron", "Adam perceptron"
"""What an epoch is compared with."""


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


def measure(
    experiment: Experiment,
    batch: int,
    data: Dataset | None = None,
    *,
    rounds: int,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> list[Cost]:
    """Time epochs of a circuit, of itself without sweeps, and of perceptrons of the same sizes by plain gradient descent and by Adam.

    Parameters
    ----------
    experiment
        One circuit of layers that learns classes; it keeps its optimizer, precision, tolerance and rule.
    batch
        Samples an update.
    data
        Its data; None: the experiment's own.
    rounds
        Epochs of each, in turn, after one that is not timed.
    observe, clock
        As for `take_turns`.

    Raises
    ------
    ExperimentError
        When the circuit is no network of layers, or its targets are real.

    """
    _ = experiment.one_circuit
    hidden = _hidden(experiment)
    session = Session.of(
        override(experiment, [f"training.batch={batch}", f"training.epochs={rounds + 1}", "training.engine=numeric"]), data
    )
    solver: Any = session.training_solver()
    still = type(solver)(solver.circuit, solver.chip, replace(solver.options, max_steps=0))
    trainer = session.trainer(solver)
    runners = EpochRunner(trainer), EpochRunner(session.trainer(still), lenient=True)
    shown = session.data
    perceptrons = [Perceptron(hidden, shown, rate=_SGD), Perceptron(hidden, shown, rate=_ADAM, adam=True)]
    order = shuffled(len(shown.x_train), trainer.batch)

    def learn(perceptron: Perceptron) -> Callable[[int], None]:
        return lambda k: perceptron.learn(order(k))

    def run(runner: EpochRunner) -> Callable[[int], None]:
        return lambda _: runner.epoch()

    contestants = [*map(run, runners), *map(learn, perceptrons)]
    for contestant in contestants:
        contestant(rounds)  # compiles
    took = take_turns(contestants, rounds, clock, observe)
    name = f"{experiment.name}, batch {batch}"
    against = ((FLOOR, 1), (BY_SGD, 2), (BY_ADAM, 3))
    return [cost_of(name, baseline, "s/epoch", took[:, [0, column]]) for baseline, column in against]


def shuffled(samples: int, batch: int) -> Callable[[int], NDArray[np.int32]]:
    """Return the batches of any epoch as numbers of samples, (updates, batch): what a circuit's plan is to it, for what is none."""

    def order(epoch: int) -> NDArray[np.int32]:
        drawn = stream(0, f"bench/order/{epoch}").permutation(samples)
        return np.resize(drawn, (-(-samples // batch), batch)).astype(np.int32)

    return order


def _hidden(experiment: Experiment) -> tuple[int, ...]:
    layers = getattr(experiment.circuit, "layers", None)
    if layers is None or any(getattr(layer, "kind", "dense") != "dense" for layer in layers) or experiment.data.task == "regression":
        msg = f"{experiment.name}: whole epochs are compared with a perceptron's; name a circuit of dense layers that learns classes"
        raise ExperimentError(msg)
    return tuple(layer.size for layer in layers)


def ratios(costs: Sequence[Cost]) -> dict[str, float]:
    """Return how many times as long an epoch takes as each that it is compared with."""
    return {f"{cost.name} / {cost.baseline}": cost.ratio.median for cost in costs}

"""Contestants of the benchmarks of training: circuits and perceptrons that learn images, made where they are to work."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.cluster.one_thread import jax_threads, one_thread
from hwsim.experiment.experiment import Experiment
from hwsim.learning.dataset import Dataset
from hwsim.random.streams import stream
from hwsim.runs.threads import limit_threads
from hwsim.session import Session

if TYPE_CHECKING:
    from hwsim.benchmarks.learner import Settling
    from hwsim.learning.step import Batches

Load = Callable[[], Dataset]
"""Loads a contestant's data where it works; found by its name there."""

Order = NDArray[Any]
"""Numbers of samples, (updates, batch)."""


class Lesson(NamedTuple):
    """What a circuit has to learn, and with what.

    Parameters
    ----------
    layers
        Sizes of all layers, inputs and outputs too.
    images, updates
        How many an epoch has.
    data
        Name of the images.
    memristors
        Trainable conductances.
    threads
        Those that its process computes with.

    """

    layers: tuple[int, ...]
    images: int
    updates: int
    data: str
    memristors: int
    threads: int


class CircuitLearner:
    """A circuit that makes updates with the batches of its plans, with as many threads as `hwsim train` takes; with or without sweeps."""

    def __init__(self, hidden: Sequence[int], experiment: Experiment, load: Load, *, sweeps: bool = True) -> None:
        self.hidden, self.data = tuple(hidden), load()
        limit_threads(Session.of(experiment, self.data))
        from hwsim.benchmarks.learner import Learner  # noqa: PLC0415 - loads JAX, whose threads are limited before

        self.learner = Learner(experiment, self.data, sweeps=sweeps)
        self.plans: list[Batches] = [self.learner.trainer.plan(0)]

    def lesson(self) -> Lesson:
        """Return what it learns."""
        data = self.data
        layers = data.features, *self.hidden, data.classes
        return Lesson(layers, len(data.x_train), len(self.plans[0].order), data.name, self.learner.memristors, jax_threads())

    def prepare(self, epochs: int) -> list[Order]:
        """Draw the plans of so many epochs more; return the samples that each shows."""
        self.plans += [self.learner.trainer.plan(len(self.plans) + k) for k in range(epochs)]
        return [plan.order for plan in self.plans]

    def learn(self, epoch: int, updates: int) -> None:
        """Make the first updates of an epoch."""
        self.learner.learn(self.plans[epoch], updates)

    def ended(self) -> "tuple[float, Settling]":
        """Return the share of the last turn's samples that were wrong before their update, and how well equilibria settled."""
        return self.learner.error, self.learner.settling(self.plans[-1].order.ravel())


class PerceptronLearner:
    """A perceptron that makes updates with batches that are handed to it, with all threads or with one."""

    def __init__(self, hidden: Sequence[int], load: Load, rate: float, *, alone: bool = False) -> None:
        if alone:
            one_thread()
        from hwsim.benchmarks.perceptron import Perceptron  # noqa: PLC0415 - loads JAX

        self.perceptron = Perceptron(hidden, load(), rate)
        self.orders: list[Order] = []

    def prepare(self, orders: Sequence[Order]) -> None:
        """Take the samples that each epoch shows."""
        self.orders = list(orders)

    def learn(self, epoch: int) -> None:
        """Make an epoch's updates."""
        self.perceptron.learn(self.orders[epoch])

    def ended(self) -> tuple[float, int, int]:
        """Return the share of the last turn's samples that were wrong before their update, the number of weights, and that of threads."""
        return self.perceptron.error, self.perceptron.count, jax_threads()


class CircuitEpochs:
    """A circuit's training, an epoch a turn, with as many threads as `hwsim train` takes; without sweeps no equilibrium need be found."""

    def __init__(self, experiment: Experiment, load: Load | None, *, sweeps: bool = True) -> None:
        session = Session.of(experiment, load and load())
        limit_threads(session)
        from hwsim.benchmarks.epoch_runner import EpochRunner  # noqa: PLC0415 - loads JAX, whose threads are limited before
        from hwsim.benchmarks.learner import without_sweeps  # noqa: PLC0415 - as above

        solver = session.training_solver()
        self.runner = EpochRunner(session.trainer(solver if sweeps else without_sweeps(solver)), lenient=not sweeps)

    def epoch(self, number: int) -> None:  # noqa: ARG002 - a training counts its epochs itself
        """Run one epoch more."""
        self.runner.epoch()


class PerceptronEpochs:
    """A perceptron's training on the samples that an experiment's circuit is shown, an epoch a turn, with all threads or with one."""

    def __init__(
        self, hidden: Sequence[int], experiment: Experiment, load: Load | None, rate: float, *, adam: bool = False, alone: bool = False
    ) -> None:
        if alone:
            one_thread()
        from hwsim.benchmarks.perceptron import Perceptron  # noqa: PLC0415 - loads JAX

        data = Session.of(experiment, load and load()).data
        self.samples, self.batch = len(data.x_train), min(experiment.training.batch, len(data.x_train))
        self.perceptron = Perceptron(hidden, data, rate, adam=adam)

    def epoch(self, number: int) -> None:
        """Learn all samples, in an order of their own."""
        self.perceptron.learn(shuffled(self.samples, self.batch)(number))


def shuffled(samples: int, batch: int) -> Callable[[int], Order]:
    """Return the batches of any epoch as numbers of samples, (updates, batch): what a circuit's plan is to it, for what is none."""

    def order(epoch: int) -> Order:
        drawn = stream(0, f"bench/order/{epoch}").permutation(samples)
        return np.resize(drawn, (-(-samples // batch), batch)).astype(np.int32)

    return order

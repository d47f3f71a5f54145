"""Many chips and seeds of one experiment: trained on each chip, trained once and transferred, or only tested."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.data.loading import load_data
from hwsim.devices.manufacture import chip_of
from hwsim.devices.temperature import heat_of
from hwsim.ensemble.results import Learnt, Tested
from hwsim.ensemble.trainings import learn, test
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import Experiment
from hwsim.learning import factory
from hwsim.learning.dataset import Dataset
from hwsim.learning.initial import initial_conductances, within
from hwsim.learning.trainer import Trainer
from hwsim.typing import Array, Weights

Mode = Literal["train", "transfer", "evaluate"]

SIDE_BY_SIDE = 16
"""Most instances that are computed as one."""

_MOST_DEVICES = 4_000_000
"""Most devices that are computed as one, all instances together: their memory is a small multiple of this many numbers."""


class Instance(NamedTuple):
    """One chip, by the seed that it is drawn from, and the seed of its training."""

    chip: int
    seed: int


class Outcome(NamedTuple):
    """What came of an instance.

    Parameters
    ----------
    test_error, train_error
        Shares of wrong answers; NaN where there is none, as of training where nothing was trained.
    pulses, joules
        Programming pulses sent to all devices together, and what they took [J]; None where devices are ideal.
    residual
        Largest sum of currents into a node in any free equilibrium [A].
    failed
        What went wrong, where something did; the numbers then mean nothing.

    """

    instance: Instance
    test_error: float
    train_error: float
    pulses: float | None
    joules: float | None
    residual: float
    failed: str | None = None


def outcomes(experiment: Experiment, instances: Sequence[Instance], mode: Mode = "train", g: Weights | None = None) -> Iterator[Outcome]:
    """Give each instance's outcome, in order.

    Parameters
    ----------
    experiment
        Its own seed and chip do not count; each instance has others.
    mode
        `train` on each chip; `transfer`: train once a seed on the nominal chip, and test what came out on each; `evaluate`: only test.
    g
        The conductances to evaluate, at 27 °C [S]; None: those that training would start from.

    Raises
    ------
    ExperimentError, DataError, CircuitError, UnsupportedCircuitError
        When something cannot be used at all. What fails on one chip is in its outcome.

    """
    circuit = experiment.circuit.compile(experiment.name)
    width = max(1, min(SIDE_BY_SIDE, _MOST_DEVICES // max(1, sum(len(element) for element in circuit.trainable))))
    for begin in range(0, len(instances), width):
        group = _Group(experiment, circuit, instances[begin : begin + width])
        match mode:
            case "train":
                yield from group.trained()
            case "transfer":
                yield from group.transferred()
            case "evaluate":
                yield from group.evaluated(g)


def of_instance(experiment: Experiment, instance: Instance) -> Experiment:
    """Give an instance's own experiment."""
    training = experiment.training.model_copy(update={"seed": instance.seed})
    variation = experiment.variation.model_copy(update={"chip": instance.chip})
    return experiment.model_copy(update={"training": training, "variation": variation})


def _nominal(experiment: Experiment) -> Experiment:
    device = experiment.device.model_copy(update={"spread": False})
    return experiment.model_copy(update={"device": device, "variation": experiment.variation.nominal})


def _warm(experiment: Experiment, g: Weights) -> Weights:
    """Return at an experiment's temperature what was given at 27 °C."""
    heat = heat_of(experiment.device, experiment.variation)
    return {name: heat * values for name, values in g.items()}


@dataclass(frozen=True)
class _Group:
    """Instances that are computed as one."""

    experiment: Experiment
    circuit: Circuit
    instances: Sequence[Instance]

    @cached_property
    def experiments(self) -> list[Experiment]:
        """Each instance's own."""
        return [of_instance(self.experiment, instance) for instance in self.instances]

    @cached_property
    def data(self) -> dict[int, Dataset]:
        """The data by training seed: some sets are split by it."""
        return {own.training.seed: load_data(own) for own in self.experiments}

    def trained(self) -> list[Outcome]:
        """Train on each chip."""
        learnt = self._train([own.fresh for own in self.experiments])
        return self._outcomes([each.g for each in learnt], learnt)

    def transferred(self) -> list[Outcome]:
        """Train once a seed on the nominal chip, and test what came out on each."""
        once = {own.training.seed: _nominal(own.fresh) for own in self.experiments}
        by_seed = dict(zip(once, self._train(list(once.values())), strict=True))
        learnt = [by_seed[own.training.seed] for own in self.experiments]
        return self._outcomes([each.g for each in learnt], learnt)

    def evaluated(self, g: Weights | None) -> list[Outcome]:
        """Test conductances, or those that training would start from, on each chip."""
        return self._outcomes([_warm(own, g or initial_conductances(self.circuit, own.training, own.shown)) for own in self.experiments])

    def _train(self, experiments: Sequence[Experiment]) -> list[Learnt]:
        training = self.experiment.training
        engine = make_engine(training.engine, self.experiment.solver, training.precision)
        with ExitStack() as open_solvers:
            solvers = [open_solvers.enter_context(engine.prepare(self.circuit, chip_of(own, self.circuit))) for own in experiments]
            trainers = [Trainer.of(own, self.data[own.training.seed], solver) for own, solver in zip(experiments, solvers, strict=True)]
            return learn(trainers)

    def _outcomes(self, g: Sequence[Weights], learnt: Sequence[Learnt] | None = None) -> list[Outcome]:
        """Write conductances into the devices of each chip, and test it in 64 bits."""
        own = self.experiments
        data = [self.data[each.training.seed] for each in own]
        tested = _tested(self.circuit, own, g, [part.x_test for part in data], [part.labels_test for part in data], data[0].classes)
        pulsed = self.experiment.device.preset is not None
        found = []
        for k, (instance, result) in enumerate(zip(self.instances, tested, strict=True)):
            of = learnt[k] if learnt else None
            found.append(
                Outcome(
                    instance=instance,
                    test_error=result.error,
                    train_error=of.train_error if of else np.nan,
                    pulses=of.pulses if of and pulsed else None,
                    joules=of.energy if of and pulsed else None,
                    residual=max(result.residual, of.residual if of else 0.0),
                    failed=(of.failed if of else None) or result.failed,
                )
            )
        return found


def on_chips(experiment: Experiment, g: Weights, x: Array, labels: Array, classes: int, chips: Sequence[int]) -> list[Tested]:
    """Write conductances [S] into the devices of several chips, and test each on samples x (n, I) with labels (n,), in 64 bits."""
    circuit, found = experiment.circuit.compile(experiment.name), list[Tested]()
    for begin in range(0, len(chips), SIDE_BY_SIDE):
        own = [of_instance(experiment, Instance(chip, experiment.training.seed)) for chip in chips[begin : begin + SIDE_BY_SIDE]]
        found += _tested(circuit, own, [g] * len(own), [x] * len(own), [labels] * len(own), classes)
    return found


def _tested(
    circuit: Circuit, experiments: Sequence[Experiment], g: Sequence[Weights], x: Sequence[Array], labels: Sequence[Array], classes: int
) -> list[Tested]:
    """Write conductances [S] into the devices of each experiment's chip, and test it in 64 bits."""
    engine = make_engine(experiments[0].training.engine, experiments[0].solver)
    with ExitStack() as open_solvers:
        solvers = [open_solvers.enter_context(engine.prepare(circuit, chip_of(one, circuit))) for one in experiments]
        programmed = [written(one, solver.chip, values) for one, solver, values in zip(experiments, solvers, g, strict=True)]
        return test(experiments, solvers, programmed, x, labels, classes)


def written(experiment: Experiment, chip: Chip, g: Weights) -> Weights:
    """Return the conductances that a chip's devices have, programmed to `g` at its temperature, and drifted since then [S]."""
    programming = factory.programming(experiment.device, experiment.variation, chip.circuit, np.float64)
    parts, _ = programming.begin(blocks.split(chip.circuit, g))
    return within(chip, blocks.join(parts))

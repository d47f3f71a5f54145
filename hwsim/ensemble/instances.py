"""Many chips and seeds of one experiment: trained on each chip, trained once and transferred, or only tested."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from hwsim.ensemble.reached import Follow, part_of, unseen
from hwsim.ensemble.results import Tested, TrainingResult
from hwsim.ensemble.trainings import learn, test
from hwsim.experiment.experiment import Experiment
from hwsim.learning.targets import Targets
from hwsim.session import Session
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
        Programming pulses sent to all devices together, or flips of their levels, and what they took [J]; None where devices are ideal.
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


def outcomes(
    experiment: Experiment, instances: Sequence[Instance], mode: Mode = "train", g: Weights | None = None, *, follow: Follow = unseen
) -> Iterator[Outcome]:
    """Compute each instance's outcome, in order; where all chips are equal, one a seed is computed for all.

    Parameters
    ----------
    experiment
        Its own seed and chip do not count; each instance has others.
    mode
        `train` on each chip; `transfer`: train once a seed on the nominal chip, and test what came out on each; `evaluate`: only test.
    g
        The conductances to evaluate, at 27 °C [S]; None: those that training would start from.
    follow
        Is called after each epoch of training.

    Raises
    ------
    ExperimentError, DataError, CircuitError, UnsupportedCircuitError
        When something cannot be used at all. What fails on one chip is in its outcome.

    """
    session = Session.of(experiment)
    if not _repeated(session, instances):
        yield from _computed(session, instances, mode, g, follow)
        return
    first = {instance.seed: instance for instance in reversed(instances)}
    by_seed = {one.instance.seed: one for one in _computed(session, list(first.values()), mode, g, follow)}
    yield from (by_seed[instance.seed]._replace(instance=instance) for instance in instances)


def _repeated(session: Session, instances: Sequence[Instance]) -> bool:
    """Whether there are several chips of a seed, and they come to the same: nothing is drawn for each of them, nor as they learn."""
    several = len({instance.seed for instance in instances}) < len(instances)
    return several and session.experiment.blocks is None and session.alike(learning=True)


def _computed(session: Session, instances: Sequence[Instance], mode: Mode, g: Weights | None, follow: Follow) -> Iterator[Outcome]:
    """Compute instances, as many at a time as are computed as one."""
    width = max(1, min(SIDE_BY_SIDE, _MOST_DEVICES // max(1, sum(len(element) for element in session.circuit.trainable))))
    for begin in range(0, len(instances), width):
        some = instances[begin : begin + width]
        group = _Group(session, some, part_of(follow, begin, len(some), len(instances)))
        match mode:
            case "train":
                yield from group.trained()
            case "transfer":
                yield from group.transferred()
            case "evaluate":
                yield from group.evaluated(g)


@dataclass(frozen=True)
class _Group:
    """Instances that are computed as one."""

    session: Session
    instances: Sequence[Instance]
    follow: Follow

    @cached_property
    def sessions(self) -> list[Session]:
        """Each instance's own; those of one seed share their data."""
        seeds = {instance.seed for instance in self.instances}
        seeded = {seed: self.session.seeded(seed) for seed in sorted(seeds)}
        sessions = [seeded[instance.seed].on_chip(instance.chip) for instance in self.instances]
        for seed, session in seeded.items():
            of_seed = zip(sessions, self.instances, strict=True)
            session.source.run_together([one.experiment.variation for one, instance in of_seed if instance.seed == seed])
        return sessions

    def trained(self) -> list[Outcome]:
        """Train on each chip."""
        learnt = self._train([session.fresh for session in self.sessions])
        return self._outcomes([each.g for each in learnt], learnt)

    def transferred(self) -> list[Outcome]:
        """Train once a seed on the nominal chip, and test what came out on each."""
        once = {instance.seed: session.fresh.nominal for instance, session in zip(self.instances, self.sessions, strict=True)}
        by_seed = dict(zip(once, self._train(list(once.values())), strict=True))
        learnt = [by_seed[instance.seed] for instance in self.instances]
        return self._outcomes([each.g for each in learnt], learnt)

    def evaluated(self, g: Weights | None) -> list[Outcome]:
        """Test conductances, or those that training would start from, on each chip."""
        return self._outcomes([_warm(session, g) if g else session.starting() for session in self.sessions])

    def _train(self, sessions: Sequence[Session]) -> list[TrainingResult]:
        with ExitStack() as open_solvers:
            trainers = [session.trainer(open_solvers.enter_context(session.training_solver())) for session in sessions]
            return learn(trainers, self.follow)

    def _outcomes(self, g: Sequence[Weights], learnt: Sequence[TrainingResult] | None = None) -> list[Outcome]:
        """Write conductances into the devices of each chip, and test it in 64 bits."""
        each = tested(
            self.sessions, g, [session.data.x_test for session in self.sessions], [session.task.test for session in self.sessions]
        )
        pulsed = any(device.programmed for device in self.session.experiment.devices)
        outcomes = []
        for k, (instance, result) in enumerate(zip(self.instances, each, strict=True)):
            of = learnt[k] if learnt else None
            outcomes.append(
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
        return outcomes


def on_chips(session: Session, g: Weights, part: str, limit: int | None, chips: Sequence[int]) -> list[Tested]:
    """Write conductances [S] into the devices of several chips, and test each in 64 bits.

    They are tested on the first samples, up to a limit, of a part of the data, `train` or `test`, as the chip's converters, or its
    reservoir, drive them.
    """
    results: list[Tested] = []
    for begin in range(0, len(chips), SIDE_BY_SIDE):
        each = [session.on_chip(chip) for chip in chips[begin : begin + SIDE_BY_SIDE]]
        session.source.run_together([one.experiment.variation for one in each])
        x: list[Array] = [getattr(one.data, f"x_{part}")[:limit] for one in each]
        targets: list[Targets] = [getattr(one.task, part).some(slice(limit)) for one in each]
        results += tested(each, [g] * len(each), x, targets)
    return results


def tested(sessions: Sequence[Session], g: Sequence[Weights], x: Sequence[Array], targets: Sequence[Targets]) -> list[Tested]:
    """Write conductances [S] into the devices of each session's chip, and test it in 64 bits."""
    programmed = [session.programmed(values) for session, values in zip(sessions, g, strict=True)]
    with ExitStack() as open_solvers:
        solvers = [open_solvers.enter_context(session.solver()) for session in sessions]
        return test(sessions, solvers, programmed, x, targets)


def _warm(session: Session, g: Weights) -> Weights:
    """Return at the chip's temperature what was given at 27 °C."""
    return {name: session.chip.heat * values for name, values in g.items()}

"""The cost of real devices: training with pulses against ideal updates of the same circuit, and many chips at once against one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from circuits.units import Second
from hwsim.benchmarks.cases import experiment
from hwsim.benchmarks.learner import Learner
from hwsim.benchmarks.turns import CLOCK, Clock, Spread, repetitions, take_turns
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.learning.dataset import Dataset
from hwsim.session import Session

if TYPE_CHECKING:
    from hwsim.ensemble.ensemble_trainer import EnsembleTrainer

PRESETS = ("reram-sb", "gokmen-vlasov", "ecram", "reram-es")
"""Soft bounds with write noise too, constant steps, linear steps, exponential steps."""

BATCH = 32
CHIPS = 16
_TOLERANCE = 1e-6
_EPOCHS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The time of some work, relative to the same work in its plain form.

    Parameters
    ----------
    name
        What is timed.
    baseline
        What it is compared with.
    unit
        Of the times.
    time, plain
        Of the work and of its plain form.
    ratio
        Of the two, round by round.

    """

    name: str
    baseline: str
    unit: str
    rounds: int
    time: Spread
    plain: Spread
    ratio: Spread


def pulses(
    preset: str, data: Dataset, *, rounds: int, seconds: Second, observe: Callable[[int], None] = lambda _: None, clock: Clock = CLOCK
) -> Cost:
    """Train a circuit of 784-100-10 with stochastically rounded pulses of a preset, and with ideal updates, in turn."""
    ideal = experiment((100,), BATCH, tolerance=_TOLERANCE)
    learners = [Learner(override(ideal, [f"device.preset={preset}"]), data), Learner(ideal, data)]
    plan = learners[0].trainer.plan(0)
    for learner in learners:
        learner.learn(plan, 1)  # compiles
    updates = repetitions(lambda count: learners[0].learn(plan, count), seconds, len(plan.order), clock)
    took = take_turns((lambda _: learners[0].learn(plan, updates), lambda _: learners[1].learn(plan, updates)), rounds, clock, observe)
    took *= 1e6 / (updates * BATCH)
    return cost_of(f"{preset}, batch {BATCH}", "an ideal update", "µs/image", took)


def chips(
    preset: str | None, *, rounds: int, seconds: Second, observe: Callable[[int], None] = lambda _: None, clock: Clock = CLOCK
) -> Cost:
    """Train many chips on digits side by side, and a single one, in turn."""
    from hwsim.experiment.loading import load  # noqa: PLC0415 - the zoo's

    given = override(load("digits"), [f"training.epochs={_EPOCHS}", *([f"device.preset={preset}"] if preset else [])])
    many, one = ensemble(given, CHIPS), ensemble(given, 1)
    many.train(), one.train()  # compiles
    times = repetitions(lambda count: [many.train() for _ in range(count)], seconds, 100, clock)
    took = take_turns(
        (lambda _: [many.train() for _ in range(times)], lambda _: [one.train() for _ in range(times)]), rounds, clock, observe
    )
    took *= 1e3 / (times * _EPOCHS)
    return cost_of(f"{CHIPS} chips of digits, {preset or 'ideal'} devices", "one chip", "ms/epoch", took)


def ensemble(experiment: Experiment, count: int) -> "EnsembleTrainer":
    """Return an experiment's trainings on the chips 0 to count − 1, to be computed as one."""
    from hwsim.ensemble.ensemble_trainer import EnsembleTrainer  # noqa: PLC0415 - JAX takes a second to load

    _ = experiment.one_circuit
    session = Session.of(experiment).changed("training", engine="numeric")
    each = [session.on_chip(number) for number in range(count)]
    return EnsembleTrainer([one.trainer(one.training_solver()) for one in each])


def cost_of(name: str, baseline: str, unit: str, took: NDArray[np.float64]) -> Cost:
    """Summarize times (rounds, 2) of some work and of its plain form, in this unit."""
    return Cost(
        name=name,
        baseline=baseline,
        unit=unit,
        rounds=len(took),
        time=Spread.of(took[:, 0].tolist()),
        plain=Spread.of(took[:, 1].tolist()),
        ratio=Spread.of((took[:, 0] / took[:, 1]).tolist()),
    )


def ratios(costs: Sequence[Cost]) -> dict[str, float]:
    """Return how many times as long each takes as its baseline."""
    return {cost.name: cost.ratio.median for cost in costs}

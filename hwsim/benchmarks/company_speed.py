"""Chips in company against the same chips trained one after the other: updates of an epoch, in turn."""

from collections.abc import Callable

from hwsim.benchmarks.device_cost import Cost, cost_of
from hwsim.benchmarks.epoch_runner import EpochRunner
from hwsim.benchmarks.turns import CLOCK, Clock, repetitions, take_turns
from hwsim.company.company import Company
from hwsim.company.company_result import settings_of
from hwsim.company.members import Members
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.session import Session

CIRCUITS = ("digits", "mnist-100")
EXCHANGES = ("none", "mean-gradient")
"""What costs nothing, and what costs most: a mean in every update."""

SAMPLES = 8000
"""Most of a training set that the chips of a company divide."""

_MOST = 1000


def compare(
    experiment: Experiment,
    *,
    rounds: int,
    seconds: float,
    observe: Callable[[int], None] = lambda _: None,
    clock: Clock = CLOCK,
) -> Cost:
    """Time epochs of all chips side by side, each on its share of the samples, and epochs of each by itself on that share.

    Parameters
    ----------
    experiment
        One circuit that learns classes, with a company that exchanges `none` or `mean-gradient`. One by one its chips exchange nothing.
    rounds, seconds, observe, clock
        As for `block_speed.compare`.

    """
    given = override(experiment, [f"training.epochs={_MOST * (rounds + 2)}", "training.engine=numeric", f"data.train_limit={SAMPLES}"])
    settings = settings_of(given)
    with Company(Members.of(given, settings, whole=Session.of(given)), settings) as company:
        together = EpochRunner(company.alone)
        alone = [EpochRunner(trainer) for trainer in company.alone.trainers]
        samples = sum(trainer.steps * trainer.batch for trainer in company.alone.trainers)

        def run(runners: list[EpochRunner], epochs: int) -> None:
            for runner in runners:
                for _ in range(epochs):
                    runner.epoch()

        for runners in ([together], alone):
            run(runners, 1)  # compiles
        count = repetitions(lambda epochs: run([together], epochs), seconds, _MOST, clock)
        took = take_turns((lambda _: run([together], count), lambda _: run(alone, count)), rounds, clock, observe)
    return cost_of(
        f"{settings.chips} chips of {experiment.name}, {settings.exchange}", "one by one", "µs/sample", 1e6 * took / (count * samples)
    )

"""A trial: settings are chosen, trained with, judged epoch by epoch on the validation part, and given up when others did better by then."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.session import Session
from hwsim.sweep.definition import Definition
from hwsim.sweep.points import Point
from hwsim.tuning import space, study

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as Asked

_REPORTS = 40
"""Epochs of a trial at which its error is written down and held against the others': each takes the disk a moment."""


class Step(NamedTuple):
    """Where a search stands: in trial number `trial`, from 1 on, after `share` of it; errors are of the validation part."""

    trial: int
    share: float
    error: float | None
    best: float | None


Observe = Callable[[Step], None]


class Trial:
    """One trial under way."""

    def __init__(self, opened: "Study", definition: Definition, observe: Observe, *, number: int) -> None:
        self.study, self.definition, self.observe, self.number = opened, definition, observe, number
        found = study.completed(opened)
        self.least = found[0].value if found else None

    def run(self) -> None:
        """Choose settings, train, and tell the study what came out."""
        from optuna import TrialPruned  # noqa: PLC0415 - loaded already
        from optuna.trial import TrialState  # noqa: PLC0415

        axes = self.definition.axes
        if self.number == 1 and (now := space.present(axes, self.definition.experiment)) is not None:
            study.enqueue(self.study, now)  # what is there now is to be beaten
        study.seed_sampler(self.study, self.definition.first_seed)
        trial = self.study.ask(space.distributions(axes))
        self.observe(Step(self.number, 0.0, None, self.least))
        try:
            known = self._known(trial)
            error = self._judged(trial) if known is None else known
        except TrialPruned as reason:
            trial.set_user_attr(study.WHY, str(reason))
            self.study.tell(trial, state=TrialState.PRUNED)
        except (ValueError, ConvergenceError) as reason:  # settings that do not go together, or no equilibrium
            trial.set_user_attr(study.WHY, str(reason).splitlines()[0])
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, error)

    def _known(self, trial: "Asked") -> float | None:
        """Return the error of an earlier trial with the same settings: it would be the same again."""
        mine = space.settings(self.definition.axes, trial.params)
        for other in study.completed(self.study):
            if space.settings(self.definition.axes, other.params) == mine:
                return other.value
        return None

    def _judged(self, trial: "Asked") -> float:
        """Train with every seed; gives the mean validation error after the last epoch."""
        from optuna import TrialPruned  # noqa: PLC0415

        point = Point(self.number, space.settings(self.definition.axes, trial.params))
        experiment = point.experiment(self.definition.experiment)
        epochs, seeds = experiment.training.epochs, self.definition.seeds
        stride = -(-epochs * seeds // _REPORTS)
        ended: list[float] = []
        for k in range(seeds):
            error = math.inf
            for epoch, error in enumerate(validation_errors(override(experiment, [f"training.seed={self.definition.first_seed + k}"]))):
                done = k * epochs + epoch + 1
                mean = (sum(ended) + error) / (len(ended) + 1)
                self.observe(Step(self.number, done / (epochs * seeds), mean, self.least))
                if done % stride and epoch + 1 < epochs:
                    continue
                trial.report(mean, done)
                if trial.should_prune():
                    msg = f"others did better by epoch {epoch + 1}"
                    raise TrialPruned(msg)
            ended.append(error)
        return sum(ended) / len(ended)


def validation_errors(experiment: Experiment) -> Iterator[float]:
    """Train, and give the error on what is held out after each epoch.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.

    """
    session = Session.of(experiment)
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        for progress in trainer.run(trainer.begin()):
            if progress.record is not None:
                yield float(progress.record["test_error"])

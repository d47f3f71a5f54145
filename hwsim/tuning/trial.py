"""A trial: settings are sampled, trained with, evaluated each epoch on the validation set, and pruned when others were better by then."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from hwsim.company import company_result
from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.session import Session
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import SweepPoint
from hwsim.tuning import space, study

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as Asked

_REPORTS = 40
"""Epochs of a trial at which its error is stored and compared with the others'; storing takes time."""


class TrialProgress(NamedTuple):
    """State of a search: in trial number `trial`, from 1 on, after `share` of it; errors are of the validation set."""

    trial: int
    share: float
    error: float | None
    best: float | None


Observe = Callable[[TrialProgress], None]


class Trial:
    """One trial under way."""

    def __init__(self, opened: "Study", definition: SweepDefinition, observe: Observe, *, number: int) -> None:
        self.study, self.definition, self.observe, self.number = opened, definition, observe, number
        completed = study.completed(opened)
        self.least = completed[0].value if completed else None

    def run(self) -> None:
        """Sample settings, train, and report the result to the study."""
        from optuna import TrialPruned  # noqa: PLC0415 - loaded already
        from optuna.trial import TrialState  # noqa: PLC0415

        axes = self.definition.axes
        if self.number == 1 and (now := space.present(axes, self.definition.experiment)) is not None:
            study.enqueue(self.study, now)  # the present settings are tried first
        study.seed_sampler(self.study, self.definition.first_seed)
        trial = self.study.ask(space.distributions(axes))
        self.observe(TrialProgress(self.number, 0.0, None, self.least))
        try:
            earlier = self._earlier(trial)
            error = self._validated(trial) if earlier is None else earlier
        except TrialPruned as reason:
            trial.set_user_attr(study.WHY, str(reason))
            self.study.tell(trial, state=TrialState.PRUNED)
        except (ValueError, ConvergenceError) as reason:  # settings that do not go together, or no equilibrium
            trial.set_user_attr(study.WHY, str(reason).splitlines()[0])
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, error)

    def _earlier(self, trial: "Asked") -> float | None:
        """Return the error of an earlier trial with the same settings, which would be the same again."""
        mine = space.settings(self.definition.axes, trial.params)
        for other in study.completed(self.study):
            if space.settings(self.definition.axes, other.params) == mine:
                return other.value
        return None

    def _validated(self, trial: "Asked") -> float:
        """Train with every seed; returns the mean validation error after the last epoch."""
        from optuna import TrialPruned  # noqa: PLC0415

        point = SweepPoint(self.number, space.settings(self.definition.axes, trial.params))
        experiment = point.experiment(self.definition.experiment)
        epochs, seeds = experiment.training.epochs, self.definition.seeds
        stride = -(-epochs * seeds // _REPORTS)
        ended: list[float] = []
        for k in range(seeds):
            error = math.inf
            for epoch, error in enumerate(validation_errors(override(experiment, [f"training.seed={self.definition.first_seed + k}"]))):
                done = k * epochs + epoch + 1
                mean = (sum(ended) + error) / (len(ended) + 1)
                self.observe(TrialProgress(self.number, done / (epochs * seeds), mean, self.least))
                if done % stride and epoch + 1 < epochs:
                    continue
                trial.report(mean, done)
                if trial.should_prune():
                    msg = f"others did better by epoch {epoch + 1}"
                    raise TrialPruned(msg)
            ended.append(error)
        return sum(ended) / len(ended)


def validation_errors(experiment: Experiment) -> Iterator[float]:
    """Train, and yield the error on the validation set after each epoch; of a company, the mean of its chips'.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.

    """
    if experiment.company is not None:
        yield from company_result.errors(experiment)
        return
    session = Session.of(experiment)
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        for progress in trainer.run(trainer.begin()):
            if progress.record is not None:
                yield float(progress.record["test_error"])

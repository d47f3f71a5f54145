"""A search: trial after trial trains, is judged by its validation error epoch by epoch, and given up when others did better by then."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hwsim import files
from hwsim.data import learnable
from hwsim.devices.variation import chip_of
from hwsim.engine import ConvergenceError
from hwsim.engines import make_engine
from hwsim.experiment import Experiment, as_name, override, to_toml
from hwsim.netlist import Netlist
from hwsim.sweep.axes import Axis, Value
from hwsim.sweep.definition import Definition
from hwsim.sweep.points import Design, Point
from hwsim.tuning import space, study
from hwsim.tuning.errors import FruitlessError, InterruptedTuneError, TuneError

if TYPE_CHECKING:
    from optuna import Study, Trial

SHARE = 0.2
"""Share of the training part that trials are judged on, unless the experiment says another."""

_REPORTS = 40
"""Epochs of a trial at which its error is written down and held against the others': each takes the disk a moment."""

_REFUSED = ("training.seed", "variation.chip", "data.name", "data.test_share", "data.test_limit", "data.validation", "name", "about")
"""Keys that change what is measured, not what is learnt."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What a comment in TOML cannot hold."""

_WHY = "why"
"""Attribute of a trial that was given up: the reason in a line."""


class Step(NamedTuple):
    """Where a search stands: in trial number `trial`, from 1 on, after `share` of it; errors are shares of the validation part."""

    trial: int
    share: float
    error: float | None
    best: float | None


Observe = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched.

    Parameters
    ----------
    experiment
        What the varied keys are put into.
    axes
        The varied keys.
    trials
        How many there are in all, those of an earlier start too.
    seeds
        Runs of a trial, from `training.seed` on; the trial's error is their mean.
    share
        Of the training part, which trials are judged on.
    out
        Where the experiment with the best settings is written; the database lies beside it.
    command
        What the user typed, for the file.

    """

    experiment: Experiment
    axes: tuple[Axis, ...]
    trials: int
    seeds: int
    share: float
    out: Path
    command: str

    @property
    def database(self) -> Path:
        """The study's file."""
        return self.out.with_suffix(".db")

    @property
    def definition(self) -> Definition:
        """All that the numbers depend on; the number of trials is none of it."""
        judged = override(self.experiment, [f"data.validation={self.share}"])
        return Definition.make(judged, self.axes, design=Design(kind="random"), seeds=self.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial that ended: its settings, its error (None when it was given up), and why it was given up."""

    number: int
    settings: Mapping[str, Value]
    error: float | None
    epochs: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a search found: its trials, the best first, those that were given up last."""

    search: Search
    trials: Sequence[Tried]

    @property
    def best(self) -> Tried:
        """The trial with the least error."""
        return self.trials[0]


def tune(search: Search, observe: Observe) -> Tuned:
    """Search, or go on with a search, until there are so many trials; then write the best experiment.

    Raises
    ------
    TuneError, SweepError, ExperimentError, DataError
        When something cannot be used; nothing is written then.
    FruitlessError
        When no trial came to an end.
    InterruptedTuneError
        After Ctrl-C; the best so far is written.

    """
    definition = search.definition
    _check(search, definition)
    learnable(definition.experiment)  # so that bad data end the search before it begins
    with study.opened(search.database, definition) as opened:
        try:
            while len(done := study.ended(opened)) < search.trials:
                _Trial(opened, definition, observe, number=len(done) + 1).run()
        except KeyboardInterrupt:
            for trial in study.unfinished(opened):
                study.fail(opened, trial)
            done = study.ended(opened)
            found = _written(search, definition, opened) if study.completed(opened) else None
            best = f"; the best so far, {100 * (found.best.error or 0):.2f} %, is in {search.out}" if found else ""
            msg = f"interrupted after {len(done)} of {search.trials} trials, all of them saved{best}; the same command goes on"
            raise InterruptedTuneError(msg) from None
        return _written(search, definition, opened)


def _check(search: Search, definition: Definition) -> None:
    """Refuse keys and ends of ranges that no experiment can have, and files that are someone's own."""
    if search.out.exists() and not search.database.exists():
        msg = f"{search.out} is there already, and no database of a search beside it; choose another file with --out"
        raise TuneError(msg)
    keys = [axis.key for axis in definition.axes]
    for axis in definition.axes:
        if keys.count(axis.key) > 1:
            msg = f"--vary {axis.key} is given twice; give all its values at once"
            raise TuneError(msg)
        if axis.key in _REFUSED or axis.key.startswith("reached"):
            msg = f"--vary {axis.key}: errors with another one cannot be compared; set it with --set"
            raise TuneError(msg)
        ends = axis.values or (axis.at(0.0), axis.at(1.0))
        for value in ends if len(ends) <= 100 else (ends[0], ends[-1]):  # noqa: PLR2004 - enough to find a wrong one
            Point(1, {axis.key: value}).experiment(definition.experiment)


class _Trial:
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
            trial.set_user_attr(_WHY, str(reason))
            self.study.tell(trial, state=TrialState.PRUNED)
        except (ValueError, ConvergenceError) as reason:  # settings that do not go together, or no equilibrium
            trial.set_user_attr(_WHY, str(reason).splitlines()[0])
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, error)

    def _known(self, trial: "Trial") -> float | None:
        """Give the error of an earlier trial with the same settings: it would be the same again."""
        mine = space.settings(self.definition.axes, trial.params)
        for other in study.completed(self.study):
            if space.settings(self.definition.axes, other.params) == mine:
                return other.value
        return None

    def _judged(self, trial: "Trial") -> float:
        """Train with every seed; gives the mean validation error after the last epoch."""
        from optuna import TrialPruned  # noqa: PLC0415

        point = Point(self.number, space.settings(self.definition.axes, trial.params))
        experiment = point.experiment(self.definition.experiment)
        epochs, seeds = experiment.training.epochs, self.definition.seeds
        stride = -(-epochs * seeds // _REPORTS)
        ended: list[float] = []
        for k in range(seeds):
            error = 1.0
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
    from hwsim.learning.trainer import Trainer  # noqa: PLC0415 - learning loads only for those who train

    training, data = experiment.training, learnable(experiment)
    circuit = experiment.circuit.compile(experiment.name)
    with make_engine(training.engine, experiment.solver, training.precision).prepare(circuit, chip_of(experiment, circuit)) as solver:
        trainer = Trainer(training, data, solver, experiment.device, experiment.shown, experiment.variation)
        for progress in trainer.run(trainer.begin()):
            if progress.record is not None:
                yield float(progress.record["test_error"])


def _written(search: Search, definition: Definition, opened: "Study") -> Tuned:
    """Write the experiment with the best settings, and give what was found."""
    done, best = study.ended(opened), study.completed(opened)
    if not best:
        why = done[-1].user_attrs.get(_WHY, "unknown") if done else "there was none"
        msg = f"none of {len(done)} trials came to an end; the last one: {why}; narrow the ranges of --vary"
        raise FruitlessError(msg)
    whole = {trial.number for trial in best}
    numbers = {trial.number: k for k, trial in enumerate(sorted(done, key=lambda trial: trial.number), start=1)}
    tried = [
        Tried(
            number=numbers[trial.number],
            settings=space.settings(definition.axes, trial.params),
            error=trial.value if trial.number in whole else None,
            epochs=max(trial.intermediate_values, default=0),
            why=trial.user_attrs.get(_WHY, ""),
        )
        for trial in [*best, *(trial for trial in done if trial.number not in whole)]
    ]
    tuned = Tuned(search=search, trials=tried)
    files.write(search.out, _toml(tuned))
    return tuned


def _toml(tuned: Tuned) -> str:
    search, best = tuned.search, tuned.best
    changed = [f"{key}={json.dumps(value)}" for key, value in best.settings.items()]
    experiment = override(search.experiment, [*changed, "reached=", f"name={json.dumps(as_name(search.out.stem))}"])
    if isinstance(experiment.circuit, Netlist):
        path = os.path.relpath(experiment.circuit.netlist, search.out.parent)  # an experiment file names a deck from its own folder
        experiment = experiment.model_copy(update={"circuit": experiment.circuit.model_copy(update={"netlist": path})})
    seeds = "" if search.seeds == 1 else f", mean of {search.seeds} seeds from {search.experiment.training.seed} on"
    lines = (
        f"Found by: {search.command}",
        f"Trial {best.number} of {len(tuned.trials)}: {100 * (best.error or 0):.2f} % wrong on a validation part{seeds},",
        f"{100 * search.share:g} % of the training part. The test part was not looked at.",
    )
    return "".join(f"# {_CONTROL.sub(' ', line)}\n" for line in lines) + "\n" + to_toml(experiment)

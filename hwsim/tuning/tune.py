"""Tune: run trials up to the requested number; then write the best settings as an experiment."""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.company.members import refuse_local
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import as_name, to_toml
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.experiment.overriding import override
from hwsim.files import atomic
from hwsim.formatting import WRONG_ANSWERS
from hwsim.session import Session
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.points import SweepPoint
from hwsim.tuning import space, study
from hwsim.tuning.search import Search, Tried, Tuned
from hwsim.tuning.trial import Observe, Trial
from hwsim.tuning.tuning_errors import FruitlessError, InterruptedTuneError, TuneError

if TYPE_CHECKING:
    from optuna import Study

SHARE = 0.2
"""Share of the training set that is the validation set, unless the experiment sets another."""

_REFUSED = (
    *("training.seed", "variation.chip", "variation.after", "name", "about"),
    *("data.name", "data.task", "data.targets", "data.test_share", "data.folds", "data.fold", "data.test_limit", "data.validation"),
)
"""Keys that change the measurement, not the training."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""Characters that a comment in TOML cannot contain."""


def tune(search: Search, observe: Observe) -> Tuned:
    """Search, or resume a search, up to the requested number of trials; then write the best experiment.

    Raises
    ------
    TuneError, SweepError, ExperimentError, DataError
        When an input is unusable; nothing is written then.
    FruitlessError
        When no trial was completed.
    InterruptedTuneError
        After Ctrl-C; the best so far is written.

    """
    if search.experiment.company is not None:
        refuse_local(search.experiment.company)
    definition = search.definition
    _check(definition)
    definition.experiment.refuse_age()
    if definition.experiment.company is None or definition.experiment.reservoir is not None:
        definition.experiment.refuse_pending()
    _ = Session.of(definition.experiment).learnable  # so that bad data end the search before it begins
    with study.opened(search.database, definition) as opened:
        try:
            while len(done := study.ended(opened)) < search.trials:
                Trial(opened, definition, observe, number=len(done) + 1).run()
        except KeyboardInterrupt:
            for trial in study.unfinished(opened):
                study.fail(opened, trial)
            done = study.ended(opened)
            tuned = _written(search, definition, opened) if study.completed(opened) else None
            least = definition.experiment.data.measure.text(tuned.best.error or 0.0) if tuned else ""
            best = f"; the best so far, {least}, is in {search.out}" if tuned else ""
            msg = f"interrupted after {len(done)} of {search.trials} trials, all of them saved{best}; the same command resumes"
            raise InterruptedTuneError(msg) from None
        return _written(search, definition, opened)


def _check(definition: SweepDefinition) -> None:
    """Refuse keys and ends of ranges that no experiment can have."""
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
            SweepPoint(1, {axis.key: value}).experiment(definition.experiment)


def _written(search: Search, definition: SweepDefinition, opened: "Study") -> Tuned:
    """Write the experiment with the best settings, and return the result."""
    done, best = study.ended(opened), study.completed(opened)
    if not best:
        why = done[-1].user_attrs.get(study.WHY, "unknown") if done else "there was none"
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
            why=trial.user_attrs.get(study.WHY, ""),
        )
        for trial in [*best, *(trial for trial in done if trial.number not in whole)]
    ]
    tuned = Tuned(search=search, trials=tried)
    atomic.write(search.out, _toml(tuned))
    return tuned


def _reached(search: Search, best: Tried) -> str:
    """Write the best trial's error."""
    measure = search.experiment.data.measure
    return f"{measure.text(best.error or 0.0)} wrong" if measure is WRONG_ANSWERS else f"{measure.name} {measure.text(best.error or 0.0)}"


def _seen_from(folder: Path, experiment: Experiment) -> Experiment:
    """Name decks, start and teachers by their paths from a folder, as a file in it does."""

    def near(path: str) -> str:
        return os.path.relpath(path, folder)

    changed: dict[str, Any] = {}
    if isinstance(experiment.circuit, Netlist):
        changed["circuit"] = experiment.circuit.model_copy(update={"netlist": near(experiment.circuit.netlist)})
    if (reservoir := experiment.reservoir) is not None and reservoir.deck is not None:
        deck = reservoir.deck.model_copy(update={"netlist": near(reservoir.deck.netlist)})
        changed["reservoir"] = reservoir.model_copy(update={"deck": deck})
    if experiment.training.start is not None:
        changed["training"] = experiment.training.model_copy(update={"start": near(experiment.training.start)})
    if (company := experiment.company) is not None and company.teacher:
        changed["company"] = company.model_copy(update={"teacher": tuple(map(near, company.teacher))})
    return experiment.model_copy(update=changed)


def _toml(tuned: Tuned) -> str:
    search, best = tuned.search, tuned.best
    changed = [f"{key}={json.dumps(value)}" for key, value in best.settings.items()]
    experiment = override(search.experiment, [*changed, "reached=", f"name={json.dumps(as_name(search.out.stem))}"])
    experiment = _seen_from(search.out.parent, experiment)
    seeds = "" if search.seeds == 1 else f", mean of {search.seeds} seeds from {search.experiment.training.seed} on"
    lines = (
        f"Found by: {search.command}",
        f"Trial {best.number} of {len(tuned.trials)}: {_reached(search, best)} on a validation set{seeds},",
        f"{100 * search.share:g} % of the training set. The test set was not used.",
    )
    return "".join(f"# {_CONTROL.sub(' ', line)}\n" for line in lines) + "\n" + to_toml(experiment)

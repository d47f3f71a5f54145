"""Teachers: circuits that are trained already, and what they answer on the common samples of a company."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits.quoting import quote_path
from hwsim.experiment.experiment import RUN_FILE, ExperimentError
from hwsim.learning import factory
from hwsim.learning.evaluate import noise_seed, read_outputs
from hwsim.runs.loaded import LoadedModel, load_model
from hwsim.session import Session
from hwsim.typing import Array, Floats


def teachers(names: Sequence[str], pupil: Session) -> list[LoadedModel]:
    """Load trained circuits; a company's folder stands for its chips.

    Raises
    ------
    ExperimentError
        When one is no teacher for the pupil's data.
    RunError, CircuitError, DataError
        When one cannot be read.

    """
    return [_loaded(name, pupil) for name in _each(names)]


def mean_answer(models: Sequence[LoadedModel], samples: Array) -> Floats:
    """Return the mean of what trained circuits answer on samples, given by their numbers in the training set: (n, K) [V]."""
    mean: Floats = np.mean([_answer(model, samples) for model in models], axis=0)
    return mean


def _each(names: Sequence[str]) -> list[str]:
    """List run folders; a company's stands for those of its chips."""
    runs = []
    for name in names:
        chips = sorted(Path(name).glob("chip-*"), key=lambda path: (len(path.name), path.name))
        runs += [str(chip) for chip in chips if (chip / RUN_FILE).is_file()] or [name]
    return runs


def _loaded(name: str, pupil: Session) -> LoadedModel:
    teacher = load_model(name)
    if not teacher.trained:
        msg = f"company.teacher = {quote_path(name)} is no run folder; train it first: hwsim train ... --out FOLDER"
        raise ExperimentError(msg)
    _refuse_other_targets(name, teacher, pupil)
    return teacher


def _answer(teacher: LoadedModel, samples: Array) -> Floats:
    session, training = teacher.session, teacher.experiment.training
    seed = noise_seed(training.seed, teacher.experiment.variation.chip)
    with session.solver() as solver:
        outputs = read_outputs(solver, teacher.g, session.data.x_train[samples], session.reading, seed).outputs
    return np.asarray(factory.loss(training).as_targets(outputs), float)


def _refuse_other_targets(name: str, teacher: LoadedModel, pupil: Session) -> None:
    """Refuse a teacher of other samples, or whose voltages mean something else: then an output of its own is none of the pupil's."""
    mine, theirs = pupil.task.train, teacher.session.task.train
    every = slice(None)
    if mine.shape != theirs.shape or not np.array_equal(mine.of(every), theirs.of(every)):
        msg = (
            f"company.teacher = {quote_path(name)} learned {theirs.shape[0]} samples with targets of its own, and {pupil.experiment.name} "
            f"has {mine.shape[0]} with others; a teacher needs the same data, seed, outputs and target voltages"
        )
        raise ExperimentError(msg)

"""Teachers: circuits that are trained already, and what they answer on the common samples of a company."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits.quoting import quote_path
from hwsim.company.chip_work import outputs_of
from hwsim.experiment.experiment import RUN_FILE, ExperimentError
from hwsim.learning import factory
from hwsim.runs.loaded import LoadedModel, load_model
from hwsim.session import Session
from hwsim.typing import Array, Floats


def teachers(names: Sequence[str], pupil: Session, samples: Array) -> list[LoadedModel]:
    """Load trained circuits that are to answer on some samples of the pupil's training set; a company's folder stands for its chips.

    Raises
    ------
    ExperimentError
        When one is no teacher for the pupil's data.
    RunError, CircuitError, DataError
        When one cannot be read.

    """
    return [_loaded(name, pupil, samples) for name in _each(names)]


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


def _loaded(name: str, pupil: Session, samples: Array) -> LoadedModel:
    teacher = load_model(name)
    if not teacher.trained:
        msg = f"company.teacher = {quote_path(name)} is no run folder; train it first: hwsim train ... --out FOLDER"
        raise ExperimentError(msg)
    _refuse_other_data(name, teacher, pupil, samples)
    return teacher


def _answer(teacher: LoadedModel, samples: Array) -> Floats:
    session = teacher.session
    with session.solver() as solver:
        outputs = np.nan_to_num(outputs_of(session, solver, teacher.g, session.data.x_train[samples]), nan=0.0)
    return np.asarray(factory.loss(teacher.experiment.training).as_targets(outputs), float)


def _refuse_other_data(name: str, teacher: LoadedModel, pupil: Session, samples: Array) -> None:
    """Refuse a teacher of other samples, or whose voltages mean something else: then an output of its own is none of the pupil's."""
    mine, theirs = pupil.task.train, teacher.session.task.train
    every = slice(None)
    if mine.shape != theirs.shape or not np.array_equal(mine.of(every), theirs.of(every)):
        what = f"learned {theirs.shape[0]} samples with targets of its own, and {pupil.experiment.name} has {mine.shape[0]} with others"
    elif not _alike(pupil.data.x_train[samples], teacher.session.data.x_train[samples]):
        what = f"has other common samples than {pupil.experiment.name}, though as many of each class"
    else:
        return
    msg = f"company.teacher = {quote_path(name)} {what}; a teacher needs the same data, seed, outputs and target voltages"
    raise ExperimentError(msg)


def _alike(some: Floats, others: Floats) -> bool:
    """Whether features (n, I) are those of the same samples, each feature by whatever scale."""
    return some.shape == others.shape and np.allclose(_standard(some), _standard(others), rtol=0.0, atol=_ROUNDING)


def _standard(x: Floats) -> Floats:
    """Return features of mean 0 and standard deviation 1; 0 where they do not change."""
    centred = x - x.mean(axis=0)
    width = centred.std(axis=0)
    still = width <= _ROUNDING * np.abs(x).max(axis=0)
    return np.where(still, 0.0, centred / np.where(still, 1.0, width))


_ROUNDING = 1e-9
"""Far above what scaling rounds in 64 bits, and far below a sample's distance from another."""

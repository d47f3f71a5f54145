"""Arrays as data: checked samples of a user's arrays, and the experiment that learns them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from circuits.network import Network
from hwsim.experiment.experiment import DataSettings, Experiment, make
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError, Samples
from hwsim.models import defaults
from hwsim.settings.sections import TaskName

Arrays = tuple[Any, Any]
"""Features (n, I), and a label or a row of targets for each."""


def task_of(circuit: Network | Experiment | str | Path, y: Any) -> TaskName:
    """Return the task that targets stand for: an experiment's own, and of a network, by its outputs.

    Whole numbers and texts are classes, but for numbers of more than two kinds at a single output; all else are real targets.
    """
    if not isinstance(circuit, Network):
        return (circuit if isinstance(circuit, Experiment) else load(circuit)).data.task
    values = np.asarray(y)
    several = values.ndim > 1 and values.shape[1] > 1
    fractions = values.dtype.kind == "f" and bool((values != np.round(values)).any())
    single = values.dtype.kind in "iuf" and circuit.outputs == 1 and len(np.unique(values)) > 2  # noqa: PLR2004 - two classes fit on one output
    return "regression" if several or fractions or single else "classification"


def samples_of(train: Arrays, test: Arrays | None, task: TaskName) -> Samples:
    """Check arrays; without test samples the training samples stand in for them.

    Raises
    ------
    DataError
        Naming the array, the place in it and the remedy.

    """
    checked = Samples.checked if task == "classification" else Samples.with_targets
    return checked(defaults.NAME, *train, *(train if test is None else test))


def experiment_of(
    circuit: Network | Experiment | str | Path, samples: Samples | None, task: TaskName, settings: Mapping[str, Any]
) -> Experiment:
    """Return the experiment of a network, or of one that is named, on samples, or on its own data where there are none.

    Raises
    ------
    ExperimentError, NetlistError
        When there is no such experiment, or a setting is wrong.
    DataError
        When a network has no data.

    """
    if isinstance(circuit, Network):
        if samples is None:
            msg = "a network learns nothing without data: pass x and y, or an experiment that names its data"
            raise DataError(msg)
        experiment = make(defaults.table(circuit, task, len(samples.labels)), "network")
    else:
        experiment = circuit if isinstance(circuit, Experiment) else load(circuit)
        if samples is not None:
            experiment = experiment.model_copy(update={"data": _on_arrays(experiment.data, task)})
    return override(experiment, settings)


def _on_arrays(data: DataSettings, task: TaskName) -> DataSettings:
    """Return settings of data that are arrays: scaled as those of the experiment, and divided already."""
    target_scaling = data.target_scaling if task == "regression" else "minmax"
    kept = data.model_dump(include={"scaling", "clip", "shift", "flip", "input_dropout", "denoise"})
    return DataSettings(name=defaults.NAME, task=task, target_scaling=target_scaling, **kept)

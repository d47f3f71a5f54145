"""Models on disk: a run folder and a model are two views of one thing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.experiment.deck_files import contents
from hwsim.experiment.experiment import SAMPLES, Experiment
from hwsim.experiment.learnt import record
from hwsim.experiment.loading import load as load_experiment
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.experiment.overriding import override
from hwsim.files import atomic, records
from hwsim.files.raw import Samples
from hwsim.models.model import Model


def load(what: str | Path, settings: Mapping[str, Any] | None = None) -> Model | Experiment:
    """Read a model from a run folder, or an experiment by anything else that has one.

    Parameters
    ----------
    what
        A run folder, as `Model.save` and `hwsim train` write it: a model. A name in the zoo, an experiment file (.toml) or a netlist: an
        experiment.
    settings
        Keys of the experiment to change, such as `{"training.epochs": 3}`.

    Raises
    ------
    ExperimentError, NetlistError, RunError
        When there is no such thing, or it is wrong.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.load("iris", {"training.epochs": 3}).training.epochs
    3

    """
    from hwsim.runs.loaded import load_model, run_folder  # noqa: PLC0415 - run folders load only for those who read them

    folder = run_folder(str(what))
    if folder is None:
        return load_experiment(what, settings or {})
    given = load_model(str(what), settings or {})
    metrics = folder.path / "metrics.jsonl"
    rows = tuple(map(records.row, records.read_text(metrics).splitlines())) if metrics.is_file() else ()
    model = Model(given.session, given.g, rows)
    return _with_samples(model, folder.path / SAMPLES) if (folder.path / SAMPLES).is_file() else model


def _with_samples(model: Model, file: Path) -> Model:
    """Return a model with the arrays that it learned from, and the classes as they were passed."""
    from hwsim.data.sources import read  # noqa: PLC0415 - the readers load only for those who read data

    samples = read(str(file), model.experiment.data)
    labels = np.unique(atomic.read_arrays(file)["y_train"]) if model.has_classes else None
    return replace(model, samples=samples, labels=labels)


def save(model: Model, folder: Path) -> Path:
    """Write a model's run folder, with the samples that it learned from where these are arrays.

    Raises
    ------
    RunError, OSError
        When something is in the folder already, or it cannot be written.

    """
    from hwsim.runs.environment import environment  # noqa: PLC0415 - run folders load only for those who write them
    from hwsim.runs.folder import RunFolder  # noqa: PLC0415
    from hwsim.runs.profiling.stopwatch import Stopwatch  # noqa: PLC0415
    from hwsim.runs.train import Ending  # noqa: PLC0415

    run = RunFolder(folder)
    run.refuse_used("remove it, or save to another folder")
    session, experiment = model.session, model.experiment
    if model.samples is not None:
        experiment = override(experiment, {"data.name": SAMPLES})
    deck = experiment.circuit.deck if isinstance(experiment.circuit, Netlist) else None
    described = environment(experiment) | record(session.data)
    with run.begun(experiment, described) as opened:
        if model.samples is not None:
            opened.write(SAMPLES, atomic.packed(_arrays(model, model.samples)))
        rows = list(model.rows)
        opened.write_rows(rows)
        if model.state is not None:
            opened.write_checkpoint(model.state, rows)
        sources = contents(deck) if deck is not None else {}
        Ending(session, opened, dict(model.g), rows, Stopwatch(), None, deck, sources).write()
    return folder


def _arrays(model: Model, samples: Samples) -> dict[str, Any]:
    """Return samples as the arrays of an `.npz` file that reads back to equal ones."""
    parts = (("train", samples.x, samples.labels, samples.y), ("test", samples.x_test, samples.labels_test, samples.y_test))
    arrays: dict[str, Any] = {}
    for part, x, labels, y in parts:
        arrays |= {f"x_{part}": x, f"y_{part}": model.classes[labels] if y is None else y}
    return arrays

"""The files of a run that a report reads: those present, checked, and notes about the missing ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.quoting import quote_path
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.known_data import ENVIRONMENT
from hwsim.experiment.loading import load
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.files.records import Row
from hwsim.learning.predictions import Predictions
from hwsim.report.reservoir_states import ReservoirStates
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import PRETRAINING, RunError
from hwsim.runs.pretraining import begun_after
from hwsim.session import Session

_Content = TypeVar("_Content")

Conductances = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Predictions of the test set: counts by true and predicted class, shape (K, K)."""

    counts: NDArray[np.int_]
    class_names: tuple[str, ...]

    @property
    def error(self) -> float:
        """Share of samples with a wrong class."""
        return 1.0 - float(np.trace(self.counts)) / int(self.counts.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run, ended or under way.

    Parameters
    ----------
    what
        The folder as the user called it.
    circuit, chip
        The experiment's.
    rows, stages
        The metrics, an epoch each: of the training, and of all stages of pretraining.
    summary, environment
        Contents of these files; empty without one.
    before, g
        Conductances that training began with, and those at the end of the last epoch that was saved [S].
    confusion, predictions
        Predictions of the test set with `g`: the first for classes, the second for real targets.
    reservoir
        The states that these predictions were made of; None without a reservoir.
    notes
        What is missing, and why.

    """

    what: str
    experiment: Experiment
    circuit: Circuit
    chip: Chip
    rows: list[Row]
    stages: Sequence[Row] = ()
    summary: dict[str, Any]
    environment: dict[str, Any]
    before: Conductances
    g: Conductances | None
    confusion: Confusion | None
    predictions: Predictions | None = None
    reservoir: ReservoirStates | None = None
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The experiment's name and the run's seed."""
        return f"{self.experiment.name}, seed {self.experiment.training.seed}"

    @property
    def memristors(self) -> int:
        """Number of trainable devices."""
        return self.circuit.memristors


def read_run(what: str) -> RunRecord:
    """Read a run's folder, and evaluate its circuit on the test set.

    Raises
    ------
    RunError
        When a file cannot be used.
    ExperimentError, CircuitError
        When the experiment is wrong, or the conductances do not fit it.

    """
    folder = RunFolder(Path(what))
    experiment = load(what)
    session = Session.of(experiment)
    rows, staged = rows_of(folder.path / "metrics.jsonl"), rows_of(folder.path / PRETRAINING)
    summary: dict[str, Any] = table_of(folder.path / "summary.json", records.summary, {})
    environment: dict[str, Any] = table_of(folder.path / ENVIRONMENT, records.environment, {})
    notes = [] if summary else [unfinished(what, rows, experiment)]
    g = _learned(session, folder) if folder.weights.exists() else None
    confusion = predictions = reservoir = None
    if g is None:
        notes.append(f"There is no {folder.weights.name} here: no conductances after training, and no evaluation on the test set.")
    else:
        confusion, predictions, reservoir, missing = _read_test_set(what)
        notes += missing
    return RunRecord(
        what=what,
        experiment=experiment,
        circuit=session.circuit,
        chip=session.chip,
        rows=rows,
        stages=staged,
        summary=summary,
        environment=environment,
        before=begun_after(session, folder.path).begun(),
        g=g,
        confusion=confusion,
        predictions=predictions,
        reservoir=reservoir,
        notes=tuple(notes),
    )


def _learned(session: Session, folder: RunFolder) -> Conductances:
    """Return a run's conductances [S] as the chip's devices realise them."""
    from hwsim.learning.initial import within  # noqa: PLC0415 - learning loads only for those who ask

    return within(session.chip, folder.read_weights(session.circuit))


def unfinished(what: str, rows: list[Row], experiment: Experiment) -> str:
    """Return that a run has not ended, and how to resume it."""
    done = f"{len(rows)} of {experiment.training.epochs} epochs are saved" if rows else "no epoch is saved yet"
    return f"This run has not ended: {done}. Resume it with: hwsim train {what} --resume"


def rows_of(path: Path) -> list[Row]:
    """Read the metrics; without a file there are none yet.

    Raises
    ------
    RunError
        When they cannot be used.

    """
    if not path.exists():
        return []
    rows: list[Row] = []
    with _naming(path, "take the file away, or leave this run out"):
        lines = records.read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        with _naming(path, "take the line out, or leave this run out", f"line {number} is no row of metrics: it "):
            rows.append(records.row(line))
    return rows


def table_of(path: Path, read: Callable[[str], _Content], otherwise: _Content) -> _Content:
    """Read a file of a run by a function of its text; where there is none, return what stands for it.

    Raises
    ------
    RunError
        When it cannot be used.

    """
    if not path.exists():
        return otherwise
    with _naming(path, "take the file away, or leave this run out"):
        return read(records.read_text(path))


@contextmanager
def _naming(path: Path, remedy: str, part: str = "") -> Iterator[None]:
    """Add the file's name and the remedy to errors."""
    try:
        yield
    except UnreadableError as error:
        msg = f"{quote_path(path)}: {part}{error}; {remedy}"
        raise RunError(msg) from None


def _read_test_set(what: str) -> tuple[Confusion | None, Predictions | None, ReservoirStates | None, list[str]]:
    """Evaluate the held-out set with the run's own engine; when that is impossible, return the reason in a line."""
    from hwsim.core.protocol import ConvergenceError  # noqa: PLC0415
    from hwsim.runs.loaded import load_model  # noqa: PLC0415

    given = load_model(what)
    notes = [f"The {given.cut}."] if given.cut else []
    try:
        data = given.session.data
        with given.session.verified_solver() as solver:
            evaluation = given.session.evaluate(solver, given.g, data.x_test, given.session.task.test)
        reservoir = ReservoirStates.of(given.session)
    except (ValueError, OSError, ConvergenceError) as error:
        missing = "confusion matrix" if given.experiment.data.task == "classification" else "plot of predictions"
        return (
            None,
            None,
            None,
            [*notes, f"There is no {missing}, as the {given.experiment.data.held_out} set could not be evaluated: {error}"],
        )
    if data.scale is not None:
        return None, Predictions.of(data, "test", evaluation.answers), reservoir, notes
    counts = np.zeros((data.classes, data.classes), dtype=int)
    np.add.at(counts, (data.labels_test, evaluation.answers), 1)
    return Confusion(counts=counts, class_names=data.class_names), None, reservoir, notes

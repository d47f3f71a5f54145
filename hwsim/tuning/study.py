"""The study: one SQLite file, written by Optuna, in which every trial and each of its epochs is kept; one process at a time."""

import fcntl
import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.streams import stream
from hwsim.sweep.database import is_database
from hwsim.sweep.definition import Definition
from hwsim.sweep.errors import SweepError
from hwsim.tuning.errors import TuneError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

_NAME, _DEFINITION = "hwsim", "definition"


@contextmanager
def opened(path: Path, definition: Definition) -> "Iterator[Study]":
    """Open a study's file, or make it; trials that were under way when a process died count for nothing.

    Raises
    ------
    TuneError
        When the file is another search's, or no study's at all, or another process is at work on it.
    OSError
        When it cannot be made.

    """
    _refuse_other_files(path)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"{path}: another process searches here; wait for it, or choose another file with --out"
            raise TuneError(msg) from None
        study = _study(path, definition)
        for trial in unfinished(study):
            fail(study, trial)
        yield study


def _refuse_other_files(path: Path) -> None:
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    tables: list[tuple[str]] = []
    if is_database(path):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'studies'").fetchall()
        except sqlite3.Error:
            tables = []
    if not tables:
        msg = f"{path}: is no database of hwsim tune; choose another file with --out"
        raise TuneError(msg)


def _study(path: Path, definition: Definition) -> "Study":
    import optuna  # noqa: PLC0415 - takes a second to load, and only those who tune need it
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}, "poolclass": NullPool})
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
        study = optuna.create_study(storage=storage, pruner=pruner, study_name=_NAME, direction="minimize", load_if_exists=True)
        written = study.user_attrs.get(_DEFINITION)
        if written is None:
            study.set_user_attr(_DEFINITION, definition.to_json())
            return study
    except (SQLAlchemyError, RuntimeError, sqlite3.Error) as error:
        reason = str(error).splitlines()[0]
        msg = f"{path}: cannot be used ({reason}); choose another file with --out"
        raise TuneError(msg) from None
    try:
        difference = Definition.from_json(written).difference(definition)
    except SweepError as error:
        msg = f"{path}: {error}; choose another file with --out"
        raise TuneError(msg) from None
    if difference is not None:
        msg = f"{path} was begun with {difference}; go on with it as it was, or begin another search with --out"
        raise TuneError(msg)
    return study


def seed_sampler(study: "Study", seed: int) -> None:
    """Let the next trial's random numbers depend on the seed and the trials that ended alone, whatever was killed in between."""
    from optuna.samplers import TPESampler  # noqa: PLC0415

    number = int(stream(seed, f"tune/{len(ended(study))}").integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it calls experimental is what it recommends
        study.sampler = TPESampler(seed=number, multivariate=True, constant_liar=False)


def enqueue(study: "Study", parameters: Mapping[str, Any]) -> None:
    """Let the next trial have these parameters, also if the one that was to have them was killed."""
    from optuna.trial import TrialState  # noqa: PLC0415

    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(dict(parameters))


def ended(study: "Study") -> "list[FrozenTrial]":
    """List the trials that ended, given up or not."""
    from optuna.trial import TrialState  # noqa: PLC0415

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def unfinished(study: "Study") -> "list[FrozenTrial]":
    """List the trials that began and did not end."""
    from optuna.trial import TrialState  # noqa: PLC0415

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def completed(study: "Study") -> "list[FrozenTrial]":
    """List the trials that came to their last epoch, the best first; of equal ones that which was better on its way there."""
    from optuna.trial import TrialState  # noqa: PLC0415

    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(found, key=lambda trial: (trial.value, _on_the_way(trial), trial.number))


def _on_the_way(trial: "FrozenTrial") -> float:
    values = trial.intermediate_values.values()
    return sum(values) / len(values) if values else math.inf


def fail(study: "Study", trial: "FrozenTrial") -> None:
    """End a trial that is to be done again."""
    from optuna.trial import TrialState  # noqa: PLC0415

    study.tell(trial.number, state=TrialState.FAIL)

"""The study: one SQLite file, written by Optuna, with every trial and each of its epochs; one process at a time."""

import fcntl
import math
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from circuits.quoting import quote, quoted
from hwsim.files import atomic
from hwsim.random.streams import stream
from hwsim.sweep.database import is_database
from hwsim.sweep.definition import SweepDefinition
from hwsim.sweep.sealed import Objects, difference, objects, seal
from hwsim.sweep.sweep_errors import SweepError
from hwsim.tuning import space
from hwsim.tuning.tuning_errors import TuneError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

_NAME, _DEFINITION = "hwsim", "definition"

WHY = "why"
"""Attribute of a pruned trial: the reason in a line."""


@contextmanager
def opened(path: Path, definition: SweepDefinition) -> "Iterator[Study]":
    """Open or create a study's file; trials that were under way when a process died are ignored.

    Raises
    ------
    TuneError
        When the file is of another search, or no study, or in use by another process.
    OSError
        When it cannot be created.

    """
    exists = path.exists() and not (path.is_file() and path.stat().st_size == 0)
    if exists and not is_database(path):
        _refuse(path, "is no database of hwsim tune")
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"{path}: another process searches here; wait for it, or choose another file with --out"
            raise TuneError(msg) from None
        connect = _connections(path, file.fileno())
        with _plainly(path):
            if exists:
                _refuse_strange(path, connect)
            study = _study(path, definition, connect)
            refuse_damaged(study, definition, str(path))
            for trial in unfinished(study):
                fail(study, trial)
        yield study


def _refuse(path: Path, why: str) -> NoReturn:
    msg = f"{path}: {why}; choose another file with --out"
    raise TuneError(msg)


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Return the error message of a file that cannot be used."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - takes a moment to load, and only those who tune need it

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:  # RecursionError too
        if isinstance(error, TuneError):
            raise
        _refuse(path, f"cannot be used ({quote(error, 150)})")


def _connections(path: Path, descriptor: int) -> Callable[[], sqlite3.Connection]:
    """Return a function that opens the file again for each of Optuna's transactions, while the path leads to it."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=60)
        if atomic.identity(path) != atomic.identity(descriptor):
            connection.close()
            msg = f"{path} was moved or replaced while the search wrote to it; its trials are in the moved file: continue there"
            raise TuneError(msg)
        seal(connection)
        return connection

    return connect


def _refuse_strange(path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
    """Refuse a database that differs from Optuna's: a view or a trigger could compute anything."""
    with closing(connect()) as connection:
        present = objects(connection)
    if not any(name == "studies" for _, name, *_ in present):
        _refuse(path, "is no database of hwsim tune")
    if strange := difference(present, _made_by_optuna()):
        _refuse(path, strange.format("search"))


def _made_by_optuna() -> Objects:
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    with closing(sqlite3.connect(":memory:")) as connection:
        _storage(lambda: connection, StaticPool)
        return objects(connection)


def _storage(connect: Callable[[], sqlite3.Connection], pool: type) -> "RDBStorage":
    from optuna.storages import RDBStorage  # noqa: PLC0415 - takes a second to load

    return RDBStorage("sqlite://", engine_kwargs={"creator": connect, "poolclass": pool})


def _study(path: Path, definition: SweepDefinition, connect: Callable[[], sqlite3.Connection]) -> "Study":
    import optuna  # noqa: PLC0415 - as above
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
    storage = _storage(connect, NullPool)
    study = optuna.create_study(storage=storage, pruner=pruner, study_name=_NAME, direction="minimize", load_if_exists=True)
    written = study.user_attrs.get(_DEFINITION)
    if written is None:
        study.set_user_attr(_DEFINITION, definition.to_json())
        return study
    try:
        changed = SweepDefinition.from_json(written).difference(definition)
    except SweepError as error:
        _refuse(path, str(error))
    if changed is not None:
        msg = f"{path} was begun with {changed}; resume it as it was, or begin another search with --out"
        raise TuneError(msg)
    return study


def refuse_damaged(study: "Study", definition: SweepDefinition, where: str) -> None:
    """Refuse trials that no search of this definition makes: other keys or ranges, impossible errors.

    Raises
    ------
    TuneError
        With the trial's number.

    """
    from optuna.study import StudyDirection  # noqa: PLC0415
    from optuna.trial import TrialState  # noqa: PLC0415

    wanted, most = space.distributions(definition.axes), definition.experiment.data.measure.most
    now = space.present(definition.axes, definition.experiment)
    faults = ["its errors are to rise"] if study.direction != StudyDirection.MINIMIZE else []
    for trial in study.get_trials(deepcopy=False):
        errors = [*trial.intermediate_values.values(), *([trial.value] if trial.state == TrialState.COMPLETE else [])]
        if odd := [error for error in errors if error is None or not 0.0 <= error <= most]:
            faults.append(f"trial {trial.number} has an error of {quoted(odd[0])}, which is {'no share' if most == 1 else 'none'}")
        elif trial.state.is_finished() and trial.state != TrialState.FAIL and trial.distributions != wanted:
            faults.append(f"trial {trial.number} has other keys or ranges than this search")
        elif (planned := trial.system_attrs.get("fixed_params", now)) != now:
            faults.append(f"trial {trial.number} is to have {quoted(planned)}, which this search does not plan")
        elif not isinstance(trial.user_attrs.get(WHY, ""), str):
            faults.append(f"trial {trial.number} has no line of text in {WHY}")
    if faults:
        msg = f"{where}: is damaged ({faults[0]}); search again into another file (--out)"
        raise TuneError(msg)


def seed_sampler(study: "Study", seed: int) -> None:
    """Seed the next trial's random numbers from the seed and the completed trials only, whatever was killed in between."""
    from optuna.samplers import TPESampler  # noqa: PLC0415

    number = int(stream(seed, f"tune/{len(ended(study))}").integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends features that it calls experimental
        study.sampler = TPESampler(seed=number, multivariate=True, constant_liar=False)


def enqueue(study: "Study", parameters: Mapping[str, Any]) -> None:
    """Set the next trial's parameters, also if the one that was to have them was killed."""
    from optuna.trial import TrialState  # noqa: PLC0415

    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(dict(parameters))


def ended(study: "Study") -> "list[FrozenTrial]":
    """List the trials that ended, pruned or not."""
    from optuna.trial import TrialState  # noqa: PLC0415

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def unfinished(study: "Study") -> "list[FrozenTrial]":
    """List the trials that began and did not end."""
    from optuna.trial import TrialState  # noqa: PLC0415

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def completed(study: "Study") -> "list[FrozenTrial]":
    """List the completed trials, the best first; of equal ones that which was better at earlier epochs."""
    from optuna.trial import TrialState  # noqa: PLC0415

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(trials, key=lambda trial: (trial.value, _on_the_way(trial), trial.number))


def _on_the_way(trial: "FrozenTrial") -> float:
    values = trial.intermediate_values.values()
    return sum(values) / len(values) if values else math.inf


def fail(study: "Study", trial: "FrozenTrial") -> None:
    """End a trial that is to be repeated."""
    from optuna.trial import TrialState  # noqa: PLC0415

    study.tell(trial.number, state=TrialState.FAIL)

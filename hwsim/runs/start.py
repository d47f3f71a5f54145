"""The start of a run: in a new folder, or where another stopped."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.experiment.experiment import RUN_FILE, Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.files.stored_conductances import fingerprint
from hwsim.runs.folder import RunFolder
from hwsim.runs.open_run import OpenRun, RunError

OF_COMPANY = " of the company in "
"""What experiments of a company's chips have in `about`: such a folder has no checkpoint, and its settings are not all that made it."""


@dataclass(frozen=True, slots=True)
class Start:
    """An experiment and its folder; None is the next free one of runs/NAME-SEED, runs/NAME-SEED-2 and so on."""

    experiment: Experiment
    folder: RunFolder | None
    resume: bool

    @property
    def finished(self) -> bool:
        """Whether nothing remains to train: the folder's summary counts all epochs, and no more, which train refuses."""
        if not self.resume or self.folder is None or not self.folder.summary.is_file():
            return False
        try:
            trained = records.summary(records.read_text(self.folder.summary)).get("epochs")
        except (UnreadableError, OSError):
            return False  # a damaged folder is reported when it is read
        return isinstance(trained, int) and trained == self.experiment.training.epochs

    @contextmanager
    def locked(self, environment: Mapping[str, Any]) -> Iterator[OpenRun]:
        """Make the folder, with the files that describe the run, or open the one to resume in; no other process trains there meanwhile.

        Raises
        ------
        RunError
            When the folder is in use.
        OSError
            When it cannot be made or written; it is then removed.

        """
        with ExitStack() as stack:
            if self.resume and self.folder is not None:
                folder = stack.enter_context(self.folder.locked())
                if not folder.holds(RUN_FILE):
                    msg = f"{folder.path} was emptied meanwhile; there is nothing to resume"
                    raise RunError(msg)
                _refuse_another(load(str(self.folder.experiment)), self.experiment, self.folder)  # again: it may be another by now
            else:
                folder = self._begun(environment, stack)
            yield folder

    def _begun(self, environment: Mapping[str, Any], stack: ExitStack) -> OpenRun:
        for folder in [self.folder] if self.folder else _numbered(self.experiment):
            try:
                return stack.enter_context(folder.begun(self.experiment, environment))
            except FileExistsError:  # another process was faster
                continue
            except RunError:
                if self.folder:
                    raise
                continue
        msg = f"{self.folder} was taken meanwhile; choose another folder with --out"
        raise RunError(msg)


def new_run(experiment: Experiment, out: Path | None) -> Start:
    """Start a run in the folder `out`, which must be empty or not exist yet, or in the next free one.

    Raises
    ------
    When `out` is not empty.
        When something is in `out` already.

    """
    folder = RunFolder(out) if out else None
    if folder is not None:
        folder.refuse_used()
    return Start(experiment, folder, resume=False)


def resumed_run(experiment: Experiment, out: Path | None) -> Start:
    """Resume the run in `out`, or the last one of runs/NAME-SEED, runs/NAME-SEED-2 and so on.

    The experiment must be the folder's own; only `training.epochs` and `solver` may differ.

    Raises
    ------
    RunError
        When there is no such run, it is of another experiment, or of a chip that a company trains.

    """
    if out is None:
        existing = list(itertools.takewhile(lambda folder: folder.path.exists(), _numbered(experiment)))
        folder = existing[-1] if existing else next(_numbered(experiment))
    else:
        folder = RunFolder(out)
    if not folder.experiment.is_file():
        msg = f"{folder.path} holds no run: there is nothing to resume; leave --resume out, or name the folder with --out"
        raise RunError(msg)
    stored = load(str(folder.experiment))
    _refuse_another(stored, experiment, folder)
    if OF_COMPANY in stored.about and not folder.checkpoint.exists():
        msg = (
            f"{folder.path} is {stored.about}; alone, it would begin again with all samples: resume the company, or start from its "
            f"conductances with --from {folder.path}"
        )
        raise RunError(msg)
    return Start(experiment, folder, resume=True)


def _numbered(experiment: Experiment) -> Iterator[RunFolder]:
    stem = f"{experiment.name}-{experiment.training.seed}"
    return (RunFolder(Path("runs") / (stem if k == 1 else f"{stem}-{k}")) for k in itertools.count(1))


def _leaves(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """List a section's keys; for tables with a kind, the keys in them."""
    for key, value in table.items():
        if isinstance(value, Mapping) and "kind" in value:
            yield from ((f"{key}.{inner}", entry) for inner, entry in value.items())
        else:
            yield key, value


def _refuse_another(stored: Experiment, asked: Experiment, folder: RunFolder) -> None:
    def fixed(experiment: Experiment) -> dict[str, Any]:
        sections = {"circuit", "blocks", "reservoir", "data", "training", "device", "variation", "noise"}
        table = experiment.model_dump(include=sections, exclude={"training": {"epochs", "skip_failed"}})
        if isinstance(experiment.circuit, Netlist):
            table["circuit"] = experiment.circuit.described()
        if experiment.reservoir is not None and experiment.reservoir.deck is not None:
            table["reservoir"]["deck"] = experiment.reservoir.deck.described()
        if experiment.training.start is not None:
            table["training"]["start"] = fingerprint(experiment.shown or {})
        table["blocks"] = {str(k): block for k, block in enumerate(table.get("blocks") or ())}
        company = experiment.company
        if company is not None:
            company = company.model_copy(update={"teacher": tuple(str(Path(one).resolve()) for one in company.teacher)})
        whole = {"pretraining": experiment.model_dump()["pretraining"], "company": company}
        return {f"{section}.{key}": value for section, keys in table.items() for key, value in _leaves(keys or {})} | whole

    was, now = fixed(stored), fixed(asked)
    if differing := [key for key in was if key not in now or was[key] != now[key]]:
        key = differing[0]
        whole = key in {"circuit.netlist", "reservoir.deck", "training.start", "pretraining", "company"}
        values = "" if whole else f" = {was[key]!r}, not {now.get(key)!r}"
        other = "another " if whole else ""
        msg = f"{folder.path} was begun with {other}{key}{values}; resume it as it was, or begin another (--out)"
        raise RunError(msg)

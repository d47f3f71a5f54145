"""An open run folder: the files that a training writes there, and the checkpoint that it is resumed from."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwsim.experiment import known_data, learnt
from hwsim.experiment.experiment import RUN_FILE, SAMPLES, Experiment
from hwsim.experiment.loading import to_toml
from hwsim.experiment.netlist_circuit import KEPT, Netlist
from hwsim.files import atomic, stored_conductances
from hwsim.files.records import Row
from hwsim.runs import checkpoint
from hwsim.runs.checkpoint import Arrays

CHECKPOINT = "checkpoint.npz"
"""What a run is resumed from; it holds the metrics so far too, so that both always fit."""


PRETRAINING = "pretraining.jsonl"
"""The metrics of all stages of pretraining: a line an epoch, with the number of its stage."""


def stage_checkpoint(number: int | str) -> str:
    """Return the name of the checkpoint of a stage of pretraining."""
    return f"pretraining-{number}.npz"


class RunError(ValueError):
    """A run folder that cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The folder of a run while this process trains in it.

    Files are read and written through the open folder, so that they stay together when it is renamed, and another run that takes the old
    path is never written into.

    Parameters
    ----------
    path
        Where it was when the training began.
    descriptor
        Of the open folder.

    """

    path: Path
    descriptor: int

    @property
    def present(self) -> Path:
        """The folder's present path, for messages and for those who read it when it is no longer open."""
        return atomic.place_of(self.descriptor, self.path)

    def holds(self, name: str) -> bool:
        """Whether a file of the folder is there."""
        try:
            os.stat(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return False
        return True

    def write(self, name: str | Path, content: bytes | str) -> None:
        """Write a file of the folder; a link in its place is replaced, for it may lead anywhere.

        Raises
        ------
        RunError
            When the folder was removed since it was opened.
        OSError
            When the file cannot be written.

        """
        try:
            atomic.write(Path(name), content, within=self.descriptor)
        except FileNotFoundError:
            if self.present.exists():
                raise
            msg = f"{self.path} was removed while it was trained in, and nothing can be saved there any more; train again (--out)"
            raise RunError(msg) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path / name)) from error

    def empty(self, *, remove: bool) -> None:
        """Delete everything in the open folder, and with `remove` the folder too."""
        for name in atomic.names_in(self.descriptor):
            try:
                os.unlink(name, dir_fd=self.descriptor)
            except OSError:  # a folder
                shutil.rmtree(name, dir_fd=self.descriptor)
        if remove:
            self.present.rmdir()

    def describe(self, experiment: Experiment, environment: Mapping[str, Any]) -> None:
        """Write the files that describe a run: netlist, start, if any, experiment, environment.

        The experiment makes this the folder of a run to resume.
        """
        if isinstance(experiment.circuit, Netlist):
            circuit, kept = experiment.circuit.kept()
            self.write_all(kept)
            experiment = experiment.model_copy(update={"circuit": circuit})
        if (reservoir := experiment.reservoir) is not None and reservoir.deck is not None:
            deck, kept = reservoir.deck.kept()
            self.write_all(kept)
            experiment = experiment.model_copy(update={"reservoir": reservoir.model_copy(update={"deck": deck})})
        if Path(experiment.data.name) == self.path / SAMPLES:  # of a run that is resumed
            experiment = experiment.model_copy(update={"data": experiment.data.model_copy(update={"name": SAMPLES})})
        if experiment.training.start is not None:
            listed = learnt.listed(experiment.training.start)  # first: a run that is resumed starts from its own copy
            self.write(learnt.FILE, listed)
            self.write(stored_conductances.STARTED, atomic.packed(experiment.shown or {}))
            experiment = experiment.model_copy(
                update={"training": experiment.training.model_copy(update={"start": stored_conductances.STARTED})}
            )
        if experiment.company is not None and experiment.company.teacher:
            here = self.present.resolve()
            teacher = tuple(os.path.relpath(Path(one).resolve(), here) for one in experiment.company.teacher)
            experiment = experiment.model_copy(update={"company": experiment.company.model_copy(update={"teacher": teacher})})
        self.write(RUN_FILE, to_toml(experiment))
        self.write(known_data.ENVIRONMENT, json.dumps(environment, indent=2) + "\n")

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write files by their paths within the folder."""
        for name, content in contents.items():
            atomic.make_folders_within(self.descriptor, Path(name).parent)
            self.write(name, content)

    def write_rows(self, rows: list[Row]) -> None:
        """Write metrics.jsonl: a line an epoch."""
        self.write("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def write_checkpoint(self, arrays: Arrays, rows: list[Row], name: str = CHECKPOINT) -> None:
        """Write a checkpoint."""
        self.write(name, checkpoint.pack(arrays, rows))

    def write_weights(self, g: Mapping[str, NDArray[Any]]) -> None:
        """Write the conductances [S]."""
        self.write(stored_conductances.TRAINED, atomic.packed(g))

    def read_checkpoint(self, like: Arrays, name: str = CHECKPOINT) -> tuple[Arrays, list[Row]]:
        """Read a checkpoint back; its arrays must have the names, shapes and types of `like`.

        Raises
        ------
        RunError
            When it cannot be read or does not fit.

        """
        remedy = "train again into another folder (--out)"
        try:
            return checkpoint.unpack(read_arrays(Path(name), self.path / name, remedy, self.descriptor), like)
        except atomic.UnreadableError as error:
            msg = f"{self.path / name}: {error}; {remedy}"
            raise RunError(msg) from None


def is_used(folder: Path | int) -> bool:
    """Whether anything is in a folder other than files that a killed process did not finish, or wrote before the experiment."""
    early = {KEPT, stored_conductances.STARTED, learnt.FILE}
    return any(name not in early and not (name.startswith(".") and name.endswith(".tmp")) for name in atomic.names_in(folder))


def read_arrays(path: Path, shown: Path, remedy: str, within: int | None = None) -> Arrays:
    """Read a run's `.npz` file; `shown` is its path in messages.

    Raises
    ------
    RunError
        When it cannot be read, with the remedy.

    """
    try:
        return atomic.read_arrays(path, within)
    except atomic.UnreadableError as error:
        msg = f"{shown}: cannot be read ({error}); {remedy}"
        raise RunError(msg) from None

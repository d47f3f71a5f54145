"""The run folder: its files, each written whole, and the checkpoint that a run continues from."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from hwsim import checkpoint, files, learnt, weights
from hwsim.checkpoint import Arrays
from hwsim.experiment import RUN_FILE, Experiment, to_toml
from hwsim.netlist import KEPT, TRAINED, Netlist
from hwsim.records import Row
from hwsim.weights import fault_of, laid_out


class RunError(ValueError):
    """A run folder that cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        Where it is, or was when a training began in it.
    descriptor
        Of the open folder while this process trains in it: its files are read and written by this, so that they stay together when the
        folder is renamed, and another run that takes the old path is never written into.

    """

    path: Path
    descriptor: int | None = None

    NAMES: ClassVar = frozenset(
        {
            RUN_FILE,
            TRAINED,
            "checkpoint.npz",
            weights.TRAINED,
            weights.STARTED,
            learnt.FILE,
            "environment.json",
            "metrics.jsonl",
            "summary.json",
            "profile.json",
            "loss-and-error.png",
        }
    )
    """What the files of every run are called."""

    @property
    def experiment(self) -> Path:
        """The complete experiment; it reproduces the run."""
        return self.path / RUN_FILE

    @property
    def checkpoint(self) -> Path:
        """What a run continues from; it holds the metrics so far too, so that both always fit."""
        return self.path / "checkpoint.npz"

    @property
    def weights(self) -> Path:
        """The conductances at the end of the last whole epoch [S]."""
        return self.path / weights.TRAINED

    @property
    def netlist(self) -> Path:
        """The trained circuit."""
        return self.path / TRAINED

    @property
    def plot(self) -> Path:
        """Loss and error over the epochs."""
        return self.path / "loss-and-error.png"

    @property
    def profile(self) -> Path:
        """Where the time of the last training went, if someone asked."""
        return self.path / "profile.json"

    def files(self) -> Iterator[Path]:
        """List the files that belong to the run, those of a netlist too."""
        yield from (self.path / name for name in self.NAMES)
        for file in (self.path / KEPT).rglob("*"):
            yield file
            yield self.path / file.relative_to(self.path / KEPT)

    @property
    def present(self) -> "RunFolder":
        """The folder under the path that it has now, for messages and for those who read it when it is no longer open."""
        return self if self.descriptor is None else RunFolder(files.place_of(self.descriptor, self.path))

    def holds(self, path: Path) -> bool:
        """Whether a file of the folder is there."""
        try:
            os.stat(self._name(path), dir_fd=self.descriptor)
        except FileNotFoundError:
            return False
        return True

    def write(self, path: Path, content: bytes | str) -> None:
        """Write a file of the folder; a link in its place is replaced, for it may lead anywhere.

        Raises
        ------
        RunError
            When the folder was removed since it was opened.
        OSError
            When the file cannot be written.

        """
        try:
            files.write(self._name(path), content, follow=False, within=self.descriptor)
        except FileNotFoundError:
            if self.descriptor is None or self.present.path.exists():
                raise
            msg = f"{self.path} was removed while it was trained in, and nothing can be saved there any more; train again (--out)"
            raise RunError(msg) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error

    def _name(self, path: Path) -> Path:
        """Return a file's path from the open folder, or its whole path where none is open."""
        return path if self.descriptor is None else path.relative_to(self.path)

    def _used(self) -> bool:
        """Whether anything is in the folder besides what a killed process left unfinished, or had written before the experiment."""
        names = files.names_in(self.path if self.descriptor is None else self.descriptor)
        return any(
            name not in {KEPT, weights.STARTED, learnt.FILE} and not (name.startswith(".") and name.endswith(".tmp")) for name in names
        )

    def refuse_used(self) -> None:
        """Refuse a folder for a new run that is not empty, or no folder.

        Raises
        ------
        RunError
            Saying what to do instead.

        """
        if self.path.exists() and not self.path.is_dir():
            msg = f"{self.path} is a file; choose a folder with --out"
            raise RunError(msg)
        if self.path.is_dir() and self._used():
            msg = f"{self.path} is not empty; continue its run with --resume, or choose another folder with --out"
            raise RunError(msg)

    @contextmanager
    def begun(self, experiment: Experiment, environment: Mapping[str, Any]) -> "Iterator[RunFolder]":
        """Make the folder, or take an empty one, with the files that describe the run, and keep it open; when that fails, leave nothing.

        Raises
        ------
        FileExistsError
            When there is something in it.
        RunError
            When another process trains in it.

        """
        made = not self.path.exists()
        files.make_folder(self.path, exist_ok=not made)
        with self.locked() as folder:
            if folder._used():  # noqa: SLF001 - the same folder, opened
                raise FileExistsError(errno.EEXIST, "the folder is not empty", str(self.path))
            try:
                folder.describe(experiment, environment)
            except OSError:
                folder._empty(remove=made)  # noqa: SLF001
                raise
            yield folder

    def _empty(self, *, remove: bool) -> None:
        """Take everything out of the open folder, and with `remove` the folder away."""
        assert self.descriptor is not None  # noqa: S101 - it was opened to be filled
        for name in files.names_in(self.descriptor):
            try:
                os.unlink(name, dir_fd=self.descriptor)
            except OSError:  # a folder
                shutil.rmtree(name, dir_fd=self.descriptor)
        if remove:
            self.present.path.rmdir()

    def describe(self, experiment: Experiment, environment: Mapping[str, Any]) -> None:
        """Write what describes a run: a netlist, and what it starts from, if any, the experiment, the environment.

        The experiment makes this the folder of a run to resume.
        """
        if isinstance(experiment.circuit, Netlist):
            circuit, kept = experiment.circuit.kept()
            self.write_all(kept)
            experiment = experiment.model_copy(update={"circuit": circuit})
        if experiment.training.start is not None:
            known = learnt.listed(experiment.training.start)  # first: a run that is resumed starts from its own copy
            self.write(self.path / learnt.FILE, known)
            self.write(self.path / weights.STARTED, files.packed(experiment.shown or {}))
            experiment = experiment.model_copy(update={"training": experiment.training.model_copy(update={"start": weights.STARTED})})
        self.write(self.experiment, to_toml(experiment))
        self.write(self.path / "environment.json", json.dumps(environment, indent=2) + "\n")

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write files by their paths within the folder."""
        for name, content in contents.items():
            if self.descriptor is None:
                files.make_folder((self.path / name).parent, exist_ok=True)
            else:
                files.make_folders_within(self.descriptor, Path(name).parent)
            self.write(self.path / name, content)

    def write_rows(self, rows: list[Row]) -> None:
        """Write metrics.jsonl: a line an epoch."""
        self.write(self.path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def write_checkpoint(self, arrays: Arrays, rows: list[Row]) -> None:
        """Write what the run continues from."""
        self.write(self.checkpoint, checkpoint.pack(arrays, rows))

    def write_weights(self, g: Mapping[str, NDArray[Any]]) -> None:
        """Write the conductances [S]."""
        self.write(self.weights, files.packed(g))

    def read_checkpoint(self, like: Arrays) -> tuple[Arrays, list[Row]]:
        """Read the checkpoint back; its arrays must have the names, shapes and types of `like`.

        Raises
        ------
        RunError
            When it cannot be read or does not fit.

        """
        remedy = "train again into another folder (--out)"
        try:
            return checkpoint.unpack(self._read_arrays(self.checkpoint, remedy), like)
        except files.UnreadableError as error:
            msg = f"{self.checkpoint}: {error}; {remedy}"
            raise RunError(msg) from None

    def read_weights(self, circuit: Circuit) -> dict[str, NDArray[np.float64]]:
        """Read the conductances [S] and check that they are the circuit's.

        Raises
        ------
        RunError
            When there are none yet, or they cannot be read.
        CircuitError
            When they do not fit the circuit.

        """
        if not self.holds(self.weights):
            msg = f"{self.path} holds no {self.weights.name} yet: no epoch was finished; go on with hwsim train {self.path} --resume"
            raise RunError(msg)
        g = self._read_arrays(self.weights, f"make it again with hwsim train {self.path} --resume")
        if fault := fault_of(g):
            msg = f"{self.weights}: {fault}; make it again with hwsim train {self.path} --resume"
            raise RunError(msg)
        return laid_out(g, circuit)

    def _read_arrays(self, path: Path, remedy: str) -> Arrays:
        try:
            return files.read_arrays(self._name(path), self.descriptor)
        except files.UnreadableError as error:
            msg = f"{path}: cannot be read ({error}); {remedy}"
            raise RunError(msg) from None

    @contextmanager
    def locked(self) -> "Iterator[RunFolder]":
        """Open the folder, and keep every other process from training in it; the system lets go of it when this process dies.

        Raises
        ------
        RunError
            When another one trains there.

        """
        with files.opened(self.path) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"{self.path}: another process trains in this folder; wait for it, or choose another folder with --out"
                raise RunError(msg) from None
            yield RunFolder(self.path, descriptor)

"""The run folder: names of its files, reading a run, and creating its folder."""

import errno
import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.experiment import known_data, learnt
from hwsim.experiment.experiment import RUN_FILE, SAMPLES, Experiment
from hwsim.experiment.netlist_circuit import KEPT, TRAINED
from hwsim.files import atomic, stored_conductances
from hwsim.files.stored_conductances import fault_of, laid_out
from hwsim.runs.open_run import CHECKPOINT, PRETRAINING, OpenRun, RunError, is_used, read_arrays, stage_checkpoint

PREDICTIONS = "predictions.png"
"""The plot of predictions against the truth, where targets are real."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        Where it is.

    """

    path: Path

    NAMES: ClassVar = frozenset(
        {
            RUN_FILE,
            SAMPLES,
            TRAINED,
            CHECKPOINT,
            PRETRAINING,
            stored_conductances.TRAINED,
            stored_conductances.STARTED,
            learnt.FILE,
            known_data.ENVIRONMENT,
            "metrics.jsonl",
            "summary.json",
            "profile.json",
            "loss-and-error.png",
            PREDICTIONS,
            "company.png",
            "shards.json",
            "churn.json",
            "owners.json",
        }
    )
    """Names of the files of every run."""

    @property
    def experiment(self) -> Path:
        """The complete experiment; it reproduces the run."""
        return self.path / RUN_FILE

    @property
    def checkpoint(self) -> Path:
        """What a run is resumed from; it holds the metrics so far too, so that both always fit."""
        return self.path / CHECKPOINT

    @property
    def weights(self) -> Path:
        """The conductances at the end of the last whole epoch [S]."""
        return self.path / stored_conductances.TRAINED

    @property
    def netlist(self) -> Path:
        """The trained circuit."""
        return self.path / TRAINED

    @property
    def summary(self) -> Path:
        """Errors, times and counts, as JSON; written at the end of the run."""
        return self.path / "summary.json"

    @property
    def plot(self) -> Path:
        """Loss and error over the epochs."""
        return self.path / "loss-and-error.png"

    @property
    def predictions(self) -> Path:
        """Predictions against the truth, where targets are real."""
        return self.path / PREDICTIONS

    @property
    def profile(self) -> Path:
        """The time profile of the last training, where it was requested."""
        return self.path / "profile.json"

    def files(self) -> Iterator[Path]:
        """List the files that belong to the run, those of a netlist too."""
        yield from (self.path / name for name in self.NAMES)
        yield from self.path.glob(stage_checkpoint("*"))
        for file in (self.path / KEPT).rglob("*"):
            yield file
            yield self.path / file.relative_to(self.path / KEPT)

    def refuse_used(self, instead: str = "resume its run with --resume, or choose another folder with --out") -> None:
        """Refuse a folder for a new run that is not empty, or no folder; `instead` is what to do then.

        Raises
        ------
        RunError
            With the alternatives.

        """
        if self.path.exists() and not self.path.is_dir():
            msg = f"{self.path} is a file; name a folder"
            raise RunError(msg)
        if self.path.is_dir() and is_used(self.path):
            msg = f"{self.path} is not empty; {instead}"
            raise RunError(msg)

    @contextmanager
    def begun(self, experiment: Experiment, environment: Mapping[str, Any]) -> Iterator[OpenRun]:
        """Make the folder, or take an empty one, with the files that describe the run, and keep it open; remove it when that fails.

        Raises
        ------
        FileExistsError
            When there is something in it.
        RunError
            When another process trains in it.

        """
        made = not self.path.exists()
        atomic.make_folder(self.path, exist_ok=not made)
        with self.locked() as folder:
            if is_used(folder.descriptor):
                raise FileExistsError(errno.EEXIST, "the folder is not empty", str(self.path))
            try:
                folder.describe(experiment, environment)
            except (OSError, ValueError):  # also from the start's files, which another process may have changed
                folder.empty(remove=made)
                raise
            yield folder

    def read_weights(self, circuit: Circuit) -> dict[str, NDArray[np.float64]]:
        """Read the conductances [S] and check that they are the circuit's.

        Raises
        ------
        RunError
            When there are none yet, they cannot be read, or they do not fit the circuit.

        """
        if (chip := self.path / "chip-0").is_dir() and not self.weights.exists():
            msg = f"{self.path} holds a company of chips, each a run of its own; name one of them, such as {chip}"
            raise RunError(msg)
        if not self.weights.exists():
            msg = f"{self.path} holds no {self.weights.name} yet: no epoch was finished; resume with hwsim train {self.path} --resume"
            raise RunError(msg)
        g = read_arrays(self.weights, self.weights, f"make it again with hwsim train {self.path} --resume")
        if fault := fault_of(g):
            msg = f"{self.weights}: {fault}; make it again with hwsim train {self.path} --resume"
            raise RunError(msg)
        try:
            return laid_out(g, circuit)
        except CircuitError as error:
            remedy = f"keep the run's circuit, or make the file again with hwsim train {self.path} --resume"
            msg = f"{self.weights}: {error}; {remedy}"
            raise RunError(msg) from None

    @contextmanager
    def locked(self) -> Iterator[OpenRun]:
        """Open the folder, and keep every other process from training in it; the system releases it when this process dies.

        Raises
        ------
        RunError
            When another one trains there.

        """
        with atomic.opened(self.path) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"{self.path}: another process trains in this folder; wait for it, or choose another folder with --out"
                raise RunError(msg) from None
            yield OpenRun(self.path, descriptor)

"""Subject: what a command works on: an experiment, its compiled circuit, and conductances, initial or trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits import zoo
from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.devices.variation import chip_of
from hwsim.experiment import Experiment, load
from hwsim.folder import RunFolder
from hwsim.learnt import refuse_learnt


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A circuit and all that is known about it.

    Parameters
    ----------
    what
        What the user called it.
    g
        Conductances by trainable element array [S], within the bounds that the chip's devices have.
    wanted
        What they were to be [S], before a chip's devices had their say.
    trained
        Whether `g` comes from a run; otherwise it is where the experiment's training starts.

    """

    what: str
    experiment: Experiment
    circuit: Circuit
    chip: Chip
    g: dict[str, NDArray[np.float64]]
    wanted: dict[str, NDArray[np.float64]]
    trained: bool

    @property
    def note(self) -> str:
        """Where the conductances come from, in a line."""
        seed, number = self.experiment.training.seed, self.experiment.variation.chip
        chip = f"; chip {number}" if self.chip.values else ""
        return f"Conductances: {'trained' if self.trained else 'initial, before any training'}, seed {seed}{chip}"


def run_folder(what: str) -> RunFolder | None:
    """Give the run folder that a user names; None when it is something else. A name in the zoo is never a folder."""
    folder = RunFolder(Path(what))
    return folder if what not in zoo.names() and folder.experiment.is_file() else None


def subject(what: str, settings: Sequence[str] = ()) -> Subject:
    """Load and compile what a user names, with settings overridden.

    Raises
    ------
    ExperimentError, CircuitError, RunError
        When there is no such thing, or it is wrong.

    """
    from hwsim.learning.initial import initial_conductances, within  # noqa: PLC0415 - help does without

    experiment = load(what, settings)
    circuit = experiment.circuit.compile(experiment.name)
    folder = run_folder(what)
    if folder and settings:
        refuse_learnt(what, load(what), experiment)
    chip = chip_of(experiment, circuit)
    wanted = folder.read_weights(circuit) if folder else initial_conductances(circuit, experiment.training, experiment.shown)
    return Subject(
        what=what, experiment=experiment, circuit=circuit, chip=chip, g=within(chip, wanted), wanted=wanted, trained=folder is not None
    )

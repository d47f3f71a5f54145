"""The model that a command works on: an experiment, its compiled circuit, and conductances, initial or trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from circuits import zoo
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.quoting import quote_path, quoted
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import Settings
from hwsim.files.stored_conductances import beyond
from hwsim.runs.folder import RunFolder
from hwsim.session import Session
from hwsim.settings.durations import spelled
from hwsim.typing import Weights

if TYPE_CHECKING:
    from hwsim.devices.kinds.declared import DeviceDrift


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A circuit with its experiment and conductances.

    Parameters
    ----------
    what
        Name or path as the user typed it.
    g
        Conductances by trainable element array [S], within the bounds that the chip's devices have.
    wanted
        Target conductances at the chip's temperature [S], before programming errors and drift.
    trained
        Whether `g` comes from a run; otherwise it is initial.
    cut
        Which learned or initial conductances the devices cannot have, in a line; empty if all are possible.

    """

    what: str
    session: Session
    g: Weights
    wanted: dict[str, NDArray[np.float64]]
    trained: bool
    cut: str

    @property
    def experiment(self) -> Experiment:
        """The session of the circuit."""
        return self.session.experiment

    @property
    def circuit(self) -> Circuit:
        """The compiled circuit."""
        return self.session.circuit

    @property
    def chip(self) -> Chip:
        """The circuit's chip."""
        return self.session.chip

    @property
    def from_netlist(self) -> bool:
        """Whether the conductances are a netlist's, which may be trained or not."""
        training = self.experiment.training
        return not self.trained and training.start is None and training.init == "netlist"

    @property
    def note(self) -> str:
        """The origin of the conductances, in a line."""
        seed, variation = self.experiment.training.seed, self.experiment.variation
        chip = f"; chip {variation.chip}" if self.chip.values or self.chip.aged else ""
        warm = f"; {self.chip.heat:.6g} times those at 27 degrees Celsius" if self.chip.heat != 1.0 else ""
        aged = f"; {spelled(variation.after)} after they were programmed" if self.chip.aged else ""
        training = self.experiment.training
        begun = "learned by another run" if training.start else "initial"
        untrained = "the netlist's" if self.from_netlist else f"{begun}, before any training"
        return f"Conductances: {'trained' if self.trained else untrained}, seed {seed}{chip}{warm}{aged}"

    @property
    def drifts(self) -> dict[str, "DeviceDrift | None"]:
        """The drift models of its memristors by their preset; None without one."""
        from hwsim.devices.drift import drift_of  # noqa: PLC0415 - help does without

        return {device.preset: drift_of(device) for device in self.experiment.devices if device.preset is not None}


def run_folder(what: str) -> RunFolder | None:
    """Return the run folder that a user names; None when it is something else. A name in the zoo is never a folder."""
    folder = RunFolder(Path(what))
    return folder if what not in zoo.names() and folder.experiment.is_file() else None


def refuse_start(folder: RunFolder, trained: Experiment, asked: Experiment) -> None:
    """Refuse another start for a run's trained conductances, which would change nothing.

    Raises
    ------
    ExperimentError
        With the alternative.

    """
    if asked.training.start != trained.training.start:
        msg = f"training.start = {quoted(asked.training.start)}: the run {quote_path(folder.path)} has conductances that it learned"
        raise ExperimentError(f"{msg}; omit it, or name the experiment instead: {quote_path(folder.experiment)}")


def load_model(what: str, settings: Settings = ()) -> LoadedModel:
    """Load and compile what a user names, with settings overridden.

    Raises
    ------
    ExperimentError, CircuitError, RunError
        When there is no such thing, or it is wrong.

    """
    experiment = load(what, settings)
    folder = run_folder(what)
    session = Session.of(experiment, run=what if folder else None)
    if folder and settings:
        from hwsim.experiment.learnt import refuse_learnt_by  # noqa: PLC0415 - only settings of a trained circuit can ask for its samples

        refuse_learnt_by(what, experiment)
    chip = session.chip
    if folder is not None:
        trained = load(folder.path)
        refuse_start(folder, trained, experiment)
        wanted = dict(experiment.at_temperature(folder.read_weights(session.circuit), trained.variation, experiment.variation))
    else:
        wanted = session.starting()
    cut = beyond(chip, wanted) if folder or experiment.training.start else session.initial_cut
    return LoadedModel(what=what, session=session, g=session.programmed(wanted), wanted=wanted, trained=folder is not None, cut=cut)

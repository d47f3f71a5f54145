"""Model: a trained circuit as an object: its history, its conductances, other chips, decks, run folders, sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from hwsim.experiment.experiment import Experiment
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError, Samples
from hwsim.files.records import Row, of_training
from hwsim.models.predictor import Predictor
from hwsim.session import Session
from hwsim.typing import Floats, Weights

if TYPE_CHECKING:
    from hwsim.learning.state import Arrays
    from hwsim.models.sweeping import SweepTable


@dataclass(frozen=True)
class Model(Predictor):
    """A trained circuit.

    Parameters
    ----------
    session
        Its experiment, chip and data.
    g
        Learned conductances [S], an array for each crossbar or array of trainable memristors, (rows, columns) of a crossbar.
    rows
        The metrics of each epoch.
    samples
        The arrays that it learned from; None where the experiment names its data.
    labels
        The classes as they were passed, in order, (classes,); None where only their names are known.
    state
        What a training resumes from; None where it was written to another chip.

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.dataset("iris")
    >>> net = hw.Network(inputs=4, layers=[hw.Layer(6, amplifier=hw.Amplifier())], outputs=3)
    >>> model = hw.fit(net, x, y, epochs=3)
    >>> model.predict(x[:3]).shape, model.g["w1"].shape, sorted(model.history)[:3]
    ((3,), (9, 6), ['certified_A', 'conducting_h1', 'epoch'])

    """

    session: Session
    g: Weights
    rows: tuple[Row, ...] = ()
    samples: Samples | None = None
    labels: NDArray[Any] | None = None
    state: "Arrays | None" = None

    @property
    def history(self) -> dict[str, Floats]:
        """The metrics of the training by name, each with a number for every epoch, (epochs,); NaN where there is none.

        A training that was stopped in its first epoch has those that all trainings have, empty.
        """
        unrecorded = () if self.rows else of_training(("error",) if self.has_classes else ("error", "r2"))
        names = dict.fromkeys([*unrecorded, *(name for row in self.rows for name in row)])
        return {name: np.array([row.get(name, np.nan) for row in self.rows], np.float64) for name in names}

    def on_chip(self, chip: int, settings: Mapping[str, Any] | None = None) -> Self:
        """Write the conductances into the devices of the chip of this number, which is drawn for it, and return the model on it.

        Parameters
        ----------
        chip
            Its number.
        settings
            How chips differ, and what else is to change, by keys of an experiment file, such as `{"variation.stuck": 0.01}`.

        Raises
        ------
        ExperimentError, DeviceError, CircuitError
            When a setting is wrong.

        """
        other = override(self.experiment, {**(settings or {}), "variation.chip": chip})
        _refuse_changes("on_chip", self.experiment, other, ("circuit", "data", "training"))
        session = replace(self.session, experiment=other)
        if session.alike(learning=False):
            warn("all chips are alike; pass settings of variation, such as {'variation.stuck': 0.01}", stacklevel=2)
        wanted = dict(other.at_temperature(self.g, self.experiment.variation, other.variation))
        return replace(self, session=session, g=session.programmed(wanted), state=None)

    def fine_tuned(self, epochs: int = 3, settings: Mapping[str, Any] | None = None, *, progress: bool | None = None) -> Self:
        """Train it further on its own data, from its conductances and on its chip, with an optimizer that starts again.

        Parameters
        ----------
        epochs
            Passes over the training set.
        settings
            Keys of training, noise or solver to change, such as `{"training.rate": 1e-8}`.
        progress
            Whether to show a bar; absent: in notebooks and terminals.

        Raises
        ------
        ExperimentError, DataError
            When a setting is wrong, or belongs to the circuit, its data or its chip.
        ConvergenceError
            When a sample has no equilibrium.

        """
        from hwsim.models.fit import trained  # noqa: PLC0415 - learning loads only for those who learn

        other = override(self.experiment, {**(settings or {}), "training.epochs": epochs})
        _refuse_changes("fine_tuned", self.experiment, other, ("circuit", "data", "device", "variation"))
        after = trained(replace(self.session, experiment=other), self.samples, replace(self, state=None), progress=progress)
        return replace(self, session=after.session, g=after.g, rows=after.rows, state=after.state)

    def to_spice(self, path: str | Path, sample: int = 0) -> Path:
        """Write the circuit as a deck that ngspice runs, with a sample of the test set, or of the training set, at its inputs.

        Raises
        ------
        DataError
            When there is no such sample.
        OSError
            When the file cannot be written.

        """
        from hwsim.files import atomic  # noqa: PLC0415 - decks load only for those who write them
        from hwsim.runs.deck import deck  # noqa: PLC0415

        if not 0 <= sample < (count := len(self.session.data.x_test)):
            msg = f"to_spice: sample = {sample}: there are {count} samples, numbered from 0"
            raise DataError(msg)
        atomic.write(Path(path), deck(self.session, self.g, sample=sample))
        return Path(path)

    def save(self, folder: str | Path) -> Path:
        """Write a run folder, as `hwsim train` does; `hwsim.load` reads it, and so do all commands.

        Raises
        ------
        RunError, OSError
            When something is in the folder already, or it cannot be written.

        """
        from hwsim.models.stored import save  # noqa: PLC0415 - run folders load only for those who write them

        return save(self, Path(folder))

    def sweep(self, vary: Mapping[str, Any], **kwargs: Any) -> "SweepTable":
        """Evaluate it at many points; see `hwsim.run_sweep`, whose parameters these are."""
        from hwsim.models.sweeping import run_sweep  # noqa: PLC0415 - sweeps load only for those who make them

        return run_sweep(self, vary, **kwargs)


def _refuse_changes(what: str, before: Experiment, after: Experiment, sections: Sequence[str]) -> None:
    """Refuse settings of a trained circuit that would mean another training, or another circuit.

    Raises
    ------
    DataError
        Naming the section.

    """
    for section in sections:
        if getattr(before, section) != getattr(after, section):
            others = [name for name in ("training", "variation", "noise", "device", "solver") if name not in sections]
            msg = f"{what}: settings of the section {section} belong to another training or circuit; change those of {', '.join(others)}"
            raise DataError(msg)

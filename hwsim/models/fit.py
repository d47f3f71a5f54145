"""fit: train a circuit on arrays, or on the data that its experiment names."""

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from circuits.network import Network
from hwsim.core import blocks
from hwsim.experiment.experiment import Experiment
from hwsim.files.raw import Samples
from hwsim.files.records import Row
from hwsim.models.array_data import Arrays, experiment_of, samples_of, task_of
from hwsim.models.model import Model
from hwsim.models.progress_bar import progress_bar
from hwsim.runs.compiler_end import wait_at_exit
from hwsim.runs.stop_signals import stop_signals, until_stopped
from hwsim.session import Session
from hwsim.settings.sections import TaskName

if TYPE_CHECKING:
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer


class FitWarning(UserWarning):
    """A training that has something to report; it is complete, or reports how far it came.

    Examples
    --------
    >>> import warnings
    >>> import hwsim as hw
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = hw.fit(hw.Network(inputs=2, outputs=2), [[0, 1], [1, 0]], [0, 1], epochs=1)  # fewer samples than an update has
    >>> caught[0].category is hw.FitWarning
    True

    """


def fit(  # noqa: PLR0913 - what a training is made of; all but the circuit have defaults
    circuit: Network | Experiment | str | Path,
    x: Any = None,
    y: Any = None,
    *,
    test: Arrays | None = None,
    task: TaskName | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    rate: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> Model:
    """Train a circuit, and return it as a model. Ctrl-C stops the training and keeps what was learned.

    While the first update compiles, Ctrl-C waits for nothing; the process then ends when the compiler has.

    Parameters
    ----------
    circuit
        A network, an experiment, or what `hwsim.load` takes: a name in the zoo, an experiment file or a netlist.
    x, y
        Features, (n, I), and for each sample a class (a whole number or a text), or real targets, (n,) or (n, K), in any units. Without
        them, the experiment's own data.
    test
        Features and targets of a test set, which the metrics of each epoch are measured on; without one, the training set's are.
    task
        `classification` or `regression`; absent: an experiment's own; of a network, whole numbers and texts are classes, but for numbers of
        more than two kinds at a single output, and all else are real targets.
    epochs, batch, rate, seed
        Passes over the training set, samples of an update, step size (its unit is the optimizer's), and what all random numbers come from.
        Absent: the experiment's; of a network, settings with which small data sets learn.
    device
        A kind of memristor, by its name (`hwsim.device_presets`) or file; absent: the experiment's.
    settings
        Any other keys of an experiment file (`hwsim keys` lists them), such as `{"variation.stuck": 0.01, "training.nudge.beta": 1e-6}`.
    progress
        Whether to show a bar; absent: in notebooks and terminals.

    Raises
    ------
    ExperimentError, CircuitError, NetlistError, DeviceError
        When the circuit or a setting is wrong.
    DataError
        When the arrays cannot be used, or do not fit the circuit.
    ConvergenceError
        When a sample has no equilibrium.

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.dataset("iris")
    >>> net = hw.Network(inputs=4, layers=[hw.Layer(6, amplifier=hw.Amplifier())], outputs=3)
    >>> model = hw.fit(net, x, y, epochs=3)
    >>> model.score(x, y) > 0.9
    True

    """
    if (x is None) != (y is None):
        msg = "fit: pass both x and y, or neither for the experiment's own data"
        raise TypeError(msg)
    kind = task or ("classification" if y is None else task_of(circuit, y))
    samples = None if x is None else samples_of((x, y), test, kind)
    named = {"epochs": epochs, "batch": batch, "rate": rate, "seed": seed}
    keys: dict[str, Any] = {f"training.{key}": value for key, value in named.items() if value is not None}
    keys |= {} if device is None else {"device.preset": device}
    experiment = experiment_of(circuit, samples, kind, keys | dict(settings or {}))
    model = trained(session_of(experiment, samples), samples, progress=progress)
    return model if y is None or kind != "classification" else replace(model, labels=np.unique(np.asarray(y)))


def session_of(experiment: Experiment, samples: Samples | None) -> Session:
    """Return an experiment on samples, or on its own data."""
    experiment.refuse_age()
    if samples is None:
        return Session.of(experiment)
    from hwsim.data.loading import prepared  # noqa: PLC0415 - learning loads only for those who learn

    return Session.of(experiment, data=prepared(samples, experiment))


def trained(session: Session, samples: Samples | None, before: Model | None = None, *, progress: bool | None = None) -> Model:
    """Train a session from the beginning, or from where another model of the same circuit is."""
    for note in session.notes:
        warn(note, FitWarning, stacklevel=3)
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        state, rows = _followed(trainer, _begun(trainer, before), progress)
        if state.epoch < trainer.settings.epochs:
            msg = f"stopped in epoch {state.epoch + 1} of {trainer.settings.epochs}; the model has what was learned by then"
            warn(msg, FitWarning, stacklevel=3)
        earlier = (before.rows, before.labels) if before else ((), None)
        return Model(session, trainer.g(state), (*earlier[0], *rows), samples, earlier[1], state.arrays())


def _begun(trainer: "Trainer", before: Model | None) -> "State":
    """Return the state before the first update: or, with what a model has learned, of its training's continuation."""
    begun = trainer.begin()
    if before is None:
        return begun
    if before.state is None:
        g = {name: np.asarray(values, trainer.dtype) for name, values in before.g.items()}
        parts, programming = trainer.updater.programming.begin(blocks.split(trainer.circuit, g))
        return replace(begun, g=parts, programming=programming, newton=trainer.needs_newton(blocks.join(parts)))
    from hwsim.learning.state import State  # noqa: PLC0415 - learning loads only for those who learn

    last = State.from_arrays(before.state, trainer.circuit)
    return replace(begun, g=last.g, moments=last.moments, programming=last.programming, newton=last.newton)


def _followed(trainer: "Trainer", state: "State", shown: bool | None) -> tuple["State", list[Row]]:  # noqa: FBT001 - fit's own keyword
    """Train to the last epoch, or until Ctrl-C, and return the state there and the metrics of each epoch."""
    rows = []
    with progress_bar(trainer.settings.epochs, shown) as show, stop_signals([signal.SIGINT]) as stopped:
        try:
            for step in until_stopped(trainer.run(state), stopped):
                state = step.state
                if step.record is not None:
                    rows.append(step.record)
                show(step)
        finally:
            if stopped.is_set():
                wait_at_exit()
    return state, rows

"""The epochs of a run, or of a stage of its pretraining: followed, saved from time to time, and resumed from the last checkpoint."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from circuits.errors import CircuitError
from hwsim.files.records import Row
from hwsim.runs.open_run import CHECKPOINT, OpenRun, RunError
from hwsim.runs.power_meter import PowerMeter
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.profiling.timed_solver import FILES, UPDATES
from hwsim.runs.stop_signals import Stopped, until_stopped

if TYPE_CHECKING:
    from hwsim.learning.epochs import Progress
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer
    from hwsim.typing import Weights

Observe = Callable[["Progress"], None]

EPOCH_SECONDS = 1.0
"""A checkpoint is written at the end of an epoch; epochs shorter than this share one, or syncing files would take longer than training."""

CHECKPOINT_SECONDS = 20.0
"""Within an epoch a checkpoint is written when the last one is older than this."""

EXIT_INTERRUPTED = 130


class InterruptedRunError(RuntimeError):
    """The run was interrupted, and its state is saved."""

    exit_code = EXIT_INTERRUPTED


def restored(folder: OpenRun, trainer: "Trainer", name: str = CHECKPOINT) -> tuple["State", list[Row]]:
    """Return the state to resume from, out of a checkpoint; what was killed before its first one starts again."""
    from hwsim.learning.state import State  # noqa: PLC0415 - learning loads only for those who train

    if not folder.holds(name):
        return trainer.begin(), []
    arrays, rows = folder.read_checkpoint(trainer.begin().arrays(), name)
    state = State.from_arrays(arrays, trainer.circuit)
    try:
        trainer.circuit.check_conductances(trainer.g(state))
    except CircuitError as error:
        msg = f"{folder.path / name}: {error}; train again into another folder (--out)"
        raise RunError(msg) from None
    if state.epoch > (epochs := trainer.settings.epochs):
        msg = (
            f"{folder.path} has completed {state.epoch} epochs; training.epochs = {epochs} must be at least that, or begin another (--out)"
        )
        raise RunError(msg)
    return state, rows


class Saver:
    """Writes checkpoint, metrics and weights, periodically and at the end."""

    def __init__(self, folder: OpenRun, trainer: "Trainer", rows: list[Row], watch: Stopwatch, meter: PowerMeter | None = None) -> None:
        self.folder, self.trainer, self.rows, self.watch, self.meter = folder, trainer, rows, watch, meter
        self.weights: Weights | None = None
        self.saved = -CHECKPOINT_SECONDS

    def add(self, progress: "Progress", *, at_once: bool) -> None:
        """Add an epoch's row and weights when it ended, and save when it is time, or `at_once`."""
        if progress.record is not None:
            speed = len(self.trainer.data.x_train) / max(progress.record["seconds"], 1e-9)
            took = {} if self.meter is None else self.meter.since()._asdict()
            self.rows.append(progress.record | {"samples_per_second": speed} | took)
            self.weights = self.trainer.g(progress.state)
        due = EPOCH_SECONDS if progress.record is not None else CHECKPOINT_SECONDS
        if at_once or time.monotonic() - self.saved > due:
            self.save(progress.state)

    def save(self, state: "State") -> None:
        """Write all that is there of the state."""
        with self.watch.on(FILES):
            self.write(state)
        self.saved = time.monotonic()

    def write(self, state: "State") -> None:
        """Write metrics, weights and checkpoint; the last, from which a run is resumed, after the others."""
        self.folder.write_rows(self.rows)
        if self.weights is not None:
            self.folder.write_weights(self.weights)
        self.folder.write_checkpoint(state.arrays(), self.rows)


def to_the_last_epoch(saver: Saver, state: "State", observe: Observe, stopped: Stopped) -> "State":
    """Train a saver's trainer to the last epoch, and return the state.

    Raises
    ------
    InterruptedRunError
        When `stopped` is set; the state is saved.

    """
    epochs = saver.trainer.settings.epochs
    saver.save(state)
    for progress in until_stopped(_followed(saver.trainer.run(state), saver.watch), stopped):
        state = progress.state
        saver.add(progress, at_once=state.epoch == epochs)
        observe(progress)
    if stopped.is_set() and state.epoch < epochs:
        saver.save(state)
        path = saver.folder.present
        msg = f"interrupted in epoch {state.epoch + 1} of {epochs} and saved; resume with: hwsim train {path} --resume"
        raise InterruptedRunError(msg)
    return state


def _followed(training: Iterator["Progress"], watch: Stopwatch) -> Iterator["Progress"]:
    """Assign the time of training, and not that between chunks, to updates; the solver reassigns the time of evaluation."""
    while True:
        with watch.on(UPDATES):
            progress = next(training, None)
        if progress is None:
            return
        yield progress

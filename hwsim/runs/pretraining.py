"""Pretraining of a run: its stages one after the other, each with checkpoints of its own, and what the whole circuit then starts from."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from circuits.network import Network
from hwsim.experiment.pretraining import arrays, stages
from hwsim.files import atomic, stored_conductances
from hwsim.files.records import Row
from hwsim.runs.epoch_loop import Observe, Saver, restored, to_the_last_epoch
from hwsim.runs.open_run import CHECKPOINT, PRETRAINING, OpenRun, stage_checkpoint
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.stop_signals import Stopped
from hwsim.session import Session

if TYPE_CHECKING:
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer


class _StageSaver(Saver):
    """Writes the checkpoint of a stage, and the metrics of all stages so far."""

    def __init__(self, folder: OpenRun, trainer: "Trainer", rows: list[Row], watch: Stopwatch, earlier: Sequence[Row]) -> None:
        super().__init__(folder, trainer, rows, watch)
        self.earlier, self.number = earlier, 1 + max((int(row["stage"]) for row in earlier), default=0)

    @property
    def history(self) -> list[Row]:
        """The metrics of all stages so far."""
        return [*self.earlier, *({"stage": self.number, **row} for row in self.rows)]

    def write(self, state: "State") -> None:
        """Write both."""
        self.folder.write(PRETRAINING, "".join(json.dumps(row) + "\n" for row in self.history))
        self.folder.write_checkpoint(state.arrays(), self.rows, stage_checkpoint(self.number))


def stage_rows(folder: OpenRun) -> list[Row]:
    """Return the metrics of a run's stages, epoch by epoch; of a run without any, nothing."""
    path = folder.present / PRETRAINING
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def pending(session: Session) -> bool:
    """Whether stages come before the training of a session: none do where it starts from what another one learned."""
    return bool(session.experiment.pretraining) and session.experiment.training.start is None


def begun_after(session: Session, folder: Path) -> Session:
    """Return the session of a run that starts from what its stages learned, where the folder has that; else the session itself."""
    begins = folder / stored_conductances.STARTED
    return _starting_from(session, begins, len(session.experiment.pretraining)) if pending(session) and begins.exists() else session


def refuse_unusable(session: Session) -> None:
    """Refuse stages that cannot begin: before there is a folder.

    Raises
    ------
    ExperimentError, DataError, CircuitError, UnsupportedCircuitError
        Naming what is wrong.

    """
    for stage in _sessions(session):
        with stage.training_solver() as solver:
            stage.trainer(solver).begin()


def pretrained(folder: OpenRun, session: Session, observe: Observe, stopped: Stopped, watch: Stopwatch) -> Session:
    """Train the stages of a run, or what is left of them, and return the session that starts from what they learned.

    Raises
    ------
    InterruptedRunError
        When `stopped` is set; the state is saved.

    """
    begins, count = folder.present / stored_conductances.STARTED, len(session.experiment.pretraining)
    if folder.holds(CHECKPOINT):
        return _starting_from(session, begins, count)
    history = list[Row]()
    for number, stage in enumerate(_sessions(session), start=1):
        if number > 1:
            stage = _with_start(stage, begins, arrays(session.experiment, number - 1))  # noqa: PLW2901 - the same stage
        with stage.training_solver() as solver:
            trainer = stage.trainer(solver)
            state, rows = restored(folder, trainer, stage_checkpoint(number))
            saver = _StageSaver(folder, trainer, rows, watch, history)
            if state.epoch < trainer.settings.epochs:
                state = to_the_last_epoch(saver, state, lambda progress: observe(replace(progress, stage=number)), stopped)  # noqa: B023 - called at once
            history = saver.history
        cold = {name: values / stage.chip.heat for name, values in trainer.g(state).items()}  # a start's are those at 27 °C
        folder.write(stored_conductances.STARTED, atomic.packed({name: cold[name] for name in arrays(session.experiment, number)}))
    return _starting_from(session, begins, count)


def _sessions(session: Session) -> Iterator[Session]:
    """Make the stages real, on the samples of the whole training."""
    from hwsim.learning.task import reconstruction  # noqa: PLC0415 - learning loads only for those who learn

    for stage in stages(session.experiment):
        assert isinstance(stage.circuit, Network)  # noqa: S101 - `stages` refused others
        settings = stage.data
        data = replace(session.source.data, shift=0, flip=False, input_dropout=settings.input_dropout, denoise=settings.denoise)
        yield Session.of(stage, data=data, task=reconstruction(data, stage.circuit.input_scale))


def _starting_from(session: Session, file: Path, number: int) -> Session:
    """Return the session that starts from what a stage left in a file."""
    return _with_start(session, file, arrays(session.experiment, number))


def _with_start(session: Session, file: Path, names: tuple[str, ...]) -> Session:
    return session.changed("training", start=str(file), start_arrays=names)

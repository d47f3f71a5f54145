"""A run: a training in a folder, which survives being killed and can be resumed."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import CircuitError
from hwsim.experiment.engines import make_engine
from hwsim.experiment.learnt import record
from hwsim.experiment.netlist_circuit import TRAINED, Netlist, contents, refuse_names, written
from hwsim.files.records import Row
from hwsim.runs.environment import environment
from hwsim.runs.folder import PREDICTIONS, RunFolder
from hwsim.runs.open_run import CHECKPOINT, OpenRun, RunError
from hwsim.runs.prediction_plot import prediction_plot
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.profiling.timed_solver import CIRCUIT, DATA, EVALUATION, FILES, LOADING, UPDATES, TimedSolver
from hwsim.runs.programming_cost import count_in
from hwsim.runs.start import Start
from hwsim.runs.stop_signals import stop_signals
from hwsim.runs.training_plot import curves
from hwsim.session import Session
from hwsim.typing import Weights
from netlists.deck import Deck

if TYPE_CHECKING:
    from hwsim.learning.epochs import Progress
    from hwsim.learning.evaluate import Evaluation
    from hwsim.learning.state import State
    from hwsim.learning.trainer import Trainer
    from hwsim.runs.profiling.profiler import Profile, Profiler

Observe = Callable[["Progress"], None]

EPOCH_SECONDS = 1.0
"""A checkpoint is written at the end of an epoch; epochs shorter than this share one, or syncing files would take longer than training."""

CHECKPOINT_SECONDS = 20.0
"""Within an epoch a checkpoint is written when the last one is older than this."""

EXIT_INTERRUPTED = 130


class InterruptedRunError(RuntimeError):
    """The run was interrupted, and its state is saved."""

    exit_code = EXIT_INTERRUPTED


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that reached its last epoch: its folder, its summary, and its time profile if requested."""

    folder: RunFolder
    summary: dict[str, Any]
    profile: "Profile | None" = None


def train(start: Start, observe: Observe, profiler: "Profiler | None" = None, note: Callable[[str], None] | None = None) -> Trained:
    """Train to the last epoch; `observe` is called with every chunk of updates, `note` with warnings about the data.

    Raises
    ------
    InterruptedRunError
        When SIGINT or SIGTERM was received; the state is saved.
    ConvergenceError
        When a sample has no equilibrium; the last checkpoint stays.
    RunError, DataError, CircuitError, UnsupportedCircuitError, OSError
        When an input is unusable; a new run then leaves no folder.

    """
    watch = profiler.watch if profiler else Stopwatch()
    experiment, training = start.experiment, start.experiment.training
    experiment.refuse_age()
    with watch.on(CIRCUIT):
        deck = experiment.circuit.deck if isinstance(experiment.circuit, Netlist) else None
        if deck is not None:
            refuse_names(deck)
        sources = contents(deck) if deck is not None else {}  # now: the folder may be renamed, with these files in it
        session = Session.of(experiment, run=str(start.folder.path) if start.resume and start.folder else None)
    with watch.on(DATA):
        notes = session.notes
    if note:
        for text in notes:
            note(text)
    with watch.on(LOADING):
        import hwsim.learning.trainer  # noqa: F401, PLC0415 - learning loads only for those who train

        make_engine(training.engine, experiment.solver, training.precision)
    if profiler and training.engine == "numeric":
        profiler.follow_compiling()
    with watch.on(CIRCUIT):
        _ = session.chip
    with session.training_solver() as solver:
        with watch.on(CIRCUIT):
            trainer = session.trainer(TimedSolver(solver, watch) if profiler else solver)
        with watch.on(FILES):
            described = environment(experiment) | record(session.data)
        begun = None if start.resume else trainer.begin()  # before the folder: nothing remains when this fails
        with start.locked(described) as folder:
            state, rows = _restored(folder, trainer) if begun is None else (begun, list[Row]())
            before = len(rows)
            if start.resume:
                folder.describe(experiment, described)
            with stop_signals() as stopped:
                state = _epochs(_Saver(folder, trainer, rows, watch), trainer, state, observe, stopped)
            with watch.on(FILES):
                summary = Ending(session, folder, trainer.g(state), rows, watch, deck, sources).write()
            if profiler is None:
                return Trained(RunFolder(folder.present), summary)
            profile = profiler.profile(trainer, state, rows[before:], experiment.solver.ngspice_workers)
            folder.write("profile.json", json.dumps(profile.table(), indent=2) + "\n")
            return Trained(RunFolder(folder.present), summary, profile)


def _restored(folder: OpenRun, trainer: "Trainer") -> tuple["State", list[Row]]:
    """Return the state to resume from; a run that was killed before its first checkpoint starts again."""
    from hwsim.learning.state import State  # noqa: PLC0415

    if not folder.holds(CHECKPOINT):
        return trainer.begin(), []
    arrays, rows = folder.read_checkpoint(trainer.begin().arrays())
    state = State.from_arrays(arrays, trainer.circuit)
    try:
        trainer.circuit.check_conductances(trainer.g(state))
    except CircuitError as error:
        msg = f"{folder.path / CHECKPOINT}: {error}; train again into another folder (--out)"
        raise RunError(msg) from None
    if state.epoch > (epochs := trainer.settings.epochs):
        msg = (
            f"{folder.path} has completed {state.epoch} epochs; training.epochs = {epochs} must be at least that, or begin another (--out)"
        )
        raise RunError(msg)
    return state, rows


class _Saver:
    """Writes checkpoint, metrics and weights, periodically and at the end."""

    def __init__(self, folder: OpenRun, trainer: "Trainer", rows: list[Row], watch: Stopwatch) -> None:
        self.folder, self.trainer, self.rows, self.watch = folder, trainer, rows, watch
        self.weights: Weights | None = None
        self.saved = -CHECKPOINT_SECONDS

    def add(self, progress: "Progress", *, at_once: bool) -> None:
        """Add an epoch's row and weights when it ended, and save when it is time, or `at_once`."""
        if progress.record is not None:
            speed = len(self.trainer.data.x_train) / max(progress.record["seconds"], 1e-9)
            self.rows.append(progress.record | {"samples_per_second": speed})
            self.weights = self.trainer.g(progress.state)
        due = EPOCH_SECONDS if progress.record is not None else CHECKPOINT_SECONDS
        if at_once or time.monotonic() - self.saved > due:
            self.save(progress.state)

    def save(self, state: "State") -> None:
        """Write all three; the checkpoint, from which a run is resumed, last."""
        with self.watch.on(FILES):
            self.folder.write_rows(self.rows)
            if self.weights is not None:
                self.folder.write_weights(self.weights)
            self.folder.write_checkpoint(state.arrays(), self.rows)
        self.saved = time.monotonic()


def _epochs(saver: _Saver, trainer: "Trainer", state: "State", observe: Observe, stopped: threading.Event) -> "State":
    """Train to the last epoch, and return the state."""
    epochs = trainer.settings.epochs
    saver.save(state)
    for progress in _followed(trainer.run(state), saver.watch):
        state = progress.state
        saver.add(progress, at_once=stopped.is_set() or state.epoch == epochs)
        observe(progress)
        if stopped.is_set() and state.epoch < epochs:
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


LARGEST_NETLIST = 10_000_000
"""Memristors; the netlist of more is not written after a training, only by `hwsim compile`: it would be larger than a reader accepts."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Data for the last files of a run."""

    session: Session
    folder: OpenRun
    g: Weights
    rows: list[Row]
    watch: Stopwatch
    deck: Deck | None
    sources: Mapping[str, bytes]

    def write(self) -> dict[str, Any]:
        """Write weights, netlist, plot and summary; return the summary."""
        self.folder.write_weights(self.g)
        seed = self.session.experiment.training.seed
        self._write_netlist(f"Conductances: trained, seed {seed}")
        experiment = self.session.experiment
        if self.rows:
            curve = curves(self.rows, f"{experiment.name}, seed {seed}", experiment.data.held_out, experiment.data.measure)
            self.folder.write("loss-and-error.png", curve)
        tested = self._tested()
        if self.session.data.scale is not None:
            from hwsim.learning.predictions import Predictions  # noqa: PLC0415 - learning loads only for those who train

            title, unit = f"{experiment.name}, seed {seed}: {experiment.data.held_out} set", experiment.data.measure.unit
            self.folder.write(PREDICTIONS, prediction_plot(Predictions.of(self.session.data, "test", tested.answers), title, unit))
        summary = self._summary(tested)
        self.folder.write("summary.json", json.dumps(summary, indent=2) + "\n")
        return summary

    def _write_netlist(self, note: str) -> None:
        """Write the trained circuit: the user's own deck with learned values, or one of ours, if it is not too large to be read back."""
        from hwsim.learning.initial import within  # noqa: PLC0415
        from hwsim.runs.deck import deck  # noqa: PLC0415 - learning loads only for those who train

        if self.deck is not None:
            cold = {name: values / self.session.chip.heat for name, values in self.g.items()}  # a netlist's are those at 27 °C
            self.folder.write_all(written(self.deck, cold, TRAINED, self.sources))
        elif sum(len(element) for element in self.session.circuit.trainable) <= LARGEST_NETLIST:
            g = within(self.session.chip, self.g)
            self.folder.write(TRAINED, deck(self.session, g, notes=(note,)))

    def _summary(self, tested: "Evaluation") -> dict[str, Any]:
        rows = self.rows
        if not rows:  # imported, or stopped in its first epoch
            return self._described() | self._errors(tested, {}) | {"residual_A": tested.residual}
        seconds = float(np.median([row["seconds"] for row in rows[1:] or rows]))  # the first epoch's may hold compiling
        return {
            **self._described(),
            **self._pulsed(),
            **self._errors(tested, {name: rows[-1][f"train_{name}"] for name in tested.scores}),
            "loss": rows[-1]["loss"],
            "residual_A": max(tested.residual, *(row["residual_A"] for row in rows)),
            "certified_A": max(tested.residual, *(row.get("certified_A", 0.0) for row in rows)),
            **self._failed(tested),
            **{key: row[key] for row in rows[-1:] for key in ("gradient_error",) if key in row},
            "seconds_per_epoch": seconds,
            "samples_per_second": len(self.session.data.x_train) / max(seconds, 1e-9),
            "seconds": sum(row["seconds"] for row in rows),
        }

    def _described(self) -> dict[str, Any]:
        """Return what was trained, and for how many epochs."""
        experiment, training = self.session.experiment, self.session.experiment.training
        return {
            "name": experiment.name,
            "data": experiment.data.name,
            "engine": training.engine,
            "rule": training.rule.kind,
            "seed": training.seed,
            "chip": experiment.variation.chip,
            "memristors": sum(len(element) for element in self.session.circuit.trainable),
            "epochs": len(self.rows),
        }

    def _errors(self, tested: "Evaluation", trained: Mapping[str, float]) -> dict[str, Any]:
        """Return the scores of both sets."""
        scores = {f"test_{name}": value for name, value in tested.scores.items()}
        return scores | {f"train_{name}": value for name, value in trained.items()} | self._by_target(tested)

    def _by_target(self, tested: "Evaluation") -> dict[str, Any]:
        """Return the task and each target's test scores, where targets are real."""
        data = self.session.data
        if data.scale is None:
            return {}
        from hwsim.learning.predictions import Predictions  # noqa: PLC0415 - as above

        return {"task": self.session.experiment.data.task, "by_target": Predictions.of(data, "test", tested.answers).scores()}

    def _pulsed(self) -> dict[str, Any]:
        """Return the pulses or flips of the devices, and the energy of programming, where devices are written."""
        device, count = self.session.experiment.device, count_in(self.rows[-1])
        if count is None:
            return {}
        devices = sum(len(element) for element in self.session.circuit.trainable)
        writes, energy = (sum(row[key] for row in self.rows) for key in (count, "programming_J"))
        kind = {"device": device.preset} if device.levels is None else {"levels": device.levels}
        return kind | {f"{count}_per_device": writes / devices, "programming_J": energy}

    def _failed(self, tested: "Evaluation") -> dict[str, int]:
        """Count the samples without an equilibrium, where these were skipped: of training, phase by phase, and of the last test."""
        if not self.session.experiment.training.skip_failed:
            return {}
        return {"failed": int(sum(row.get("failed", 0) for row in self.rows)), "failed_tests": tested.failed}

    def _tested(self) -> "Evaluation":
        """Test the circuit in 64 bits, whatever the training's precision was, each equilibrium verified."""
        session = self.session
        with self.watch.on(EVALUATION), session.verified_solver() as solver:
            return session.evaluate(solver, self.g, session.data.x_test, session.task.test)

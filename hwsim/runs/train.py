"""A run: a training in a folder, which survives being killed and can be resumed."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.experiment.deck_files import contents
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.learnt import record
from hwsim.experiment.netlist_circuit import TRAINED, Netlist
from hwsim.files.records import Row
from hwsim.runs import pretraining
from hwsim.runs.environment import environment
from hwsim.runs.epoch_loop import Observe, Saver, restored, to_the_last_epoch
from hwsim.runs.folder import PREDICTIONS, RunFolder
from hwsim.runs.open_run import OpenRun
from hwsim.runs.power_meter import PowerMeter
from hwsim.runs.prediction_plot import prediction_plot
from hwsim.runs.profiling.stopwatch import Stopwatch
from hwsim.runs.profiling.timed_solver import CIRCUIT, DATA, EVALUATION, FILES, LOADING, TimedSolver
from hwsim.runs.programming_cost import counts_in
from hwsim.runs.start import Start
from hwsim.runs.stop_signals import stop_signals
from hwsim.runs.threads import limit_threads
from hwsim.runs.trained_deck import refuse_names, written
from hwsim.runs.training_plot import curves
from hwsim.session import Session
from hwsim.typing import Weights

if TYPE_CHECKING:
    from hwsim.learning.evaluate import Evaluation
    from hwsim.runs.profiling.profiler import Profile, Profiler
    from netlists.deck import Deck


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that reached its last epoch: its folder, its summary, and its time profile if requested."""

    folder: RunFolder
    summary: dict[str, Any]
    profile: "Profile | None" = None

    @property
    def chain(self) -> bool:
        """Whether it is of a chain of blocks."""
        return "blocks" in self.summary


def train(
    start: Start, observe: Observe, profiler: "Profiler | None" = None, note: Callable[[str], None] | None = None, *, alone: bool = False
) -> Trained:
    """Train to the last epoch; `observe` is called with every chunk of updates, `note` with warnings about the data.

    With `alone` this process computes nothing else that needs threads: it takes one where the circuit is small.

    Raises
    ------
    InterruptedRunError
        When SIGINT or SIGTERM was received; the state is saved.
    ConvergenceError
        When a sample has no equilibrium; the last checkpoint stays.
    RunError, DataError, CircuitError, UnsupportedCircuitError, OSError
        When an input is unusable; a new run then leaves no folder.

    """
    experiment = start.experiment
    watch, meter = profiler.watch if profiler else Stopwatch(), PowerMeter(experiment.energy.core_watts)
    experiment.refuse_age()
    if profiler and experiment.blocks is not None:
        msg = f"{experiment.name}: --profile divides the time of one circuit's updates, and this is a chain of blocks; omit it"
        raise ExperimentError(msg)
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
        _load(session, profiler, alone=alone)
    with watch.on(CIRCUIT):
        _ = session.chip
    with watch.on(FILES):
        described = environment(experiment) | record(session.data)
    with ExitStack() as stack:
        folder = None
        if pretraining.pending(session):
            if not start.resume:
                pretraining.refuse_unusable(session)  # before the folder: nothing remains when this fails
            folder = stack.enter_context(start.locked(described))
            with stop_signals() as stopped:
                session = pretraining.pretrained(folder, session, observe, stopped, watch)
        solver = stack.enter_context(session.training_solver())
        with watch.on(CIRCUIT):
            trainer = session.trainer(TimedSolver(solver, watch) if profiler else solver)
        begun = None if start.resume else trainer.begin()  # as above
        folder = folder or stack.enter_context(start.locked(described))
        state, rows = restored(folder, trainer) if begun is None else (begun, list[Row]())
        before = len(rows)
        if start.resume:
            folder.describe(experiment, described)
        with stop_signals() as stopped:
            state = to_the_last_epoch(Saver(folder, trainer, rows, watch, meter), state, observe, stopped)
        with watch.on(FILES):
            summary = Ending(session, folder, trainer.g(state), rows, watch, meter, deck, sources).write()
        if profiler is None:
            return Trained(RunFolder(folder.present), summary)
        profile = profiler.profile(trainer, state, rows[before:], experiment.solver.ngspice_workers)
        folder.write("profile.json", json.dumps(profile.table(), indent=2) + "\n")
        return Trained(RunFolder(folder.present), summary, profile)


def _load(session: Session, profiler: "Profiler | None", *, alone: bool) -> None:
    """Load what trains: first of all JAX, where the numeric engine does."""
    training = session.experiment.training
    if alone:
        limit_threads(session)
    import hwsim.learning.trainer  # noqa: F401, PLC0415 - learning loads only for those who train

    make_engine(training.engine, session.experiment.solver, training.precision)
    if profiler and training.engine == "numeric":
        profiler.follow_compiling()


LARGEST_NETLIST = 10_000_000
"""Memristors; the netlist of more is not written after a training, only by `hwsim compile`: it would be larger than a reader accepts."""


_ASKED = 500
"""Tested samples that layers which learn for themselves are asked about, each with every label."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Data for the last files of a run."""

    session: Session
    folder: OpenRun
    g: Weights
    rows: list[Row]
    watch: Stopwatch
    meter: PowerMeter | None
    deck: "Deck | None"
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
        from hwsim.runs.deck import deck  # noqa: PLC0415 - learning loads only for those who train

        if self.deck is not None:
            cold = {name: values / self.session.chip.heat for name, values in self.g.items()}  # a netlist's are those at 27 °C
            self.folder.write_all(written(self.deck, cold, TRAINED, self.sources))
        elif self.session.experiment.blocks is None and self.session.circuit.memristors <= LARGEST_NETLIST:
            self.folder.write(TRAINED, deck(self.session, self.session.programmed(self.g), notes=(note,)))

    def _summary(self, tested: "Evaluation") -> dict[str, Any]:
        rows = self.rows
        if not rows:  # imported, or stopped in its first epoch
            return self._described() | self._errors(tested, {}) | {"residual_A": tested.residual} | self._took()
        seconds = float(np.median([row["seconds"] for row in rows[1:] or rows]))  # the first epoch's may hold compiling
        return {
            **self._described(),
            **self._pulsed(),
            **self._errors(tested, {name: rows[-1][f"train_{name}"] for name in tested.scores}),
            "loss": rows[-1]["loss"],
            **self._residuals(tested),
            **self._failed(tested),
            **self._by_layer(),
            **{key: value for key, value in rows[-1].items() if key in {"gradient_error", "moved"} or key.startswith("conducting_")},
            "seconds_per_epoch": seconds,
            "samples_per_second": len(self.session.data.x_train) / max(seconds, 1e-9),
            "seconds": sum(row["seconds"] for row in rows),
            **self._took(),
        }

    def _residuals(self, tested: "Evaluation") -> dict[str, float]:
        """Return the largest sums of currents; nothing where rows have none, as of read-outs that were solved without an equilibrium."""
        of_rows = [row["residual_A"] for row in self.rows if "residual_A" in row]
        certified = [row["certified_A"] for row in self.rows if "certified_A" in row]
        return {"residual_A": max(tested.residual, *of_rows), "certified_A": max([tested.residual, *certified])} if of_rows else {}

    def _took(self) -> dict[str, Any]:
        """Return what the simulation took, earlier epochs of a resumed run with it, and how it was counted; nothing without a meter."""
        if self.meter is None:
            return {}
        last = self.meter.since(workers=True)._asdict()
        took = {key: value + sum(row.get(key, 0.0) for row in self.rows) for key, value in last.items()}
        return took | self.session.experiment.energy.simulated(took["simulation_J"]) | {"simulation_method": self.meter.method}

    def _described(self) -> dict[str, Any]:
        """Return what was trained, and for how many epochs."""
        experiment, training = self.session.experiment, self.session.experiment.training
        return {
            "name": experiment.name,
            "data": experiment.data.name,
            "engine": training.engine,
            "rule": experiment.rules,
            "seed": training.seed,
            "chip": experiment.variation.chip,
            **({} if experiment.blocks is None else {"blocks": "; ".join(block.described for block in experiment.blocks)}),
            "memristors": self.session.circuit.memristors,
            "epochs": len(self.rows),
        }

    def _errors(self, tested: "Evaluation", trained: Mapping[str, float]) -> dict[str, Any]:
        """Return the scores of both sets."""
        scores = {f"test_{name}": value for name, value in tested.scores.items()}
        baseline = self.session.inputs_alone_error
        scores |= {} if baseline is None else {"test_inputs_alone": baseline}
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
        if not (counts := counts_in(self.rows[-1])):
            return {}
        device = next(device for device in self.session.experiment.devices if device.programmed)
        devices = self.session.circuit.memristors
        rows = (*self.rows, *pretraining.stage_rows(self.folder))
        *writes, energy = (sum(row.get(key, 0.0) for row in rows) for key in (*counts, "programming_J"))
        kind = {"device": device.preset} if device.levels is None else {"levels": device.levels}
        return kind | {f"{count}_per_device": n / devices for count, n in zip(counts, writes, strict=True)} | {"programming_J": energy}

    def _failed(self, tested: "Evaluation") -> dict[str, int]:
        """Count the samples without an equilibrium, where these were skipped: of training, phase by phase, and of the last test."""
        if not self.session.experiment.training.skip_failed:
            return {}
        return {"failed": int(sum(row.get("failed", 0) for row in self.rows)), "failed_tests": tested.failed}

    def _by_layer(self) -> dict[str, float]:
        """Return what each layer that learns for itself makes of some tested samples."""
        session, some = self.session, slice(_ASKED)
        with self.watch.on(EVALUATION), session.verified_solver() as solver:
            return session.made.by_layer(solver, self.g, session.data.x_test[some], session.task.test.of(some))

    def _tested(self) -> "Evaluation":
        """Test the circuit in 64 bits, whatever the training's precision was, each equilibrium verified."""
        session = self.session
        with self.watch.on(EVALUATION), session.verified_solver() as solver:
            return session.evaluate(solver, self.g, session.data.x_test, session.task.test)

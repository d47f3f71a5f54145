"""Trainer: epochs of batches from a state that can be saved, on any engine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.data import Dataset, targets
from hwsim.devices.programming import Ideal
from hwsim.engine import ConvergenceError, Result, Solver
from hwsim.learning import choose
from hwsim.learning.evaluate import evaluate
from hwsim.learning.initial import initial_conductances
from hwsim.learning.optimizers import Moments
from hwsim.learning.update import Batches, Carry, Samples, Sums, Updater, compiled, stepwise
from hwsim.settings import TrainingSettings
from hwsim.streams import stream

Arrays = dict[str, NDArray[Any]]

CHUNK_SECONDS = 0.7
"""How long to compute between two reports, about."""


@dataclass(frozen=True, slots=True)
class State:
    """All that training goes on from: conductances, the optimizer's memory, and how far it has come.

    `epoch` and `step` count what is done: `step` batches of epoch number `epoch`.
    """

    g: dict[str, Any]
    moments: Moments
    sums: Sums
    epoch: int
    step: int
    seconds: float

    def arrays(self) -> Arrays:
        """Lay out everything as named arrays; `from_arrays` reads them back bit for bit."""
        flat = {f"g/{name}": np.asarray(values) for name, values in self.g.items()}
        flat |= {f"mean/{name}": np.asarray(values) for name, values in self.moments.mean.items()}
        flat |= {f"square/{name}": np.asarray(values) for name, values in self.moments.square.items()}
        flat |= {f"sums/{name}": np.asarray(value) for name, value in self.sums._asdict().items()}
        scalars = {"count": self.moments.count, "epoch": self.epoch, "step": self.step, "seconds": self.seconds}
        return flat | {name: np.asarray(value) for name, value in scalars.items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Read a state back.

        Raises
        ------
        KeyError
            When an array is missing.

        """

        def group(prefix: str) -> Arrays:
            return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}

        moments = Moments(group("mean/"), group("square/"), arrays["count"])
        sums = Sums(*(arrays[f"sums/{name}"] for name in Sums._fields))
        return cls(group("g/"), moments, sums, int(arrays["epoch"]), int(arrays["step"]), float(arrays["seconds"]))


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands after a chunk of updates; `record` is the epoch's row of metrics when one just ended."""

    state: State
    epoch: int
    epochs: int
    samples_done: int
    samples_total: int
    loss: float
    record: dict[str, float | int] | None


class Trainer:
    """Trains one circuit on one data set. All randomness comes from the experiment's seed and the epoch's number."""

    def __init__(self, settings: TrainingSettings, data: Dataset, solver: Solver) -> None:
        self.settings, self.data, self.solver = settings, data, solver
        self.circuit = circuit = solver.circuit
        self.dtype = np.dtype(settings.precision)
        classes = np.arange(data.classes)
        self.table = targets(classes, data.classes, len(circuit.outputs), settings.target_low, settings.target_high)
        self.updater = Updater(choose.rule(settings, circuit), choose.optimizer(settings), Ideal())
        self.steps = -(-len(data.x_train) // settings.batch)
        samples = Samples(data.x_train.astype(self.dtype), data.labels_train.astype(np.int32), self.table.astype(self.dtype))
        traced = getattr(solver, "traced", None)
        program = None if traced is None else traced(initial_conductances(circuit, settings))
        self._advance = stepwise(self.updater, solver, samples) if program is None else compiled(self.updater, program, samples)

    def begin(self) -> State:
        """Give the state before the first update."""
        g = {name: values.astype(self.dtype) for name, values in initial_conductances(self.circuit, self.settings).items()}
        return State(g, self.updater.optimizer.begin(g), self._zero_sums(), 0, 0, 0.0)

    def _zero_sums(self) -> Sums:
        kinds = {"loss": self.dtype, "residual": self.dtype}
        return Sums(*(np.zeros((), kinds.get(name, np.dtype(np.int32))) for name in Sums._fields))

    def g(self, state: State) -> dict[str, NDArray[np.float64]]:
        """Give a state's conductances [S]."""
        return {name: np.asarray(values, dtype=np.float64) for name, values in state.g.items()}

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches. The last one is filled up with samples of the first, so that all have one size."""
        settings, samples = self.settings, len(self.data.x_train)
        order = np.resize(stream(settings.seed, f"order/{epoch}").permutation(samples), (self.steps, settings.batch))
        signs = stream(settings.seed, f"sign/{epoch}").choice([-1.0, 1.0], self.steps)
        match settings.schedule:
            case "exponential":
                factor = settings.decay**epoch
            case "cosine":
                factor = 0.5 * (1 + np.cos(np.pi * epoch / settings.epochs))
            case "constant":
                factor = 1.0
        names = [element.name for element in self.circuit.trainable]
        rates = {name: self.dtype.type(rate * factor) for name, rate in zip(names, settings.rates(len(names)), strict=True)}
        return Batches(order.astype(np.int32), signs.astype(self.dtype), rates)

    def run(self, state: State) -> Iterator[Progress]:
        """Train from a state to the last epoch, and report after every chunk of updates.

        Raises
        ------
        ConvergenceError
            When a sample has no equilibrium within the tolerance; the conductances of the last report are still good.

        """
        chunk = 1
        while state.epoch < self.settings.epochs:
            batches = self.plan(state.epoch)
            while state.step < self.steps:
                began, first, last = time.perf_counter(), state.step, min(state.step + chunk, self.steps)
                done = self._advance(Carry(state.g, state.moments, state.sums), batches, first, last)
                sums = Sums(*(np.asarray(value) for value in done.sums))
                took = time.perf_counter() - began
                chunk = max(1, min(int((last - first) * CHUNK_SECONDS / max(took, 1e-9)), 4 * chunk, self.steps))
                state = State(done.g, done.moments, sums, state.epoch, last, state.seconds + took)
                self._check(state)
                if last < self.steps:
                    yield self._progress(state, None)
            record = self._record(state)
            ended = self._progress(state, record)
            state = State(state.g, state.moments, self._zero_sums(), state.epoch + 1, 0, 0.0)
            yield replace(ended, state=state)

    def _check(self, state: State) -> None:
        if state.sums.failed:
            code = Result(int(state.sums.code))
            msg = f"{self.circuit.name}: epoch {state.epoch + 1}: {int(state.sums.failed)} equilibria were not found: {code.advice}"
            raise ConvergenceError(msg)

    def _progress(self, state: State, record: dict[str, float | int] | None) -> Progress:
        done = int(state.sums.samples)
        loss = float(state.sums.loss) / max(done, 1)
        return Progress(state, state.epoch, self.settings.epochs, done, self.steps * self.settings.batch, loss, record)

    def _record(self, state: State) -> dict[str, float | int]:
        sums, samples = state.sums, int(state.sums.samples)
        tested = evaluate(self.solver, state.g, self.data.x_test, self.data.labels_test, self.table)
        return {
            "epoch": state.epoch + 1,
            "loss": float(sums.loss) / samples,
            "train_error": int(sums.wrong) / samples,
            "test_error": tested.error,
            "seconds": state.seconds,
            "residual_A": max(float(sums.residual), tested.residual),
            "steps": int(sums.steps) / samples,
        }

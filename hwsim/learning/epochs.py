"""Epochs: the loop that all trainings go through, of one chip or of many: plans, updates, reports, records and states to resume from."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from hwsim.learning.skipping import or_skip
from hwsim.learning.state import State
from hwsim.learning.step import Batches, Carry, Sums
from hwsim.settings.training_settings import TrainingSettings

CHUNK_SECONDS = 0.7
"""How long to compute between two reports, about."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands after a chunk of updates, samples and loss of all chips together.

    `record` is the epoch's row of metrics when one just ended; of many chips, the epoch's sums by name, each (chips,). `stage` is the
    number of a stage of pretraining; 0: the training itself.
    """

    state: State
    epoch: int
    epochs: int
    samples_done: int
    samples_total: int
    loss: float
    record: dict[str, Any] | None
    stage: int = 0


class EpochLearner(Protocol):
    """One chip, or many side by side: then arrays of its states, sums and batches have an axis of chips in front."""

    @property
    def settings(self) -> TrainingSettings:
        """How it learns; epochs and what comes of failed samples count here."""
        ...

    @property
    def steps(self) -> int:
        """Updates of an epoch."""
        ...

    def plan(self, epoch: int) -> Batches:
        """Draw an epoch's batches."""
        ...

    def advance(self, carry: Carry, batches: Batches, first: int, last: int, *, newton: bool) -> Carry:
        """Do the updates number `first` … `last` − 1 of an epoch; the arrays of `carry` are gone then."""
        ...

    def zero_sums(self) -> Sums:
        """Return the sums of an epoch before its first update."""
        ...

    def check(self, state: State) -> None:
        """Raise what must end training after a chunk of updates."""
        ...

    def record(self, state: State) -> dict[str, Any]:
        """Sum up and audit the epoch that ends in a state."""
        ...

    def wants_newton(self, state: State) -> bool:
        """Whether sweeps alone are too slow for a state's conductances, or prove too little."""
        ...


def run(learner: EpochLearner, state: State) -> Iterator[Progress]:
    """Train from a state to the last epoch, and report after every chunk of updates."""
    chunk, steps, epochs, skipping = 1, learner.steps, learner.settings.epochs, learner.settings.skip_failed
    while state.epoch < epochs:
        batches = learner.plan(state.epoch)
        while state.step < steps:
            began, first, last = time.perf_counter(), state.step, min(state.step + chunk, steps)
            with or_skip(skipping=skipping):
                done = learner.advance(state.carry, batches, first, last, newton=state.newton)
            sums = Sums(*(np.asarray(value) for value in done.sums))
            took = time.perf_counter() - began
            chunk = max(1, min(int((last - first) * CHUNK_SECONDS / max(took, 1e-9)), 4 * chunk, steps))
            state = replace(
                state, g=done.g, moments=done.moments, sums=sums, programming=done.programming, step=last, seconds=state.seconds + took
            )
            learner.check(state)
            samples = int(sums.samples.sum())
            progress = Progress(state, state.epoch, epochs, samples, batches.order.size, float(sums.loss.sum()) / max(samples, 1), None)
            if last < steps:
                yield progress
        record = learner.record(state)
        newton = state.newton or learner.wants_newton(state)
        state = replace(state, sums=learner.zero_sums(), epoch=state.epoch + 1, step=0, seconds=0.0, newton=newton)
        yield replace(progress, state=state, record=record)

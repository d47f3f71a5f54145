"""The run of a federation: a folder with a run for each chip, resumed behind the last chip that had its turn."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np

from hwsim.chains.least_squares import dense_of
from hwsim.company.chip_samples import by_class
from hwsim.company.clients import Client
from hwsim.company.company import Round
from hwsim.company.company_end import EndedChip, Took, TrainedCompany, write_end
from hwsim.company.company_record import row
from hwsim.company.company_result import settings_of
from hwsim.company.federation import Collected, Federation
from hwsim.company.memory import CompanyMemory
from hwsim.experiment.learnt import record
from hwsim.learning.evaluate import noise_seed, read_outputs
from hwsim.learning.state import State
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.runs.environment import environment
from hwsim.runs.epoch_loop import CHECKPOINT_SECONDS, InterruptedRunError
from hwsim.runs.open_run import CHECKPOINT, OpenRun
from hwsim.runs.power_meter import Consumption, PowerMeter
from hwsim.runs.start import Start
from hwsim.runs.stop_signals import stop_signals
from hwsim.session import Session
from hwsim.typing import Floats, Weights

_EPOCH = {"epoch": np.array(0)}
"""What has been collected belongs to the one epoch, which ends with the run."""


class Turn(NamedTuple):
    """How far a run has come: turns of chips, to adapt, to send sums, and to be tested, and what the last one was."""

    done: int
    total: int
    what: str


class Ended(NamedTuple):
    """A chip with its read-out: session, parameters, loss and mistakes on its own samples, and outputs on the test set (m, K) [V]."""

    session: Session
    g: Weights
    begun: State
    samples: int
    loss: float
    mistakes: float
    outputs: Floats


def train_federation(start: Start, observe: Callable[[Turn], None], note: Callable[[str], None]) -> TrainedCompany:
    """Train the read-outs of chips with reservoirs; `observe` is called after each turn of a chip, `note` with warnings.

    Raises
    ------
    InterruptedRunError
        When SIGINT or SIGTERM was received; what has been collected is saved.
    ConvergenceError
        When voltages of a reservoir grow without bound.
    RunError, DataError, CircuitError, OSError
        When an input is unusable.

    """
    experiment = start.experiment
    settings = settings_of(experiment)
    experiment.refuse_age()
    costs = _Costs(experiment.energy.core_watts)
    federation = Federation.of(experiment, settings)
    for line in federation.notes():
        note(line)
    collected = federation.begin()
    with start.locked(environment(experiment) | record(federation.clients[0].whole)) as folder, stop_signals() as stopped:

        def turned(turn: Turn, collected: Collected) -> None:
            observe(turn)
            if stopped.is_set() and turn.done < turn.total:
                _save(folder, collected, costs)
                msg = f"interrupted; what chips sent so far is saved; resume with: hwsim train {folder.present} --resume"
                raise InterruptedRunError(msg)

        if folder.holds(CHECKPOINT):
            arrays, _ = folder.read_checkpoint(_EPOCH | costs.arrays() | collected.arrays())
            costs.add(arrays)
            collected = Collected.read({name: arrays[name] for name in collected.arrays()})
        saved, total = time.monotonic(), federation.turns + settings.chips
        _save(folder, collected, costs)
        while (done := int(collected.turns)) < federation.turns:
            collected = federation.turn(collected)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                _save(folder, collected, costs)
                saved = time.monotonic()
            adapting = done < federation.rounds * len(federation.senders)
            turned(Turn(done + 1, total, "adapting" if adapting else "summing up"), collected)
        _save(folder, collected, costs)
        chips = []
        for k in range(settings.chips):
            chips.append(_ended(federation.ending(collected, k), federation.readout(collected, k)))
            turned(Turn(federation.turns + k + 1, total, "testing"), collected)
        return _finished(start, folder, federation, collected, chips, costs)


def _save(folder: OpenRun, collected: Collected, costs: "_Costs") -> None:
    folder.write_checkpoint(_EPOCH | costs.arrays() | collected.arrays(), [])


def _ended(client: Client, read: RidgeReadout) -> Ended:
    """Put a read-out into a chip, and test it."""
    states, y = client.learnt_from
    session = client.tested
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        begun, chain = trainer.begin(), cast("Any", session.circuit)
        g = chain.parts[0].laid_out(dense_of(read))
        seed = noise_seed(session.experiment.training.seed, session.experiment.variation.chip)
        outputs = read_outputs(solver, g, session.data.x_test, session.reading, seed).outputs
        order = client.order
        targets, answers = client.session.task.train, read(states)
        mistakes = targets.mistakes(targets.answers(answers), order)
    loss = float(0.5 * ((answers - y) ** 2).sum())
    return Ended(session, g, begun, len(y), loss, float(np.asarray(mistakes).sum()), outputs)


def _finished(
    start: Start, folder: OpenRun, federation: Federation, collected: Collected, chips: list[Ended], costs: "_Costs"
) -> TrainedCompany:
    """Write the one row of metrics, and the files of any company."""
    experiment, first = start.experiment, chips[0]
    took = costs.took()
    ended = Round(
        replace(first.begun, epoch=1),
        CompanyMemory.empty(len(chips), (1, len(chips), 0, first.outputs.shape[1])),
        {"samples": [one.samples for one in chips], "loss": [one.loss for one in chips], "wrong": [one.mistakes for one in chips]},
        took.seconds,
        np.stack([one.outputs for one in chips]),
        federation.sent_bytes(collected),
    )
    rows = [row(ended, first.session.task) | took.consumed._asdict()]
    folder.write_rows(rows)
    parts = [client.part for client in federation.clients]
    each = [EndedChip(one.session, one.g, by_class(part).tolist()) for one, part in zip(chips, parts, strict=True)]
    baseline = Session.of(federation.clients[0].experiment, data=federation.clients[0].whole).inputs_alone_error
    about = {
        "samples": [one.samples for one in chips],
        "senders": federation.senders if federation.settings.federated else [],
        **({} if baseline is None else {"test_inputs_alone": baseline}),
    }
    return write_end(folder, experiment, each, rows, costs.took, about)


class _Costs:
    """Counts what all processes of a run took: seconds, processor time [s] and joules."""

    def __init__(self, core_watts: float) -> None:
        self._meter, self._last = PowerMeter(core_watts), time.monotonic()
        self._sums = np.zeros(3)

    def arrays(self) -> dict[str, Floats]:
        """Return the sums so far, as a checkpoint keeps them."""
        now = time.monotonic()
        self._sums = self._sums + np.array([now - self._last, *self._meter.since(workers=True)])
        self._last = now
        return {_COSTS: self._sums}

    def add(self, arrays: dict[str, Floats]) -> None:
        """Add what earlier processes took."""
        self._sums = self._sums + arrays[_COSTS]

    def took(self) -> Took:
        """Sum up."""
        seconds, *consumed = self.arrays()[_COSTS].tolist()
        return Took(seconds, Consumption(*consumed), self._meter.method)


_COSTS = "costs"
"""Name of their sums in a checkpoint."""

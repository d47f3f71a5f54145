"""The run of a federation: a folder with a run for each chip, resumed behind the last chip that had its turn."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hwsim.chains.least_squares import layer_of
from hwsim.company.clients import Client
from hwsim.company.company import Round
from hwsim.company.company_files import SHARDS, shards_text
from hwsim.company.company_record import of_chip, row
from hwsim.company.company_result import settings_of
from hwsim.company.company_run import TrainedCompany, write_chip
from hwsim.company.federation import Collected, Federation
from hwsim.company.memory import CompanyMemory
from hwsim.experiment.learnt import record
from hwsim.learning.evaluate import noise_seed, read_outputs
from hwsim.learning.state import State, joined
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.runs.environment import environment
from hwsim.runs.epoch_loop import CHECKPOINT_SECONDS, InterruptedRunError
from hwsim.runs.open_run import CHECKPOINT, OpenRun
from hwsim.runs.power_meter import PowerMeter
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
    meter, began = PowerMeter(experiment.energy.core_watts), time.monotonic()
    federation = Federation.of(experiment, settings)
    for line in federation.notes():
        note(line)
    collected = federation.begin()
    with start.locked(environment(experiment) | record(federation.clients[0].whole)) as folder, stop_signals() as stopped:

        def turned(turn: Turn, collected: Collected) -> None:
            observe(turn)
            if stopped.is_set() and turn.done < turn.total:
                _save(folder, collected)
                msg = f"interrupted; what chips sent so far is saved; resume with: hwsim train {folder.present} --resume"
                raise InterruptedRunError(msg)

        if folder.holds(CHECKPOINT):
            arrays, _ = folder.read_checkpoint(_EPOCH | collected.arrays())
            collected = Collected.read({name: values for name, values in arrays.items() if name not in _EPOCH})
        saved, total = time.monotonic(), federation.turns + settings.chips
        _save(folder, collected)
        while (done := int(collected.turns)) < federation.turns:
            collected = federation.turn(collected)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                _save(folder, collected)
                saved = time.monotonic()
            adapting = done < federation.rounds * len(federation.senders)
            turned(Turn(done + 1, total, "adapting" if adapting else "summing up"), collected)
        _save(folder, collected)
        chips = []
        for k in range(settings.chips):
            chips.append(_ended(federation.ending(collected, k), federation.readout(collected, k)))
            turned(Turn(federation.turns + k + 1, total, "testing"), collected)
        return TrainedCompany(folder.present, _finished(folder, federation, collected, chips, time.monotonic() - began, meter))


def _save(folder: OpenRun, collected: Collected) -> None:
    folder.write_checkpoint(_EPOCH | collected.arrays(), [])


def _ended(client: Client, read: RidgeReadout) -> Ended:
    """Put a read-out into a chip, and test it."""
    states, y = client.learnt_from
    session = client.tested
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        begun = trainer.begin()
        g = {name: np.asarray(values, np.float64) for name, values in layer_of(read, joined(begun.g)).items()}
        seed = noise_seed(session.experiment.training.seed, session.experiment.variation.chip)
        outputs = read_outputs(solver, g, session.data.x_test, session.reading, seed).outputs
        order = client.order
        targets, answers = client.session.task.train, read(states)
        mistakes = targets.mistakes(targets.answers(answers), order)
    loss = float(0.5 * ((answers - y) ** 2).sum())
    return Ended(session, g, begun, len(y), loss, float(np.asarray(mistakes).sum()), outputs)


def _finished(
    folder: OpenRun, federation: Federation, collected: Collected, chips: list[Ended], seconds: float, meter: PowerMeter
) -> dict[str, Any]:
    """Write a run's folder for each chip, and the summary; return the last."""
    experiment, settings, first = federation.clients[0].experiment, federation.settings, chips[0]
    sums = {"samples": [one.samples for one in chips], "loss": [one.loss for one in chips], "wrong": [one.mistakes for one in chips]}
    ended = Round(
        replace(first.begun, epoch=1),
        CompanyMemory.empty(len(chips), (1, len(chips), 0, first.outputs.shape[1])),
        sums | {"residual": np.zeros(len(chips))},
        seconds,
        np.stack([one.outputs for one in chips]),
        federation.sent_bytes(collected),
    )
    took = meter.since(workers=True)._asdict()
    rows = [row(ended, first.session.task) | took]
    folder.write_rows(rows)
    tested = [write_chip(folder.present, k, one.session, one.g, of_chip(rows, k)) for k, one in enumerate(chips)]
    shares = [np.bincount(client.part.labels_train, minlength=max(client.part.classes, 1)) for client in federation.clients]
    folder.write(SHARDS, shards_text(federation.clients[0].part.class_names, [counts.tolist() for counts in shares]))
    baseline = Session.of(experiment, data=federation.clients[0].whole).inputs_alone_error
    summary: dict[str, Any] = {
        "name": experiment.name,
        "data": experiment.data.name,
        "engine": experiment.training.engine,
        "rule": experiment.rules,
        "seed": experiment.training.seed,
        "chips": settings.chips,
        "exchange": settings.exchange,
        "epochs": len(rows),
        "samples": [one.samples for one in chips],
        "senders": federation.senders if settings.federated else [],
        "test_error": float(np.mean([one["test_error"] for one in tested])),
        **{f"test_error/{k}": one["test_error"] for k, one in enumerate(tested)},
        "together_error": rows[-1]["together_error"],
        **({"churn": rows[-1]["churn"]} if "churn" in rows[-1] else {}),
        **({} if baseline is None else {"test_inputs_alone": baseline}),
        "sent_bytes": rows[-1]["sent_bytes"],
        "pool_bytes": 0,
        "seconds": rows[-1]["seconds"],
        **took,
        **experiment.energy.simulated(took["simulation_J"]),
        "simulation_method": meter.method,
    }
    folder.write("summary.json", json.dumps(summary, indent=2) + "\n")
    return summary

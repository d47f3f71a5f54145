"""From an experiment to the deck of its circuit that learns by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.units import Siemens
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.output_conductance import output_conductance
from hwsim.learning.targets import Classes
from hwsim.random.streams import of_chip, stream
from hwsim.self_learning import embedded
from hwsim.self_learning.options import LearningOptions
from hwsim.session import Session
from hwsim.settings.learning_kinds import FollowingNudge, SgdOptimizer
from hwsim.settings.training_settings import TrainingSettings
from netlists.self_learning.learning import SelfLearning
from netlists.self_learning.memories import fitting_volt
from netlists.self_learning.presentation import Presentation
from netlists.self_learning.self_learning_deck import write_self_learning

DEVICES = 10_000
"""Most devices in a deck: ngspice takes some ten milliseconds a presentation for a hundred."""

_SHARE = 0.05
"""Of the outputs' conductance, what a nudge is: well below a tenth, so that it hardly loads them."""

_STEP = 0.04
"""What a presentation changes, as a share of the range of the conductances, for an error as large as the targets' range."""

_SIGN_STEP = 5e-4
"""The same, where only signs count."""


def learning_of(session: Session, g: Mapping[str, Any], chosen: LearningOptions) -> SelfLearning:
    """Return how a session's circuit learns by itself.

    Raises
    ------
    CircuitError, ValueError
        When a choice does not fit.

    """
    if chosen.knobs and chosen.rate is None:
        msg = "self-learning: with knobs, rate states how soft springs are, and has no default; begin with 1e-11 S²/V²"
        raise ValueError(msg)
    circuit, training, variation = session.circuit, session.experiment.training, session.experiment.variation
    spread = {} if chosen.mismatch == 0 else _skew(circuit, chosen.mismatch, variation.chip)
    return SelfLearning(
        volt=chosen.volt or fitting_volt(circuit, session.chip, g),
        beta=chosen.beta or _beta(training, circuit, g),
        rates=_rates(session, chosen),
        epochs=training.epochs,
        factors=energy_factors(circuit, session.chip),
        sides=(1.0, -1.0) if chosen.twins == "opposed" else (1.0, 0.0),
        period=chosen.period,
        chops=chosen.chops,
        cycles=chosen.cycles,
        knobs=chosen.knobs,
        resolution=chosen.resolution,
        average=None if chosen.average is None else chosen.average * chosen.period,
        leak=None if chosen.leak is None else chosen.leak * chosen.period,
        skew=spread,
    )


def presentation(session: Session, learning: SelfLearning) -> Presentation:
    """Return the samples as a deck shows them: the training set, its classes in turn, and behind it the test set, unless it is the same."""
    data, task = session.learnable, session.task
    x, y = np.asarray(data.x_train, np.float64), np.asarray(task.train.of(slice(None)), np.float64)
    trained, held_out = len(x), np.asarray(data.x_test, np.float64)
    order = in_turn(task.train.labels) if isinstance(task.train, Classes) else np.arange(trained)
    same, x, y = np.array_equal(held_out, x), x[order], y[order]
    if not same:
        x = np.concatenate([x, held_out])
        y = np.concatenate([y, np.asarray(task.test.of(slice(None)), np.float64)])
    return Presentation(x, y, trained, learning)


def in_turn(labels: Any) -> NDArray[np.intp]:
    """Return the order in which samples that are sorted by class are shown: one of each class after the other, so that none is forgotten.

    Others are shown as they come.
    """
    if (np.diff(labels) < 0).any():
        return np.arange(len(labels))
    of_class = np.arange(len(labels)) - np.searchsorted(labels, labels)
    return np.lexsort((labels, of_class))


def self_learning_deck(session: Session, g: Mapping[str, Any], chosen: LearningOptions, notes: Sequence[str] = ()) -> str:
    """Write the deck of a circuit that learns by itself, from conductances g [S] on.

    Raises
    ------
    CircuitError
        When the circuit has parts that ngspice alone knows, or is too large.
    DataError
        When there are no data to learn.

    """
    circuit, task = session.circuit, session.task
    if (devices := sum(map(len, circuit.trainable))) > DEVICES:
        msg = f"{circuit.name} has {devices:,} memristors; self-learning decks have at most {DEVICES:,}: choose a smaller circuit"
        raise CircuitError(msg)
    learning = learning_of(session, g, chosen)
    resolved = replace(chosen, rate=list(learning.rates), volt=learning.volt, beta=learning.beta)
    return write_self_learning(
        circuit,
        session.chip,
        g,
        presentation(session, learning),
        classes=np.asarray(task.train.table, np.float64) if isinstance(task.train, Classes) else None,
        offsets=np.broadcast_to(session.chip(circuit.outputs.name, "offset"), len(circuit.outputs)),
        notes=notes,
        embedded=embedded.comments(session.experiment, resolved),
    )


def _beta(training: TrainingSettings, circuit: Circuit, g: Mapping[str, Any]) -> Siemens:
    if isinstance(training.nudge, FollowingNudge):
        return float(training.nudge.beta)
    return float(_SHARE * np.min(output_conductance(circuit, dict(g))))


def _rates(session: Session, chosen: LearningOptions) -> tuple[float, ...]:
    """Return the pace of each array: the one chosen, the experiment's, or one that fits its ranges."""
    training, arrays = session.experiment.training, session.circuit.trainable
    if chosen.rate is not None:
        return tuple(map(float, np.broadcast_to(chosen.rate, len(arrays))))
    if isinstance(training.optimizer, SgdOptimizer) and chosen.resolution is None:
        return training.rates(len(arrays))
    tops = [np.ravel(session.chip(e.name, "g_max")) for e in arrays]
    finite = [float(top.max()) if np.isfinite(top).all() else max(training.initial_ranges(len(arrays))[k]) for k, top in enumerate(tops)]
    if chosen.resolution is not None:
        return tuple(_SIGN_STEP * top for top in finite)
    targets = np.asarray(session.task.train.of(slice(None)), np.float64)
    return tuple(_STEP * (top / float(np.ptp(targets) or 1.0)) ** 2 for top in finite)


def _skew(circuit: Circuit, mismatch: float, chip: int) -> dict[str, Any]:
    """Draw by how much larger the second twin's conductances are: exp of a normal number, so that none is negative."""
    return {e.name: np.exp(mismatch * stream(chip, of_chip(f"twins/{e.name}", chip)).standard_normal(e.shape)) for e in circuit.trainable}

"""From the words of an experiment file to the learning rule, the nudges, the optimizer and the schedule that they name."""

from typing import Any

import numpy as np

from circuits.circuit import Circuit
from circuits.elements import Capacitors, Diodes, IdealDiodes
from circuits.errors import CircuitError
from circuits.passed import Passed
from hwsim.learning import factory
from hwsim.learning.gradient.rounded_drops import DropRounding
from hwsim.learning.optimizers import Adam, Optimizer, Sgd, Sign
from hwsim.learning.readout import EXACT, Instruments
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.coupled_learning import CoupledLearning
from hwsim.learning.rules.equilibrium_propagation import SIDES, EquilibriumPropagation
from hwsim.learning.rules.estimator import LearningRule, LossNudge
from hwsim.learning.rules.frequency_propagation import FrequencyPropagation
from hwsim.learning.rules.holomorphic import Holomorphic
from hwsim.learning.rules.nudges import Following, Frozen, NudgeKind, Sides, SwitchedLoad, Volts
from hwsim.learning.rules.oscillating import Oscillating
from hwsim.learning.rules.richardson import Richardson
from hwsim.learning.rules.small_signal import SmallSignal
from hwsim.settings.learning_kinds import (
    AdamOptimizer,
    CosineSchedule,
    ExponentialSchedule,
    MomentumOptimizer,
    OscillatingRule,
    SignOptimizer,
)
from hwsim.settings.training_settings import TrainingSettings
from hwsim.typing import Conductances

_STIFFER = 1e3
"""A clamp's transconductance, as a multiple of the largest initial conductance of an output column."""


_EXACT = {"small-signal": SmallSignal, "adjoint": Adjoint}
"""The rules without a nudge."""


def nudge(training: TrainingSettings) -> NudgeKind:
    """Return what nudges the outputs."""
    match training.nudge.kind:
        case "following":
            return Following(training.nudge.beta)
        case "frozen":
            return Frozen(training.nudge.beta)
        case "volts":
            return Volts(training.nudge.u)
        case "load":
            return SwitchedLoad(training.nudge.kappa)


def rule(training: TrainingSettings, circuit: Circuit, instruments: Instruments = EXACT) -> LearningRule:
    """Return the learning rule, what it reads voltages with, and how its updates round them."""
    common: dict[str, Any] = {"instruments": instruments, "rounding": DropRounding(training.update.quantise)}
    match training.rule.kind:
        case "equilibrium-propagation":
            return EquilibriumPropagation(nudge(training), training.nudge.method, **common)
        case "coupled-learning":
            return _coupled(training, training.rule.eta, circuit, **common)
        case "richardson":
            return Richardson(nudge(training), training.nudge.method, **common)
        case "small-signal" | "adjoint" as kind:
            return _EXACT[kind](**common)
        case "oscillating":
            return _oscillating(training, training.rule, circuit, **common)
        case "holomorphic":
            return Holomorphic(nudge(training), training.rule.points, **common)


def _oscillating(training: TrainingSettings, chosen: OscillatingRule, circuit: Circuit, **common: Any) -> LearningRule:
    frequency, input_frequency = chosen.frequency, chosen.input_frequency
    if frequency is None:
        return Oscillating(nudge(training), **common)
    if not circuit.of(Capacitors):
        msg = (
            f"{circuit.name}: without capacitors training.rule.frequency = {frequency:g} Hz changes nothing; leave it out, or set "
            "circuit.capacitance"
        )
        raise CircuitError(msg)
    if input_frequency is not None and (bent := circuit.of(Diodes, IdealDiodes, Passed)):
        msg = (
            f"{circuit.name}: {bent[0].name} is not linear and mixes sines, so that training.rule.input_frequency = {input_frequency:g} Hz "
            "would miss the gradient; leave it out, and inputs are constant, or choose linear neurons"
        )
        raise CircuitError(msg)
    return FrequencyPropagation(nudge(training), frequency, input_frequency, **common)


def _coupled(training: TrainingSettings, eta: float, circuit: Circuit, **common: Any) -> CoupledLearning:
    widest = max(training.initial_ranges(len(circuit.memristive))[-1])
    return CoupledLearning(eta, _STIFFER * widest * circuit.memristive[-1].shape[0], **common)


def both_sides(training: TrainingSettings, circuit: Circuit, g: Conductances) -> LossNudge:
    """Return the nudge of training to either side, at conductances [S]: what engines are compared and timed with."""
    return LossNudge(Sides(nudge(training).at(circuit, g), (1, -1)), factory.loss(training))


def shown_nudges(training: TrainingSettings, circuit: Circuit, g: Conductances) -> Sides | CoupledLearning:
    """Return the nudges that a deck shows: those of training, to every side that it may take, at conductances [S]."""
    if training.rule.kind == "coupled-learning":
        return _coupled(training, training.rule.eta, circuit)
    return Sides(nudge(training).at(circuit, g), SIDES[training.nudge.method])


def optimizer(training: TrainingSettings) -> Optimizer:
    """Return the optimizer."""
    match training.optimizer:
        case AdamOptimizer(b1=b1, b2=b2):
            return Adam(b1, b2)
        case MomentumOptimizer(momentum=momentum):
            return Sgd(momentum)
        case SignOptimizer():
            return Sign()
        case _:
            return Sgd(0.0)


def schedule(training: TrainingSettings, epoch: int) -> float:
    """Return the factor of an epoch's step size."""
    match training.schedule:
        case ExponentialSchedule(decay=decay):
            return decay**epoch
        case CosineSchedule():
            return float(0.5 * (1 + np.cos(np.pi * epoch / training.epochs)))
        case _:
            return 1.0

"""From the words of an experiment file to the loss, task, rule and optimizer that they name."""

from numpy.typing import DTypeLike

from circuits.circuit import Circuit
from hwsim.devices.programming.programming import Ideal, Programming
from hwsim.learning.dataset import Dataset
from hwsim.learning.losses import CrossEntropy, Loss, SquaredError
from hwsim.learning.optimizers import Adam, Optimizer, Sgd
from hwsim.learning.readout import EXACT, Instruments
from hwsim.learning.rules import Adjoint, CoupledLearning, EquilibriumPropagation, LearningRule
from hwsim.learning.task import Task, classification, scaled
from hwsim.settings.sections import DeviceSettings, TrainingSettings
from hwsim.settings.variation_settings import VariationSettings

_STIFFER = 1e3
"""A clamp's transconductance, as a multiple of the largest initial conductance of an output column."""


def loss(training: TrainingSettings) -> Loss:
    """Give the loss."""
    if training.loss == "cross-entropy":
        return CrossEntropy(v_softmax=training.v_softmax, low=training.target_low, high=training.target_high)
    return SquaredError()


def task(training: TrainingSettings, circuit: Circuit, data: Dataset) -> Task:
    """Return what is learned of data: their real targets, where they have a scale of these, or else their classes."""
    if data.scale is not None:
        return scaled(data)
    return classification(data, len(circuit.outputs), training.target_low, training.target_high)


def rule(training: TrainingSettings, circuit: Circuit, instruments: Instruments = EXACT) -> LearningRule:
    """Give the learning rule, and what it reads voltages with."""
    match training.rule:
        case "equilibrium-propagation":
            return EquilibriumPropagation(loss(training), training.beta, training.nudge, instruments)
        case "coupled-learning":
            widest = max(training.initial_ranges(len(circuit.trainable))[-1])
            return CoupledLearning(loss(training), training.eta, _STIFFER * widest * circuit.trainable[-1].shape[0], instruments)
        case "adjoint":
            return Adjoint(loss(training), instruments)


def optimizer(training: TrainingSettings) -> Optimizer:
    """Give the optimizer."""
    if training.optimizer == "adam":
        return Adam(training.adam_b1, training.adam_b2)
    return Sgd(training.momentum if training.optimizer == "momentum" else 0.0)


def programming(device: DeviceSettings, variation: VariationSettings, circuit: Circuit, dtype: DTypeLike) -> Programming:
    """Give the way in which conductances are changed, for arrays of one precision."""
    if device.preset is None:
        return Ideal()
    from hwsim.devices.programming.chip_devices import pulsed  # noqa: PLC0415 - only real devices need it

    return pulsed(device, variation, circuit, dtype)

"""From the words of an experiment file to the loss, the task and the way of programming that they name; rules: rule_factory.py."""

from numpy.typing import DTypeLike

from circuits.circuit import Circuit
from hwsim.devices.programming.programming import Ideal, Programming
from hwsim.learning.dataset import Dataset
from hwsim.learning.losses import CrossEntropy, Loss, SquaredError
from hwsim.learning.task import Task, classification, scaled
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import VariationSettings


def loss(training: TrainingSettings) -> Loss:
    """Return the loss."""
    if training.loss.kind == "cross-entropy":
        return CrossEntropy(v_softmax=training.loss.v_softmax, low=training.target_low, high=training.target_high)
    return SquaredError()


def task(training: TrainingSettings, circuit: Circuit, data: Dataset, *, relative: bool = False) -> Task:
    """Return what is learned of data: their real targets, where they have a scale of these, or else their classes.

    Errors of real targets are in their units, or `relative` to their standard deviation.
    """
    if data.scale is not None:
        return scaled(data, relative=relative)
    return classification(data, len(circuit.outputs), training.target_low, training.target_high, training.output_copies)


def programming(device: DeviceSettings, variation: VariationSettings, circuit: Circuit, dtype: DTypeLike) -> Programming:
    """Return the way in which conductances are changed, for arrays of one precision; what is no memristor is set as it is wanted."""
    if not device.programmed:
        return Ideal()
    from hwsim.devices.programming.chip_devices import discrete, pulsed  # noqa: PLC0415 - only real devices need them

    of_memristors = (pulsed if device.levels is None else discrete)(device, variation, circuit, dtype)
    others = tuple(element.name for element in circuit.trainable if not element.memristive)
    if not others:
        return of_memristors
    from hwsim.devices.programming.grouped_programming import GroupedProgramming  # noqa: PLC0415 - as above

    return GroupedProgramming(((tuple(element.name for element in circuit.memristive), of_memristors), (others, Ideal())))

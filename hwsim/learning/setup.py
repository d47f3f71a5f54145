"""Setup: how a circuit learns, made of an experiment's sections: what a trainer takes besides data, task and solver."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.core.protocol import Solver
from hwsim.learning import factory, rule_factory
from hwsim.learning.initial import by_array, starting
from hwsim.learning.optimizers import Desynchronous
from hwsim.learning.readout import Instruments, ReadOut
from hwsim.learning.step import Updater
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from hwsim.typing import Weights


class Setup(NamedTuple):
    """How a circuit learns.

    Parameters
    ----------
    updater
        Its rule, loss, optimizer and way of programming.
    instruments
        What reads its outputs.
    rates
        The step size of each trainable array, before the schedule.
    start
        The conductances to begin with, before the bounds of the chip's devices [S].
    chip
        The chip's number.

    """

    updater: Updater
    instruments: ReadOut
    rates: Mapping[str, float]
    start: Weights
    chip: int

    @classmethod
    def of_circuit(
        cls,
        settings: TrainingSettings,
        solver: Solver,
        *,
        device: DeviceSettings,
        shown: Mapping[str, NDArray[np.float64]] | None,
        variation: VariationSettings,
        noise: NoiseSettings,
    ) -> Self:
        """Make the setup of one circuit; `shown` are the conductances of a netlist, where training may begin [S]."""
        circuit = solver.circuit
        circuit.require("trainable")
        instruments = Instruments.of(variation, noise)
        updater = Updater(
            rule=rule_factory.rule(settings, circuit, instruments),
            loss=factory.loss(settings),
            optimizer=rule_factory.optimizer(settings),
            programming=factory.programming(device, variation, circuit, np.dtype(settings.precision)),
            skipping=settings.skip_failed,
            reach=Desynchronous(settings.update.probability),
        )
        start = starting(solver.chip, settings, shown)
        of_arrays = by_array(circuit, settings.rates(len(circuit.memristive)))
        rates = {element.name: element.devices * of_arrays[element.name] for element in circuit.trainable}
        return cls(updater, instruments, rates, start, variation.chip)

"""Trainers of plain circuits: ideal devices, no noise, nothing that varies, unless a test names it."""

from typing import Any

from hwsim.core.protocol import Solver
from hwsim.learning import factory
from hwsim.learning.dataset import Dataset
from hwsim.learning.setup import Setup
from hwsim.learning.trainer import Trainer
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings


def plain_trainer(settings: TrainingSettings, data: Dataset, solver: Solver | Any, **sections: Any) -> Trainer:
    """Return a trainer; `sections`, and the task, are those that are not plain."""
    plain = {
        "task": factory.task(settings, solver.circuit, data),
        "device": DeviceSettings(),
        "shown": None,
        "variation": VariationSettings(),
        "noise": NoiseSettings(),
    }
    given = plain | sections
    task = given.pop("task")
    return Trainer(settings, data, solver, task=task, setup=Setup.of_circuit(settings, solver, **given))

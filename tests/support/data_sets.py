"""Experiments on sets that have names, and these sets as they are loaded."""

from typing import Any

from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.learning.dataset import Dataset
from hwsim.settings.data_names import BUILT_IN


def experiment(name: str, features: int, classes: int, **settings: Any) -> Experiment:
    """Make an experiment on some data."""
    training = {"seed": settings.pop("seed", 0)}
    return Experiment(circuit={"inputs": features, "outputs": classes}, data={"name": name, **settings}, training=training)


def read(name: str, **settings: Any) -> Dataset:
    """Load a set that has a name."""
    return load_data(experiment(name, *BUILT_IN[name], **settings))

"""Initial conductances, drawn crossbar by crossbar from their own streams."""

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from hwsim.settings import TrainingSettings
from hwsim.streams import stream


def initial_conductances(circuit: Circuit, training: TrainingSettings) -> dict[str, NDArray[np.float64]]:
    """Draw the conductances [S] that learning starts from, within the bounds of each element array."""
    drawn = {}
    for element, (low, high) in zip(circuit.trainable, training.initial_ranges(len(circuit.trainable)), strict=True):
        share = stream(training.seed, f"conductances/{element.name}").random(element.shape)
        g = low * (high / low) ** share if training.init == "log-uniform" else low + (high - low) * share
        drawn[element.name] = np.clip(g, element.g_min, element.g_max)
    return drawn

"""The devices of a dense layer that is a crossbar, on one chip: where they begin, and which conductances a layer's weights are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.units import Siemens
from hwsim.chains.crossbar_part import CrossbarPart
from hwsim.chains.digital_part import DenseWeights
from hwsim.chains.made import OneCircuit
from hwsim.devices.programming.chip_devices import fitted, kind_of
from hwsim.devices.temperature import heat_of
from hwsim.experiment.experiment import Experiment
from hwsim.settings.sections import Precision
from hwsim.typing import Floats

if TYPE_CHECKING:
    from hwsim.devices.programming.programming import Programming

_AT_ONCE = 10**6
"""Pulses that a device of a solved layer is sent at most: all of its weight is written in one update."""


_ROOM = 1.25
"""How much larger a bias may become when it makes up for weights that are off."""

_MANY = 32
"""Levels from which on there is that room: with fewer, a bias below the highest level would be rounded by more than it gains."""


@dataclass(frozen=True, kw_only=True)
class CrossbarDevices(OneCircuit):
    """The devices of a crossbar.

    Parameters
    ----------
    part
        The layer.

    """

    part: CrossbarPart

    @classmethod
    def of(cls, part: CrossbarPart, experiment: Experiment) -> "CrossbarDevices":
        """Return the devices that an experiment describes."""
        if part.settings.least_squares is not None:
            experiment = experiment.model_copy(update={"device": experiment.device.model_copy(update={"max_pulses": _AT_ONCE})})
        return cls(experiment, part.circuit, part=part)

    @cached_property
    def ends(self) -> tuple[Siemens, Siemens]:
        """The lowest and the highest conductance of a nominal device at the chip's temperature [S]."""
        device, variation = self.experiment.device, self.experiment.variation
        nominal: Any = fitted(kind_of(variation, device), self.circuit.trainable[0], heat_of(device, variation))[0]  # with a range
        return float(nominal.g_min), float(nominal.g_max)

    def pairs(self, precision: Precision) -> "Programming":
        """Return the way in which its conductances are changed, as one array."""
        programming: Any = self.programming(precision)
        return replace(programming, blocks=(self.part.g,))  # type: ignore[no-any-return] # of the same kind

    def laid_out(self, dense: DenseWeights) -> dict[str, Floats]:
        """Return the conductances that a layer's weights are to be, and their unit [S]."""
        levels = self.experiment.device.levels
        return self.part.laid_between(dense, *self.ends, room=1.0 if levels and levels < _MANY else _ROOM)

    def with_biases(self, p: Mapping[str, Any], biases: Floats) -> dict[str, Floats]:
        """Return conductances with other biases (K,) [V]: one device of each pair is at the lowest one, and no other line changes."""
        return self.part.with_biases(p, biases, *self.ends)

    def blank(self, largest: float = 1.0) -> dict[str, Floats]:
        """Return conductances before any learning, all weights being 0, and the unit by which the `largest` weight fits between their ends.

        Devices that are solved for, or only rise, begin at their lowest conductance, and others half-way.
        """
        (low, high), device = self.ends, self.experiment.device
        rising = self.part.settings.least_squares is not None or device.pairs or device.coding == "one-sided"
        g, unit = self.part.trainable
        return {
            g.name: np.full(g.shape, low if rising else (low + high) / 2),
            unit.name: np.full(unit.shape, (high - low) / largest),
        }

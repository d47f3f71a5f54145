"""What heat makes of memristors: g(T) = g·(1 + tc·(T − 27 °C)), with the coefficient tc that the experiment or the preset names.

All devices of a chip warm up alike, and their bounds with them. Conductances that an experiment draws, or a netlist shows, are those at
27 °C; those that a run has learnt are those at its own temperature.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from circuits.constants import TEMPERATURE, ZERO_CELSIUS
from circuits.errors import CircuitError
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings


def heat_of(settings: DeviceSettings, variation: VariationSettings) -> float:
    """Return by what a chip's temperature multiplies the conductances that its memristors have at 27 °C; 1 where no coefficient is known.

    Raises
    ------
    CircuitError
        When nothing would be left of them.
    DeviceError
        When there is no such device.

    """
    if variation.kelvin == TEMPERATURE:
        return 1.0
    coefficient = settings.temperature_coefficient
    if coefficient is None and settings.preset is not None:
        from hwsim.devices.kinds import presets  # noqa: PLC0415 - presets load only where a chip is warm

        coefficient = presets.load(settings.preset).temperature_coefficient
    factor = 1.0 + (coefficient or 0.0) * (variation.kelvin - TEMPERATURE)
    if not factor > 0:
        msg = (
            f"device.temperature_coefficient = {coefficient:g}/K leaves memristors no conductance at "
            f"{round(variation.kelvin - ZERO_CELSIUS, 9):g} °C; bring it nearer to 0, or variation.temperature nearer to 27"
        )
        raise CircuitError(msg)
    return factor


def at_temperature(
    g: Mapping[str, NDArray[np.float64]], settings: DeviceSettings, given: VariationSettings, wanted: VariationSettings
) -> dict[str, NDArray[np.float64]]:
    """Return conductances [S] at one chip's temperature, from those given at another's; they are the same where both are equal.

    Raises
    ------
    CircuitError, DeviceError
        As `heat_of`.

    """
    by = 1.0 if given.kelvin == wanted.kelvin else heat_of(settings, wanted) / heat_of(settings, given)
    return {name: by * values if by != 1.0 else values for name, values in g.items()}

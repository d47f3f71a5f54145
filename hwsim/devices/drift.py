"""What time makes of memristors: g(t) = g·(t/t0)^−nu, each device's nu drawn from the chip's seed by a stream that nothing else uses.

Within t0 nothing drifts, and stuck devices never do. Drift is not programming: what falls below g_min stays there. Exponents are those of
the source at any temperature: none gives an activation energy, so that heat does not make drift faster here.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import DeviceDrift
from hwsim.devices.programming.chip_devices import devices_of, kind_of
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings

Factors = dict[str, NDArray[np.float64]]


def drift_of(settings: DeviceSettings) -> DeviceDrift | None:
    """Return the drift that is known of a kind of memristor; None: none is.

    Raises
    ------
    DeviceError
        When there is no such device.

    """
    return None if settings.preset is None else presets.load(settings.preset).drift


def drifted(circuit: Circuit, variation: VariationSettings, settings: DeviceSettings) -> Factors:
    """Return by what time has multiplied the conductance of each device of a chip, by trainable element array; empty: by nothing.

    Raises
    ------
    DeviceError
        When the device cannot be read, or has no range.

    """
    device = kind_of(variation, settings)
    if device.drift is None:
        return {}
    of_each = {element.name: devices_of(device, element, variation.chip) for element in circuit.memristive}
    return {element.name: of_each[element.name].drift(np.ones(element.shape), variation.after) for element in circuit.memristive}

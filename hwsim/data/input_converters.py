"""The inputs' digital-to-analog converters: features rounded to what they can output."""

from dataclasses import replace

import numpy as np

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.core.converters import quantised
from hwsim.learning.dataset import Dataset
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Floats


def driven(data: Dataset, circuit: Circuit, variation: VariationSettings) -> Dataset:
    """Return data whose features are those that the inputs' converters can make.

    Raises
    ------
    CircuitError
        As `converted`.

    """
    if variation.dac_bits is None:
        return data
    x_train, x_test = (converted(x, circuit, variation) for x in (data.x_train, data.x_test))
    return replace(data, x_train=x_train, x_test=x_test)


def converted(x: Floats, circuit: Circuit, variation: VariationSettings) -> Floats:
    """Return the features, of samples (n, I), that the inputs' converters can make.

    Raises
    ------
    CircuitError
        When sources of one feature have scales of different size, so that no one number stands for their voltages.

    """
    bits, full_scale = variation.dac_bits, variation.dac_full_scale
    if bits is None or full_scale is None:
        return x
    scale = np.zeros(circuit.input_count)
    for source in circuit.inputs:
        for feature, volts in zip(source.feature.tolist(), np.abs(source.scale).tolist(), strict=True):
            if scale[feature] not in {0.0, volts}:
                msg = f"variation.dac_bits: input {feature} drives sources of {scale[feature]:g} and {volts:g} V; give them one scale"
                raise CircuitError(msg)
            scale[feature] = volts
    scale[scale == 0] = 1.0
    scale = scale[: x.shape[1]]  # labels are driven without converters
    return np.asarray(quantised(x * scale, bits, full_scale) / scale)

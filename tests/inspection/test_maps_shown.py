"""Convolutions and pools in pictures and on devices."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.network import Amplifier, ConvolutionLayer, Network, PoolLayer
from hwsim.devices.arrays.pairs import Pairs
from hwsim.devices.programming.chip_devices import pulsed
from hwsim.inspection.inspection import inspect
from hwsim.inspection.layered_schematic import layered_sheet
from hwsim.inspection.sheet import Sheet
from hwsim.report.conductances import _signed
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings

LAYERS = (ConvolutionLayer(channels=1, size=2, padding=1, amplifier=Amplifier()), PoolLayer(size=2, stride=1))
CIRCUIT = Network(inputs=4, layers=LAYERS, outputs=1).compile()
G = {element.name: np.random.default_rng(0).uniform(1e-6, 1e-5, element.shape) for element in CIRCUIT.trainable}


def test_a_schematic_has_only_the_devices_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows see some of the rows each; what ends at ground beyond the maps is drawn nowhere, and a pool's resistors are fixed."""
    drawn = []
    monkeypatch.setattr(Sheet, "device", lambda _, _x, _y, shade: drawn.append(shade is None))
    layered_sheet(CIRCUIT, Chip.nominal(CIRCUIT), G)
    beyond_the_maps, bias_and_outputs = 2 * 20, 9 + 10
    assert drawn.count(False) == 9 * 2 * 4 - beyond_the_maps + bias_and_outputs
    assert drawn.count(True) == 4 * 4


def test_an_inspection_counts_conductances_and_memristors() -> None:
    """The size of a convolution is its kernel's, and its count that of its devices."""
    inspected = inspect(CIRCUIT, Chip.nominal(CIRCUIT), G)
    block = inspected.blocks[0]
    assert (block["kind"], block["rows"], block["columns"], block["count"]) == ("convolution", 9, 1, 81)
    assert inspected.counts["Pooling"] == 16
    assert inspected.solver == "layers"


def test_kernels_are_shown_as_signed_images() -> None:
    """What a tap conducts from the features, less what it does from their negatives."""
    np.testing.assert_array_equal(_signed(CIRCUIT, CIRCUIT["w1"], G["w1"]), G["w1"][:4] - G["w1"][4:8])


def test_taps_of_a_feature_and_its_negative_are_pairs() -> None:
    """As devices of a crossbar's rows are, though a window's first position may see ground; all copies of a pulse count."""
    pairs = Pairs.of(CIRCUIT)
    np.testing.assert_array_equal(pairs.partner[:9], [4, 5, 6, 7, 0, 1, 2, 3, 8])
    programming = pulsed(DeviceSettings(preset="reram-sb"), VariationSettings(), CIRCUIT, np.float64)
    np.testing.assert_array_equal(programming.devices.copies, [9.0] * 9 + [1.0] * 10)

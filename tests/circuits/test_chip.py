"""Chips: nominal unless stated otherwise, element by element."""

import re

import numpy as np
import pytest
from hypothesis import given

from circuits.chip import Chip
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.network import Amplifier, Layer, Network
from support.strategies import networks

CIRCUIT = Network(inputs=2, layers=(Layer(size=3, amplifier=Amplifier()),), outputs=1).compile("net")


@given(networks())
def test_the_nominal_chip_is_the_circuit(network: Network) -> None:
    """Without spread every parameter of every element has the circuit's own value."""
    circuit = network.compile()
    chip = Chip.nominal(circuit)
    for element in circuit.elements:
        for parameter in element.parameters:
            np.testing.assert_array_equal(chip(element.name, parameter), getattr(element, parameter))


def test_a_chips_value_replaces_the_nominal_one() -> None:
    """What a chip states holds; what it does not state is nominal, in the same element too."""
    chip = Chip(CIRCUIT, {"amp1": {"gain": np.array([3.9, 4.0, 4.2])}})
    assert chip("amp1", "gain").tolist() == [3.9, 4.0, 4.2]
    assert chip("amp1", "back").tolist() == [0.25, 0.25, 0.25]


def test_a_crossbars_bounds_may_differ_by_device() -> None:
    """A chip gives each memristor its own floor."""
    g_min = np.linspace(1e-8, 1e-7, 15).reshape(5, 3)
    np.testing.assert_array_equal(Chip(CIRCUIT, {"w1": {"g_min": g_min}})("w1", "g_min"), g_min)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"amp2": {"gain": np.ones(3)}}, "net has no element 'amp2'; it has"),
        ({"amp1": {"r": np.ones(3)}}, "amp1 has no parameter 'r'; it has gain, back, offset"),
        ({"amp1": {"gain": np.ones(2)}}, "chip: amp1.gain has shape (2,); the circuit's is (3,)"),
        ({"amp1": {"gain": 4.0}}, "chip: amp1.gain has shape (); the circuit's is (3,)"),
        ({"w1": {"g_min": np.full((3, 5), 1e-8)}}, "chip: w1.g_min has shape (3, 5); the circuit's is (5, 3)"),
        ({"amp1": {"gain": np.array([4.0, -4.0, 4.0])}}, "amp1: gain[1] = -4 must be positive"),
        ({"h1_v_low": {"v": np.array([0.0, 0.0, np.nan])}}, "h1_v_low: v[2] = nan must be a number"),
        ({"h1_d_low": {"i_sat": np.array([np.inf, 1e-9, 1e-9])}}, "h1_d_low: i_sat[0] = inf must be finite"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, dict[str, np.ndarray]], message: str) -> None:
    """The error names the element, the parameter and what the circuit has."""
    with pytest.raises(CircuitError, match=re.escape(message)):
        Chip(CIRCUIT, values)


def test_an_element_without_parameters_says_so() -> None:
    """An ideal diode has nothing that could vary."""
    circuit = Network(inputs=1, layers=(Layer(size=1, neuron=IdealPair()),), outputs=1).compile()
    with pytest.raises(CircuitError, match="h1_d_high has no parameter 'n'; it has none"):
        Chip(circuit, {"h1_d_high": {"n": np.ones(1)}})

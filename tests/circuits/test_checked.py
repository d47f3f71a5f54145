"""Construction in Python is checked as an experiment file is: one clear message, or an object whose fields are what they are to be."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from circuits import checked
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealRectifier
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, ConvolutionLayer, Layer, Network, PoolLayer
from circuits.neurons import KINDS

WRONG: dict[str, Callable[[], object]] = {
    f"Layer: neuron = 'relu': should be of class {' or '.join(kind.__name__ for kind in KINDS)}": lambda: Layer(3, neuron="relu"),
    "Layer: amplifier = 3: should be of class Amplifier": lambda: Layer(3, amplifier=3),
    "Layer: size = 2.5: should be a whole number": lambda: Layer(2.5),
    "Network: layers[0] = 10: should be of class Layer or ConvolutionLayer or PoolLayer": lambda: Network(
        inputs=4, layers=(10,), outputs=3
    ),
    "Network: layers = 10: should be a list": lambda: Network(inputs=4, layers=10, outputs=3),
    "Network: inputs = '4': should be a whole number": lambda: Network(inputs="4", outputs=3),
    "Network: bias = 1: should be true or false": lambda: Network(inputs=4, outputs=3, bias=1),
    "Network: g_min[1] = 'x': should be a number": lambda: Network(inputs=4, outputs=3, g_min=(1e-8, "x")),
    "Amplifier: gain = None: should be a number": lambda: Amplifier(gain=None),
    "DiodePair: eg = -1.0: should be greater than 0": lambda: DiodePair(eg=-1.0),
    "IdealRectifier: kind = 'linear': should be 'ideal-rectifier'": lambda: IdealRectifier(kind="linear"),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_field_is_named_with_its_value_and_what_it_should_be(message: str) -> None:
    """In one line."""
    with pytest.raises(CircuitError) as raised:
        WRONG[message]()
    assert str(raised.value) == message


def test_lists_and_numbers_of_numpy_are_taken_for_those_of_python() -> None:
    """So that a network can be a key, and equal ones are equal."""
    network = Network(inputs=np.int64(4), layers=[Layer(np.int32(5))], outputs=np.uint8(3), g_max=[np.float32(0.5), 1])
    assert network == Network(inputs=4, layers=(Layer(size=5),), outputs=3, g_max=(0.5, 1.0))
    assert hash(network) == hash(Network(inputs=4, layers=(Layer(5),), outputs=3, g_max=(0.5, 1.0)))
    assert type(network.inputs) is int


def test_what_fits_at_first_sight_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, names of kinds, and layers in their list: pydantic's check of a field takes longer to be made than a circuit."""
    made = list[str]()
    monkeypatch.setattr(checked, "_adapter", lambda kind, name: made.append(f"{kind.__name__}.{name}"))
    hidden = (ConvolutionLayer(channels=2, size=3), PoolLayer(kind="pool", size=2), Layer(5, neuron=DiodePair(kind="diode-pair")))
    Network(inputs=36, image=(6, 6), layers=hidden, outputs=3, g_max=0.5)
    assert not made


@pytest.mark.parametrize("kind", [Network, Layer, ConvolutionLayer, PoolLayer, Amplifier, *KINDS])
def test_defaults_are_of_their_types(kind: type) -> None:
    """They are not looked at when an object is made."""
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING:
            assert checked._adapter(kind, field.name).validate_python(field.default) == field.default

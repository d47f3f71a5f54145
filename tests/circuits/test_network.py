"""Networks: what they compile to, counted by formula, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given

from circuits.arrays import Crossbar
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, IdealDiodes, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from support.strategies import columns_of, networks, rows_of


def junctions(layer: Layer) -> int:
    """Count a layer's diodes, ideal ones too."""
    match layer.neuron:
        case Linear():
            return 0
        case Rectifier() | IdealRectifier():
            return layer.size
        case DiodePair() | IdealPair() | DeadZone():
            return 2 * layer.size


def rails(layer: Layer) -> int:
    """Count a layer's bias sources: one a diode, but none behind a dead zone."""
    return 0 if isinstance(layer.neuron, DeadZone) else junctions(layer)


def count(circuit: Circuit, *kinds: type) -> int:
    """Count the single elements of some kinds."""
    return sum(len(element) for element in circuit.of(*kinds))


@given(networks())
def test_elements_are_counted_by_formula(network: Network) -> None:
    """Each row meets each column once, each neuron brings its diodes and rails, each amplified column its amplifier."""
    circuit = network.compile()
    assert [e.shape for e in circuit.of(Crossbar)] == list(zip(rows_of(network), columns_of(network), strict=True))
    assert count(circuit, InputSources) == network.inputs * (1 + network.signed_inputs)
    assert count(circuit, Diodes, IdealDiodes) == sum(map(junctions, network.layers))
    assert count(circuit, VoltageSources) == sum(map(rails, network.layers)) + network.bias + network.signed_bias
    assert count(circuit, Amplifiers) == sum(layer.size for layer in network.layers if layer.amplifier)
    assert count(circuit, Nudges) == network.outputs


@given(networks())
def test_nodes_are_counted_by_formula(network: Network) -> None:
    """Sources, columns, rails, cores behind dead zones and amplified rows each have their node, and nothing else has."""
    extra = sum(layer.size * ((layer.amplifier is not None) + isinstance(layer.neuron, DeadZone)) for layer in network.layers)
    inputs = network.inputs * (1 + network.signed_inputs)
    expected = inputs + network.bias + network.signed_bias + sum(columns_of(network)) + sum(map(rails, network.layers)) + extra
    assert network.compile().size == expected


@given(networks())
def test_the_same_network_makes_the_same_circuit(network: Network) -> None:
    """Compiling twice gives equal circuits: nothing depends on chance or order."""
    assert network.compile("a") == network.compile("a")


@given(networks())
def test_crossbars_stand_in_a_row(network: Network) -> None:
    """w1 … wL follow each other: each hidden row comes, through its neuron and amplifier, from the column of the same place."""
    circuit = network.compile()
    assert [e.name for e in circuit.trainable] == [f"w{k}" for k in range(1, len(network.layers) + 2)]
    for k, layer in enumerate(network.layers, start=1):
        onward = circuit.nodes(f"h{k}_core" if isinstance(layer.neuron, DeadZone) else f"h{k}")
        if layer.amplifier:
            assert circuit[f"amp{k}"].input.tolist() == onward.tolist()
            onward = circuit[f"amp{k}"].output
        assert circuit[f"w{k + 1}"].rows[: layer.size].tolist() == onward.tolist()


@given(networks())
def test_negative_rows_carry_the_negative_features(network: Network) -> None:
    """Row xn_3 carries −input_scale times feature 3, x_3 the positive."""
    sources = network.compile().inputs
    assert [set(s.scale.tolist()) for s in sources] == [{sign * network.input_scale} for sign in (1.0, -1.0)[: len(sources)]]
    assert all(s.feature.tolist() == list(range(network.inputs)) for s in sources)


@given(networks())
def test_outputs_are_read_from_pairs_or_against_ground(network: Network) -> None:
    """Class k is v(out_2k) − v(out_2k+1), or v(out_k) when single-ended."""
    circuit = network.compile()
    out = circuit.nodes("out")
    assert circuit.outputs.plus.tolist() == out[:: 1 + network.differential].tolist()
    assert circuit.outputs.minus.tolist() == (out[1::2].tolist() if network.differential else [0] * network.outputs)


def test_bounds_may_differ_between_crossbars() -> None:
    """One number holds for all crossbars; a tuple gives each its own."""
    network = Network(inputs=2, layers=(Layer(size=3),), outputs=1, g_min=(1e-8, 1e-7), g_max=1e-5)
    circuit = network.compile()
    assert [(float(w.g_min), float(w.g_max)) for w in circuit.trainable] == [(1e-8, 1e-5), (1e-7, 1e-5)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": 0}, "network: inputs = 0 must be at least 1"),
        ({"outputs": -1}, "network: outputs = -1 must be at least 1"),
        ({"layers": (Layer(size=4), Layer(size=0))}, r"network: layers\[1\]\.size = 0 must be at least 1"),
        ({"g_min": (1e-8, 1e-8)}, "network: g_min has 2 values for 1 crossbars; give one number, or one a crossbar"),
        ({"output_neuron": DiodePair()}, "network: output_neuron is a diode-pair, and outputs are differences of columns"),
        ({"output_neuron": DeadZone(), "differential": False}, "network: output_neuron is a dead-zone, and nothing follows the outputs"),
        ({"bias": False, "signed_bias": True}, "network: signed_bias = True adds the negative of the bias row, and bias = False"),
        ({"input_scale": 0.0}, "network: input_scale = 0 must be a finite number other than 0"),
        ({"input_scale": np.inf}, "network: input_scale = inf must be a finite number other than 0"),
    ],
)
def test_refusals_name_the_setting_and_the_value(settings: dict[str, object], message: str) -> None:
    """A network that cannot be is refused when it is described."""
    with pytest.raises(CircuitError, match=message):
        Network(**{"inputs": 2, "outputs": 1} | settings)


@pytest.mark.parametrize(
    ("amplifier", "message"),
    [
        (Amplifier(gain=0.0), r"amp1: gain\[0\] = 0 must be positive"),
        (Amplifier(back=-0.25), r"amp1: back\[0\] = -0.25 must be positive"),
        (Amplifier(offset=np.nan), r"amp1: offset\[0\] = nan must be a number"),
    ],
)
def test_amplifiers_are_checked_when_built(amplifier: Amplifier, message: str) -> None:
    """An amplifier that would make the equilibrium ambiguous is refused."""
    with pytest.raises(CircuitError, match=message):
        Network(inputs=1, layers=(Layer(size=1, amplifier=amplifier),), outputs=1).compile()

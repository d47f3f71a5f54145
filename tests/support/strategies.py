"""Hypothesis strategies: random networks, their conductances and what drives them.

@given(st.data())
def test_some_law(data):
    circuit = data.draw(networks()).compile()
    g = data.draw(conductances(circuit))
    x = data.draw(features(circuit, batch=3))
"""

import math

import numpy as np
from hypothesis import strategies as st

from circuits.circuit import Circuit
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear, Neuron

SIZES = st.integers(1, 6)
RAILS = st.sampled_from([0.0, 0.1, 0.3, 1.0])
_REST = {"n": st.sampled_from([1.0, 1.5, 1.906]), "eg": st.sampled_from([1.11, 1.11, 0.69]), "xti": st.sampled_from([3.0, 2.0])}
JUNCTIONS = st.fixed_dictionaries({"i_sat": st.sampled_from([1e-12, 4.352e-9, 1e-6]), **_REST})
LEAKY_JUNCTIONS = st.fixed_dictionaries({"i_sat": st.sampled_from([4.352e-9, 1e-6]), **_REST})
"""For dead zones: one that does not leak leaves the voltages behind it to rounding, which engines report instead of an answer."""
GAINS = st.sampled_from([(4.0, 0.25), (1.0, 1.0), (4.0, 4.0), (2.0, 0.5), (3.0, 0.7), (0.5, 1.0)])  # (gain, back): reciprocal or not
OFFSETS = st.sampled_from([0.0, 0.0, 0.02, -0.05])
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def neurons(draw: st.DrawFn, *, ideal: bool = True) -> Neuron:
    """Draw a neuron of any kind; without `ideal`, of those that a netlist holds exactly."""
    kinds = [Linear, DiodePair, Rectifier, DeadZone, *([IdealPair, IdealRectifier] if ideal else [])]
    kind = draw(st.sampled_from(kinds))
    if kind is Linear:
        return Linear()
    junction = draw(JUNCTIONS) if kind in {DiodePair, Rectifier} else {}
    if kind is DeadZone:
        return DeadZone(**draw(LEAKY_JUNCTIONS))
    pair = kind in {DiodePair, IdealPair}
    high, low = draw(RAILS), draw(RAILS)
    return kind(v_high=high + (0.05 if pair else 0.0), v_low=-low, **junction)


@st.composite
def amplifiers(draw: st.DrawFn) -> Amplifier:
    """Draw an amplifier, reciprocal or not, with or without an offset."""
    gain, back = draw(GAINS)
    return Amplifier(gain=gain, back=back, offset=draw(OFFSETS))


@st.composite
def layers(draw: st.DrawFn, *, ideal: bool = True) -> Layer:
    """Draw a hidden layer with or without an amplifier."""
    return Layer(size=draw(SIZES), neuron=draw(neurons(ideal=ideal)), amplifier=draw(st.none() | amplifiers()))


@st.composite
def networks(draw: st.DrawFn, *, max_layers: int = 4, ideal: bool = True) -> Network:
    """Draw a network of 0 to `max_layers` hidden layers with every option; without `ideal`, none of its neurons is an ideal clamp."""
    return Network(
        inputs=draw(SIZES),
        layers=tuple(draw(st.lists(layers(ideal=ideal), max_size=max_layers))),
        outputs=draw(SIZES),
        differential=draw(st.booleans()),
        signed_inputs=draw(st.booleans()),
        input_scale=draw(st.sampled_from([1.0, 0.3, -2.0])),
        bias=(bias := draw(st.booleans())),
        signed_bias=bias and draw(st.booleans()),
        v_bias=draw(st.sampled_from([1.0, -0.4])),
        g_min=1e-7,
        g_max=draw(st.sampled_from([1e-5, 1e-4])),
    )


def rows_of(network: Network) -> list[int]:
    """Count the rows of each crossbar, those of the bias with them."""
    first = network.inputs * (2 if network.signed_inputs else 1)
    return [size + network.bias + network.signed_bias for size in (first, *(layer.size for layer in network.layers))]


def columns_of(network: Network) -> list[int]:
    """Count the columns of each crossbar."""
    return [*(layer.size for layer in network.layers), network.outputs * (2 if network.differential else 1)]


@st.composite
def conductances(draw: st.DrawFn, circuit: Circuit) -> dict[str, np.ndarray]:
    """Draw conductances within their bounds [S], spread evenly over the decades; Hypothesis shrinks the circuit, not these."""
    rng = np.random.default_rng(draw(SEEDS))
    g = {}
    for element in circuit.trainable:
        low, high = (math.log(float(np.min(bound))) for bound in (element.g_min, element.g_max))
        g[element.name] = np.clip(np.exp(rng.uniform(low, high, element.shape)), element.g_min, element.g_max)
    return g


@st.composite
def features(draw: st.DrawFn, circuit: Circuit, *, batch: int = 3) -> np.ndarray:
    """Draw a batch of samples between −1 and 1, shape (batch, inputs)."""
    return np.random.default_rng(draw(SEEDS)).uniform(-1.0, 1.0, (batch, circuit.input_count))


@st.composite
def targets(draw: st.DrawFn, circuit: Circuit, *, batch: int = 3) -> np.ndarray:
    """Draw target voltages between −1 and 1, shape (batch, outputs) [V]."""
    return np.random.default_rng(draw(SEEDS)).uniform(-1.0, 1.0, (batch, len(circuit.outputs)))

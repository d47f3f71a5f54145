"""Twins: they settle at the negatives of their columns, as if amplifiers inverted each row, and their decks name each device."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, VoltageControlledVoltageSources
from circuits.elements import Amplifiers, InputSources, Nudges, VoltageSources
from circuits.errors import CircuitError
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, ConvolutionLayer, Layer, Network, PoolLayer
from circuits.neurons import Linear
from circuits.nodes import GROUND
from circuits.paired import Paired
from circuits.twins import Twins
from hwsim.core.protocol import Drive, Equilibrium, Push
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.write.writer import write_deck

GAIN, BACK = 3.0, 0.5
AMPLIFIER = Amplifier(gain=GAIN, back=BACK)
DENSE = Network(
    inputs=5,
    layers=(Layer(3, amplifier=AMPLIFIER), Layer(4, neuron=DeadZone())),
    outputs=2,
    signed_bias=True,
    twins=True,
)
MAPS = Network(
    inputs=9,
    layers=(ConvolutionLayer(channels=2, size=2, amplifier=AMPLIFIER), PoolLayer(size=2, stride=1), Layer(3, neuron=Linear())),
    outputs=2,
    signed_bias=True,
    twins=True,
)
X = np.random.default_rng(1).uniform(-1, 1, (3, 9))
CURRENT = np.array([[3e-7, -2e-7]])
ENGINES = [NumericEngine(), GeneralEngine(), NgspiceEngine(workers=1), NgspiceEngine(workers=1, full=True)]


@cache
def drawn(network: Network) -> tuple[Circuit, dict[str, np.ndarray]]:
    """Compile a network, and draw its conductances."""
    made, rng = network.compile("twins"), np.random.default_rng(2)
    return made, {element.name: rng.uniform(1e-6, 3e-5, element.shape) for element in made.trainable}


def settled(engine: Any, circuit: Circuit, g: dict[str, np.ndarray], x: np.ndarray, current: np.ndarray) -> Equilibrium:
    """Solve the nominal chip under a nudge."""
    with engine.prepare(circuit, Chip.nominal(circuit)) as solver:
        return solver.solve(g, Drive(x, Push(current=current)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", [DENSE, MAPS], ids=["dense", "maps"])
def test_twins_settle_at_the_negatives(engine: Any, network: Network) -> None:
    """Free and nudged, behind diodes in series, pools and amplifiers, by every engine."""
    made, g = drawn(network)
    for current in (0.0 * CURRENT, CURRENT):
        v = settled(engine, made, g, X[:, : network.inputs], current).v
        paired = {f"h{k}": Paired(maps.height * maps.width, maps.channels) for k, maps in enumerate(network.maps[1:], start=1)}
        for name, pair in (paired | {"out": Paired(2, 1)}).items():
            plain, twin = pair.split(v[name])
            assert np.abs(plain).max() > 1e-4
            np.testing.assert_allclose(twin, -plain, rtol=0, atol=1e-11)


def inverted() -> Circuit:
    """Build the dense network with one column for each pair of twins, and an ideal inverter to a second row, which returns its current."""
    builder = Builder()
    x, xn, plus, minus = builder.group("x", 5), builder.group("xn", 5), builder.group("bias"), builder.group("biasn")
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.arange(5)),
        InputSources(name="v_xn", plus=xn, feature=np.arange(5), scale=-1.0),
        VoltageSources(name="v_bias", plus=plus, minus=GROUND, v=1.0),
        VoltageSources(name="v_biasn", plus=minus, minus=GROUND, v=-1.0),
    )
    rows = np.concatenate([x, xn])
    for k, (size, neuron, amplified) in enumerate(((3, DiodePair(), True), (4, DeadZone(), False)), start=1):
        columns = builder.group(f"h{k}", size)
        builder.add(Crossbar(name=f"w{k}", rows=np.concatenate([rows, plus, minus]), columns=columns))
        plain = driver = neuron.build(builder, f"h{k}", columns)
        if amplified:
            plain = builder.group(f"a{k}", size)
            builder.add(Amplifiers(name=f"amp{k}", input=driver, output=plain, gain=GAIN, back=BACK))
        negative, place = builder.group(f"n{k}", size), np.arange(size)
        builder.add(
            VoltageControlledVoltageSources(
                name=f"inverter{k}", plus=negative, minus=GROUND, control_plus=plain, control_minus=GROUND, gain=-1.0
            ),
            CurrentControlledCurrentSources(name=f"back{k}", a=plain, b=GROUND, source=f"inverter{k}", place=place, gain=1.0),
        )
        rows = np.concatenate([plain, negative])
    out = builder.group("out", 2)
    builder.add(Crossbar(name="w3", rows=np.concatenate([rows, plus, minus]), columns=out), Nudges(name="nudge", plus=out, minus=GROUND))
    return builder.circuit("inverted")


def test_they_are_inverting_rows() -> None:
    """The circuit with ideal inverting rows settles at the same voltages."""
    made, g = drawn(DENSE)
    both = {}
    for name, values in g.items():
        plain, negative = np.split(values, 2, axis=1)
        rows = len(values) - 1
        both[name] = np.concatenate([plain[:rows], negative[:rows], plain[rows:], negative[rows:]])
    other = inverted()
    x = X[:, :5]
    twins, inverting = settled(NumericEngine(), made, g, x, CURRENT), settled(GeneralEngine(), other, both, x, CURRENT)
    for name, size in (("h1", 3), ("h2", 4)):
        np.testing.assert_allclose(twins.v[name][:, :size], inverting.v[name], rtol=0, atol=1e-11)
    np.testing.assert_allclose(twins.v["out"][:, ::2], inverting.v["out"], rtol=0, atol=1e-11)


def test_the_deck_names_them_behind_the_others() -> None:
    """Each device by row and column; the twin of a column has the two conductances exchanged."""
    made, g = drawn(DENSE)
    lines = write_deck(made, Chip.nominal(made), g, x=X[0, :5]).splitlines()
    cards = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("R_w1")}
    assert len(cards) == len(made["w1"]) == 12 * 6
    assert cards["R_w1_1_2"][:2] == ["x_1", "h1_2"]
    assert cards["R_w1_7_5"] == ["xn_1", "h1_5", cards["R_w1_1_2"][2]]
    assert cards["R_w1_7_2"] == ["xn_1", "h1_2", cards["R_w1_1_5"][2]]
    assert float(cards["R_w1_7_2"][2]) == pytest.approx(1 / g["w1"][1, 5])


@pytest.mark.parametrize("network", [DENSE, MAPS], ids=["dense", "maps"])
def test_all_devices_are_counted(network: Network) -> None:
    """Copies too, without compiling the network."""
    arrays = drawn(network)[0].of(Twins)
    assert network.memristors == sum(map(len, arrays)) == 2 * sum(2 * len(array.one) for array in arrays)


REFUSED = {
    "network: twins = True, and signed_inputs = False: each row needs its negative; set signed_inputs to True": {"signed_inputs": False},
    "network: twins = True, and signed_bias = False: each row needs its negative; set signed_bias to True": {"signed_bias": False},
    "network: twins = True, and differential = False: an output's two columns are twins; set differential to True": {"differential": False},
    "network: layers[0]: a diode-pair of twins must be odd; set v_low to -v_high, or choose another kind": {
        "layers": (Layer(3, neuron=DiodePair(v_low=-0.05, v_high=0.0)),)
    },
    "network: layers[0]: a rectifier of twins must be odd; set v_low to -v_high, or choose another kind": {
        "layers": (Layer(3, neuron=Rectifier()),)
    },
    "network: layers[0]: an offset of 0.1 V moves a column and its twin alike; set offset to 0": {
        "layers": (Layer(3, amplifier=Amplifier(offset=0.1)),)
    },
    "network: twins = True, and wires have resistance in dense crossbars alone; set wire_r_row and wire_r_column to 0 ohm": {
        "wire_r_row": 1.0
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_uneven_is_refused_in_a_line(message: str) -> None:
    """It names what, where, and what to do."""
    with pytest.raises(CircuitError) as raised:
        replace(DENSE, **REFUSED[message])
    assert str(raised.value) == message


def test_a_part_of_a_map_has_no_twins() -> None:
    """A run of rows comes with all of its negatives, or they with theirs."""
    with pytest.raises(CircuitError, match="w1: rows 0 to 3 have only a part of their negatives; let one array of sources drive all"):
        drawn(DENSE)[0]["w1"].part(slice(0, 4))

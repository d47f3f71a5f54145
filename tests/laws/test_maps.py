"""Convolutions and pools in one circuit: every engine solves it, its nudged phases give its gradient, and its chips and decks know it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from circuits.arrays import Crossbar, Divisible, Memristors
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.convolution import Convolution
from circuits.elements import Resistors
from circuits.errors import CircuitError
from circuits.network import Amplifier, ConvolutionLayer, Layer, Network, PoolLayer
from circuits.pooling import Pooling
from hwsim.core import kirchhoff
from hwsim.core.blocks import join
from hwsim.core.protocol import Drive, Equilibrium, Push
from hwsim.learning.gradient.drops import weighted_drop_products
from hwsim.learning.gradient.factors import energy_factors
from hwsim.learning.gradient.inputs import input_gradient
from hwsim.learning.noise_currents import currents
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.settings.variation_settings import NoiseSettings
from netlists.write.writer import write_deck

AMPLIFIER = Amplifier(gain=3.0, back=0.5)
NETWORK = Network(
    inputs=18,
    image=(3, 3, 2),
    layers=(
        ConvolutionLayer(channels=2, size=2, padding=1, amplifier=AMPLIFIER),
        PoolLayer(size=2, r=2e4),
        ConvolutionLayer(channels=3, size=2, tied=False, amplifier=AMPLIFIER),
    ),
    outputs=1,
    input_scale=0.3,
)
TWINS = replace(NETWORK, twins=True, signed_bias=True)
BETA = 1e-7

of_each = pytest.mark.parametrize("network", [NETWORK, TWINS], ids=["plain", "twins"])


@cache
def circuit(network: Network = NETWORK) -> Circuit:
    """Join a tied convolution with padding, a pool, a convolution with its own kernel at each position, and a dense crossbar."""
    return network.compile("maps")


@cache
def numbers(network: Network = NETWORK) -> tuple[Chip, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Draw a chip whose first amplifiers, pool and input sources differ, conductances, features and targets."""
    rng, made = np.random.default_rng(3), circuit(network)
    spread = {
        ("amp1", "gain"): 3.0,
        ("p2", "r"): 2e4,
        ("v_x", "scale"): 0.3,
        ("h1_d_high", "i_sat"): float(made["h1_d_high"].i_sat[0]),
    }
    values: dict[str, dict[str, np.ndarray]] = {}
    for (name, parameter), nominal in spread.items():
        values.setdefault(name, {})[parameter] = nominal * rng.uniform(0.8, 1.2, len(made[name]))
    g = {element.name: rng.uniform(2e-6, 4e-5, element.shape) for element in made.trainable}
    return Chip(made, values), g, rng.uniform(-1, 1, (2, 18)), rng.uniform(-0.2, 0.2, (2, 1))


@cache
def solved(beta: float, network: Network = NETWORK) -> Equilibrium:
    """Solve by sweeps over the layers."""
    chip, g, x, y = numbers(network)
    with NumericEngine().prepare(circuit(network), chip) as solver:
        assert isinstance(solver, LayeredSolver)
        return solver.solve(g, Drive(x, Push(beta=beta, target=y)))


def as_a_list(network: Network) -> tuple[Circuit, Chip, dict[str, np.ndarray]]:
    """Write the same circuit with a memristor, or a resistor, for each device, and no array that knows of windows."""
    chip, g, *_ = numbers(network)
    made, conductances, elements = circuit(network), dict(g), []
    for element in made.elements:
        if isinstance(element, Divisible):
            a, b, conductances[element.name] = element.expand(g[element.name])
            elements.append(Memristors(name=element.name, a=a, b=b))
        elif isinstance(element, Pooling):
            elements.append(Resistors(name=element.name, a=element.a, b=element.b, r=element.r))
        else:
            elements.append(element)
    listed = Circuit(name="list", groups=made.groups, elements=tuple(elements), blocks=made.blocks)
    return listed, Chip(listed, chip.values), conductances


@of_each
@pytest.mark.parametrize("engine", [GeneralEngine(), NgspiceEngine(workers=1), NgspiceEngine(workers=1, full=True)])
def test_engines_agree(engine: GeneralEngine | NgspiceEngine, network: Network) -> None:
    """Sweeps over layers, ports and ngspice give the same voltages, at which currents balance."""
    chip, g, x, y = numbers(network)
    made, drive, swept = circuit(network), Drive(x, Push(beta=1e-6, target=y)), solved(1e-6, network)
    with engine.prepare(made, chip) as solver:
        equilibrium = solver.solve(g, drive)
    np.testing.assert_allclose(kirchhoff.by_number(made, equilibrium), kirchhoff.by_number(made, swept), rtol=0, atol=1e-10)
    balance = kirchhoff.balance(made, chip, g, drive, swept)
    assert (balance.residual <= 1e-9 * balance.largest).all()


@of_each
def test_it_is_a_list_of_resistors(network: Network) -> None:
    """The circuit with one element a device, tied or not, at ground beyond the maps, settles at the same voltages."""
    listed, chip, g = as_a_list(network)
    made, swept, (_, _, x, y) = circuit(network), solved(1e-6, network), numbers(network)
    drive = Drive(x, Push(beta=1e-6, target=y))
    with GeneralEngine().prepare(listed, chip) as solver:
        equilibrium = solver.solve(g, drive)
    np.testing.assert_allclose(kirchhoff.by_number(listed, equilibrium), kirchhoff.by_number(made, swept), rtol=0, atol=1e-10)
    of_list, of_arrays = (
        kirchhoff.balance(one, on, conductances, drive, at)
        for one, on, conductances, at in ((listed, chip, g, equilibrium), (made, *numbers(network)[:2], swept))
    )
    np.testing.assert_allclose(of_arrays.largest, of_list.largest, rtol=1e-9)


@of_each
def test_nudged_phases_give_its_gradient(network: Network) -> None:
    """By each conductance, tied ones summed over their copies with each its amplifier's weight, and by each input."""
    chip, g, x, y = numbers(network)
    made = circuit(network)
    with GeneralEngine().prepare(made, chip) as solver:

        def loss(g: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
            return 0.5 * ((y - solver.solve(g, Drive(x)).outputs(made)) ** 2).sum(axis=1)

        up, down = (solved(side, network).v for side in (BETA, -BETA))
        difference, both = {name: up[name] - down[name] for name in up}, {name: up[name] + down[name] for name in up}
        factors = energy_factors(made, chip)
        assert np.ndim(factors["w1"]) == 1
        scale = 1 / (4 * BETA)
        products = join(weighted_drop_products(made, chip, difference, both, x, factors=factors, scale=scale, phases=2))
        for name, values in g.items():
            for k in range(values.size) if values.size < 40 else [0, values.size // 3, values.size // 2, values.size - 3]:
                step = np.zeros_like(values)
                at = np.unravel_index(k, values.shape)
                step[at] = 1e-4 * values[at]
                slope = (loss(g | {name: values + step}, x) - loss(g | {name: values - step}, x)).sum() / (2 * step[at])
                assert products[name][at] == pytest.approx(slope, rel=1e-4, abs=1e-6 * np.abs(products[name]).max())
        response = {name: v / (2 * BETA) for name, v in difference.items()}
        by_input = -input_gradient(made, chip, g, response, x, factors)
        for k in (0, 7, 17):
            step = 1e-4 * np.eye(18)[k]
            np.testing.assert_allclose(by_input[:, k], (loss(g, x + step) - loss(g, x - step)) / 2e-4, rtol=1e-4)


def test_each_device_is_noisy() -> None:
    """Thermal currents at a column have the variance of all devices that end there, though conductances are tied."""
    chip, g, *_ = numbers()
    settings, many, made = NoiseSettings(thermal=True, shot=False, bandwidth=1e6), 4_000, circuit()
    one = solved(1e-6)
    free = one._replace(v={name: np.repeat(v[:1], many, axis=0) for name, v in one.v.items()})
    (noise,) = currents(made, chip, g, free, settings=settings, temperature=300.0, seed=np.uint32(5), phases=1)
    each = 4 * 1.380649e-23 * 300.0 * 1e6
    np.testing.assert_allclose(noise["h1"].var(axis=0), each * made["w1"].column_sum(g["w1"]), rtol=0.12)
    pool = 4 / chip("p2", "r").reshape(4, 4, 2).mean(axis=1).ravel()
    expected = pool + made["w3"].part(slice(0, 8)).row_sum(g["w3"][:8])
    np.testing.assert_allclose(noise["h2"].var(axis=0), each * expected, rtol=0.12)


def test_the_deck_has_a_card_for_each_device() -> None:
    """Called by tap and column; a tap beyond the maps leads to ground."""
    chip, g, x, _ = numbers()
    lines = write_deck(circuit(), chip, g, x=x[0]).splitlines()
    cards = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("R_")}
    a, b, each = circuit()["w1"].expand(g["w1"])
    names = circuit().node_names
    assert cards["R_w1_0_0"][0] == "0"
    for k, (tap, column) in enumerate(circuit()["w1"].numbers.tolist()):
        row, to, ohms = cards[f"R_w1_{tap}_{column}"]
        assert (row, to, float(ohms)) == (names[a[k]], names[b[k]], pytest.approx(1 / each[k]))
    assert cards["R_p2_0"][:2] == ["a1_0", "h2_0"]
    assert any("R_w1_i_j joins tap i of the windows" in line for line in lines)


REFUSED = {
    "network: layers[0]: a window of 7×7 pixels does not fit on 3×3 ones padded by 1; make it at most 5": {
        "layers": (ConvolutionLayer(channels=1, size=7, padding=1),)
    },
    "network: layers[0]: padding = 2 puts whole windows of 2 pixels on ground; make it less than their size, 0 or more": {
        "layers": (ConvolutionLayer(channels=1, size=2, padding=2),)
    },
    "network: layers[0].stride = 0 must be at least 1": {"layers": (ConvolutionLayer(channels=1, size=2, stride=0),)},
    "network: layers[0] is a pool, which averages the maps of a layer before it; begin with a convolution or a dense layer": {
        "layers": (PoolLayer(),)
    },
    "network: layers[1]: a window of 2×2 pixels does not fit on 1×1 ones padded by 0; make it at most 1": {
        "layers": (Layer(4), PoolLayer())
    },
    "network: image = [3, 3] has 9 numbers and inputs is 18; their product must be the inputs": {"image": (3, 3)},
    "network: 18 inputs are no square image; set image to its height, width and channels": {"image": None},
    "network: layers[0] is a convolution, and wires have resistance in dense crossbars alone; set wire_r_row and wire_r_column to 0 ohm": {
        "wire_r_row": 1.0
    },
    "network: g_min has 4 values for 3 crossbars; give one number, or one a crossbar": {"g_min": (1e-8,) * 4},
    "pool: r = 0 ohm must be positive and finite": {"layers": lambda: (PoolLayer(r=0.0),)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused_in_a_line(message: str) -> None:
    """It names what, where, and what to do."""
    given = {name: getattr(NETWORK, name) for name in ("inputs", "image", "layers", "outputs")} | REFUSED[message]
    with pytest.raises(CircuitError) as raised:
        Network(**{name: value() if callable(value) else value for name, value in given.items()})
    assert str(raised.value) == message


def test_half_a_map_has_no_part() -> None:
    """A part of a convolution is that of whole maps."""
    with pytest.raises(CircuitError, match="w1: rows 0 to 3 are a part of a feature map; let one array of sources drive all of it"):
        circuit()["w1"].part(slice(0, 4))


def test_counts_and_names() -> None:
    """Arrays are called by the number of their layer, and the bounds are one a crossbar."""
    network = Network(**{name: getattr(NETWORK, name) for name in ("inputs", "image", "layers", "outputs")}, g_max=(1e-4, 2e-4, 3e-4))
    made = network.compile()
    assert [element.name for element in made.of(Convolution, Pooling, Crossbar)] == ["w1", "p2", "w3", "w4"]
    assert [float(made[name].g_max) for name in ("w1", "w3", "w4")] == [1e-4, 2e-4, 3e-4]
    assert network.described == "18-4×4×2-2×2×2-3-1"
    assert len(made["w1"]) == 17 * 32
    assert network.memristors == sum(map(len, made.trainable))
    assert len(made["w3"]) == 9 * 3

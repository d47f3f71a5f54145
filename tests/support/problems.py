"""The list of circuits that every engine must solve, asymmetric throughout, so that no transposed or mirrored answer can pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.diode import diode_current
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import DeadZone, DiodePair, IdealPair, IdealRectifier, Linear, Rectifier
from hwsim.core.protocol import Drive, Push

BATCH = 4
RECIPROCAL, UNITY, TRANSFORMER = Amplifier(gain=4.0, back=0.25), Amplifier(gain=1.0, back=1.0), Amplifier(gain=4.0, back=4.0)
SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.04)
CONDUCTING = DiodePair(v_low=-0.08, v_high=0.03, i_sat=2e-7, n=1.3)

Known = Callable[["Problem"], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """A circuit with numbers.

    Parameters
    ----------
    decades
        Conductances lie evenly over the decades between these [S].
    volts
        Largest feature.
    known
        Gives the free read-outs (B, K) [V] in closed form, where there is one.
    spread
        By element and parameter, the relative spread of a chip that is not nominal.

    """

    name: str
    network: Network
    decades: tuple[float, float] = (1e-6, 1e-4)
    volts: float = 1.0
    beta: float = 2e-6
    known: Known | None = None
    spread: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def rng(self, what: str) -> np.random.Generator:
        """Give the random stream for a part of the problem."""
        return np.random.default_rng([len(self.name), *self.name.encode(), *what.encode()])

    def circuit(self) -> Circuit:
        """Build the circuit."""
        return self.network.compile(self.name.replace("-", "_"))

    def chip(self, circuit: Circuit) -> Chip:
        """Give the chip: nominal, but for the spread."""
        values: dict[str, dict[str, np.ndarray]] = {}
        for element, parameters in self.spread.items():
            for parameter, sigma in parameters.items():
                nominal = getattr(circuit[element], parameter)
                drawn = self.rng(f"{element}.{parameter}").normal(1.0, sigma, nominal.shape)
                values.setdefault(element, {})[parameter] = nominal * drawn
        return Chip(circuit, values)

    def conductances(self, circuit: Circuit) -> dict[str, np.ndarray]:
        """Draw the conductances [S]."""
        low, high = np.log(self.decades)
        return {e.name: np.exp(self.rng(e.name).uniform(low, high, e.shape)) for e in circuit.trainable}

    def x(self) -> np.ndarray:
        """Draw the features (B, I)."""
        return self.rng("x").uniform(-self.volts, self.volts, (BATCH, self.network.inputs))

    def y(self) -> np.ndarray:
        """Draw the targets (B, K) [V]."""
        return self.rng("y").uniform(-0.5, 0.5, (BATCH, self.network.outputs))

    def drives(self) -> dict[str, Drive]:
        """Give the free phase, a nudge to each side, and a frozen current."""
        current = self.beta * self.rng("current").normal(0.0, 1.0, (BATCH, self.network.outputs))
        return {
            "free": Drive(self.x()),
            "towards": Drive(self.x(), Push(beta=self.beta, target=self.y())),
            "away": Drive(self.x(), Push(beta=-0.1 * self.beta, target=self.y())),
            "frozen": Drive(self.x(), Push(current=current)),
        }

    @property
    def is_ideal(self) -> bool:
        """Whether it has ideal clamps, which SPICE can only come near to."""
        return any(isinstance(layer.neuron, IdealPair | IdealRectifier) for layer in self.network.layers)


def _divider(problem: Problem) -> np.ndarray:
    """Columns without load: the mean of the rows, weighted by conductance."""
    g = problem.conductances(problem.circuit())["w1"]
    x = problem.network.input_scale * problem.x()
    rows = np.hstack([x, -x, np.full((BATCH, 1), problem.network.v_bias)])
    v = rows @ g / g.sum(axis=0)
    return v[:, 0::2] - v[:, 1::2]


def _one_clamped_column(problem: Problem) -> np.ndarray:
    """One input, one hidden column with one diode, one output column behind it: two equations, bisected."""
    g = problem.conductances(problem.circuit())
    (to_bias, neuron) = problem.network.v_bias, problem.network.layers[0].neuron
    assert isinstance(neuron, Rectifier)
    (x_in, bias_in), (h_out, bias_out) = g["w1"][:, 0], g["w2"][:, 0]

    def output(h: float) -> float:
        return (h_out * h + bias_out * to_bias) / (h_out + bias_out)

    def surplus(h: float, x: float) -> float:
        down, _ = diode_current(np.asarray(neuron.v_low - h), neuron.i_sat, neuron.n)
        return x_in * (h - x) + bias_in * (h - to_bias) + h_out * (h - output(h)) - float(down)

    x = problem.network.input_scale * problem.x()[:, 0]
    return np.array([[output(brentq(surplus, -4.0, 4.0, args=(one,), xtol=1e-15, rtol=1e-15))] for one in x])


def _clamped_hard(problem: Problem) -> np.ndarray:
    """Far beyond their rails, hidden columns stand at them, whatever the conductances; the output is a divider of rails and bias."""
    g = problem.conductances(problem.circuit())
    neuron, bias = problem.network.layers[0].neuron, problem.network.v_bias
    assert isinstance(neuron, IdealPair)
    x = problem.x() * problem.network.input_scale
    rows = np.hstack([x, np.full((BATCH, 1), bias)])
    unloaded = rows @ g["w1"] / (g["w1"].sum(axis=0) + g["w2"][:-1].sum(axis=1))
    h = np.where(unloaded > 0, neuron.v_high, neuron.v_low)
    return np.hstack([h, np.full((BATCH, 1), bias)]) @ g["w2"] / g["w2"].sum(axis=0)


def _network(*layers: Layer, inputs: int = 3, outputs: int = 2, **options: object) -> Network:
    return Network(inputs=inputs, layers=layers, outputs=outputs, g_min=1e-9, g_max=1e-2, **options)  # type: ignore[arg-type]  # options are Network's


PROBLEMS = (
    Problem("no-hidden-layer", _network(v_bias=0.7), known=_divider),
    Problem("gain-4-back-quarter", _network(Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL))),
    Problem("gain-1", _network(Layer(size=5, neuron=CONDUCTING, amplifier=UNITY))),
    Problem("gain-4-back-4", _network(Layer(size=5, neuron=CONDUCTING, amplifier=TRANSFORMER))),
    Problem("skewed-with-offset", _network(Layer(size=4, neuron=CONDUCTING, amplifier=SKEWED))),
    Problem(
        "three-layers",
        _network(
            Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL),
            Layer(size=4, neuron=Rectifier(v_low=-0.05, v_high=0.02)),
            Layer(size=3, neuron=CONDUCTING, amplifier=SKEWED),
        ),
    ),
    Problem("two-crossbars-in-a-row", _network(Layer(size=4, neuron=Linear()), Layer(size=3, neuron=CONDUCTING))),
    Problem("dead-zones", _network(Layer(size=4, neuron=DeadZone(i_sat=1e-6, n=1.1)), Layer(size=3, neuron=DeadZone(), amplifier=SKEWED))),
    Problem("ideal-pair", _network(Layer(size=5, neuron=IdealPair(v_low=-0.1, v_high=0.06), amplifier=UNITY))),
    Problem("ideal-rectifier", _network(Layer(size=5, neuron=IdealRectifier(v_low=-0.02, v_high=0.05)))),
    Problem("single-ended", _network(Layer(size=4, neuron=CONDUCTING), differential=False)),
    Problem("unsigned-without-bias", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL), signed_inputs=False, bias=False)),
    Problem("hard-driven", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL), input_scale=10.0)),
    Problem("tiny-conductances", _network(Layer(size=4, neuron=DiodePair())), decades=(1e-9, 1e-7), beta=1e-9),
    Problem("large-conductances", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL)), decades=(1e-4, 1e-2), beta=1e-4),
    Problem(
        "one-diode",
        _network(
            Layer(size=1, neuron=Rectifier(v_low=0.1)), inputs=1, outputs=1, differential=False, signed_inputs=False, input_scale=-3.0
        ),
        known=_one_clamped_column,
    ),
    Problem(
        "clamped-hard",
        _network(Layer(size=3, neuron=IdealPair(v_low=-0.2, v_high=0.1)), differential=False, signed_inputs=False, input_scale=1e4),
        known=_clamped_hard,
    ),
    Problem(
        "mismatched-chip",
        _network(Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL), Layer(size=3, neuron=CONDUCTING, amplifier=SKEWED)),
        spread={
            "amp1": {"gain": 0.1, "back": 0.1},
            "amp2": {"offset": 0.3, "back": 0.1},
            "h1_d_high": {"i_sat": 0.3, "n": 0.05},
            "h1_v_low": {"v": 0.2},
            "v_x": {"scale": 0.02},
        },
    ),
)

"""The circuits that every engine must solve, asymmetric throughout, so that no transposed or mirrored answer can pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.optimize import brentq

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.comparator import Comparator
from circuits.controlled import VoltageControlledCurrentSources
from circuits.diode import diode_current
from circuits.elements import CurrentSources, Diodes, IdealDiodes, InputCurrents, InputSources, Nudges, Resistors, VoltageSources
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from circuits.nodes import GROUND
from hwsim.core.protocol import Drive, Push
from hwsim.typing import Floats, Weights

BATCH = 4
RECIPROCAL, UNITY, TRANSFORMER = Amplifier(gain=4.0, back=0.25), Amplifier(gain=1.0, back=1.0), Amplifier(gain=4.0, back=4.0)
SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.04)
CONDUCTING = DiodePair(v_low=-0.08, v_high=0.03, i_sat=2e-7, n=1.3)


@dataclass(frozen=True)
class EngineProblem:
    """A circuit with numbers; the same in every process, whatever other problems there are.

    Parameters
    ----------
    name
        Unique; the random numbers follow from it.
    compile
        Builds the circuit, under the name that it is called with; `Network.compile` is one such function.
    decades
        Conductances lie evenly over the decades between these [S].
    volts
        Largest feature.
    beta
        Strength of the nudge towards the target; the one away from it is a tenth [S].
    closed_form
        Returns the free read-outs (B, K) [V] in closed form, from conductances [S] and features (B, I), where there is such a form.
    spread
        By element and parameter, the relative spread of a chip that is not nominal.
    thorough
        Whether the laws that need more programs are tried too; an engine that compiles takes seconds for them.

    """

    name: str
    compile: Callable[[str], Circuit]
    decades: tuple[float, float] = (1e-6, 1e-4)
    volts: float = 1.0
    beta: float = 2e-6
    closed_form: Callable[[Weights, Floats], Floats] | None = None
    spread: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    thorough: bool = False

    def rng(self, what: str) -> np.random.Generator:
        """Return the random stream for a part of the problem."""
        return np.random.default_rng([len(self.name), *self.name.encode(), *what.encode()])

    def circuit(self) -> Circuit:
        """Build the circuit."""
        return self.compile(self.name.replace("-", "_"))

    def chip(self, circuit: Circuit) -> Chip:
        """Draw the chip: nominal, but for the spread."""
        values: dict[str, dict[str, Floats]] = {}
        for element, parameters in self.spread.items():
            for parameter, sigma in parameters.items():
                nominal = getattr(circuit[element], parameter)
                drawn = self.rng(f"{element}.{parameter}").normal(1.0, sigma, nominal.shape)
                values.setdefault(element, {})[parameter] = nominal * drawn
        return Chip(circuit, values)

    def conductances(self, circuit: Circuit) -> dict[str, Floats]:
        """Draw the conductances, one array a trainable element [S]."""
        low, high = np.log(self.decades)
        return {e.name: np.exp(self.rng(e.name).uniform(low, high, e.shape)) for e in circuit.trainable}

    def x(self, circuit: Circuit) -> Floats:
        """Draw the features (B, I)."""
        return self.rng("x").uniform(-self.volts, self.volts, (BATCH, circuit.input_count))

    def y(self, circuit: Circuit) -> Floats:
        """Draw the targets (B, K) [V]."""
        return self.rng("y").uniform(-0.5, 0.5, (BATCH, len(circuit.outputs)))

    def drives(self, circuit: Circuit) -> dict[str, Drive]:
        """Return the free phase, a nudge towards the target and one away from it, and a frozen current, by name."""
        x, y = self.x(circuit), self.y(circuit)
        current = self.beta * self.rng("current").normal(0.0, 1.0, (BATCH, len(circuit.outputs)))
        return {
            "free": Drive(x),
            "towards": Drive(x, Push(beta=self.beta, target=y)),
            "away": Drive(x, Push(beta=-0.1 * self.beta, target=y)),
            "frozen": Drive(x, Push(current=current)),
        }

    @property
    def is_ideal(self) -> bool:
        """Whether it has ideal clamps, which SPICE can only approach."""
        return bool(self.circuit().of(IdealDiodes))


def _divider(network: Network, g: Weights, x: Floats) -> Floats:
    """Columns without load: the mean of the rows, weighted by conductance."""
    x = network.input_scale * x
    rows = np.hstack([x, -x, np.full((len(x), 1), network.v_bias)])
    v = rows @ g["w1"] / g["w1"].sum(axis=0)
    read_outs: Floats = v[:, 0::2] - v[:, 1::2]
    return read_outs


def _one_clamped_column(network: Network, neuron: Rectifier, g: Weights, x: Floats) -> Floats:
    """One input, one hidden column with one diode, one output column behind it: two equations, bisected."""
    (x_in, bias_in), (h_out, bias_out) = g["w1"][:, 0], g["w2"][:, 0]
    bias = network.v_bias

    def output(h: float) -> float:
        return float((h_out * h + bias_out * bias) / (h_out + bias_out))

    def surplus(h: float, x: float) -> float:
        down, _ = diode_current(np.asarray(neuron.v_low - h), neuron.i_sat, neuron.n)
        return float(x_in * (h - x) + bias_in * (h - bias) + h_out * (h - output(h)) - down)

    volts = network.input_scale * x[:, 0]
    return np.array([[output(brentq(surplus, -4.0, 4.0, args=(one,), xtol=1e-15, rtol=1e-15))] for one in volts])


def _clamped_hard(network: Network, neuron: IdealPair, g: Weights, x: Floats) -> Floats:
    """Far beyond their rails, hidden columns are at them, whatever the conductances; the output is a divider of rails and bias."""
    bias = np.full((len(x), 1), network.v_bias)
    unloaded = np.hstack([x * network.input_scale, bias]) @ g["w1"] / (g["w1"].sum(axis=0) + g["w2"][:-1].sum(axis=1))
    h = np.where(unloaded > 0, neuron.v_high, neuron.v_low)
    read_outs: Floats = np.hstack([h, bias]) @ g["w2"] / g["w2"].sum(axis=0)
    return read_outs


def _fixed(name: str) -> Circuit:
    """Build a divider of two resistors, in which nothing is trainable."""
    builder = Builder()
    x, y = builder.group("x"), builder.group("y")
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.zeros(1, dtype=int), scale=-2.0),
        Resistors(name="r", a=np.concatenate([x, y]), b=np.concatenate([y, GROUND]), r=np.array([1e3, 3e3])),
        Nudges(name="nudge", plus=y, minus=GROUND),
    )
    return builder.circuit(name)


def _currents(name: str) -> Circuit:
    """Build what a voltage and two currents drive, one of them between two nodes."""
    builder = Builder()
    x, n = builder.group("x"), builder.group("n", 2)
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.zeros(1, dtype=int)),
        InputCurrents(
            name="i_x", a=np.array([0, n[0]]), b=n, feature=np.array([1, 2]), scale=np.array([2e-6, -1e-6]), offset=np.array([0.0, 1e-7])
        ),
        Memristors(name="m", a=np.concatenate([x, n]), b=np.array([n[0], n[1], 0]), g_min=1e-9, g_max=1e-2),
        Diodes(name="d", anode=n[1:], cathode=GROUND, i_sat=1e-9, n=1.4),
        Nudges(name="nudge", plus=n, minus=GROUND),
    )
    return builder.circuit(name)


def _mesh(name: str) -> Circuit:
    """Build what has no layers: memristors between any two nodes, a floating source, a sensing source, outputs on two nodes each."""
    builder = Builder()
    x, n, rail = builder.group("x", 2), builder.group("n", 6), builder.group("rail")
    everywhere = np.concatenate([x, n])
    a, b = np.array([(a, b) for k, a in enumerate(everywhere) for b in everywhere[k + 1 :] if b not in x]).T
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.arange(2), scale=np.array([1.0, -2.0])),
        VoltageSources(name="v_rail", plus=rail, minus=n[5:], v=0.15),
        Memristors(name="m", a=a, b=b, g_min=1e-9, g_max=1e-2),
        Diodes(name="d", anode=n[:3], cathode=n[1:4], i_sat=1e-9, n=1.4),
        Diodes(name="clamp", anode=rail, cathode=GROUND, i_sat=1e-7, n=1.0),
        Resistors(name="r", a=n, b=GROUND, r=np.array([1e4, 3e4, 2e4, 9e4, 5e4, 7e4])),
        CurrentSources(name="i", a=GROUND, b=n[2:3], i=3e-7),
        VoltageControlledCurrentSources(name="gm", a=n[4:5], b=GROUND, control_plus=n[:1], control_minus=n[1:2], gm=8e-6),
        Nudges(name="nudge", plus=n[[1, 4]], minus=np.concatenate([n[3:4], GROUND])),
    )
    return builder.circuit(name)


def _network(*layers: Layer, inputs: int = 3, outputs: int = 2, **options: object) -> Network:
    return Network(inputs=inputs, layers=layers, outputs=outputs, g_min=1e-9, g_max=1e-2, **options)  # type: ignore[arg-type]  # options are Network's


_ONE_SIDED = {"differential": False, "signed_inputs": False}
_DIVIDER = _network(v_bias=0.7)
_LOW_CLAMP, _HARD_CLAMP = Rectifier(v_low=0.1), IdealPair(v_low=-0.2, v_high=0.1)
_ONE_DIODE = _network(Layer(size=1, neuron=_LOW_CLAMP), inputs=1, outputs=1, input_scale=-3.0, **_ONE_SIDED)
_FAR_BEYOND = _network(Layer(size=3, neuron=_HARD_CLAMP), input_scale=1e4, **_ONE_SIDED)

PROBLEMS = (
    EngineProblem("no-hidden-layer", _DIVIDER.compile, closed_form=partial(_divider, _DIVIDER)),
    EngineProblem("gain-4-back-quarter", _network(Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL)).compile),
    EngineProblem("gain-1", _network(Layer(size=5, neuron=CONDUCTING, amplifier=UNITY)).compile),
    EngineProblem("gain-4-back-4", _network(Layer(size=5, neuron=CONDUCTING, amplifier=TRANSFORMER)).compile),
    EngineProblem("skewed-with-offset", _network(Layer(size=4, neuron=CONDUCTING, amplifier=SKEWED)).compile, thorough=True),
    EngineProblem(
        "three-layers",
        _network(
            Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL),
            Layer(size=4, neuron=Rectifier(v_low=-0.05, v_high=0.02)),
            Layer(size=3, neuron=CONDUCTING, amplifier=SKEWED),
        ).compile,
    ),
    EngineProblem("two-crossbars-in-a-row", _network(Layer(size=4, neuron=Linear()), Layer(size=3, neuron=CONDUCTING)).compile),
    EngineProblem(
        "dead-zones",
        _network(Layer(size=4, neuron=DeadZone(i_sat=1e-6, n=1.1)), Layer(size=3, neuron=DeadZone(), amplifier=SKEWED)).compile,
    ),
    EngineProblem("shared-loads", _network(Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL, load=True), output_load=True).compile),
    EngineProblem("ideal-pair", _network(Layer(size=5, neuron=IdealPair(v_low=-0.1, v_high=0.06), amplifier=UNITY)).compile),
    EngineProblem("comparators", _network(Layer(size=5, neuron=Comparator(gain=8.0, back=0.125), amplifier=RECIPROCAL)).compile),
    EngineProblem(
        "three-levels",
        _network(Layer(size=4, neuron=Comparator(levels=3, v_low=-0.3, v_high=0.2, gain=4.0, back=0.25), amplifier=UNITY)).compile,
    ),
    EngineProblem("ideal-rectifier", _network(Layer(size=5, neuron=IdealRectifier(v_low=-0.02, v_high=0.05))).compile),
    EngineProblem("single-ended", _network(Layer(size=4, neuron=CONDUCTING), differential=False).compile),
    EngineProblem(
        "unsigned-without-bias", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL), signed_inputs=False, bias=False).compile
    ),
    EngineProblem("hard-driven", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL), input_scale=10.0).compile),
    EngineProblem("tiny-conductances", _network(Layer(size=4, neuron=DiodePair())).compile, decades=(1e-9, 1e-7), beta=1e-9),
    EngineProblem(
        "large-conductances", _network(Layer(size=4, neuron=CONDUCTING, amplifier=RECIPROCAL)).compile, decades=(1e-4, 1e-2), beta=1e-4
    ),
    EngineProblem("one-diode", _ONE_DIODE.compile, closed_form=partial(_one_clamped_column, _ONE_DIODE, _LOW_CLAMP)),
    EngineProblem("clamped-hard", _FAR_BEYOND.compile, closed_form=partial(_clamped_hard, _FAR_BEYOND, _HARD_CLAMP)),
    EngineProblem(
        "mismatched-chip",
        _network(Layer(size=5, neuron=CONDUCTING, amplifier=RECIPROCAL), Layer(size=3, neuron=CONDUCTING, amplifier=SKEWED)).compile,
        spread={
            "amp1": {"gain": 0.1, "back": 0.1},
            "amp2": {"offset": 0.3, "back": 0.1},
            "h1_d_high": {"i_sat": 0.3, "n": 0.05},
            "h1_v_low": {"v": 0.2},
            "v_x": {"scale": 0.02},
        },
    ),
    EngineProblem("nothing-trainable", _fixed, closed_form=lambda _, x: -2.0 * 0.75 * x),
    EngineProblem("input-currents", _currents),
    EngineProblem("mesh", _mesh, thorough=True),
)
"""Every problem; a third party may add its own to them."""

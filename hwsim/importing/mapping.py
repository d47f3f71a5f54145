"""A perceptron as a network of crossbars and the conductances that compute it.

Every signed weight is two memristors, g_mid ± s·w, between a column and the rows of a signal and of its negative. Their sum is the same
for all weights, so a column without diodes is at (2·s·A/a)·z exactly: z the pre-activation, A the volts of a row for one unit of what it
carries, a all that the column conducts. Hidden layers have each column twice, the second with the signs of all weights changed; its
neuron is mirrored, too, and makes it the negative of the first. Outputs are pairs of columns.

Amplifiers restore the signal: each layer's largest pre-activations, but for a thousandth of them, bring its columns to the same voltage
(or those that saturate the activation do, if they are less), and rails are fitted to all of them. What an amplifier draws from its column
is the same for all weights too, and is allowed for; what it returns of the next layer's voltages is not, and is the smaller the smaller
`back`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuits.network import Amplifier, Layer, Network
from circuits.units import Siemens, Volt
from hwsim.importing.column_fit import ColumnFit, fitted
from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.importing.layers import ImportingError
from hwsim.typing import Floats

_LARGEST = 0.999
"""Share of pre-activations that are at most the ones which set the scale."""

_SATURATED = {"relu": np.inf, "tanh": 3.0, "hardtanh": 1.5}
"""Pre-activations that set the scale at most: beyond them an activation hardly changes."""

_POINTS = 256
"""Pre-activations, evenly spread over their distribution, that rails are fitted to."""

_SWINGS = (0.25, 0.5, 1.0, 2.0)
"""Voltages that are tried: the larger, the better diodes fit an activation, and the more power the crossbars take."""

_CLOSE = 0.05
"""Error of a fit that is close enough, relative to the activation."""

_ROUNDS = 3
"""A gain changes what loads its column, and that the gain, by a share of about `back` each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a perceptron becomes.

    Parameters
    ----------
    g_min, g_max
        Bounds of the conductances [S].
    back
        Of the amplifiers: the smaller, the nearer the circuit is to the perceptron, and the less an error moves the first layers.
    swing
        Voltage that the largest pre-activations, or those that saturate the activation, would bring a column to without diodes [V];
        None: for each layer the least of 0.25, 0.5, 1 and 2 V with which its columns fit the activation within 5 %, or else the best.
    v_out
        Voltage of the largest outputs [V].
    ideal
        Whether the neurons are ideal clamps instead of diodes.

    """

    g_min: Siemens = 1e-8
    g_max: Siemens = 1e-4
    back: float = 0.01
    swing: Volt | None = None
    v_out: Volt = 0.1
    ideal: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("g_min", "back", "swing", "v_out"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                msg = f"{name} = {value:g} must be a positive number"
                raise ImportingError(msg)
        if not self.g_min < self.g_max < np.inf:
            msg = f"g_max = {self.g_max:g} S must be a number above g_min = {self.g_min:g} S"
            raise ImportingError(msg)

    @property
    def g_mid(self) -> Siemens:
        """Mean of the two memristors of a weight [S]."""
        return 0.5 * (self.g_min + self.g_max)


@dataclass(frozen=True, slots=True)
class MappedLayer:
    """How a hidden layer was mapped: its units, what fits its activation, the gain behind it."""

    units: int
    activation: str
    fit: ColumnFit
    gain: float


@dataclass(frozen=True, slots=True)
class Mapped:
    """A network and the conductances with which it computes a perceptron.

    Parameters
    ----------
    network
        The circuit.
    g
        Conductances by crossbar [S].
    v_unit
        Volts of an output for one unit of the perceptron's.
    layers
        The hidden layers.

    """

    network: Network
    g: dict[str, Floats]
    v_unit: Volt
    layers: tuple[MappedLayer, ...]


def circuit_of(perceptron: DensePerceptron, x: Floats, hardware: Hardware) -> Mapped:
    """Map a perceptron, with gains for the pre-activations of samples x (n, I).

    Raises
    ------
    ImportingError
        When all weights, or all pre-activations, of a layer are 0.

    """
    odd = perceptron.unbounded(x).odd()
    z = odd.pre_activations(x)
    scale = [_largest(f"layer {k}", "weights", w, 1.0) for k, w in enumerate(odd.weights, start=1)]
    largest = [_largest(f"layer {k}", "pre-activations", values, _LARGEST) for k, values in enumerate(z, start=1)]
    largest[:-1] = [min(one, _SATURATED[of.name]) for one, of in zip(largest, odd.activations, strict=False)]
    half = 0.5 * (hardware.g_max - hardware.g_min)
    columns = [2 * hardware.g_mid * (n + 1) for n in odd.sizes[:-1]]  # what each column's crossbar conducts
    v_unit = hardware.v_out / largest[-1]
    row_volts = [0.25 * v_unit * columns[-1] * scale[-1] / half]  # of the last crossbar's rows: ŷ = (4·s·A/a)·y, s = half/scale
    layers: list[MappedLayer] = []
    for k in reversed(range(len(odd.activations))):
        volts, fit, gain, load = _hidden(odd, k, z[k], (columns[k], largest[k], row_volts[0]), hardware)
        layers.insert(0, MappedLayer(odd.sizes[k + 1], perceptron.activations[k].name, fit, gain))
        row_volts.insert(0, 0.5 * volts * (columns[k] + load) * scale[k] / half)
    biases = list(odd.biases)
    for k, layer in enumerate(layers):
        biases[k + 1] = biases[k + 1] - layer.fit.shift * odd.weights[k + 1].sum(axis=0)
    v_bias = max(a * float(np.abs(b).max()) / s for a, b, s in zip(row_volts, biases, scale, strict=True)) or 1.0
    signed = [np.vstack([w, a / v_bias * b]) * (half / s) for w, b, a, s in zip(odd.weights, biases, row_volts, scale, strict=True)]
    network = Network(
        inputs=odd.sizes[0],
        layers=tuple(Layer(2 * one.units, neuron=one.fit.neuron, amplifier=Amplifier(gain=one.gain, back=hardware.back)) for one in layers),
        outputs=odd.sizes[-1],
        input_scale=row_volts[0],
        signed_bias=True,
        v_bias=v_bias,
        g_min=hardware.g_min,
        g_max=hardware.g_max,
    )
    return Mapped(network, _conductances(signed, hardware), v_unit, tuple(layers))


def _hidden(
    odd: DensePerceptron, k: int, z: Floats, of: tuple[Siemens, float, Volt], hardware: Hardware
) -> tuple[float, ColumnFit, float, Siemens]:
    """Return the volts of a column for one unit of z, its neuron, the gain behind it, and what that loads the column with [S]."""
    column, largest, row_volts = of
    points = np.quantile(z, (np.arange(_POINTS) + 0.5) / _POINTS)
    if not odd.activations[k](points).std():
        msg = f"layer {k + 1}: its activations are the same for all samples, so there is no scale for it; pass samples as it sees them"
        raise ImportingError(msg)
    load = 0.0

    def fit(swing: Volt) -> ColumnFit:
        return fitted(odd.activations[k], points, swing / largest, column + load, ideal=hardware.ideal)

    errors = {volts: fit(volts).error for volts in (_SWINGS if hardware.swing is None else (hardware.swing,))}
    swing = next((volts for volts, error in errors.items() if error <= _CLOSE), min(errors, key=lambda volts: errors[volts]))
    for _ in range(_ROUNDS):
        chosen = fit(swing)
        gain = row_volts / chosen.alpha
        load = gain * hardware.back * 2 * hardware.g_mid * odd.sizes[k + 2]
    return swing / largest, chosen, gain, load


def _conductances(signed: Sequence[Floats], hardware: Hardware) -> dict[str, Floats]:
    """Return the pairs g_mid ± s·w of each crossbar: rows, their negatives, the two of the bias; columns and their negatives."""
    g = {}
    for k, m in enumerate(signed, start=1):
        last = k == len(signed)
        both = np.stack([m, -m], axis=2).reshape(len(m), -1) if last else np.hstack([m, -m])  # outputs are pairs of neighbours
        rows = np.vstack([both[:-1], -both[:-1], both[-1:], -both[-1:]])
        g[f"w{k}"] = np.clip(hardware.g_mid + rows, hardware.g_min, hardware.g_max)  # the largest may miss a bound by their rounding
    return g


def _largest(place: str, what: str, values: Floats, share: float) -> float:
    """Return the largest magnitude, or the one that a share of all does not exceed."""
    largest = float(np.quantile(np.abs(values), share) or np.abs(values).max())
    if not largest:
        msg = f"{place}: all of its {what} are 0, so there is no scale for it; import a trained network, and pass samples as it sees them"
        raise ImportingError(msg)
    return largest

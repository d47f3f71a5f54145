"""What a column with its neuron makes of a pre-activation, and the rails that bring it nearest to an activation."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from circuits.constants import V_T
from circuits.ideal_neurons import IdealPair, IdealRectifier
from circuits.junction_neurons import DiodePair, Rectifier
from circuits.neurons import Neuron
from circuits.units import Ampere, Siemens, Volt
from hwsim.importing.dense_perceptron import Activation
from hwsim.typing import Floats

_N = 1.0
"""Emission coefficient of the diodes, as of the zoo's: that of an ideal junction."""

_SIZE = 0.5
"""Saturation current relative to a·n·v_t. Diodes of that size bend a column's voltage at their rail, which then sets how much."""

_TRIALS = 17
"""Rails that are tried, evenly between their ends, before the best is refined."""

_KNOTS = 2001
"""Voltages at which u(v) is computed: some millivolts apart, so that what is between two of them errs by some microvolts."""

_BEND = 1.0
"""Beyond its rail by so many volts a diode conducts nothing, and u is v."""

_RELU_RAIL = 0.3
"""Rail of a single diode at most, to either side of 0 [V]: twelve thermal voltages, which currents from µA to A need."""

_LEAST = 1e-3
"""Rail of a diode pair at least [V]."""


@dataclass(frozen=True, slots=True)
class ColumnFit:
    """A neuron, and the activation that its columns have: v ≈ alpha·(h(z) + shift).

    Parameters
    ----------
    neuron
        With the fitted rails.
    alpha
        Volts for one unit of the activation.
    shift
        What is added to the activation, in its units; the next layer's biases take it up.
    error
        Root mean square of v/alpha − shift − h(z), relative to the standard deviation of h(z).

    """

    neuron: Neuron
    alpha: Volt
    shift: float
    error: float


def fitted(activation: Activation, z: Floats, volts: Volt, a: Siemens, *, ideal: bool) -> ColumnFit:
    """Choose the rails of a neuron for columns whose voltage without diodes is volts·z, for pre-activations z (n,).

    `tanh` and `hardtanh` become a pair of diodes to rails on both sides, `relu` one diode; `a` is what the column conducts otherwise.
    """
    h, u = activation(z), volts * z

    def fit(rail: float) -> ColumnFit:
        neuron = _neuron(activation, rail, _SIZE * a * _N * V_T, ideal=ideal)
        v = column_voltage(neuron, a, u)
        mean = (float(h.mean()), float(v.mean())) if activation.name == "relu" else (0.0, 0.0)
        alpha = float(((h - mean[0]) * (v - mean[1])).sum() / ((h - mean[0]) ** 2).sum())
        shift = mean[1] / alpha - mean[0]
        error = float(np.sqrt(((v / alpha - shift - h) ** 2).mean() / h.var()))
        return ColumnFit(neuron, alpha, shift, error)

    if ideal and activation.name == "relu":
        return fit(0.0)
    ends = (-_RELU_RAIL, _RELU_RAIL) if activation.name == "relu" else (_LEAST, 1.2 * volts)  # at volts, z would be 1
    rails = np.linspace(*ends, _TRIALS)
    best = int(np.argmin([fit(rail).error for rail in rails]))
    low, high = rails[max(best - 1, 0)], rails[min(best + 1, _TRIALS - 1)]
    refined = minimize_scalar(lambda rail: fit(rail).error, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return fit(float(refined.x))


def _neuron(activation: Activation, rail: Volt, i_sat: Ampere, *, ideal: bool) -> Neuron:
    """Return the neuron of a layer whose second half of columns are the negatives of its first."""
    if activation.name == "relu":
        return IdealRectifier() if ideal else Rectifier(v_low=rail, v_high=-rail, i_sat=i_sat, n=_N)
    return IdealPair(v_low=-rail, v_high=rail) if ideal else DiodePair(v_low=-rail, v_high=rail, i_sat=i_sat, n=_N)


def column_voltage(neuron: Neuron, a: Siemens, u: Floats) -> Floats:
    """Return the voltage v of columns that would be at u without the neuron, (n,) [V]: a·(v − u) + i(v) = 0."""
    match neuron:
        case IdealPair(v_low=low, v_high=high):
            return np.clip(u, low, high)
        case IdealRectifier(v_low=low):
            return np.maximum(u, low)
        case DiodePair() | Rectifier():  # u rises with v, and is known of any v
            v = _knots(neuron, a, float(u.min()), float(u.max()))
            return np.interp(u, v + neuron.current(v) / a, v)
        case _:
            msg = f"no activation is a neuron of kind {neuron.kind}"
            raise TypeError(msg)


def _knots(neuron: DiodePair | Rectifier, a: Siemens, least: Volt, most: Volt) -> Floats:
    """Return voltages of columns that would be at `least` to `most` without diodes [V], close together where these bend u(v)."""

    def beyond(volts: Volt) -> Volt:
        """How far beyond its rail a diode's voltage is at most, where u is so far beyond."""
        return float(neuron.n * V_T * np.log1p(max(a * volts / neuron.i_sat, 0.0)))

    low = max(min(least, neuron.v_low), neuron.v_low - beyond(neuron.v_low - least))
    if isinstance(neuron, DiodePair):
        return np.linspace(low, min(max(most, neuron.v_high), neuron.v_high + beyond(most - neuron.v_high)), _KNOTS)
    bent = np.linspace(low, neuron.v_low + _BEND, _KNOTS)
    return bent if most <= bent[-1] else np.append(bent, most)

"""Lock-in: what a sine of current into the outputs makes of a circuit in time, read at the sine's own frequency and phase.

Inputs are constant, or sines of another frequency, at which what they make is read.

B is the batch, I the inputs, K the outputs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import is_clocked
from circuits.elements import InputCurrents
from circuits.units import Hertz
from hwsim.core.protocol import ConvergenceError, Equilibrium, UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.core.transient import Trajectory
from hwsim.settings.common_period import cycles
from hwsim.typing import Array, Conductances, Floats

POINTS = 128
"""Of a period, between which the sine is a straight line: what that takes from its first harmonic is 2e-4 at most."""

_STEPS = 4
"""Of each such line; by the trapezoidal rule, they are off by 1e-5 of the amplitude where nothing is slower than the sine."""

_ROUNDING = 1e-13
"""Share of a sample's largest voltage below which amplitudes are rounding: those of a sample that is learned."""

SETTLED = 1e-5
"""Share of the largest amplitude by which a further period changes none; what the beginning of the sine stirred up has faded then."""

_MOST = 32
"""Periods that are waited for."""

_SOURCE = "oscillation"


Integrate = Callable[..., Trajectory]
"""Integrates a circuit on a chip by the method of an engine; behind them come the parameters of `Transient.integrate`."""


class LockedIn(NamedTuple):
    """Voltages under a sine, over a period of it.

    Parameters
    ----------
    activation
        Of each node, by group (B, n) [V]: the mean, and of inputs that are sines the amplitude that follows them.
    in_phase
        The amplitude that follows the sine, by group (B, n) [V]; what lags behind it by a quarter is left out.
    periods
        Until nothing changed any more; of two frequencies, those after which both begin again.

    """

    activation: dict[str, Floats]
    in_phase: dict[str, Floats]
    periods: int


def lock_in(  # noqa: PLR0913, PLR0917 - a circuit, its state, and what drives it
    integrate: Integrate,
    circuit: Circuit,
    chip: Chip,
    g: Conductances,
    x: Array,
    free: Equilibrium,
    current: Array,
    frequency: Hertz,
    input_frequency: Hertz | None = None,
) -> LockedIn:
    """Push a sine of these amplitudes (B, K) [A] into the outputs of a circuit at equilibrium, and wait until each period is like the last.

    With a frequency of their own, inputs are cosines of amplitudes x: they begin as constant ones would be.

    Raises
    ------
    ConvergenceError
        When that takes too many periods: the circuit settles far slower than the sine moves.
    CircuitError, UnsupportedCircuitError
        When the circuit has no capacitors, or parts that the engine does not integrate.

    """
    if is_clocked(circuit):
        msg = f"{circuit.name}: between two clocks it is at equilibrium, whatever a nudge's frequency; leave training.rule.frequency out"
        raise UnsupportedCircuitError(msg)
    driven, on_chip = _driven(circuit, chip)
    of_input, of_error = (0, 1) if input_frequency is None else cycles(input_frequency, frequency)
    points = POINTS * max(of_input, of_error)
    angle = 2 * np.pi * np.arange(1, points + 1) / points
    sine, carrier = np.sin(of_error * angle), np.cos(of_input * angle)
    inputs, amplitudes = np.asarray(x, np.float64), np.asarray(current, np.float64)
    signal = Signal(
        np.concatenate([carrier[:, None] * inputs[:, None], sine[:, None] * amplitudes[:, None]], axis=2),
        np.asarray(np.arange(1, points + 1) * (of_error / (points * frequency)), np.float64),
        rise=1.0,
        begin=np.concatenate([inputs, np.zeros_like(amplitudes)], axis=1),
    )
    v: Mapping[str, Any] = {name: np.asarray(values, np.float64) for name, values in free.v.items()}
    last, groups = None, [group.name for group in circuit.groups]
    for period in range(1, _MOST + 1):
        trajectory = integrate(driven, on_chip, g, signal, v, groups=groups, steps=_STEPS)
        swing = {name: _amplitude(values, sine) for name, values in trajectory.v.items()}
        if last is not None and _apart(swing, last, _largest(trajectory.v)) <= SETTLED:
            activation = {name: values.mean(axis=1) for name, values in trajectory.v.items()}
            if of_input:
                activation = {name: mean + _amplitude(trajectory.v[name], carrier) for name, mean in activation.items()}
            return LockedIn(activation, swing, period)
        v, last = {name: values[:, -1] for name, values in trajectory.v.items()}, swing
    msg = f"{circuit.name}: in {_MOST} periods of {frequency:g} Hz voltages do not come to repeat themselves; lower training.rule.frequency"
    raise ConvergenceError(msg)


def _amplitude(values: Floats, wave: Floats) -> Floats:
    """Return what follows a wave (T,) of unit amplitude in voltages (B, T, n), shape (B, n) [V]."""
    amplitude: Floats = 2 / len(wave) * np.einsum("t,btn->bn", wave, values)
    return amplitude


def _driven(circuit: Circuit, chip: Chip) -> tuple[Circuit, Chip]:
    """Return the circuit with a source of current at each output, whose features are behind the inputs."""
    out, name = circuit.outputs, _SOURCE
    while name in {element.name for element in circuit.elements}:
        name += "_"
    source = InputCurrents(
        name=name,
        a=np.broadcast_to(out.minus, out.plus.shape),
        b=out.plus,
        feature=circuit.input_count + np.arange(len(out)),
        scale=chip(out.name, "gain"),
    )
    driven = replace(circuit, elements=(*circuit.elements, source), text=None)
    return driven, chip.of(driven)


def _apart(swing: Mapping[str, Floats], last: Mapping[str, Floats], voltages: Floats) -> float:
    """Return by how much amplitudes differ, as a share of the largest of a sample, but for what is rounding of its voltages (B,) [V]."""
    changed = np.max([np.abs(swing[name] - last[name]).max(axis=1) for name in swing], axis=0)
    largest = np.max([np.abs(values).max(axis=1) for values in swing.values()], axis=0)
    return float(np.max(np.where(changed > _ROUNDING * voltages, changed / np.where(largest > 0, largest, 1.0), 0.0)))


def _largest(v: Mapping[str, Any]) -> Floats:
    """Return the largest voltage of each sample, shape (B,) [V]."""
    largest: Floats = np.max([np.abs(np.asarray(values)).max(axis=(1, 2)) for values in v.values()], axis=0)
    return largest

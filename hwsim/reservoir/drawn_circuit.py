"""The circuit of a reservoir: drawn weights, the conductances that make them, and the gain that gives them their spectral radius."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from circuits.circuit import Circuit
from circuits.clocked import SampleHold
from circuits.errors import CircuitError
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import DiodePair
from circuits.recurrence import Recurrence
from circuits.units import Second
from hwsim.random.streams import stream
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.typing import Floats, Weights

_BACK = 1e-9
"""Share of its current that a buffer passes back: no column notices."""

_CLOCK: Second = 1e-6
"""Period of clocked reservoirs: long next to the time that a column with a wire's capacitance takes to settle."""

_STILL = 1e-12
"""Weights whose eigenvalues are all below this have no spectral radius that a gain could set."""


@dataclass(frozen=True)
class DrawnCircuit:
    """What a reservoir's settings draw, for a number of inputs.

    Row j of `recurrent` is what column j's lines do to all columns, and rows of `entering` are those of the inputs, the last that of the
    bias; all between -1 and 1, and 0 where there is no device.
    """

    settings: ReservoirSettings
    inputs: int

    @cached_property
    def recurrence(self) -> Recurrence:
        """The lines and their devices, at a gain of 1."""
        settings = self.settings
        return Recurrence(
            pattern=settings.family,
            fan_in=settings.fan_in if settings.family == "random" else None,
            seed=settings.seed if settings.family == "random" else None,
            leak=settings.leak_conductance,
            hold=self._hold,
            g_min=settings.g_low / 10,
            g_max=10 * settings.g_high,
        )

    @property
    def _hold(self) -> SampleHold | None:
        if self.settings.dynamics == "continuous":
            return None
        sampled = self.settings.leak * self.settings.capacitance
        return SampleHold(sampled=sampled, held=self.settings.capacitance - sampled)

    @cached_property
    def entering(self) -> Floats:
        """Weights of inputs and bias, shape (I + 1, N)."""
        shape, settings = (self.inputs, self.settings.nodes), self.settings
        drawn = stream(settings.seed, "reservoir/inputs")
        weights = drawn.choice([-1.0, 1.0], shape) if settings.family == "cycle" else drawn.uniform(-1, 1, shape)
        bias = settings.bias * stream(settings.seed, "reservoir/bias").uniform(-1, 1, settings.nodes)
        return np.vstack([weights, bias])

    @cached_property
    def weights(self) -> Floats:
        """The weights of the pairs of devices, in the order of `Recurrence.meets`, shape (devices a line,)."""
        count = len(self.recurrence.meets(self.settings.nodes)[0])
        if self.settings.family == "cycle":
            return np.ones(count)
        return stream(self.settings.seed, "reservoir/weights").uniform(-1, 1, count)

    def pair(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the conductances on lines of either sign that make weights [S]."""
        low, high = self.settings.g_low, self.settings.g_high
        plus, minus = (low + np.maximum(sign * weights, 0) * (high - low) for sign in (1, -1))
        return plus, minus

    @cached_property
    def loads(self) -> Floats:
        """The sum of all conductances at each column, shape (N,) [S]."""
        _, end = self.recurrence.meets(self.settings.nodes)
        entering, back = np.add(*self.pair(self.entering)).sum(axis=0), np.add(*self.pair(self.weights))
        total: Floats = self.settings.leak_conductance + entering + np.bincount(end, back, self.settings.nodes)
        return total

    @cached_property
    def matrix(self) -> Floats:
        """What columns do to each other at a gain of 1: row i is what column i takes of each, shape (N, N)."""
        start, end = self.recurrence.meets(self.settings.nodes)
        plus, minus = self.pair(self.weights)
        weights = np.zeros((self.settings.nodes, self.settings.nodes))
        np.add.at(weights, (end, start), plus - minus)
        return weights / self.loads[:, None]

    @cached_property
    def gain(self) -> float:
        """The gain of the lines that gives the weights their spectral radius.

        Raises
        ------
        CircuitError
            When no gain does.

        """
        radius = float(np.abs(np.linalg.eigvals(self.matrix)).max())
        if radius < _STILL:
            msg = f"reservoir: its weights have a spectral radius of {radius:g}, which no gain changes; draw others (reservoir.seed)"
            raise CircuitError(msg)
        return self.settings.spectral_radius / radius

    @cached_property
    def period(self) -> Second:
        """How long a row of inputs is held [s]; the states of clocked reservoirs do not depend on it."""
        if self.settings.dynamics == "clocked":
            return _CLOCK
        return float(-np.log1p(-self.settings.leak) * np.median(self.settings.capacitance / self.loads))

    @property
    def group(self) -> str:
        """The node group of the states."""
        return "s1" if self.settings.dynamics == "clocked" else "h1"

    @property
    def network(self) -> Network:
        """The circuit's description; nothing loads the columns, whose buffers drive the one output."""
        settings, clocked = self.settings, self.settings.dynamics == "clocked"
        layer = Layer(
            settings.nodes,
            neuron=DiodePair(v_low=-settings.clamp, v_high=settings.clamp),
            amplifier=None if clocked else Amplifier(gain=1.0, back=_BACK),
            recurrence=replace(self.recurrence, gain=self.gain),
        )
        return Network(
            inputs=self.inputs,
            layers=(layer,),
            outputs=1,
            signed_bias=True,
            input_scale=settings.input_scale,
            g_min=settings.g_low / 10,
            g_max=10 * settings.g_high,
            capacitance=0.0 if clocked else (settings.capacitance, 0.0),
        )

    def compile(self, name: str = "reservoir") -> Circuit:
        """Build the circuit."""
        return self.network.compile(name)

    def conductances(self, circuit: Circuit) -> Weights:
        """Return the conductances of the circuit's arrays [S]; those to its output, which nobody reads, are low."""
        (plus, minus), bias = self.pair(self.entering[:-1]), self.pair(self.entering[-1:])
        drawn = {"w1": np.vstack([plus, minus, *bias]), "r1": np.concatenate(self.pair(self.weights))}
        rest = {array.name: np.full(array.shape, self.settings.g_low) for array in circuit.trainable if array.name not in drawn}
        return drawn | rest

"""One layer of a reservoir: drawn weights, the conductances that make them, and the gain that gives them their spectral radius."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from circuits.clocked import SampleHold
from circuits.errors import CircuitError
from circuits.recurrence import Recurrence
from hwsim.random.streams import stream
from hwsim.settings.reservoir_settings import HEADROOM, ReservoirSettings
from hwsim.typing import Floats

_STILL = 1e-12
"""Weights whose eigenvalues are all below this have no spectral radius that a gain could set."""

_PATTERNS: dict[str, Literal["random", "mutual", "cycle"]] = {"random": "random", "cycle": "cycle", "deep": "random", "euler": "mutual"}
"""Which columns' lines meet which, by family."""


@dataclass(frozen=True)
class Adapted:
    """Gains and biases that nodes have adapted: h = S(a ⊙ (W·h + W_x·x) + b).

    Parameters
    ----------
    a
        Gains, shape (N,).
    b
        Weights of the bias line, shape (N,).
    headroom
        Largest gain and weight of a bias, for which pairs of devices have their means.

    """

    a: Floats
    b: Floats
    headroom: float

    @classmethod
    def of(cls, settings: ReservoirSettings) -> Self | None:
        """Return those that settings name; None where nodes are as they were drawn."""
        return cls(np.array(settings.gains), np.array(settings.biases), HEADROOM) if settings.gains else None


@dataclass(frozen=True)
class DrawnLayer:
    """What settings draw for a layer.

    Parameters
    ----------
    settings
        The reservoir's.
    number
        From 1 on.
    inputs
        Lines that enter it from outside, each of both signs.
    adapted
        Gains and biases of its nodes; None: gains of 1, and biases as drawn.

    """

    settings: ReservoirSettings
    number: int
    inputs: int
    adapted: Adapted | None = None

    @property
    def size(self) -> int:
        """Its columns."""
        return self.settings.nodes // self.settings.layers

    def _stream(self, name: str) -> np.random.Generator:
        return stream(self.settings.seed, f"reservoir/{name}" if self.number == 1 else f"reservoir/{self.number}/{name}")

    @cached_property
    def recurrence(self) -> Recurrence:
        """The lines and their devices, at a gain of 1."""
        settings = self.settings
        pattern = _PATTERNS[settings.family]
        seed = settings.seed if self.number == 1 else int(self._stream("lines").integers(2**31))
        return Recurrence(
            pattern=pattern,
            fan_in=None if pattern == "cycle" else settings.fan_in,
            seed=None if pattern == "cycle" else seed,
            leak=settings.leak_conductance,
            hold=self._hold,
            onward="lines" if settings.layers > 1 else "columns",
            g_min=settings.g_low / 10,
            g_max=10 * settings.g_high,
        )

    @property
    def _hold(self) -> SampleHold | None:
        settings = self.settings
        if settings.dynamics == "continuous":
            return None
        sampled = settings.leak * settings.capacitance
        full_scale = settings.clamp if settings.bits else 0.0
        return SampleHold(c_sample=sampled, c_hold=settings.capacitance - sampled, bits=settings.bits, full_scale=full_scale)

    @cached_property
    def entering(self) -> Floats:
        """Weights of the lines from outside and of the bias, shape (I + 1, N), between -1 and 1.

        Raises
        ------
        CircuitError
            When more inputs are to meet a column than there are.

        """
        shape, settings, drawn = (self.inputs, self.size), self.settings, self._stream("inputs")
        weights = drawn.choice([-1.0, 1.0], shape) if settings.family == "cycle" else drawn.uniform(-1, 1, shape)
        bias = settings.bias * self._stream("bias").uniform(-1, 1, self.size)
        return np.vstack([weights * self.met, bias])

    @cached_property
    def met(self) -> NDArray[np.bool_]:
        """Which lines from outside have devices at a column, shape (I, N): of sparse inputs as many each as `input_fan_in`, drawn.

        Raises
        ------
        CircuitError
            When there are fewer inputs.

        """
        fan_in = self.settings.input_fan_in
        if fan_in is None or self.number > 1:
            return np.ones((self.inputs, self.size), dtype=bool)
        if fan_in > self.inputs:
            msg = f"reservoir.input_fan_in = {fan_in} is more than the {self.inputs} inputs; draw fewer, or omit it"
            raise CircuitError(msg)
        met: NDArray[np.bool_] = self._stream("inputs/met").random((self.inputs, self.size)).argsort(axis=0) < fan_in
        return met

    @cached_property
    def weights(self) -> Floats:
        """The weights of the pairs of devices, in the order of `Recurrence.meets`, shape (devices a line,), between -1 and 1."""
        start, end = self.recurrence.meets(self.size)
        match self.settings.family:
            case "cycle":
                return np.ones(len(start))
            case "euler":  # antisymmetric: what i does to j, j does to i with the other sign
                each = self._stream("weights").uniform(-1, 1, (self.size, self.size))
                return np.where(start < end, each[start, end], -each[end, start])
            case _:
                return self._stream("weights").uniform(-1, 1, len(start))

    def pair(self, weights: Floats, largest: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the conductances on lines of either sign that make weights [S], with the mean that the `largest` weights have."""
        low, half = self.settings.g_low, 0.5 * (self.settings.g_high - self.settings.g_low)
        mean = low + half * np.abs(weights if largest is None else largest)
        return mean + half * weights, mean - half * weights

    @cached_property
    def _pairs(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats], tuple[Floats, Floats]]:
        """The conductances on lines of either sign of inputs, bias and recurrence [S]; 0 where there is no device."""
        entering, bias = self.entering[:-1], self.entering[-1:]
        if self.adapted is None:
            return self._there(self.pair(entering)), self.pair(bias), self.pair(self.weights)
        (_, end), headroom = self.recurrence.meets(self.size), self.adapted.headroom
        return (
            self._there(self.pair(self.adapted.a * entering, headroom * entering)),
            self.pair(self.adapted.b[None], np.full_like(bias, headroom)),
            self.pair(self.adapted.a[end] * self.weights, headroom * self.weights),
        )

    def _there(self, pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        plus, minus = pair
        return self.met * plus, self.met * minus

    @cached_property
    def conductances(self) -> tuple[Floats, Floats]:
        """Conductances of the crossbar from outside, (2·I + 2, N), 0 without a device, and of the pairs of the recurrence [S]."""
        entering, bias, back = self._pairs
        return np.vstack([*entering, *bias]), np.concatenate(back)

    @cached_property
    def loads(self) -> Floats:
        """The sum of all conductances at each column, shape (N,) [S]; it does not depend on adapted gains and biases."""
        _, end = self.recurrence.meets(self.size)
        entering, bias, back = (np.add(*pair) for pair in self._pairs)
        total: Floats = self.settings.leak_conductance + entering.sum(axis=0) + bias[0] + np.bincount(end, back, self.size)
        return total

    @cached_property
    def matrix(self) -> Floats:
        """What columns do to each other at gains of 1: row i is what column i takes of each, shape (N, N)."""
        start, end = self.recurrence.meets(self.size)
        weights = np.zeros((self.size, self.size))
        np.add.at(weights, (end, start), (self.settings.g_high - self.settings.g_low) * self.weights)
        return weights / self.loads[:, None]

    @cached_property
    def driven(self) -> Recurrence:
        """The lines and their devices, at the gain that gives the weights their spectral radius.

        Raises
        ------
        CircuitError
            When no gain does.

        """
        radius = float(np.abs(np.linalg.eigvals(self.matrix)).max())
        if radius < _STILL:
            msg = f"reservoir: its weights have a spectral radius of {radius:g}, which no gain changes; draw others (reservoir.seed)"
            raise CircuitError(msg)
        return replace(self.recurrence, gain=self.settings.spectral_radius / radius)

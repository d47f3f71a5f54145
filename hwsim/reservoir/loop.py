"""Reservoirs in a closed loop: the read-out's output is the input of the next row, while it learns (FORCE) and when it runs free.

The loop is closed inside the compiled run of the states, by what a Reduction feeds back; rows before `closes` have the series' own inputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hwsim.core.protocol import ConvergenceError
from hwsim.core.transient import Reduction, Trajectory
from hwsim.reservoir.loop_feedback import LoopFeedback
from hwsim.reservoir.reservoir import Followed, Reservoir
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.settings.block_settings import DigitalForce
from hwsim.typing import Array, Floats

_LEAST = 1e-12
"""Squared length of scaled states from which on least mean squares divide by it."""

_TRIED = 64
"""Rows of a series on which the steps of a continuous reservoir are chosen: those of a loop, which may be chaotic, never agree."""


class LoopMemory(NamedTuple):
    """What a loop remembers from row to row.

    Parameters
    ----------
    fed
        The inputs that the last outputs become, (B, I).
    weights, fixed
        Of the read-out, (n, K) and (K,): ŷ = (s − mean)/spread·weights + fixed.
    scale
        Mean and spread of the states, (n,) each [V].
    feedback
        Slope and offset of each input, (I,) each.
    noise
        Of the states as they are read, (T, n) [V].
    converters
        Of the states that are read, and of the inputs that are fed back.
    closes
        The first row whose input is fed back.
    learning
        What is needed to learn; None: weights stay.

    """

    fed: Array
    weights: Array
    fixed: Array
    scale: tuple[Array, Array]
    feedback: tuple[Array, Array]
    noise: Array
    converters: "tuple[Rounding, Rounding]"
    closes: Array
    learning: "Learning | None" = None


class Rounding(NamedTuple):
    """A converter: its step, and the most steps that it makes to either side; a step of 0 rounds nothing."""

    step: Array
    most: Array

    @classmethod
    def of(cls, bits: int | None, full_scale: float | None, unit: float = 1.0) -> "Rounding":
        """Describe a converter whose full scale [V] is for numbers of so many volts a unit."""
        if bits is None or full_scale is None:
            return cls(np.float64(0.0), np.float64(1.0))
        most = 2 ** (bits - 1) - 1
        return cls(np.float64(full_scale / most / unit), np.float64(most))

    def __call__(self, v: Array) -> Array:
        """Return the nearest value that it makes."""
        step = jnp.where(self.step > 0, self.step, 1.0)
        return jnp.where(self.step > 0, (v / step).round().clip(-self.most, self.most) * step, v)


class Learning(NamedTuple):
    """What is needed to learn.

    Parameters
    ----------
    targets
        Shape (T, K) [V].
    covariance
        The matrix P of recursive least squares, (n, n); least mean squares keep none, (0, 0).
    factor
        The forgetting of the former, or the rate of the latter.
    begins
        The first row that it learns from.

    """

    targets: Array
    covariance: Array
    factor: Array
    begins: Array


def feeds(memory: LoopMemory, x: Array, number: Any) -> Array:
    """Return the inputs of a row: the series' own until the loop closes."""
    return jnp.where(number < memory.closes, x, memory.fed)


def read_out(memory: LoopMemory, states: Mapping[str, Array], number: Any) -> LoopMemory:
    """Read the states at the end of a row, learn from the error if anything does, and feed back what was read before that."""
    of_states, of_inputs = memory.converters
    v = of_states(jnp.concatenate(list(states.values()), axis=1) + memory.noise[number])
    h = (v - memory.scale[0]) / memory.scale[1]
    outputs = h @ memory.weights + memory.fixed
    slope, offset = memory.feedback
    memory = memory._replace(fed=of_inputs(slope * outputs + offset))
    return memory if memory.learning is None else _learned(memory, memory.learning, h[0], outputs[0], number)


def _learned(memory: LoopMemory, learning: Learning, h: Array, output: Array, number: Any) -> LoopMemory:
    """Take a step of recursive least squares, as `RecursiveLeastSquares` does, or of normalised least mean squares."""
    covariance, factor = learning.covariance, learning.factor
    if covariance.size:
        reached = covariance @ h
        gain = reached / (factor + h @ reached)
        covariance = covariance - jnp.outer(gain, reached)
        covariance = (covariance + covariance.T) / (2 * factor)
    else:
        gain = factor * h / jnp.maximum(h @ h, _LEAST)
    begun = number >= learning.begins
    weights = jnp.where(begun, memory.weights + jnp.outer(gain, learning.targets[number] - output), memory.weights)
    return memory._replace(weights=weights, learning=learning._replace(covariance=jnp.where(begun, covariance, learning.covariance)))


class FreeRun(NamedTuple):
    """What a loop made by itself: outputs (n, K) [V], and the states behind them (n, N) [V], as they were read."""

    outputs: Floats
    states: Floats


@dataclass(frozen=True)
class ClosedLoop:
    """A reservoir whose read-out drives it.

    Parameters
    ----------
    reservoir
        The reservoir.
    x
        Inputs of the series that it learns from, (T, I): they synchronise it before it runs free.
    feedback
        What outputs become.

    """

    reservoir: Reservoir
    x: Floats
    feedback: LoopFeedback

    def learn(self, y: Floats, scaled: RidgeReadout, how: DigitalForce) -> RidgeReadout:
        """Learn targets y (T − washout, K) [V] by FORCE, the states being scaled as those of another read-out are.

        Raises
        ------
        ConvergenceError
            When weights or voltages grow without bound.
        CircuitError, UnsupportedCircuitError
            As `Transient.integrate`.

        """
        washout, nodes = len(self.x) - len(y), len(scaled.mean)
        learning = Learning(
            np.concatenate([np.zeros((washout, y.shape[1])), y]),
            np.eye(nodes) / (how.penalty * len(y)) if how.rule == "rls" else np.zeros((0, 0)),
            np.float64(how.forgetting if how.rule == "rls" else how.rate),
            np.int64(washout),
        )
        memory = self._memory(np.zeros((nodes, y.shape[1])), scaled.offset, (scaled.mean, scaled.spread), washout + 1)
        noise = self.reservoir.noise_of((len(self.x), nodes), "train")
        end = self._run(self.x[None], memory._replace(noise=noise, learning=learning)).folded
        weights = np.asarray(end.weights, dtype=np.float64)
        if not np.isfinite(weights).all():
            keys = "raise blocks[0].optimizer.penalty, or forgetting up to 1" if how.rule == "rls" else "lower blocks[0].optimizer.rate"
            msg = f"force: weights of the read-out grow without bound; {keys}"
            raise ConvergenceError(msg)
        return RidgeReadout(scaled.mean, scaled.spread, weights, scaled.offset, scaled.penalty)

    @cached_property
    def synchronised(self) -> Followed:
        """The states that the series leads to, from which loops run free."""
        return self.reservoir.run(self.x[None])

    def run_free(self, weights: Floats, bias: Floats, rows: int) -> FreeRun:
        """Let a read-out ŷ = states·weights + bias, (N, K) and (K,) [V], drive the reservoir for some rows behind the series.

        Raises
        ------
        CircuitError, UnsupportedCircuitError, ConvergenceError
            As `Transient.integrate`.

        """
        ended, nodes = self.synchronised, len(weights)
        memory = self._memory(weights, bias, (np.zeros(nodes), np.ones(nodes)), 0)
        noise, last = self.reservoir.noise_of((rows, nodes), "free"), self.reservoir.noise_of((len(self.x), nodes), "train")[-1]
        first = self.feedback(self.reservoir.rounded(ended.states[0, -1] + last) @ weights + bias)
        signal = np.broadcast_to(self.x[-1], (1, rows, len(first)))
        trajectory = self._run(signal, memory._replace(fed=self.reservoir.driven(first[None]), noise=noise), ended.end, self.x[-1:])
        v = np.concatenate([np.asarray(trajectory.v[name])[0] for name in self.reservoir.drawn.groups], axis=1)
        v = self.reservoir.rounded(v + noise)
        return FreeRun(v @ weights + bias, v)

    def _memory(self, weights: Floats, fixed: Floats, scale: tuple[Floats, Floats], closes: int) -> LoopMemory:
        fed, feedback = np.zeros((1, self.x.shape[1])), (self.feedback.slope, self.feedback.offset)
        chip = self.reservoir.variation
        converters = (
            Rounding.of(chip.adc_bits, chip.adc_full_scale),
            Rounding.of(chip.dac_bits, chip.dac_full_scale, self.reservoir.settings.input_scale),
        )
        return LoopMemory(fed, weights, fixed, scale, feedback, np.zeros((0, len(weights))), converters, np.int64(closes))

    def _run(self, x: Floats, memory: LoopMemory, begin: Mapping[str, Array] | None = None, before: Floats | None = None) -> Trajectory:
        return self.reservoir.follow(x, begin, before, fold=Reduction(memory, read_out, feeds), steps=self._steps)

    @cached_property
    def _steps(self) -> int | None:
        """Steps of a row that the series takes; None: clocks, which are solved."""
        if self.reservoir.settings.dynamics == "clocked":
            return None
        return int(self.reservoir.follow(self.x[None, :_TRIED]).steps)

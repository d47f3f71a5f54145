"""How digital parameters learn: transformations of Optax, their memory laid out as that of the conductances is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
import optax

from hwsim.chains.circuit_part import on_host
from hwsim.learning.optimizers import Moments, Steps
from hwsim.numeric.jax_scope import jax_scope
from hwsim.settings.block_settings import DigitalAdam, DigitalSgd
from hwsim.typing import Array, Conductances

_TINY = 1e-12
"""Added to Adam's root of the mean square, as for conductances: the loss is in V², and its gradients are small."""


class Memory(NamedTuple):
    """A transformation of gradients, and between its state and moments by name the way in and the way out.

    Parameters
    ----------
    transformation, state
        Optax's, and its state.
    moments
        Takes the next state, and returns it as moments.
    decay
        By which share of itself, times the rate, a weight shrinks besides.

    """

    transformation: optax.GradientTransformation
    state: Any
    moments: Any
    decay: float = 0.0


@singledispatch
def _memory(settings: Any, moments: Moments) -> Memory:
    raise NotImplementedError(f"{type(settings).__name__} with {len(moments.mean)} means")


@_memory.register
def _adam(settings: DigitalAdam, moments: Moments) -> Memory:
    state = optax.ScaleByAdamState(count=moments.count, mu=moments.mean, nu=moments.square)
    adam = optax.scale_by_adam(settings.b1, settings.b2, _TINY)
    return Memory(adam, state, lambda after: Moments(after.mu, after.nu, after.count), settings.decay)


@_memory.register
def _sgd(settings: DigitalSgd, moments: Moments) -> Memory:
    if not settings.momentum:
        return Memory(optax.identity(), optax.EmptyState(), lambda _: moments._replace(count=moments.count + 1))
    state = optax.TraceState(trace=moments.mean)
    return Memory(optax.trace(settings.momentum), state, lambda after: Moments(after.trace, {}, moments.count + 1))


@dataclass(frozen=True)
class DigitalOptimizer:
    """Steps of digital parameters. Pure and hashable."""

    settings: DigitalAdam | DigitalSgd

    def begin(self, g: Conductances) -> Moments:
        """Return the memory before the first step."""
        zeros = {name: np.zeros_like(values) for name, values in g.items()}
        kept = self.settings.kept
        return Moments(zeros if "mean" in kept else {}, dict(zeros) if "square" in kept else {}, np.zeros((), np.int32))

    @jax_scope()
    def step(
        self, gradient: Mapping[str, Array], moments: Moments, rates: Mapping[str, Array], g: Mapping[str, Array]
    ) -> tuple[Steps, Moments]:
        """Return the steps of all parameters `g`, and the new memory."""
        memory = _memory(self.settings, moments)
        along, state = memory.transformation.update(dict(gradient), memory.state)
        if memory.decay:
            along = {
                name: value + memory.decay * g[name] if name.endswith("weight") and g[name].ndim > 1 else value
                for name, value in along.items()
            }
        done: tuple[Steps, Moments] = on_host(({name: -rates[name] * value for name, value in along.items()}, memory.moments(state)))
        return done


@dataclass(frozen=True)
class PairedOptimizer(DigitalOptimizer):
    """Steps of conductances whose differences are weights: those that the weights would take, half of each on either device of a pair.

    Parameters
    ----------
    g, unit
        The names of the conductances, and of that which is a weight of 1.

    """

    g: str
    unit: str

    def begin(self, g: Conductances) -> Moments:
        """Return the memory before the first step; the unit stays as it is."""
        return super().begin({self.g: g[self.g]})

    def step(
        self, gradient: Mapping[str, Array], moments: Moments, rates: Mapping[str, Array], g: Mapping[str, Array]
    ) -> tuple[Steps, Moments]:
        """Return the steps [S], and the new memory."""
        unit = g[self.unit]
        steps, after = super().step({self.g: gradient[self.g] * unit}, moments, rates, {self.g: g[self.g]})
        return {self.g: steps[self.g] * unit / 2, self.unit: 0 * unit}, after


@dataclass(frozen=True)
class Averages:
    """Running averages: their gradient is by how much they are off, and they go there."""

    def begin(self, g: Conductances) -> Moments:  # noqa: ARG002 - nothing is remembered
        """Return no memory."""
        return Moments({}, {}, np.zeros((), np.int32))

    def step(
        self,
        gradient: Mapping[str, Array],
        moments: Moments,
        rates: Mapping[str, Array],  # noqa: ARG002 - whatever the rate
        g: Mapping[str, Array],  # noqa: ARG002 - the gradient holds it
    ) -> tuple[Steps, Moments]:
        """Return the steps."""
        return {name: -values for name, values in gradient.items()}, moments._replace(count=moments.count + 1)

"""Optimizers: from gradients to steps of the conductances. Pure; for arrays of NumPy and JAX."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from hwsim.random.counter import Draws, purpose
from hwsim.typing import Array, Conductances

Steps = dict[str, Array]


class Moments(NamedTuple):
    """An optimizer's memory: running means by element array, and the number of steps so far. What a kind does not need is empty."""

    mean: dict[str, Array]
    square: dict[str, Array]
    count: Array


class Optimizer(Protocol):
    """Turns gradients into steps."""

    def begin(self, g: Conductances) -> Moments:
        """Return the memory before the first step."""
        ...

    def step(
        self, gradient: Mapping[str, Array], moments: Moments, rates: Mapping[str, Array], g: Mapping[str, Array]
    ) -> tuple[Steps, Moments]:
        """Return the change of every conductance [S] at these rates, and the new memory; `g` are what changes."""
        ...


def _zeros(g: Conductances) -> dict[str, Any]:
    return {name: np.zeros_like(values) for name, values in g.items()}


@dataclass(frozen=True, slots=True)
class Sgd:
    """dg = −rate·dC/dg, with momentum: −rate·m, m ← momentum·m + dC/dg. Rates in S²/V²."""

    momentum: float = 0.0

    def begin(self, g: Conductances) -> Moments:
        """Return zero momentum."""
        return Moments(_zeros(g) if self.momentum else {}, {}, np.zeros((), np.int32))

    def step(
        self,
        gradient: Mapping[str, Array],
        moments: Moments,
        rates: Mapping[str, Array],
        g: Mapping[str, Array],  # noqa: ARG002 - steps depend on gradients alone
    ) -> tuple[Steps, Moments]:
        """Return the steps and the new memory."""
        mean = {name: self.momentum * m + gradient[name] for name, m in moments.mean.items()}
        along = mean or gradient
        return {name: -rates[name] * along[name] for name in gradient}, Moments(mean, {}, moments.count + 1)


@dataclass(frozen=True, slots=True)
class Sign:
    """dg = −rate·sign(dC/dg): a comparator a device decides. Rates in S.

    Source: Dillavou et al. 2022, Phys. Rev. Applied 18, 014040; Bernstein et al. 2018, "signSGD".
    """

    def begin(self, g: Conductances) -> Moments:  # noqa: ARG002 - it remembers nothing
        """Return no memory but the count."""
        return Moments({}, {}, np.zeros((), np.int32))

    def step(
        self,
        gradient: Mapping[str, Array],
        moments: Moments,
        rates: Mapping[str, Array],
        g: Mapping[str, Array],  # noqa: ARG002 - steps depend on gradients alone
    ) -> tuple[Steps, Moments]:
        """Return the steps and the new count."""
        steps = {name: -rates[name] * values.__array_namespace__().sign(values) for name, values in gradient.items()}
        return steps, moments._replace(count=moments.count + 1)


@dataclass(frozen=True, slots=True)
class Desynchronous:
    """Only the steps of a share of the devices, drawn for each update, are taken: each device is on a clock of its own.

    Source: Wycoff, Dillavou, Stern, Liu & Durian 2022, J. Chem. Phys. 156, 144903.
    """

    probability: float = 1.0

    def __call__(self, steps: Steps, seed: Array) -> Steps:
        """Return the steps of the devices that an update reaches [S], and 0 for the others."""
        if self.probability == 1:
            return steps
        reached = {
            name: Draws(purpose(seed, f"reached/{name}"), values).uniform("round") < self.probability for name, values in steps.items()
        }
        return {name: values * reached[name].astype(values.dtype) for name, values in steps.items()}


@dataclass(frozen=True, slots=True)
class Adam:
    """dg = −rate·m̂/(√ŝ + tiny), with bias-corrected means m̂ of the gradient and ŝ of its square. Rates in S.

    Source: Kingma & Ba 2015.
    """

    b1: float = 0.9
    b2: float = 0.999
    tiny: float = 1e-12

    def begin(self, g: Conductances) -> Moments:
        """Return zero means."""
        return Moments(_zeros(g), _zeros(g), np.zeros((), np.int32))

    def step(
        self,
        gradient: Mapping[str, Array],
        moments: Moments,
        rates: Mapping[str, Array],
        g: Mapping[str, Array],  # noqa: ARG002 - steps depend on gradients alone
    ) -> tuple[Steps, Moments]:
        """Return the steps and the new memory."""
        count = moments.count + 1
        mean = {name: self.b1 * m + (1 - self.b1) * gradient[name] for name, m in moments.mean.items()}
        square = {name: self.b2 * s + (1 - self.b2) * gradient[name] ** 2 for name, s in moments.square.items()}
        correction = (1 - self.b2**count) ** 0.5 / (1 - self.b1**count)
        rate = {name: (-rates[name] * correction).astype(m.dtype) for name, m in mean.items()}
        steps = {name: rate[name] * m / (square[name] ** 0.5 + self.tiny) for name, m in mean.items()}
        return steps, Moments(mean, square, count)

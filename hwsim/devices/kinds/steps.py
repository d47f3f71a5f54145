"""How far pulses move a device: the step laws, each with what n pulses do together. Pure; for arrays of NumPy and JAX.

A state x is a share of the nominal range, x = (g − g_min)/(g_max − g_min). Parameters are numbers, or arrays with one value a device.
Pulses come as whole numbers: n > 0 pulses up, n < 0 down. One pulse moves a device by its step·(1 + sigma·ξ), ξ normal.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from hwsim.devices.kinds.exponential_walk import Steps
from hwsim.devices.kinds.exponentials import lost
from hwsim.devices.kinds.loops import either, packed, repeat_packed, unpacked
from hwsim.typing import Array

_LEAST = 1e-13
"""A slope below is taken for this one, which formulas that divide by it survive, in 32 bits too."""

_STEEPEST = 1.0 - 1e-6
"""A slope above goes past the bound in one pulse, as this one nearly does; its logarithm still exists."""

_LARGEST_EXPONENT = 80.0
"""exp of more overflows in 32 bits; a device that far away has long met its bound."""


class Moved(NamedTuple):
    """How far pulses bring a device, before its bounds stop it: the mean change of its state, and the standard deviation of the noise.

    Both are over a number `over`: to divide their sum by it takes a third of the time that two quotients take.
    """

    by: Array
    std: Array
    over: Array = 1.0

    @property
    def mean(self) -> Array:
        """Return the mean change of the state."""
        return self.by / self.over

    @property
    def variance(self) -> Array:
        """Return the variance of the noise."""
        return (self.std / self.over) ** 2

    def noisy(self, normal: Array) -> Array:
        """Return the change of the state with noise from standard normal numbers."""
        return (self.by + self.std * normal) / self.over


class Bounds(NamedTuple):
    """A device's own bounds as shares of the nominal range: 0 and 1 for a nominal device."""

    low: Array
    high: Array


class Noise(NamedTuple):
    """Cycle-to-cycle noise: `sigma` is relative to each step; `even` is the same for every pulse, a share of the range. None is none."""

    sigma: Array | None = None
    even: Array | None = None

    def variance(self, of_steps: Array, n: Array) -> Array:
        """Return the variance of n pulses, the squares of whose steps add up to `of_steps`."""
        noisy = 0.0 * of_steps if self.sigma is None else self.sigma**2 * of_steps
        return noisy if self.even is None else noisy + self.even**2 * n


class StepLaw(Protocol):
    """What all step laws have."""

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:
        """Return how far n pulses bring devices from x."""
        ...


def _tame(slope: Array, xp: Any) -> Array:
    slope = xp.minimum(slope, _STEEPEST)
    return xp.where(xp.abs(slope) < _LEAST, _LEAST, slope)


class Exact(NamedTuple):
    """Ideal devices: n, which need not be whole, is the wanted change itself."""

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:  # noqa: ARG002 - every law takes them
        """Return n."""
        return Moved(n + 0.0 * x, 0.0 * x)


class Affine(NamedTuple):
    """Steps that change linearly with the state: up − up_slope·x, and down + down_slope·x. Constant steps and soft bounds are such.

    Without slopes, both None, steps are constant. n pulses have a closed form, and so have the mean and variance of n noisy ones: with the
    step s, its slope b and r = 1 − b, a pulse takes s to s·(r − b·sigma·ξ), hence E[x_n] = x ± s·(1 − rⁿ)/b and
    Var[x_n] = s²·((r² + b²sigma²)ⁿ − r²ⁿ)/b².
    """

    up: Array
    up_slope: Array | None
    down: Array
    down_slope: Array | None

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:  # noqa: ARG002 - its bounds are in its parameters
        """Return how far n pulses bring devices from x."""
        xp = x.__array_namespace__()
        k, up = xp.abs(n).astype(x.dtype), n > 0
        if self.up_slope is None or self.down_slope is None:
            step = xp.where(up, self.up, self.down)
            return Moved(n * step, xp.sqrt(noise.variance(k * step**2, k)))
        along, slope = xp.where(up, 1.0, -1.0).astype(x.dtype), xp.where(up, self.up_slope, self.down_slope)
        step = xp.maximum(xp.where(up, self.up, self.down) - along * slope * x, 0.0)
        b = _tame(slope, xp)
        slopes = _tame(self.up_slope, xp), _tame(self.down_slope, xp)  # logarithms of these alone are taken once for many updates
        exponent = k * xp.where(up, *(xp.log1p(-each) for each in slopes))  # rⁿ = exp(exponent)
        gone = lost(exponent)  # 1 − rⁿ
        variance = 0.0 * x  # of the noise times b
        if noise.sigma is not None:
            rates = (xp.log1p((each * noise.sigma / (1 - each)) ** 2) for each in slopes)
            growth = k * xp.where(up, *rates)  # r²ⁿ·exp(growth) = (r² + b²sigma²)ⁿ
            variance = step**2 * xp.exp(xp.minimum(2 * exponent + growth, _LARGEST_EXPONENT)) * lost(-growth)
        if noise.even is None:
            return Moved(along * step * gone, xp.sqrt(variance), b)
        even = noise.even**2 * gone * (2 - gone) * b * (2 - b)  # (1 − r²ⁿ)/(1 − r²), times (b·(2 − b))²
        return Moved(along * step * gone * (2 - b), xp.sqrt((2 - b) ** 2 * variance + even), b * (2 - b))


class Exponential(NamedTuple):
    """Steps delta·max(0, 1 − a·exp(±gamma·z)), z = slope·x + start: filaments that grow ever slower. + stands for up.

    Source: the exponential step of aihwkit; fits the ReRAM of Gong 2018.
    """

    delta_up: Array
    delta_down: Array
    a_up: Array
    a_down: Array
    gamma_up: Array
    gamma_down: Array
    slope: Array
    start: Array

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:
        """Return how far n pulses bring devices from x.

        All of it is one function of x and n, which XLA computes in a single pass: what several passes need it would store.
        """
        xp = x.__array_namespace__()

        def steps(x: Array, n: Array) -> tuple[Steps, Array, Array]:
            up = n > 0
            gamma = xp.where(up, self.gamma_up, -self.gamma_down)
            delta, a = xp.where(up, self.delta_up, self.delta_down), xp.where(up, self.a_up, self.a_down)
            start, rate = gamma * (self.slope * x + self.start), xp.where(up, gamma, -gamma) * self.slope
            return Steps(delta, a, start, rate), xp.abs(n), _room(x, n, bounds)

        def together(_: Array, x: Array, n: Array) -> tuple[Array, Array]:
            of, k, room = steps(x, n)
            return of.many(k, room)

        begun = repeat_packed(together, xp.any(n != 0).astype(np.int32), packed((x, n.astype(x.dtype)), xp), xp)
        left = ~(unpacked(begun, xp)[1] >= 0)

        def singly() -> Any:
            of, k, room = steps(x, n)
            way, squares = unpacked(begun, xp)
            fresh = packed((xp.where(left, 0.0, way), xp.where(left, 0.0, squares)), xp)
            return _one_by_one(of.one, xp.where(left, k, 0), room, fresh)

        return _moved(n, either(left.any(), singly, lambda: begun, xp), noise)


class PowerLaw(NamedTuple):
    """Steps delta_up·(1 − u)^gamma_up and delta_down·u^gamma_down, u being the state within the device's own bounds."""

    delta_up: Array
    delta_down: Array
    gamma_up: Array
    gamma_down: Array

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:
        """Return how far n pulses bring devices from x."""
        xp = x.__array_namespace__()
        up, size = n > 0, bounds.high - bounds.low
        delta, gamma = xp.where(up, self.delta_up, self.delta_down), xp.where(up, self.gamma_up, self.gamma_down)
        left = xp.where(up, bounds.high - x, x - bounds.low) / size

        def step(way: Array) -> Array:
            return delta * xp.clip(left - way / size, 0.0, 1.0) ** gamma

        none = xp.zeros_like(x)
        return _moved(n, _one_by_one(step, xp.abs(n), _room(x, n, bounds), packed((none, none), xp)), noise)


class Table(NamedTuple):
    """Measured curves: state after 0, 1, 2 … pulses, `up` always rising, `down` always falling, both of shape (points,).

    A device stands somewhere on the curve and n pulses move it n·rate points along, linearly between the points.
    """

    up: Array
    down: Array
    rate_up: Array
    rate_down: Array

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:
        """Return how far n pulses bring devices from x."""
        xp = x.__array_namespace__()
        size = bounds.high - bounds.low
        u, k = (x - bounds.low) / size, xp.abs(n).astype(x.dtype)
        above = xp.maximum(_along(u, k * self.rate_up, self.up, xp), u)
        below = xp.minimum(1 - _along(1 - u, k * self.rate_down, 1 - self.down, xp), u)
        change = xp.where(n > 0, above - u, xp.where(n < 0, below - u, 0.0)) * size
        return Moved(change, xp.sqrt(noise.variance(change**2 / xp.maximum(k, 1.0), k)))


def _along(u: Array, points: Array, curve: Array, xp: Any) -> Array:
    """Find u on a rising curve and go some points along it; the curve's ends hold what would pass them."""
    numbers = xp.arange(curve.shape[0], dtype=u.dtype)
    return xp.interp(xp.interp(u, curve, numbers) + points, numbers, curve).astype(u.dtype)


class Levels(NamedTuple):
    """Equally spaced levels, each written and verified: a pulse is one level. Noise is relative to their distance, whatever n is."""

    count: Array

    def walk(self, x: Array, n: Array, noise: Noise, bounds: Bounds) -> Moved:
        """Return how far the level is that is n levels from the nearest one."""
        xp = x.__array_namespace__()
        size = bounds.high - bounds.low
        last = self.count - 1
        level = xp.clip(xp.round((x - bounds.low) / size * last) + n, 0, last)
        moved = xp.where(n != 0, 1.0, 0.0).astype(x.dtype)
        return Moved(bounds.low + size * level / last - x, size * xp.sqrt(noise.variance(moved / last**2, moved)))


def _room(x: Array, n: Array, bounds: Bounds) -> Array:
    """Return how far the bound is that pulses lead to."""
    xp = x.__array_namespace__()
    return xp.maximum(xp.where(n > 0, bounds.high - x, x - bounds.low), 0.0).astype(x.dtype)


def _one_by_one(step: Callable[[Array], Array], k: Array, room: Array, begun: Any) -> Any:
    """Send k noiseless pulses one after the other; return the way there, which ends at `room`, and the sum of squares of its steps, packed.

    `step` gives the length of a step behind some way in the direction of the pulses, and `begun` the way and squares before, packed.
    """
    xp = room.__array_namespace__()

    def once(j: Array, way: Array, squares: Array) -> tuple[Array, Array]:
        length = xp.where(j < k, step(way), 0.0).astype(room.dtype)
        further = way + length
        return xp.where(further < room, further, room), squares + length**2

    return repeat_packed(once, k.max(initial=0).astype(np.int32), begun, xp)


def _moved(n: Array, walked: Any, noise: Noise) -> Moved:
    """Turn a way into a change; noise adds up over the steps on the way, whose length it does not change."""
    xp = n.__array_namespace__()
    way, squares = unpacked(walked, xp)
    return Moved(xp.sign(n) * way, xp.sqrt(noise.variance(squares, xp.abs(n))))

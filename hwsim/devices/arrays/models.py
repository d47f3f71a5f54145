"""Devices of one crossbar on one chip: what pulses, time and reading make of their conductances. Pure; for arrays of NumPy and JAX.

Random numbers are arguments, standard normal and of the conductances' shape, so that all compiles, and maps over chips with `jax.vmap`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from hwsim.devices.kinds.steps import Affine, Bounds, Exact, Exponential, Levels, Noise, PowerLaw, Table
from hwsim.typing import Array


class Devices(NamedTuple):
    """Every parameter of an array of devices: numbers, or arrays with one value a device. What is None does not happen.

    Parameters
    ----------
    law
        How far pulses go.
    g_min, g_max
        Ends of the nominal range [S]; a state x = 0 and x = 1.
    bounds
        Each device's own bounds, in shares of that range.
    noise
        Of every pulse.
    charge_up, charge_down
        v²·t of one pulse [V²s]; times the conductance it is the pulse's energy.
    write
        Standard deviation of what is shown around the state that pulses move, redrawn at every programming [share of the range].
    read
        Relative standard deviation of one reading.
    stuck, stuck_at
        Which devices no pulse moves, and the conductance that each of these has [S].
    nu, t0
        Drift: t seconds after programming g has become g·(t/t0)^−nu.
    lifetime, rest
        Leak: per update the state loses 1/lifetime of its distance from `rest`.
    reset_noise
        Standard deviation of the state after a reset, which brings a device to its lower bound [share of the range].

    """

    law: Exact | Affine | Exponential | PowerLaw | Table | Levels
    g_min: Array
    g_max: Array
    bounds: Bounds = Bounds(0.0, 1.0)
    noise: Noise = Noise()
    charge_up: Array = 0.0
    charge_down: Array = 0.0
    write: Array | None = None
    read: Array | None = None
    stuck: Array | None = None
    stuck_at: Array = 0.0
    nu: Array | None = None
    t0: Array = 1.0
    lifetime: Array | None = None
    rest: Array = 0.0
    reset_noise: Array = 0.0

    def state(self, g: Array) -> Array:
        """Return the states x of conductances [S]."""
        return (g - self.g_min) * (1 / (self.g_max - self.g_min))  # XLA works a product out where it is needed, but stores a quotient

    def conductance(self, x: Array) -> Array:
        """Return the conductances of states x [S]."""
        return self.g_min + x * (self.g_max - self.g_min)

    def limits(self) -> tuple[Array, Array]:
        """Return each device's own lowest and highest conductance [S]."""
        return self.conductance(self.bounds.low), self.conductance(self.bounds.high)

    def begin(self, g: Array) -> Array:
        """Return the conductances that devices begin with where `g` was wanted [S]: within their bounds, and the stuck ones as they are."""
        xp = g.__array_namespace__()
        low, high = self.limits()
        return self._unless_stuck(xp.clip(g, low, high), xp.broadcast_to(xp.asarray(self.stuck_at, dtype=g.dtype), g.shape))

    def pulse(self, g: Array, n: Array, normal: Array) -> Array:
        """Return the conductances after n pulses, up where n > 0 and down where n < 0.

        Parameters
        ----------
        g
            Conductances [S].
        n
            Whole numbers, of g's shape; for exact devices the wanted change as a share of the range.
        normal
            Standard normal numbers, of g's shape.

        """
        xp = g.__array_namespace__()
        moved = self.law.walk(self.state(g), n, self.noise, self.bounds)
        after = xp.clip(g + moved.noisy(normal) * (self.g_max - self.g_min), *self.limits())
        return self._unless_stuck(xp.where(n != 0, after, g).astype(g.dtype), g)

    def show(self, shown: Array, hidden: Array, n: Array, normal: Array) -> Array:
        """Return what the circuit sees of hidden conductances [S]: write noise is drawn again where pulses were sent, else it stays."""
        if self.write is None:
            return hidden
        xp = hidden.__array_namespace__()
        noisy = hidden + self.write * (self.g_max - self.g_min) * normal
        low, high = self.limits()
        return self._unless_stuck(xp.where(n != 0, xp.clip(noisy, low, high), shown).astype(hidden.dtype), hidden)

    def seen(self, g: Array, normal: Array) -> Array:
        """Return one reading of conductances [S]."""
        if self.read is None:
            return g
        xp = g.__array_namespace__()
        return xp.maximum(g * (1 + self.read * normal), 0.0).astype(g.dtype)

    def reset(self, g: Array, where: Array, normal: Array) -> Array:
        """Bring devices to their lower bound, as near as a reset comes."""
        xp = g.__array_namespace__()
        x = xp.clip(self.bounds.low + self.reset_noise * xp.abs(normal), self.bounds.low, self.bounds.high)
        return self._unless_stuck(xp.where(where, self.conductance(x), g).astype(g.dtype), g)

    def leak(self, g: Array, updates: Array) -> Array:
        """Return the conductances [S] after the time of some updates."""
        if self.lifetime is None:
            return g
        xp = g.__array_namespace__()
        lost = -xp.expm1(updates * xp.log1p(xp.asarray(-1.0 / self.lifetime, dtype=g.dtype)))
        return self._unless_stuck((g + lost * (self.conductance(self.rest) - g)).astype(g.dtype), g)

    def drift(self, g: Array, seconds: Array) -> Array:
        """Return the conductances [S] some seconds after they were programmed; within t0 nothing drifts."""
        if self.nu is None:
            return g
        xp = g.__array_namespace__()
        factor = xp.maximum(xp.asarray(seconds / self.t0, dtype=g.dtype), 1.0) ** -self.nu
        return self._unless_stuck((g * factor).astype(g.dtype), g)

    def energy(self, before: Array, after: Array, n: Array) -> Array:
        """Return the energy of n pulses [J], device by device: v²·t times the mean conductance from before to after."""
        xp = before.__array_namespace__()
        g = xp.abs(n) * (before + after) / 2
        return xp.where(n > 0, self.charge_up * g, self.charge_down * g)

    def cast(self, dtype: DTypeLike) -> "Devices":
        """Return the same devices with all numbers in one precision, so that 32-bit conductances stay so."""
        kind = np.dtype(dtype)
        return _cast(self, kind)  # type: ignore[no-any-return] # a tuple of the same kind

    def _unless_stuck(self, new: Array, old: Array) -> Array:
        if self.stuck is None:
            return new
        return new.__array_namespace__().where(self.stuck, old, new)


def _cast(value: Array, kind: np.dtype[np.generic]) -> Array:
    if isinstance(value, tuple):
        return type(value)(*(_cast(part, kind) for part in value))
    if value is None or getattr(value, "dtype", None) == np.bool_:
        return value
    return np.asarray(value, kind)

"""Losses: how far read-outs ŷ are from targets y, in V², and the error dC/dŷ in V. Pure; for arrays of NumPy and JAX."""

from dataclasses import dataclass
from typing import Protocol

from circuits.units import Volt
from hwsim.typing import Array


class Loss(Protocol):
    """A loss of a batch of read-outs and targets, each (B, K) [V]."""

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        ...

    def error(self, outputs: Array, y: Array) -> Array:
        """Return dC/dŷ, shape (B, K) [V]."""
        ...

    def as_targets(self, outputs: Array) -> Array:
        """Return the targets, shape (B, K) [V], of which the outputs have the least loss."""
        ...


@dataclass(frozen=True, slots=True)
class SquaredError:
    """C = ½·Σ(y − ŷ)²."""

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        return 0.5 * ((y - outputs) ** 2).sum(axis=1)

    def error(self, outputs: Array, y: Array) -> Array:
        """Return ŷ − y, shape (B, K) [V]."""
        return outputs - y

    def as_targets(self, outputs: Array) -> Array:
        """Return the outputs themselves, shape (B, K) [V]."""
        return outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntropy:
    """C = −v_softmax²·Σ p·log softmax(ŷ / v_softmax), with p the share of each target between `low` and `high`.

    The factor v_softmax² makes C a voltage squared, as SquaredError is, so that a nudge's beta means the same in both.
    """

    v_softmax: Volt
    low: Volt
    high: Volt

    def _share(self, y: Array) -> Array:
        share = (y - self.low) / (self.high - self.low)
        return share / share.sum(axis=1)[:, None]

    def _log_softmax(self, outputs: Array) -> Array:
        xp = outputs.__array_namespace__()
        scaled = outputs / self.v_softmax
        scaled = scaled - scaled.max(axis=1)[:, None]
        return scaled - xp.log(xp.exp(scaled).sum(axis=1))[:, None]

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        return -(self.v_softmax**2) * (self._share(y) * self._log_softmax(outputs)).sum(axis=1)

    def error(self, outputs: Array, y: Array) -> Array:
        """Return v_softmax·(softmax − p), shape (B, K) [V]."""
        xp = outputs.__array_namespace__()
        return self.v_softmax * (xp.exp(self._log_softmax(outputs)) - self._share(y))

    def as_targets(self, outputs: Array) -> Array:
        """Return voltages from `low` to `high` by the softmax of the outputs, shape (B, K) [V]."""
        xp = outputs.__array_namespace__()
        return self.low + (self.high - self.low) * xp.exp(self._log_softmax(outputs))

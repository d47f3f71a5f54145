"""Losses: how far read-outs ŷ are from targets y, in V², and the error dC/dŷ in V. Pure; for arrays of NumPy and JAX."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from circuits.units import Volt
from hwsim.typing import Array


class Loss(Protocol):
    """A loss of a batch of read-outs and targets, each (B, K) [V]."""

    @property
    def by_sample(self) -> bool:
        """Whether it holds arrays of this batch, so that no compiled nudge may keep it."""
        ...

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        ...

    def error(self, outputs: Array, y: Array) -> Array:
        """Return dC/dŷ, shape (B, K) [V]."""
        ...

    def as_targets(self, outputs: Array) -> Array:
        """Return the targets, shape (B, K) [V], of which the outputs have the least loss."""
        ...

    def drawn_to(self, outputs: Array, y: Array) -> Array:
        """Return the voltages, shape (B, K) [V], to which a nudge draws outputs that it follows as they move."""
        ...


@dataclass(frozen=True, slots=True)
class SquaredError:
    """C = ½·Σ(y − ŷ)²."""

    by_sample: ClassVar[bool] = False

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        return 0.5 * ((y - outputs) ** 2).sum(axis=1)

    def error(self, outputs: Array, y: Array) -> Array:
        """Return ŷ − y, shape (B, K) [V]."""
        return outputs - y

    def as_targets(self, outputs: Array) -> Array:
        """Return the outputs themselves, shape (B, K) [V]."""
        return outputs

    def drawn_to(self, outputs: Array, y: Array) -> Array:  # noqa: ARG002 - wherever they are
        """Return the targets."""
        return y


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntropy:
    """C = −v_softmax²·Σ p·log softmax(ŷ / v_softmax), with p the share of each target between `low` and `high`.

    The factor v_softmax² makes C a voltage squared, as SquaredError is, so that a nudge's beta means the same in both.
    """

    by_sample: ClassVar[bool] = False
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

    def drawn_to(self, outputs: Array, y: Array) -> Array:  # noqa: ARG002 - wherever they are
        """Return the targets."""
        return y


@dataclass(frozen=True, slots=True)
class Weighted:
    """Another loss, of which each sample counts by a weight of its own, shape (B,).

    A nudge that follows the outputs has one transconductance for all samples. It is given a nearer or a farther target instead,
    ŷ − w·dC/dŷ: of the squared error ŷ + w·(y − ŷ), so that the current at the free outputs is w times as large.
    """

    by_sample: ClassVar[bool] = True
    loss: Loss
    weights: Array

    def value(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (B,) [V²]."""
        return self.weights * self.loss.value(outputs, y)

    def error(self, outputs: Array, y: Array) -> Array:
        """Return dC/dŷ, shape (B, K) [V]."""
        return self.weights[:, None] * self.loss.error(outputs, y)

    def as_targets(self, outputs: Array) -> Array:
        """Return the targets of which the outputs have the least loss, shape (B, K) [V]."""
        return self.loss.as_targets(outputs)

    def drawn_to(self, outputs: Array, y: Array) -> Array:
        """Return ŷ − w·dC/dŷ, shape (B, K) [V]."""
        return outputs - self.error(outputs, y)

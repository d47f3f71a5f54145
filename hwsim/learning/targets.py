"""Targets: the voltages that outputs are trained towards, as arrays, of classes or real, and the error of what a circuit answers."""

from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from hwsim.learning.target_scale import explained
from hwsim.typing import Array


class Targets(Protocol):
    """The targets of a set of n samples for K outputs: a tree of arrays, so that a compiled function takes it as an argument."""

    @property
    def failed(self) -> float:
        """The answer of a sample without an equilibrium."""
        ...

    @property
    def of_classes(self) -> bool:
        """Whether each target is that of a class, as a loss on shares of classes needs."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples and of outputs, (n, K)."""
        ...

    @property
    def tally(self) -> np.dtype[Any]:
        """The type in which mistakes are added up."""
        ...

    def of(self, chosen: Any) -> Array:
        """Return the targets of chosen samples, shape (B, K) [V]."""
        ...

    def some(self, chosen: Any) -> Self:
        """Return the targets of chosen samples as a set."""
        ...

    def answers(self, outputs: Array) -> Array:
        """Return what read-outs (B, K) [V] mean: a class each, shape (B,), or the voltages themselves."""
        ...

    def meaning(self, answers: Array) -> Array:
        """Return the targets that answers have, shape (B, K) [V]."""
        ...

    def mistakes(self, answers: Array, chosen: Any) -> Array:
        """Return each chosen sample's mistake, shape (B,): whether its class is wrong, or its squared error, summed over outputs."""
        ...

    def scores(self, mistakes: float, samples: int) -> dict[str, float]:
        """Return what the sum of the mistakes of a number of samples amounts to: `error`, which is 0 at best, and what else there is."""
        ...

    def cast(self, dtype: np.dtype[Any]) -> Self:
        """Return the set with voltages of another precision."""
        ...

    def wrong(self) -> Self:
        """Return targets that are far from these: for a gradient audit, to which samples that are learned already show nothing."""
        ...


class Classes(NamedTuple):
    """Targets by class: labels (n,), and the voltages that stand for each class, (classes, K) [V]."""

    labels: Array
    table: Array

    @property
    def failed(self) -> float:
        """No class."""
        return -1

    @property
    def of_classes(self) -> bool:
        """They are of classes."""
        return True

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples and of outputs, (n, K)."""
        return len(self.labels), self.table.shape[1]

    @property
    def tally(self) -> np.dtype[Any]:
        """Wrong answers are counted."""
        return np.dtype(np.int32)

    def of(self, chosen: Any) -> Array:
        """Return the targets of chosen samples, shape (B, K) [V]."""
        return self.table[self.labels[chosen]]

    def some(self, chosen: Any) -> Self:
        """Return the targets of chosen samples as a set."""
        return self._replace(labels=self.labels[chosen])

    def answers(self, outputs: Array) -> Array:
        """Return the class whose target is nearest to each read-out, shape (B,)."""
        return (outputs @ self.table.T - 0.5 * (self.table**2).sum(axis=1)).argmax(axis=1)

    def meaning(self, answers: Array) -> Array:
        """Return the targets of classes (B,), shape (B, K) [V]."""
        return self.table[answers]

    def mistakes(self, answers: Array, chosen: Any) -> Array:
        """Return whether each chosen sample's class is wrong, shape (B,)."""
        return answers != self.labels[chosen]

    def scores(self, mistakes: float, samples: int) -> dict[str, float]:
        """Return the share of wrong answers, `error`."""
        return {"error": mistakes / samples}

    def cast(self, dtype: np.dtype[Any]) -> Self:
        """Return the set with voltages of another precision."""
        return self._replace(labels=self.labels.astype(np.int32), table=self.table.astype(dtype))

    def wrong(self) -> Self:
        """Return targets that are another class's."""
        return self._replace(table=np.roll(self.table, -1, axis=0))


class Voltages(NamedTuple):
    """Real targets, one a sample and output: (n, K) [V].

    `units`, (K,) or a number, are the units of a target for one volt: errors are in units, and weigh targets by them. Of `relative` ones
    the error is a share of their standard deviation.
    """

    y: Array
    units: Array = np.float64(1.0)
    relative: Any = False

    @property
    def failed(self) -> float:
        """0 V."""
        return 0.0

    @property
    def of_classes(self) -> bool:
        """They are real."""
        return False

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples and of outputs, (n, K)."""
        samples, outputs = self.y.shape
        return samples, outputs

    @property
    def tally(self) -> np.dtype[Any]:
        """Squared errors are real."""
        tally: np.dtype[Any] = np.dtype(self.y.dtype)
        return tally

    def of(self, chosen: Any) -> Array:
        """Return the targets of chosen samples, shape (B, K) [V]."""
        return self.y[chosen]

    def some(self, chosen: Any) -> Self:
        """Return the targets of chosen samples as a set."""
        return self._replace(y=self.y[chosen])

    def answers(self, outputs: Array) -> Array:
        """Return the read-outs themselves, shape (B, K) [V]."""
        return outputs

    def meaning(self, answers: Array) -> Array:
        """Return the voltages themselves, shape (B, K) [V]."""
        return answers

    def mistakes(self, answers: Array, chosen: Any) -> Array:
        """Return each chosen sample's squared error, summed over outputs, shape (B,) [units²]."""
        return ((self.units * (answers - self.y[chosen])) ** 2).sum(axis=1)

    def scores(self, mistakes: float, samples: int) -> dict[str, float]:
        """Return the root mean square `error` over samples and outputs [units], and R², `r2`, the share of all variance that is explained.

        The error of relative ones is √(1 − R²).

        R² of targets that do not vary is 1 for a perfect prediction, else 0, as scikit-learn has it.
        """
        mean, variance = mistakes / samples, float((self.units * np.asarray(self.y, float)).var(axis=0).sum())
        r2 = explained(mean, variance)
        return {"error": float(np.sqrt(1 - r2 if self.relative else mean / self.y.shape[1])), "r2": r2}

    def cast(self, dtype: np.dtype[Any]) -> Self:
        """Return the set in another precision."""
        return self._replace(y=self.y.astype(dtype), units=np.asarray(self.units, dtype))

    def wrong(self) -> Self:
        """Return the far end of the range of all targets and 0 V for each."""
        low, high = min(self.y.min(), 0), max(self.y.max(), 0)
        return self._replace(y=np.where(2 * self.y > low + high, low, high).astype(self.y.dtype))

"""Targets on samples that carry no labels: what peers answered there."""

from typing import Any, NamedTuple, Self

import numpy as np

from hwsim.learning.targets import Classes, Targets, Voltages
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Array, Floats


class Taught(NamedTuple):
    """Targets by sample, of samples that have classes: voltages (n, K), the classes that these mean (n,), and the voltages of each class.

    A sample of a pool without labels has the mean answer of peers for its target, and counts as wrong where the chip answers another class
    than they do.
    """

    y: Array
    classes: Classes

    @property
    def failed(self) -> float:
        """No class."""
        return self.classes.failed

    @property
    def of_classes(self) -> bool:
        """They are of classes."""
        return True

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples and of outputs, (n, K)."""
        return self.classes.shape

    @property
    def tally(self) -> np.dtype[Any]:
        """Wrong answers are counted."""
        return self.classes.tally

    def of(self, chosen: Any) -> Array:
        """Return the targets of chosen samples, shape (B, K) [V]."""
        return self.y[chosen]

    def some(self, chosen: Any) -> Self:
        """Return the targets of chosen samples as a set."""
        return self._replace(y=self.y[chosen], classes=self.classes.some(chosen))

    def answers(self, outputs: Array) -> Array:
        """Return the class whose target is nearest to each read-out, shape (B,)."""
        return self.classes.answers(outputs)

    def meaning(self, answers: Array) -> Array:
        """Return the targets of classes (B,), shape (B, K) [V]."""
        return self.classes.meaning(answers)

    def mistakes(self, answers: Array, chosen: Any) -> Array:
        """Return whether each chosen sample's class is another than its target's, shape (B,)."""
        return self.classes.mistakes(answers, chosen)

    def scores(self, mistakes: float, samples: int) -> dict[str, float]:
        """Return the share of wrong answers, `error`."""
        return self.classes.scores(mistakes, samples)

    def cast(self, dtype: np.dtype[Any]) -> Self:
        """Return the set with voltages of another precision."""
        return self._replace(y=self.y.astype(dtype), classes=self.classes.cast(dtype))

    def wrong(self) -> Self:
        """Return targets that are another output's."""
        return self._replace(y=np.roll(self.y, 1, axis=1))


def taught(labelled: Targets, answers: Floats) -> Targets:
    """Return the targets of labelled samples and, after them, of a pool on which peers gave these answers, (m, K) [V]."""
    match labelled:
        case Classes(labels=labels, table=table):
            y = np.concatenate([table[labels], answers])
            return Taught(y, Classes(np.concatenate([labels, labelled.answers(answers)]), table))
        case Voltages(y=known):
            return labelled._replace(y=np.concatenate([known, answers]))
    msg = f"no pool can follow targets of the kind {type(labelled).__name__}"
    raise TypeError(msg)


def sample_weights(settings: CompanySettings, labelled: int, dtype: np.dtype[Any]) -> Floats | None:
    """Return how much each sample's loss counts, those of `labelled` samples and then those of the pool, (n,); None: all alike."""
    if settings.weight == 1.0:
        return None
    counts: Floats = np.full(labelled + settings.common, settings.weight, dtype)
    counts[:labelled] = 1.0
    return counts

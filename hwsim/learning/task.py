"""Task: the voltages that outputs are trained towards, as arrays, and the error of what a circuit answers.

Classification is one kind. Regression, reconstruction and distillation differ only in where their real targets come from.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.units import Volt
from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset
from hwsim.learning.target_scale import explained
from hwsim.typing import Array, Floats


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


class Task(NamedTuple):
    """The targets of a data set's training set, and those of its test set."""

    train: Targets
    test: Targets

    def refuse_misfit(self, data: Dataset, outputs: int) -> None:
        """Refuse data or a circuit that has another number of samples or outputs.

        Raises
        ------
        DataError
            Naming the set and both shapes.

        """
        for part, targets, x in (("training", self.train, data.x_train), ("test", self.test, data.x_test)):
            if targets.shape != (len(x), outputs):
                msg = f"{data.name}: the targets of the {part} set have shape {targets.shape}; {len(x)} samples and {outputs} outputs need "
                msg += f"{(len(x), outputs)}"
                raise DataError(msg)


def table_of_classes(classes: int, outputs: int, low: Volt, high: Volt, copies: int = 1) -> Floats:
    """Return the targets of each class, shape (classes, outputs) [V]: `high` on its own outputs, `low` on others.

    The `copies` of a class's output are next to each other. Two classes on one output have `low` and `high`.

    Raises
    ------
    DataError
        When the outputs do not fit the classes.

    """
    if (outputs, classes) == (1, 2):
        return np.array([[low], [high]])
    if outputs != classes * copies:
        msg = f"{outputs} outputs cannot separate {classes} classes; give the circuit {classes * copies} outputs"
        raise DataError(msg)
    return np.where(np.eye(classes, dtype=bool).repeat(copies, axis=1), high, low)


def classification(data: Dataset, outputs: int, low: Volt, high: Volt, copies: int = 1) -> Task:
    """Return the task of recognising the classes of data with a number of outputs; `table_of_classes` describes the targets.

    Raises
    ------
    DataError
        When the outputs do not fit the classes.

    """
    table = table_of_classes(data.classes, outputs, low, high, copies)
    return Task(Classes(data.labels_train, table), Classes(data.labels_test, table))


def scaled(data: Dataset, *, relative: bool = False) -> Task:
    """Return the task of reaching the real targets of data, by their scale; errors are in the targets' units, or `relative`."""
    if data.scale is None:
        msg = f"{data.name}: its samples have classes, and no real targets"
        raise DataError(msg)
    parts = (Voltages(data.scale.volts(data.targets(part)), data.scale.units, relative) for part in ("train", "test"))
    return Task(*parts)


def regression(train: ArrayLike, test: ArrayLike) -> Task:
    """Return the task of reaching real targets, of the training set (n, K) and of the test set (m, K) [V].

    Raises
    ------
    DataError
        When they are no finite numbers in rows of K.

    """
    return Task(_voltages("training", train), _voltages("test", test))


def reconstruction(data: Dataset, scale: float = 1.0) -> Task:
    """Return the task of repeating the inputs at the outputs; `scale` is the circuit's `input_scale` [V per unit].

    Raises
    ------
    DataError
        When training would move the inputs, and not the targets.

    """
    if data.shift or data.flip:
        key, value, still = ("shift", data.shift, "0") if data.shift else ("flip", "true", "false")
        msg = f"{data.name}: data.{key} = {value} moves inputs away from the targets that they are to be; set data.{key} = {still}"
        raise DataError(msg)
    return regression(scale * data.x_train, scale * data.x_test)


def distillation(data: Dataset, teacher: Callable[[Floats], ArrayLike]) -> Task:
    """Return the task of repeating another network's outputs; `teacher` maps features (n, I) to them, (n, K) [V].

    Raises
    ------
    DataError
        When these are no finite numbers in rows of K.

    """
    return regression(teacher(data.x_train), teacher(data.x_test))


def _voltages(part: str, y: ArrayLike) -> Voltages:
    rows: NDArray[np.float64] = np.asarray(y, np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():  # noqa: PLR2004 - samples and outputs
        msg = f"the targets of the {part} set must be finite voltages, a row for each sample and a column for each output"
        raise DataError(msg)
    return Voltages(rows)

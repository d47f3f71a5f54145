"""Task: the targets of a data set, for what is learned of it.

Classification is one kind. Regression, reconstruction and distillation differ only in where their real targets come from.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.units import Volt
from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset
from hwsim.learning.targets import Classes, Targets, Voltages
from hwsim.typing import Floats


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

"""A data set as a circuit learns it: features and classes of a training set and a test set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A training part and a test part.

    Parameters
    ----------
    x_train, x_test
        Features, shapes (n, I) and (m, I) [the circuit's `input_scale` makes volts of them].
    labels_train, labels_test
        Numbers of the classes, shapes (n,) and (m,), from 0.
    class_names
        What the classes are called, in order of their numbers.
    shift
        Pixels by which images of the training part are moved at most, drawn again in every epoch.
    notes
        What a user should know about the features, a line each.
    sha256
        Fingerprint of the samples that were read, before they were split and scaled; empty where none were.

    """

    name: str
    x_train: Features
    labels_train: Labels
    x_test: Features
    labels_test: Labels
    class_names: tuple[str, ...]
    shift: int = 0
    notes: tuple[str, ...] = ()
    sha256: str = ""

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def features(self) -> int:
        """Number of features of a sample."""
        return int(self.x_train.shape[1])

"""A data set as a circuit learns it: features, and classes or real targets, of a training set and a test set."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuits.maps import Maps
from hwsim.learning.feature_scale import FeatureScale
from hwsim.learning.target_scale import TargetScale

Features = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A training set and a test set.

    Parameters
    ----------
    x_train, x_test
        Features, shapes (n, I) and (m, I) [the circuit's `input_scale` makes volts of them].
    labels_train, labels_test
        Numbers of the classes, shapes (n,) and (m,), from 0.
    class_names
        What the classes are called, in order of their numbers.
    image
        Height, width and channels of the images that the features are; None: not known.
    shift
        Pixels by which images of the training set are moved at most, drawn again in every epoch.
    flip
        Whether they are mirrored half of the time, drawn again in every epoch.
    input_dropout, denoise
        Share of the training set's features that are left out, and standard deviation of noise on them, drawn again for each update.
    notes
        What a user should know about the features, a line each.
    y_train, y_test, scale
        Real targets, shapes (n, K) and (m, K), in their own units, and the scale that makes volts of them; None where samples have classes.
        Then all labels are 0, and there is one class, without a name.
    feature_scale
        What was done to the features that were read; None: nothing is known of it.
    sha256
        Fingerprint of the samples that were read, before they were split and scaled; empty where none were.
    feature_names
        What their file calls the features; none where it names them not.
    rows_train, rows_test
        Of sequences, which are images whose rows are times: how many rows each has, shapes (n,) and (m,); None: all.
    ordered
        Whether samples are one series, a time each, the test set right behind the training set.

    """

    name: str
    x_train: Features
    labels_train: Labels
    x_test: Features
    labels_test: Labels
    class_names: tuple[str, ...]
    image: Maps | None = None
    shift: int = 0
    flip: bool = False
    input_dropout: float = 0.0
    denoise: float = 0.0
    notes: tuple[str, ...] = ()
    y_train: NDArray[np.float64] | None = None
    y_test: NDArray[np.float64] | None = None
    scale: TargetScale | None = None
    feature_scale: FeatureScale | None = None
    sha256: str = ""
    feature_names: tuple[str, ...] = ()
    rows_train: Labels | None = None
    rows_test: Labels | None = None
    ordered: bool = False

    def targets(self, part: str) -> NDArray[np.float64]:
        """Return the real targets of a part, `train` or `test`, shape (n, K), in their own units.

        Raises
        ------
        ValueError
            When samples have classes.

        """
        y: NDArray[np.float64] | None = getattr(self, f"y_{part}")
        if y is None:
            msg = f"{self.name}: its samples have classes, and no real targets"
            raise ValueError(msg)
        return y

    def with_training(self, samples: slice | Labels) -> "Dataset":
        """Return the same with only some samples in the training set, by their numbers there."""
        parts = ("x_train", "labels_train", "y_train", "rows_train")
        return replace(self, **{name: values[samples] for name in parts if (values := getattr(self, name)) is not None})

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def features(self) -> int:
        """Number of features of a sample."""
        return int(self.x_train.shape[1])

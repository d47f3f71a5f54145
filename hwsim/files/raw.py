"""Samples as they were read, checked: finite features of equal length, and a class or real targets for each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.maps import Maps
from circuits.quoting import quote

_SHOWN = 40
"""Characters of a label that a message shows."""

_WHOLE = 2.0**53
"""From here on a float cannot distinguish neighbouring whole numbers."""


_HASHED = 4096
"""Samples that are hashed at once."""

UNCLASSED = ("",)
"""Names of the classes of samples without any: one, which has no name."""


class DataError(ValueError):
    """Data that cannot be read or used; the message names the file, the place in it and the remedy.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.fit(hw.Network(inputs=2, outputs=2), [[0, 1], [1, 0]], [0])
    Traceback (most recent call last):
    hwsim.files.raw.DataError: arrays: 2 samples but 1 labels; each sample needs one

    """


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Features `x` (n, I) of any number type and class numbers `labels` (n,); also a test set, or None.

    `columns` holds what messages call the features, where they come from a file, and `header` what that calls them, if it names all.
    Samples with real targets `y` (n, K) are all of one class, without a name; `target_names` holds what their targets are called.
    `image` holds height, width and channels of images, where the arrays had that shape: (n, height, width) or (n, height, width, channels).
    Sequences of different lengths are images whose rows are times, filled up with 0, and `rows` (n,) counts those of each. `ordered`
    samples are one series, a time each.
    """

    name: str
    x: NDArray[Any]
    labels: NDArray[np.intp]
    x_test: NDArray[Any] | None = None
    labels_test: NDArray[np.intp] | None = None
    class_names: tuple[str, ...]
    columns: tuple[str, ...] = ()
    y: NDArray[np.float64] | None = None
    y_test: NDArray[np.float64] | None = None
    target_names: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    image: Maps | None = None
    rows: NDArray[np.intp] | None = None
    rows_test: NDArray[np.intp] | None = None
    ordered: bool = False

    def chosen(self, which: Any) -> dict[str, Any]:
        """Return the training samples that an index or a mask chooses, field by field."""
        parts = {"x": self.x, "labels": self.labels, "y": self.y, "rows": self.rows}
        return {name: None if part is None else part[which] for name, part in parts.items()}

    def chosen_tests(self, which: Any) -> dict[str, Any]:
        """Return the test samples that an index or a mask chooses, field by field."""
        parts = {"x_test": self.x_test, "labels_test": self.labels_test, "y_test": self.y_test, "rows_test": self.rows_test}
        return {name: None if part is None else part[which] for name, part in parts.items()}

    def feature(self, k: int) -> str:
        """Return what messages call a feature: its column in the file, or its place in the array."""
        return self.columns[k] if self.columns else f"x[:, {k}]"

    def refuse_unlearnable(self) -> None:
        """Refuse samples of one class alone, or with a target that is the same number for all: they can be tested, and not learned.

        Raises
        ------
        DataError
            Naming the class or the target.

        """
        if self.y is not None:
            _refuse_constant(self.name, self.y, self.target_names)
        elif len(self.class_names) == 1 and self.class_names[0]:
            label = quote(self.class_names[0], _SHOWN)
            msg = f"{self.name}: all {len(self.labels)} samples have the label {label}; it takes two classes to learn anything"
            raise DataError(msg)

    @property
    def sha256(self) -> str:
        """Fingerprint of the samples in their order: of numbers, classes and what is for testing, whatever kind of file they are in."""
        digest = hashlib.sha256("\0".join(self.class_names + self.target_names).encode())
        for array in (self.x, self.labels, self.x_test, self.labels_test, self.y, self.y_test):
            for rows in () if array is None else np.array_split(array, -(-len(array) // _HASHED)):  # few at once, as numbers of 64 bits
                digest.update(f"{rows.shape}".encode() + np.ascontiguousarray(rows, dtype="<f8").tobytes())
        return digest.hexdigest()

    @classmethod
    def checked(cls, name: str, x: Any, y: Any, x_test: Any = None, y_test: Any = None) -> Self:
        """Flatten features, number the classes and look for what cannot be used; labels are whole numbers or texts.

        Raises
        ------
        DataError
            Naming the array, the place and the remedy.

        """
        shown = _image(x)
        x, y = features(name, "x", x), _labels(name, "y", y)
        _same_length(name, x, y)
        class_names, labels = np.unique(y, return_inverse=True)
        names = tuple(str(c) for c in class_names.tolist())
        if x_test is None:
            return cls(name=name, x=x, labels=labels.astype(np.intp), class_names=names, image=shown)
        x_test, y_test = features(name, "x_test", x_test), _labels(name, "y_test", y_test)
        _same_length(name, x_test, y_test)
        if x_test.shape[1] != x.shape[1]:
            msg = f"{name}: samples of the training set have {x.shape[1]} features, those of the test set {x_test.shape[1]}"
            raise DataError(msg)
        if strange := sorted(set(y_test.tolist()) - set(y.tolist()), key=str):
            msg = f"{name}: label {quote(strange[0], _SHOWN)} of the test set does not occur in the training set"
            raise DataError(msg)
        numbers = np.searchsorted(class_names, y_test).astype(np.intp)
        labels = labels.astype(np.intp)
        return cls(name=name, x=x, labels=labels, x_test=x_test, labels_test=numbers, class_names=names, image=shown)

    @classmethod
    def with_targets(cls, name: str, x: Any, y: Any, x_test: Any = None, y_test: Any = None, *, names: Sequence[str] = ()) -> Self:
        """Flatten features, and look for what cannot be used; targets are real numbers, (n,) or (n, K).

        Parameters
        ----------
        y, y_test
            The targets; None: there are none, as of samples that are to be reconstructed.
        names
            What the targets are called; without any, `y`, or `y[:, 0]`, `y[:, 1]` and so on.

        Raises
        ------
        DataError
            Naming the array, the place and the remedy.

        """
        shown = _image(x)
        x = features(name, "x", x)
        of_each = {"x": x, "labels": np.zeros(len(x), np.intp), "class_names": UNCLASSED, "image": shown}
        if y is not None:
            y = _targets(name, "y", y, len(x), names)
            of_each |= {"y": y, "target_names": tuple(names) or _numbered(y.shape[1])}
        if x_test is None:
            return cls(name=name, **of_each)
        x_test = features(name, "x_test", x_test)
        if x_test.shape[1] != x.shape[1]:
            msg = f"{name}: samples of the training set have {x.shape[1]} features, those of the test set {x_test.shape[1]}"
            raise DataError(msg)
        of_each |= {"x_test": x_test, "labels_test": np.zeros(len(x_test), np.intp)}
        if y is not None:
            of_each["y_test"] = _targets(name, "y_test", y_test, len(x_test), names)
            if of_each["y_test"].shape[1] != y.shape[1]:
                msg = f"{name}: samples of the training set have {y.shape[1]} targets, those of the test set {of_each['y_test'].shape[1]}"
                raise DataError(msg)
        return cls(name=name, **of_each)


def _image(x: Any) -> Maps | None:
    """Return the images that samples are by their shape; None: it shows none."""
    shape = np.shape(x)[1:]
    return Maps(*(*shape, 1)[:3]) if len(shape) in {2, 3} else None


def _numbered(targets: int) -> tuple[str, ...]:
    return ("y",) if targets == 1 else tuple(f"y[:, {k}]" for k in range(targets))


def _targets(name: str, array: str, given: Any, samples: int, names: Sequence[str]) -> NDArray[np.float64]:
    """Return targets of shape (n, K), finite numbers of 64 bits."""
    y: NDArray[Any] = np.asarray(given)
    if y.dtype.kind not in "buif":
        msg = (
            f"{name}: {array} holds {y.dtype}; the targets of a regression are real numbers, and classes need data.task = 'classification'"
        )
        raise DataError(msg)
    if y.ndim not in {1, 2} or 0 in y.shape:
        msg = f"{name}: {array} has shape {y.shape}; targets must be (samples,) or (samples, targets)"
        raise DataError(msg)
    if len(y) != samples:
        msg = f"{name}: {samples} samples but {len(y)} rows of targets; each sample needs one"
        raise DataError(msg)
    with np.errstate(over="ignore"):
        y = y.reshape(samples, -1).astype(np.float64)
    if not np.isfinite(y).all():
        row, column = np.argwhere(~np.isfinite(y))[0].tolist()
        called = (tuple(names) or _numbered(y.shape[1]))[column]
        msg = f"{name}: target {quote(called, _SHOWN)} of sample {row} is {y[row, column]}; targets must be finite: drop the sample"
        raise DataError(msg)
    return y


def _refuse_constant(name: str, y: NDArray[np.float64], names: Sequence[str]) -> None:
    """Refuse a target that is the same number for all samples."""
    if (same := np.flatnonzero(np.ptp(y, axis=0) == 0)).size:
        k = int(same[0])
        msg = (
            f"{name}: target {quote(names[k], _SHOWN)} is {y[0, k]:g} in all {len(y)} samples, so there is nothing to learn; choose another"
        )
        raise DataError(f"{msg} (data.targets)")


def features(name: str, array: str, given: Any) -> NDArray[Any]:
    """Return features of shape (n, I), finite numbers."""
    x: NDArray[Any] = np.asarray(given)
    if x.dtype.kind not in "buif":
        msg = f"{name}: {array} holds {x.dtype}; features must be real numbers"
        raise DataError(msg)
    if x.ndim < 2 or 0 in x.shape:  # noqa: PLR2004 - samples by features
        msg = f"{name}: {array} has shape {x.shape}; it must be (samples, features), or of images (samples, rows, columns[, channels])"
        raise DataError(msg)
    x = x.reshape(len(x), -1)
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0].tolist()
        msg = f"{name}: {array}[{row}, {column}] is {x[row, column]}; features must be finite: drop the sample or fill the gap in"
        raise DataError(msg)
    return x


def _labels(name: str, array: str, given: Any) -> NDArray[Any]:
    """Return labels of shape (n,), whole numbers or texts."""
    y: NDArray[Any] = np.asarray(given)
    if y.ndim > 1 and y.size == len(y):
        y = y.ravel()
    if y.ndim != 1 or y.dtype.kind not in "buifUS":
        msg = f"{name}: {array} has shape {y.shape} and holds {y.dtype}; it must be one whole number or text a sample"
        raise DataError(msg)
    if y.dtype.kind == "f":
        if (bad := np.flatnonzero(~(np.abs(y) < _WHOLE) | (y != np.round(y)))).size:
            why = "labels are whole numbers or texts; for real targets set data.task=regression"
            msg = f"{name}: {array}[{bad[0]}] = {y[bad[0]]:g} is no class; {why}"
            raise DataError(msg)
        y = y.astype(np.int64)
    return y


def _same_length(name: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    if len(x) != len(y):
        msg = f"{name}: {len(x)} samples but {len(y)} labels; each sample needs one"
        raise DataError(msg)

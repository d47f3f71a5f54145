"""Samples as they were read, checked: finite features of equal length and a class for each."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote

_SHOWN = 40
"""Characters of a label that a message shows."""

_WHOLE = 2.0**53
"""From here on a float cannot distinguish neighbouring whole numbers."""


_HASHED = 4096
"""Samples that are hashed at once."""


class DataError(ValueError):
    """Data that cannot be read or used; the message names the file, the place in it and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Features `x` (n, I) of any number type and class numbers `labels` (n,); also a test part, or None.

    `columns` holds what messages call the features, where a file names them.
    """

    name: str
    x: NDArray[Any]
    labels: NDArray[np.intp]
    x_test: NDArray[Any] | None = None
    labels_test: NDArray[np.intp] | None = None
    class_names: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def feature(self, k: int) -> str:
        """Return what messages call a feature: its column in the file, or its place in the array."""
        return self.columns[k] if self.columns else f"x[:, {k}]"

    @property
    def sha256(self) -> str:
        """Fingerprint of the samples in their order: of numbers, classes and what is for testing, whatever kind of file they are in."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        for array in (self.x, self.labels, self.x_test, self.labels_test):
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
        x, y = _features(name, "x", x), _labels(name, "y", y)
        _same_length(name, x, y)
        class_names, labels = np.unique(y, return_inverse=True)
        if len(class_names) < 2:  # noqa: PLR2004 - one class is nothing to learn
            msg = f"{name}: all {len(y)} samples have the label {quote(class_names[0], _SHOWN)}; it takes two classes to learn anything"
            raise DataError(msg)
        names = tuple(str(c) for c in class_names.tolist())
        if x_test is None:
            return cls(name=name, x=x, labels=labels.astype(np.intp), class_names=names)
        x_test, y_test = _features(name, "x_test", x_test), _labels(name, "y_test", y_test)
        _same_length(name, x_test, y_test)
        if x_test.shape[1] != x.shape[1]:
            msg = f"{name}: samples of the training part have {x.shape[1]} features, those of the test part {x_test.shape[1]}"
            raise DataError(msg)
        if strange := sorted(set(y_test.tolist()) - set(y.tolist()), key=str):
            msg = f"{name}: label {quote(strange[0], _SHOWN)} of the test part does not occur in the training part"
            raise DataError(msg)
        numbers = np.searchsorted(class_names, y_test).astype(np.intp)
        return cls(name=name, x=x, labels=labels.astype(np.intp), x_test=x_test, labels_test=numbers, class_names=names)


def _features(name: str, array: str, given: Any) -> NDArray[Any]:
    """Return features of shape (n, I), finite numbers."""
    x: NDArray[Any] = np.asarray(given)
    if x.dtype.kind not in "buif":
        msg = f"{name}: {array} holds {x.dtype}; features must be real numbers"
        raise DataError(msg)
    if x.ndim < 2 or 0 in x.shape:  # noqa: PLR2004 - samples by features
        msg = f"{name}: {array} has shape {x.shape}; it must be (samples, features), or (samples, rows, columns) for images"
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
            msg = f"{name}: {array}[{bad[0]}] = {y[bad[0]]:g} is no class; labels are whole numbers or texts"
            raise DataError(msg)
        y = y.astype(np.int64)
    return y


def _same_length(name: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    if len(x) != len(y):
        msg = f"{name}: {len(x)} samples but {len(y)} labels; each sample needs one"
        raise DataError(msg)

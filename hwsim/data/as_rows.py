"""Data as a circuit in time takes them: of sequences all rows, one after the other."""

from dataclasses import replace
from typing import Any

import numpy as np

from hwsim.learning.dataset import Dataset, Features, Labels


def as_rows(data: Dataset) -> Dataset:
    """Return sequences as their rows, each of the class of its sequence; a series as it is."""
    if data.image is None or data.rows_train is None or data.rows_test is None:
        return data
    (x_train, labels_train), (x_test, labels_test) = (
        _rows(data, *part) for part in ((data.x_train, data.rows_train, data.labels_train), (data.x_test, data.rows_test, data.labels_test))
    )
    parts: dict[str, Any] = {"x_train": x_train, "x_test": x_test, "labels_train": labels_train, "labels_test": labels_test}
    return replace(data, **parts, image=None, rows_train=None, rows_test=None)


def _rows(data: Dataset, x: Features, rows: Labels, labels: Labels) -> tuple[Features, Labels]:
    assert data.image is not None  # noqa: S101 - as sequences have
    there = np.arange(data.image.height) < rows[:, None]
    return x.reshape(len(x), data.image.height, -1)[there], np.repeat(labels, rows)

"""Data as a read-out learns them: the states that a reservoir makes of a series, or of sequences, in the place of their features."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwsim.files.raw import DataError
from hwsim.learning.dataset import Dataset, Labels
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.side_by_side import states_of
from hwsim.typing import Floats

AT_ONCE = 500
"""Sequences that are driven at once; of more, only the rows for the read-out are kept."""


def channels(data: Dataset) -> int:
    """Return how many numbers drive a reservoir at a time."""
    return data.features if data.image is None or data.ordered else data.image.width * data.image.channels


def read_states(reservoirs: Sequence[Reservoir], data: Dataset) -> list[Dataset]:
    """Return data whose features are states [V], of each chip: of a series those of each row, of sequences those of some rows.

    The reservoirs differ in their chips alone. A series is run in one go, so that its test set begins in the states that the training set
    ended in.

    Raises
    ------
    DataError
        When a washout leaves nothing to learn from, or a sequence has fewer rows than are read.
    CircuitError, ConvergenceError
        As `Reservoir.run`.

    """
    if data.ordered:
        return _of_series(reservoirs, data)
    assert data.rows_train is not None and data.rows_test is not None  # noqa: S101, PT018 - as sequences have
    x_train = _of_sequences(reservoirs, data, data.x_train, data.rows_train, "train")
    x_test = _of_sequences(reservoirs, data, data.x_test, data.rows_test, "test")
    each = zip(x_train, x_test, strict=True)
    return [replace(data, x_train=train, x_test=test, image=None, rows_train=None, rows_test=None) for train, test in each]


def inputs_alone(data: Dataset, washout: int, reads: int) -> Dataset:
    """Return data as a read-out gets them without a reservoir: the inputs of the same rows, as they are."""
    if data.ordered:
        return _behind(data, data.x_train, data.x_test, washout)
    assert data.rows_train is not None and data.rows_test is not None  # noqa: S101, PT018 - as sequences have
    of = [rows_of(sequences_of(data, x), rows, reads) for x, rows in ((data.x_train, data.rows_train), (data.x_test, data.rows_test))]
    return replace(data, x_train=of[0], x_test=of[1], image=None, rows_train=None, rows_test=None)


def _of_series(reservoirs: Sequence[Reservoir], data: Dataset) -> list[Dataset]:
    learned, x = len(data.x_train), np.concatenate([data.x_train, data.x_test])[None]
    return [
        _behind(data, one.as_read(run[0, :learned], "train"), one.as_read(run[0, learned:], "test"), one.settings.washout)
        for one, run in zip(reservoirs, states_of(reservoirs, x), strict=True)
    ]


def _behind(data: Dataset, x_train: Floats, x_test: Floats, washout: int) -> Dataset:
    """Return data with other features, without the rows of the washout."""
    if washout >= len(x_train) - 1:
        msg = f"{data.name}: reservoir.washout = {washout} leaves nothing of the {len(x_train)} rows to learn from; make it shorter"
        raise DataError(msg)
    y_train = None if data.y_train is None else data.y_train[washout:]
    return replace(data, x_train=x_train[washout:], x_test=x_test, labels_train=data.labels_train[washout:], y_train=y_train, image=None)


def _of_sequences(reservoirs: Sequence[Reservoir], data: Dataset, x: Floats, rows: Labels, part: str) -> list[Floats]:
    sequences, reads = sequences_of(data, x), reservoirs[0].settings.reads
    parts = []
    for first in range(0, len(x), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        parts.append([rows_of(states, rows[some], reads, data.name) for states in states_of(reservoirs, sequences[some])])
    return [one.as_read(np.concatenate(of_chip), part) for one, of_chip in zip(reservoirs, zip(*parts, strict=True), strict=True)]


def sequences_of(data: Dataset, x: Floats) -> Floats:
    """Return features (n, T·I) as sequences (n, T, I)."""
    assert data.image is not None  # noqa: S101 - as sequences have
    return x.reshape(len(x), data.image.height, -1)


def rows_of(values: Floats, rows: Labels, reads: int, name: str = "") -> Floats:
    """Return of sequences (n, T, N) of so many rows each the values at some of these, evenly, up to the last, shape (n, reads·N)."""
    if rows.min() < reads:
        k = int(rows.argmin())
        msg = f"{name}: sequence {k} has {rows[k]} rows, and reservoir.reads = {reads} of them are to be read; read fewer"
        raise DataError(msg)
    at = rows[:, None] * np.arange(1, reads + 1) // reads - 1
    read: Floats = values[np.arange(len(values))[:, None], at]
    return read.reshape(len(values), -1)

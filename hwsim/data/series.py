"""Series and sequences that have a name: computed ones, the laser of Santa Fe, Japanese vowels; and a user's `.ts` files."""

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from circuits.maps import Maps
from circuits.quoting import quote_path
from hwsim.data import chaos
from hwsim.data.image_sets import DATA_VARIABLE
from hwsim.data.narma import narma
from hwsim.data.ts_files import TimeSeries, read_ts
from hwsim.files.raw import DataError, Samples
from hwsim.random.streams import stream
from hwsim.settings.data_names import MEMORY_TARGETS
from hwsim.settings.sections import DataSettings
from hwsim.typing import Floats

_LENGTH = 3200
"""Rows of a series that is computed, where none are asked for: for a washout of 200, 2,000 to learn from and 1,000 to test on."""

_SINES, _SINE_ROWS, _PERIODS, _SINE_NOISE = 300, 40, (8.0, 10.0, 12.0), 0.3
"""The sine waves of `sines`: how many, their rows, the period of each class in rows, and the noise on them."""

_LASER, _LASER_SOURCE = ("santafe_laser", "laser"), "it is santafe_laser.npy in the Python package reservoirpy"
_VOWELS_SOURCE = "they are in the UEA archive, timeseriesclassification.com, and in the Python package aeon"


def _narma(order: int) -> Callable[[DataSettings], Samples]:
    def read(settings: DataSettings) -> Samples:
        length = settings.length or _LENGTH
        if length <= order:
            msg = f"{settings.name}: data.length = {length} is too short: targets reach {order} rows back; make it longer"
            raise DataError(msg)
        x, y = narma(length + 1, order=order, seed=settings.seed)
        return _series(settings.name, x[:-1, None], y[1:, None], ("y",))

    return read


def _foretold(values: Callable[[int, int], Floats], horizon: int, names: tuple[str, ...]) -> Callable[[DataSettings], Samples]:
    def read(settings: DataSettings) -> Samples:
        length, ahead = settings.length or _LENGTH, settings.horizon or horizon
        x = values(length + ahead, settings.seed)
        return _series(settings.name, x[:length], x[ahead:], names)

    return read


def _memory(settings: DataSettings) -> Samples:
    """Compute inputs between -1 and 1, and as targets those of so many rows before (Jaeger 2001, GMD report 152)."""
    length, most = settings.length or _LENGTH, settings.horizon or MEMORY_TARGETS
    x = stream(settings.seed, "data/memory").uniform(-1.0, 1.0, length + most)
    y = np.stack([x[most - k : most - k + length] for k in range(1, most + 1)], axis=1)
    return _series(settings.name, x[most:, None], y, tuple(f"back{k}" for k in range(1, most + 1)))


def _laser(settings: DataSettings) -> Samples:
    path = _find("laser", [f"{stem}{ending}" for stem in _LASER for ending in (".npy", ".csv", ".txt", ".dat")], _LASER_SOURCE)
    name = quote_path(path)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of an empty file, which is refused below
            values = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path)
        values = values.astype(np.float64, casting="same_kind").ravel()
    except (TypeError, ValueError, OSError, EOFError):
        msg = f"{name}: is no list of numbers; it holds the laser's intensities, one a line, or is a .npy array of them"
        raise DataError(msg) from None
    if not np.isfinite(values).all():
        msg = f"{name}: value {int(np.argmin(np.isfinite(values)))} is not finite; the laser's intensities are"
        raise DataError(msg)
    ahead = settings.horizon or 1
    most = len(values) - ahead
    if most < 2:  # noqa: PLR2004 - one to learn from and one to test on
        msg = f"{name}: its {len(values)} values are too few to foretell {ahead} rows ahead; choose a shorter data.horizon"
        raise DataError(msg)
    length = settings.length or most
    if length > most:
        msg = f"{name}: its {len(values)} values make {most} rows that foretell {ahead} ahead, fewer than data.length = {length}"
        raise DataError(msg)
    return _series("laser", values[:length, None], values[ahead : ahead + length, None], ("intensity",))


def _sines(settings: DataSettings) -> Samples:
    """Compute sine waves of any phase in noise; the period is the class."""
    drawn = stream(settings.seed, "data/sines")
    labels = np.arange(_SINES) % len(_PERIODS)
    phase = drawn.uniform(0, 1, (_SINES, 1)) + np.arange(_SINE_ROWS) / np.array(_PERIODS)[labels][:, None]
    x = np.sin(2 * np.pi * phase) + _SINE_NOISE * drawn.standard_normal(phase.shape)
    sequences = TimeSeries([one[:, None] for one in x], [f"{_PERIODS[label]:g}" for label in labels.tolist()])
    return of_classes("sines", sequences)


def _vowels(settings: DataSettings) -> Samples:  # noqa: ARG001 - as the others
    return read_pair(_find("vowels", ["JapaneseVowels_TRAIN.ts"], _VOWELS_SOURCE), "vowels")


NAMED: dict[str, Callable[[DataSettings], Samples]] = {
    "narma10": _narma(10),
    "narma30": _narma(30),
    "mackey-glass": _foretold(chaos.mackey_glass, 84, ("x",)),
    "lorenz": _foretold(chaos.lorenz, 1, ("x", "y", "z")),
    "henon": _foretold(chaos.henon, 1, ("x",)),
    "laser": _laser,
    "memory": _memory,
    "sines": _sines,
    "vowels": _vowels,
}
"""What reads or computes each."""


def read_pair(path: Path, name: str) -> Samples:
    """Read a `.ts` file; with NAME_TRAIN.ts, the test set is NAME_TEST.ts next to it.

    Raises
    ------
    DataError
        As `read_ts`, and when the two do not fit together.
    OSError
        When a file cannot be read.

    """
    other = path.with_name(path.name.replace("_TRAIN", "_TEST"))
    train = read_ts(path, quote_path(path))
    return of_classes(name, train, read_ts(other, quote_path(other)) if other != path and other.exists() else None)


def of_classes(name: str, train: TimeSeries, test: TimeSeries | None = None) -> Samples:
    """Return sequences as samples: filled up with 0 to one length, row by row.

    Raises
    ------
    DataError
        When sequences have other channels, or a class of the test set is none of the training set.

    """
    parts = [part for part in (train, test) if part is not None]
    channels = {sequence.shape[1] for part in parts for sequence in part.sequences}
    if len(channels) > 1:
        msg = f"{name}: its sequences have {' and '.join(map(str, sorted(channels)))} channels; they must have the same"
        raise DataError(msg)
    times = max(len(sequence) for part in parts for sequence in part.sequences)
    shape = (times, channels.pop())
    filled = [np.stack([np.pad(one, ((0, times - len(one)), (0, 0))) for one in part.sequences]) for part in parts]
    counts = [np.array([len(one) for one in part.sequences], dtype=np.intp) for part in parts]
    arrays = [array for x, part in zip(filled, parts, strict=True) for array in (x.reshape(len(x), -1), np.array(part.classes))]
    rows_test = counts[1] if test is not None else None
    return replace(Samples.checked(name, *arrays), image=Maps(*shape, 1), rows=counts[0], rows_test=rows_test)


def _series(name: str, x: Floats, y: Floats, names: tuple[str, ...]) -> Samples:
    return replace(Samples.with_targets(name, x, y, names=names), ordered=True)


def _find(data: str, names: list[str], source: str) -> Path:
    """Find a file of a data set that hwsim does not bring along."""
    folder = os.environ.get(DATA_VARIABLE)
    paths = [Path(folder).expanduser() / name for name in names] if folder else []
    for path in paths:
        if path.is_file():
            return path
    place = f"{quote_path(folder)} has no {names[0]}" if folder else f"{DATA_VARIABLE} is not set"
    msg = f"{data}: {place}; put {names[0]} into a folder and let {DATA_VARIABLE} name it ({source})"
    raise DataError(msg)

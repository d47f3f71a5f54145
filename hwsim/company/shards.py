"""Shards: which samples of the training set each chip of a company has, and which all of them hold without labels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.files.raw import DataError
from hwsim.random.streams import stream
from hwsim.settings.company_settings import CompanySettings

Chosen = NDArray[np.intp]


class Division(NamedTuple):
    """Numbers of samples: those of each chip, all equally many unless sizes are given, and those of the common pool, which no chip has."""

    shards: tuple[Chosen, ...]
    common: Chosen


def divided(labels: NDArray[np.intp], settings: CompanySettings, seed: int) -> Division:
    """Divide a training set by its labels (n,); samples that are left over when all chips have equally many belong to none.

    Of local data, whoever divides has one shard alone: all of the file behind the common samples, whichever chip asks.

    Raises
    ------
    DataError
        When there are too few samples.

    """
    if settings.local:
        every = np.arange(len(labels))
        if len(every) <= settings.common:
            msg = f"{len(labels)} samples, the first {settings.common} of them common, leave none to learn; add some to this file"
            raise DataError(msg)
        return Division((every[settings.common :],) * settings.chips, every[: settings.common])
    draw = stream(seed, "company/shards")
    order = draw.permutation(len(labels))
    common, rest = order[: settings.common], order[settings.common :]
    sizes = [len(rest)] if settings.shards == "same" else sizes_of(len(rest), settings)
    if min(sizes) < 1:
        msg = f"{len(labels)} samples, {settings.common} of them common, are too few for {settings.chips} chips{_of_given(settings)}"
        raise DataError(f"{msg}; lower {_sizes_or(settings)}company.common or company.chips")
    if settings.shards == "same":
        return Division((rest,) * settings.chips, common)
    if settings.shards == "by-class":
        rest = rest[np.argsort(labels[rest], kind="stable")]
    elif settings.shards == "dirichlet":
        return Division(_skewed(labels, rest, settings, sizes, draw), common)
    ends = np.cumsum(sizes)
    return Division(tuple(rest[end - size : end] for end, size in zip(ends, sizes, strict=True)), common)


def series_parts(rows: int, washout: int, settings: CompanySettings) -> tuple[slice, ...]:
    """Divide a series of so many rows in time: each chip's part begins with a washout, behind which are the samples that it learns from.

    Raises
    ------
    DataError
        When there are too few rows.

    """
    sizes = [rows - washout] if settings.shards == "same" else sizes_of(rows - settings.chips * washout, settings)
    if min(sizes) < 2:  # noqa: PLR2004 - what a read-out needs at least
        msg = f"{rows} rows are too few for {settings.chips} chips{_of_given(settings)}, each with a washout of {washout} rows"
        raise DataError(f"{msg}; lower {_sizes_or(settings)}company.chips or reservoir.washout, or raise data.length")
    if settings.shards == "same":
        return (slice(0, rows),) * settings.chips
    ends = np.cumsum([washout + size for size in sizes]).tolist()
    return tuple(slice(end - washout - size, end) for end, size in zip(ends, sizes, strict=True))


def sizes_of(samples: int, settings: CompanySettings) -> list[int]:
    """Return how many samples each chip has: as given, and equally many of the rest; the last are below 1 where there are too few."""
    given, others = list(settings.sizes), settings.chips - len(settings.sizes)
    rest = samples - sum(given)
    return [*given, *[rest // others] * others] if others else [*given[:-1], given[-1] if rest >= 0 else 0]


def _of_given(settings: CompanySettings) -> str:
    return f" with company.sizes = {list(settings.sizes)}" if settings.sizes else ""


def _sizes_or(settings: CompanySettings) -> str:
    return "company.sizes, " if settings.sizes else ""


def _skewed(
    labels: NDArray[np.intp], rest: Chosen, settings: CompanySettings, sizes: Sequence[int], draw: np.random.Generator
) -> tuple[Chosen, ...]:
    """Draw each chip's samples by proportions of classes of its own, as far as there are samples of them left."""
    left = [list(rest[labels[rest] == label]) for label in range(int(labels.max()) + 1)]
    shards = []
    for each in sizes:
        shares = draw.dirichlet([settings.skew] * len(left))
        chosen = list[int]()
        while len(chosen) < each:
            open_shares = np.where([bool(samples) for samples in left], np.maximum(shares, 1e-12), 0.0)
            counts = draw.multinomial(each - len(chosen), open_shares / open_shares.sum())
            for samples, count in zip(left, counts, strict=True):
                chosen += samples[:count]
                del samples[:count]
        shards.append(np.array(chosen))
    return tuple(shards)

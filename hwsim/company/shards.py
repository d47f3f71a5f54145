"""Shards: which samples of the training set each chip of a company has, and which all of them hold without labels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.files.raw import DataError
from hwsim.random.streams import stream
from hwsim.settings.company_settings import CompanySettings

Chosen = NDArray[np.intp]


class Division(NamedTuple):
    """Numbers of samples: those of each chip, all equally many, and those of the common pool, which no chip has."""

    shards: tuple[Chosen, ...]
    common: Chosen


def divided(labels: NDArray[np.intp], settings: CompanySettings, seed: int) -> Division:
    """Divide a training set by its labels (n,); samples that are left over when all chips have equally many belong to none.

    Raises
    ------
    DataError
        When there are too few samples.

    """
    draw = stream(seed, "company/shards")
    order = draw.permutation(len(labels))
    common, rest = order[: settings.common], order[settings.common :]
    each = len(rest) if settings.shards == "same" else len(rest) // settings.chips
    if each < 1:
        msg = f"{len(labels)} samples, {settings.common} of them common, are too few for {settings.chips} chips; lower company.common"
        raise DataError(f"{msg} or company.chips")
    if settings.shards == "same":
        return Division((rest,) * settings.chips, common)
    if settings.shards == "by-class":
        rest = rest[np.argsort(labels[rest], kind="stable")]
    elif settings.shards == "dirichlet":
        return Division(_skewed(labels, rest, settings, each, draw), common)
    return Division(tuple(rest[k * each : (k + 1) * each] for k in range(settings.chips)), common)


def _skewed(labels: NDArray[np.intp], rest: Chosen, settings: CompanySettings, each: int, draw: np.random.Generator) -> tuple[Chosen, ...]:
    """Draw each chip's samples by proportions of classes of its own, as far as there are samples of them left."""
    left = [list(rest[labels[rest] == label]) for label in range(int(labels.max()) + 1)]
    shards = []
    for _ in range(settings.chips):
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

"""Normalisation by a batch: over the samples that settled, and their pixels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hwsim.settings import digital_layers as kinds
from hwsim.typing import Array, Floats


class BatchStatistics(NamedTuple):
    """What normalisation by a batch depends on.

    Parameters
    ----------
    training
        Whether means are the batch's own; otherwise the running ones.
    good
        The samples that its means count, (B,); None: all.

    """

    training: bool
    good: Array | None = None


@dataclass(frozen=True)
class BatchNorm:
    """Zero mean and unit variance over the batch, and over the positions of a map.

    Equinox's own keeps its averages in an object that a model hands through; here they are named arrays, as all else in a checkpoint.

    Source: Ioffe & Szegedy 2015, arXiv 1502.03167.
    """

    channels: int
    settings: kinds.BatchNormLayer
    running: frozenset[str] = frozenset({"mean", "variance"})

    def begin(self, key: Array) -> dict[str, Floats]:  # noqa: ARG002 - nothing to draw
        """Return a weight of 1, a bias of 0, and the averages of what has both."""
        ones, zeros = np.ones(self.channels), np.zeros(self.channels)
        learned = {"weight": ones, "bias": zeros} if self.settings.weight else {}
        return {**learned, "mean": zeros, "variance": ones}

    def __call__(self, p: Mapping[str, Array], x: Array, batch: BatchStatistics) -> tuple[Array, dict[str, Array]]:
        """Return what becomes of a batch, and the averages after it; the running variance is the unbiased one."""
        mean, variance, after = p["mean"], p["variance"], {}
        if batch.training:
            mean, variance, count = _moments(x, batch.good)
            kept, seen = self.settings.momentum, {"mean": mean, "variance": variance * (count / jnp.maximum(count - 1, 1)).astype(x.dtype)}
            after = {
                name: jax.lax.stop_gradient(jnp.where(count > 0, kept * p[name] + (1 - kept) * value, p[name]))
                for name, value in seen.items()
            }
        y = (x - mean) * jax.lax.rsqrt(variance + self.settings.eps)
        if self.settings.weight:
            y = y * p["weight"] + p["bias"]
        return y, after


def _moments(x: Array, good: Array | None) -> tuple[Array, Array, Array]:
    """Return mean and variance of each channel over the good samples and their pixels, and how many numbers these are."""
    over = tuple(range(x.ndim - 1))
    pixels = math.prod(x.shape[1:-1])
    if good is None:
        return x.mean(over), x.var(over), jnp.asarray(len(x) * pixels)
    counted = jnp.asarray(good).reshape(-1, *(1,) * (x.ndim - 1))
    count = jnp.sum(counted) * pixels
    some = jnp.maximum(count, 1).astype(x.dtype)
    mean = jnp.where(counted, x, 0).sum(over) / some
    return mean, (jnp.where(counted, x - mean, 0) ** 2).sum(over) / some, count

"""Corruption: training samples with features that are left out or noisy, drawn again for each, while their targets stay as they are.

Sources: input dropout, Srivastava et al. 2014, J. Mach. Learn. Res. 15, 1929; denoising autoencoders, Vincent et al. 2008, ICML.
"""

from typing import Any, NamedTuple, Self

import numpy as np

from hwsim.learning.dataset import Dataset
from hwsim.random.counter import LARGEST_NORMAL, Draws
from hwsim.random.streams import stream
from hwsim.typing import Array


class Corruption(NamedTuple):
    """What an epoch's updates do to their features.

    Parameters
    ----------
    dropout
        Share of the features that are 0; the others are 1/(1 − share) times as large, so that their mean stays.
    noise
        Standard deviation of the normal noise that is then added [units of a feature].
    seeds
        Of each update's random numbers, (steps,).

    """

    dropout: Array
    noise: Array
    seeds: Array

    @classmethod
    def draw(cls, data: Dataset, seed: int, epoch: int, steps: int) -> Self | None:
        """Draw an epoch's seeds; None where no feature is corrupted. They are the same on every chip."""
        if not (data.input_dropout or data.denoise):
            return None
        seeds = stream(seed, f"corruption/{epoch}").integers(2**32, size=steps, dtype=np.uint32)
        return cls(np.float64(data.input_dropout), np.float64(data.denoise), seeds)

    @property
    def none(self) -> Self:
        """The same without any."""
        return self._replace(dropout=0.0 * self.dropout, noise=0.0 * self.noise)

    def of(self, x: Array, k: Any) -> Array:
        """Return the features (B, I) that update number `k` shows instead of x."""
        xp, draws = x.__array_namespace__(), Draws(self.seeds[k], x)
        dropout, noise = (xp.asarray(amount, x.dtype) for amount in (self.dropout, self.noise))
        kept = draws.uniform("dropout") >= dropout
        return xp.where(kept, x / (1 - dropout), xp.zeros((), x.dtype)) + noise * draws.normal("denoise")


def largest(data: Dataset, feature: float) -> float:
    """Return the largest magnitude that corrupted features may have, where that of the clean ones is `feature`."""
    return feature / (1 - data.input_dropout) + LARGEST_NORMAL * data.denoise

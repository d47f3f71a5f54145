"""What an error becomes on its way from one layer of a chain to the layer before: exact, or by fixed random matrices."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np

from hwsim.random.streams import stream
from hwsim.typing import Array, Floats


class Feedback(Protocol):
    """Where a layer's error comes from. Pure and hashable."""

    @property
    def exact(self) -> bool:
        """Whether it is the gradient's."""
        ...

    def error(self, layer: int, exact: Array, behind: Array, end: Array) -> Array:
        """Return dC/dŷ of a layer (B, K), or what is in its place.

        Parameters
        ----------
        layer
            Its number from 0 on.
        exact
            What the layer behind it passes back, (B, K).
        behind, end
            dC/dŷ of the layer behind it, (B, L), and of the last one.

        """
        ...


@dataclass(frozen=True, slots=True)
class ExactFeedback:
    """What the layer behind passes back: back-propagation, and in circuits the change of the currents at their inputs."""

    exact: ClassVar[bool] = True

    def error(self, layer: int, exact: Array, behind: Array, end: Array) -> Array:  # noqa: ARG002 - as others
        """Return what is passed back."""
        return exact


EXACT = ExactFeedback()


@dataclass(frozen=True, slots=True)
class AlignedFeedback:
    """The error of the layer behind, through a fixed random matrix.

    Source: Lillicrap et al. 2016, "Random synaptic feedback weights support error backpropagation for deep learning".
    """

    seed: int
    exact: ClassVar[bool] = False

    def error(self, layer: int, exact: Array, behind: Array, end: Array) -> Array:  # noqa: ARG002 - as others
        """Return the error behind, mixed."""
        return _mixed(behind, self.seed, layer, exact)


@dataclass(frozen=True, slots=True)
class DirectFeedback:
    """The error at the chain's end, through a fixed random matrix.

    Source: Nøkland 2016, "Direct feedback alignment provides learning in deep neural networks".
    """

    seed: int
    exact: ClassVar[bool] = False

    def error(self, layer: int, exact: Array, behind: Array, end: Array) -> Array:  # noqa: ARG002 - as others
        """Return the error at the end, mixed."""
        return _mixed(end, self.seed, layer, exact)


def _mixed(error: Array, seed: int, layer: int, like: Array) -> Array:
    return error @ _matrix(seed, layer, error.shape[1], like.shape[1]).astype(error.dtype)


@lru_cache(maxsize=32)
def _matrix(seed: int, layer: int, rows: int, columns: int) -> Floats:
    """Draw a layer's matrix, (rows, columns); its columns have a length of about 1."""
    return np.asarray(stream(seed, f"feedback/{layer}").normal(size=(rows, columns)) / np.sqrt(rows))

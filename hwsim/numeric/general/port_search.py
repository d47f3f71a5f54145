"""What a search at the ports of a batch came to; phases of one batch follow one another, to be laid out and verified as one."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.core.protocol import Push
from hwsim.typing import Floats


class PortSearch(NamedTuple):
    """Port voltages, sample by sample.

    Parameters
    ----------
    push
        What pushed the outputs, each part (B, K).
    p, i
        Port voltages [V] and currents [A], (B, P).
    unstable
        Whether the outputs diverge under a negative nudge, (B,).
    steps
        Steps of Newton's method, (B,).

    """

    push: Push
    p: Floats
    i: Floats
    unstable: NDArray[np.bool_]
    steps: NDArray[np.intp]

    def followed_by(self, other: Self) -> Self:
        """Return the samples of both."""
        push = Push(*(np.concatenate(parts) for parts in zip(self.push, other.push, strict=True)))
        return type(self)(push, *(np.concatenate(parts) for parts in zip(self[1:], other[1:], strict=True)))


def joined(pushes: Sequence[Push], shape: tuple[int, ...]) -> Push:
    """Return pushes of one batch, whose outputs are of shape (B, K), as one of all of them, one behind the other."""
    whole = ([np.broadcast_to(np.asarray(part, np.float64), shape) for part in parts] for parts in zip(*pushes, strict=True))
    return Push(*(np.concatenate(parts) for parts in whole))

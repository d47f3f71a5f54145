"""Groups of arrays that learn differently: an optimizer for each, together as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.devices.programming.grouped_programming import of_arrays
from hwsim.learning.optimizers import Moments, Optimizer, Steps
from hwsim.typing import Array, Conductances


@dataclass(frozen=True)
class GroupedOptimizer:
    """An optimizer for each group of arrays; they count their steps together.

    Parameters
    ----------
    groups
        The names of a group's arrays, and their optimizer.

    """

    groups: tuple[tuple[tuple[str, ...], Optimizer], ...]

    def begin(self, g: Conductances) -> Moments:
        """Return the memory before the first step."""
        return _together([one.begin(of_arrays(names, g)) for names, one in self.groups])

    def step(
        self, gradient: Mapping[str, Array], moments: Moments, rates: Mapping[str, Array], g: Mapping[str, Array]
    ) -> tuple[Steps, Moments]:
        """Return the change of every array at these rates, and the new memory."""
        steps: Steps = {}
        after = []
        for names, one in self.groups:
            mine = Moments(of_arrays(names, moments.mean), of_arrays(names, moments.square), moments.count)
            done, memory = one.step(of_arrays(names, gradient), mine, rates, of_arrays(names, g))
            steps |= done
            after.append(memory)
        return steps, _together(after)


def _together(each: Sequence[Moments]) -> Moments:
    mean, square = ({name: values for one in each for name, values in getattr(one, kind).items()} for kind in ("mean", "square"))
    return Moments(mean, square, each[0].count if each else np.zeros((), np.int32))

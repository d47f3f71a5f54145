"""Memory: what a company keeps from epoch to epoch besides the states of its chips, so that any epoch's end can be resumed from."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.learning.state import Arrays
from hwsim.typing import Floats


class CompanyMemory(NamedTuple):
    """What a company keeps.

    Parameters
    ----------
    answers
        What chips, or their teachers in the mean, answered on the common samples at the last exchanges, the latest first:
        (exchanges, chips or 1, n, K) [V]. Exchanges that were not yet are 0 V.
    begun
        The epoch after which each chip began, (chips,): 0, but for those that were eliminated.

    """

    answers: Floats
    begun: NDArray[Any]

    @classmethod
    def empty(cls, chips: int, answers: tuple[int, int, int, int]) -> Self:
        """Return that of chips none of which has answered yet; `answers` is their shape."""
        return cls(np.zeros(answers), np.zeros(chips, int))

    def after(self, answers: Floats) -> Self:
        """Return the memory after another exchange, of answers (chips or 1, n, K) [V]; the oldest one is lost."""
        return self._replace(answers=np.concatenate([answers[None], self.answers])[: len(self.answers)])

    def arrays(self) -> Arrays:
        """Lay it out as named arrays."""
        return self._asdict()

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Read it back."""
        return cls(*(arrays[name] for name in cls._fields))

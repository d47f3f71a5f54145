"""The currents of a nudge into the output columns, and what columns that carry nothing else settle at: no two outputs share a column."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from circuits.units import Siemens
from hwsim.core.protocol import Push
from hwsim.numeric.layered.layers import OutputColumns
from hwsim.typing import Array


class OutputNudge(NamedTuple):
    """What the nudges push into each output: `fixed` − beta·ŷ [A].

    `beta` is a number, or one a sample, (B, 1), an output, (K,), or both, (B, K) [S]; `fixed` is (B, K). Where beta is the float 0.0
    nothing follows the voltages, and `fixed` is what is pushed into the columns, (B, n) or 0.0.
    """

    beta: Siemens | Array
    fixed: Array | float
    signs: NDArray[np.float64]

    @classmethod
    def of(cls, push: Push, outputs: OutputColumns, gain: Array | None = None) -> Self:
        """Return what a push does; each output's is `gain` (K,) times as strong."""
        if not _is_zero(push.beta):
            beta, fixed = push.beta, push.beta * push.target + push.current
            return cls(beta if gain is None else beta * gain, fixed if gain is None else fixed * gain, outputs.signs)
        if _is_zero(push.current):
            return cls(0.0, 0.0, outputs.signs)
        current = push.current if gain is None else push.current * gain
        return cls(0.0, _into(outputs.signs, current), outputs.signs)

    def at(self, columns: Array) -> Array | float:
        """Return what is pushed into the columns (B, n) [A] at their voltages (B, n) [V]."""
        if _is_zero(self.beta):
            return self.fixed
        read = columns if _is_identity(self.signs) else columns @ self.signs.T.astype(columns.dtype)
        return _into(self.signs, self.fixed - self.beta * read)

    def loading(self, like: Array) -> Array | float:
        """Return the conductance that it adds to each column, in the shape of `like` (B, n) [S]; outputs are single columns."""
        if _is_zero(self.beta):
            return 0.0
        ones = like.__array_namespace__().ones((len(like), len(self.signs)), like.dtype)
        return _into(abs(self.signs), self.beta * ones)

    def fixed_at(self, like: Array) -> Array | float:
        """Return what is pushed into columns at 0 V, in the shape of `like` (B, n) [A]."""
        return self.at(0.0 * like)

    def settled(self, a: Array, c: Array) -> Array:
        """Solve a·v = c + pushed for columns that carry nothing else, (B, n) [V].

        No two outputs share a column, so that a read-out's nudge moves that read-out alone: with ŷ₀ the read-out if nothing were
        pushed and d the resistance between its columns, (fixed − beta·ŷ₀) / (1 + beta·d) is pushed in the end.
        """
        if _is_zero(self.beta):
            return (c + self.fixed) / a
        signs = self.signs.astype(c.dtype)
        into = (self.fixed - self.beta * ((c / a) @ signs.T)) / (1 + self.beta * ((1 / a) @ abs(signs.T)))
        return (c + into @ signs) / a


def _into(signs: NDArray[np.float64], of_outputs: Array) -> Array:
    """Return what is at the outputs (B, K) at their columns, (B, n)."""
    return of_outputs if _is_identity(signs) else of_outputs @ signs.astype(of_outputs.dtype)


def _is_identity(signs: NDArray[np.float64]) -> bool:
    """Whether the outputs are the columns, in their order, so that no product is needed."""
    return signs.shape[0] == signs.shape[1] and bool((signs == np.eye(len(signs))).all())


def _is_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0.0

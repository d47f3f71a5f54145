"""How well Kirchhoff's current law holds, and whether that is well enough."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Floats

RESIDUAL = 1e-9
"""Share of the largest branch current that the currents into a node may sum up to."""

FLOOR = 1e-15
"""A; a sum that is always allowed: in a circuit without currents there is no largest one to compare with."""

_ROUNDINGS = 64
"""Roundings of a voltage that a sum of currents may be off: voltages along wires are sums over lines, off by the root of their length."""

_JOINED = 4096
"""Roundings of a voltage that nodes which stiff resistors join may be apart: 1e-12 of it, which changes no other current by 1e-9 of it.

Voltages along a wire are sums over all of its nodes, and roundings add up.
"""


class Balance(NamedTuple):
    """How well Kirchhoff's current law holds.

    Parameters
    ----------
    residual
        Largest sum of currents into a node, shape (B,) [A].
    largest
        Largest current in any branch, shape (B,) [A]: what the residual is compared with.
    rounding
        What a rounding of a node's voltage makes of the current through the largest conductance there, shape (B,) [A].

    """

    residual: Floats
    largest: Floats
    rounding: Floats

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Whether the law holds for each sample, shape (B,): but for a share of the currents, and for roundings of voltages.

        A residual that is not finite never holds, whatever the currents that overflow with it would allow.
        """
        return self._within(_ROUNDINGS)

    @property
    def share(self) -> Floats:
        """The residual as a share of the largest current, shape (B,): where the law holds, `RESIDUAL` at most.

        Of a larger one, what roundings of voltages explain is left out.
        """
        explained = FLOOR + _ROUNDINGS * self.rounding
        beyond = np.where(self.residual > RESIDUAL * self.largest, np.maximum(self.residual - explained, 0.0), self.residual)
        return beyond / self.largest

    @property
    def unexplained(self) -> Floats:
        """What of the residual is more than roundings of the voltages of joined nodes explain, shape (B,) [A]."""
        return np.maximum(self.residual - _JOINED * self.rounding, 0.0)

    @property
    def rounded(self) -> NDArray[np.bool_]:
        """Whether it is roundings of voltages that the law fails for, shape (B,), if stiff resistors join nodes."""
        return self._within(_JOINED) & ~self._within(0)

    def _within(self, roundings: int) -> NDArray[np.bool_]:
        """Whether the law holds but for so many roundings, shape (B,)."""
        allowed = RESIDUAL * self.largest + FLOOR + roundings * self.rounding
        kept: NDArray[np.bool_] = (self.residual <= allowed) & np.isfinite(self.residual)
        return kept

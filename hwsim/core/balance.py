"""How well Kirchhoff's current law holds, and whether that is well enough."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.typing import Floats

RESIDUAL = 1e-9
"""Share of the largest branch current that the currents into a node may sum up to."""

FLOOR = 1e-15
"""A; a sum that is always allowed: in a circuit without currents there is no largest one to compare with."""

_ROUNDINGS = 8
"""Roundings of a voltage that a sum of currents may be off: those of the node and of its neighbours."""


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
    hidden
        Whether the law fails over nodes that stiff resistors join, where roundings hide that at each node alone, shape (B,).

    """

    residual: Floats
    largest: Floats
    rounding: Floats
    hidden: NDArray[np.bool_]

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Whether the law holds for each sample, shape (B,): but for a share of the currents, and for roundings of voltages.

        A residual that is not finite never holds, whatever the currents that overflow with it would allow.
        """
        allowed = RESIDUAL * self.largest + FLOOR + _ROUNDINGS * self.rounding
        kept: NDArray[np.bool_] = (self.residual <= allowed) & np.isfinite(self.residual) & ~self.hidden
        return kept

    @property
    def rounded(self) -> NDArray[np.bool_]:
        """Whether it holds for roundings of voltages alone, shape (B,)."""
        return self.holds & ~self._replace(rounding=np.zeros_like(self.rounding)).holds

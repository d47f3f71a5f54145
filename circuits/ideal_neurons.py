"""Neurons of ideal diodes: clamps beyond which no column goes. Each states its own i(v), none between them and unbounded beyond."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from circuits.builder import Builder
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.clamps import add_halves, add_pair, check_rails
from circuits.elements import IdealDiodes
from circuits.nodes import Nodes
from circuits.units import Volt


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealPair:
    """Two ideal clamps: the column stays between `v_low` and `v_high`.

    Parameters
    ----------
    v_low, v_high
        Voltages of the bias sources, at which columns are clamped from below and from above [V].

    Raises
    ------
    CircuitError
        When a field is of the wrong type, or the rails are crossed.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> hw.IdealPair(v_low=-0.1, v_high=0.1).current(np.array([-0.2, 0.05, 0.2])).tolist()
    [-inf, 0.0, inf]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["ideal-pair"] = "ideal-pair"
    v_low: Volt = -1.0
    v_high: Volt = 1.0

    def __post_init__(self) -> None:
        """Check the fields, and that the rails are in order: crossed, they would be a short circuit."""
        check_fields(self)
        check_rails(self.kind, self.v_low, self.v_high)

    @property
    def odd(self) -> bool:
        """Whether i(−v) = −i(v)."""
        return self.v_low == -self.v_high

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add both clamps and their rails; the columns themselves lead on to the next layer."""
        add_pair(builder, name, columns, self.v_low, self.v_high, IdealDiodes)
        return columns

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A]: none between the rails, unbounded beyond them."""
        return np.where(v > self.v_high, np.inf, np.where(v < self.v_low, -np.inf, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealRectifier:
    """One ideal clamp a column: the first half cannot fall below `v_low`, the second half cannot rise above `v_high`.

    Source: Scellier 2024, "A fast algorithm to simulate nonlinear resistive networks", arXiv 2402.11674.

    Parameters
    ----------
    v_low, v_high
        Voltages of the bias sources, at which columns are clamped from below and from above [V].

    Raises
    ------
    CircuitError
        When a field is of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> hw.IdealRectifier(v_low=0.0).current(np.array([-0.1, 0.1])).tolist()
    [-inf, 0.0]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["ideal-rectifier"] = "ideal-rectifier"
    odd: ClassVar[bool] = False
    v_low: Volt = 0.0
    v_high: Volt = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add one clamp and one rail a column; the columns themselves lead on to the next layer."""
        add_halves(builder, name, columns, self.v_low, self.v_high, IdealDiodes)
        return columns

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A] of the first half: none above `v_low`, unbounded below it."""
        return np.where(v < self.v_low, -np.inf, 0.0)

"""Neurons of junction diodes: clamps of a column, and a dead zone behind it. Each states its own i(v), which rises monotonically."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from circuits.builder import Builder
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.clamps import MakeDiodes, add_halves, add_pair, check_rails
from circuits.diode import BAND_GAP, I_SAT_1N4148, N_1N4148, XTI, diode_current
from circuits.elements import Diodes
from circuits.nodes import Nodes
from circuits.units import Ampere, ElectronVolt, Volt

EnergyGap = Annotated[ElectronVolt, Field(gt=0, le=10)]
"""1.11 eV for silicon, 0.69 eV for Schottky barriers, 0.67 eV for germanium. Source: SPICE3f5's manual, junction diodes."""

Exponent = Annotated[float, Field(ge=-20, le=20)]
"""Of temperature in the saturation current: 3 for p-n junctions, 2 for Schottky barriers. Source: as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiodePair:
    """Two antiparallel diodes to bias sources: a soft clamp from above at `v_high` and from below at `v_low`.

    Parameters
    ----------
    v_low, v_high
        Voltages of the bias sources, at which columns are clamped from below and from above [V].
    i_sat
        Saturation current of the diodes [A].
    n
        Emission coefficient of the diodes.
    eg
        Band gap of their semiconductor [eV].
    xti
        Exponent of temperature in their saturation current.

    Raises
    ------
    CircuitError
        When a field is of the wrong type, or the rails are crossed.

    References
    ----------
    J. Kendall et al. 2020, arXiv 2006.01981.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> pair = hw.DiodePair(v_low=-0.1, v_high=0.1)
    >>> i = pair.current(np.array([-0.5, 0.0, 0.5]))  # amperes, from the column to ground
    >>> np.sign(i).tolist(), bool(abs(i[1]) < 1e-9 < i[2])
    ([-1.0, 0.0, 1.0], True)

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["diode-pair"] = "diode-pair"
    v_low: Volt = -0.1
    v_high: Volt = 0.1
    i_sat: Ampere = I_SAT_1N4148
    n: float = N_1N4148
    eg: EnergyGap = BAND_GAP
    xti: Exponent = XTI

    def __post_init__(self) -> None:
        """Check the fields, and that the rails are in order."""
        check_fields(self)
        check_rails(self.kind, self.v_low, self.v_high)

    @property
    def odd(self) -> bool:
        """Whether i(−v) = −i(v)."""
        return self.v_low == -self.v_high

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add both diodes and their rails; the columns themselves lead on to the next layer."""
        add_pair(builder, name, columns, self.v_low, self.v_high, _junction(self))
        return columns

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A] from the column to ground."""
        up, _ = diode_current(v - self.v_high, self.i_sat, self.n)
        down, _ = diode_current(self.v_low - v, self.i_sat, self.n)
        return np.asarray(up - down)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectifier:
    """One diode a column: the first half cannot fall below `v_low`, the second half cannot rise above `v_high`.

    Source: Scellier 2024, with a junction diode instead of an ideal one.

    Parameters
    ----------
    v_low, v_high
        Voltages of the bias sources, at which columns are clamped from below and from above [V].
    i_sat
        Saturation current of the diodes [A].
    n
        Emission coefficient of the diodes.
    eg
        Band gap of their semiconductor [eV].
    xti
        Exponent of temperature in their saturation current.

    Raises
    ------
    CircuitError
        When a field is of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> i = hw.Rectifier(v_low=0.0).current(np.array([-0.3, 0.3]))  # of a column of the first half
    >>> bool(i[0] < -1e-3), bool(0 <= i[1] <= 1e-6)
    (True, True)

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["rectifier"] = "rectifier"
    odd: ClassVar[bool] = False
    v_low: Volt = 0.0
    v_high: Volt = 0.0
    i_sat: Ampere = 1e-6
    n: float = 1.0
    eg: EnergyGap = BAND_GAP
    xti: Exponent = XTI

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add one diode and one rail a column; the columns themselves lead on to the next layer."""
        add_halves(builder, name, columns, self.v_low, self.v_high, _junction(self))
        return columns

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A] from a column of the first half to ground; one of the second half is its mirror image."""
        i, _ = diode_current(self.v_low - v, self.i_sat, self.n)
        return np.asarray(-i)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadZone:
    """Two antiparallel diodes in series with the next row: voltages below their threshold pass hardly any current (coring).

    Parameters
    ----------
    i_sat
        Saturation current of the diodes [A].
    n
        Emission coefficient of the diodes.
    eg
        Band gap of their semiconductor [eV].
    xti
        Exponent of temperature in their saturation current.

    Raises
    ------
    CircuitError
        When a field is of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> i = hw.DeadZone().current(np.array([-0.8, 0.0, 0.8]))  # from the column to the next row
    >>> bool(i[0] == -i[2]), float(i[1])
    (True, 0.0)

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    kind: Literal["dead-zone"] = "dead-zone"
    odd: ClassVar[bool] = True
    i_sat: Ampere = I_SAT_1N4148
    n: float = N_1N4148
    eg: EnergyGap = BAND_GAP
    xti: Exponent = XTI

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)

    def build(self, builder: Builder, name: str, columns: Nodes) -> Nodes:
        """Add both diodes; the nodes behind them lead on to the next layer."""
        behind, diodes = builder.group(f"{name}_core", len(columns)), _junction(self)
        builder.block(
            f"{name}_neuron",
            "dead_zone",
            diodes(name=f"{name}_d_forward", anode=columns, cathode=behind),
            diodes(name=f"{name}_d_backward", anode=behind, cathode=columns),
        )
        return behind

    def current(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return i(v) [A] from the column to the node behind the diodes, v between these two."""
        forward, _ = diode_current(v, self.i_sat, self.n)
        backward, _ = diode_current(-v, self.i_sat, self.n)
        return np.asarray(forward - backward)


def _junction(neuron: DiodePair | Rectifier | DeadZone) -> MakeDiodes:
    return partial(Diodes, i_sat=neuron.i_sat, n=neuron.n, eg=neuron.eg, xti=neuron.xti)

"""Sample-and-hold by switched capacitors: states of clocked circuits, which take a share of a new voltage at each clock.

A buffer follows the column. In a clock's first phase it charges a small capacitor; in the second this one shares its charge with a larger
one, whose voltage a second buffer drives. So x ← (1 − a)·x + a·p with a = c_sample/(c_sample + c_hold), whatever the clock's period is.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.controlled import VoltageControlledVoltageSources
from circuits.elements import Values
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from circuits.topology import Topology
from circuits.units import Farad, Volt

_MOST_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleHold:
    """What holds the state of each column of a clocked layer.

    Parameters
    ----------
    c_sample
        The capacitor that samples the column [F].
    c_hold
        The one that holds the state [F]; 0: the sample itself is the state.
    bits
        Of a converter that rounds each sample, so that states have few values; 0: there is none.
    full_scale
        The largest voltage that the converter passes on [V]; 0 without one.

    Raises
    ------
    CircuitError
        When a number is out of its range, or there are bits without a full scale, or with a capacitor that holds.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.SampleHold(c_sample=3e-13, c_hold=7e-13).share
    0.3

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    c_sample: Farad = 1e-12
    c_hold: Farad = 0.0
    bits: int = 0
    full_scale: Volt = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)
        for name, fits, must in (
            ("c_sample", self.c_sample > 0, "positive"),
            ("c_hold", self.c_hold >= 0, "0 or more"),
            ("full_scale", self.full_scale >= 0, "0 or more"),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and fits):
                msg = f"hold: {name} = {value:g} must be a finite number, {must}"
                raise CircuitError(msg)
        if self.bits != 0 and not 2 <= self.bits <= _MOST_BITS:  # noqa: PLR2004 - of one bit, 0 V alone would be left
            msg = f"hold: bits = {self.bits} must be between 2 and {_MOST_BITS}, or 0 for none"
            raise CircuitError(msg)
        if (self.bits > 0) != (self.full_scale > 0):
            msg = f"hold: bits = {self.bits} and full_scale = {self.full_scale:g} V go together; set both, or neither"
            raise CircuitError(msg)
        if self.bits and self.c_hold:
            msg = f"hold: bits = {self.bits} and c_hold = {self.c_hold:g} F, and states of few bits are whole samples; set c_hold to 0"
            raise CircuitError(msg)

    @property
    def share(self) -> float:
        """The share a of the new voltage in each clock: the leak of a leaky echo-state network."""
        return self.c_sample / (self.c_sample + self.c_hold)

    def of(self, name: str, states: Nodes, columns: Nodes) -> "SampleHolds":
        """Make the array of them by which states follow columns."""
        return SampleHolds(
            name=name,
            plus=states,
            minus=GROUND,
            control_plus=columns,
            control_minus=GROUND,
            c_sample=self.c_sample,
            c_hold=self.c_hold,
            bits=self.bits,
            full_scale=self.full_scale,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleHolds(VoltageControlledVoltageSources):
    """Clocked states: voltages `plus` to ground that follow the control by capacitors `c_sample`, `c_hold` [F], `gain` of the first buffer.

    In one clock the state takes the share c_sample/(c_sample + c_hold) of gain·control, rounded to one of 2^bits − 1 voltages up to
    `full_scale` [V] unless `bits` is 0. At equilibrium, after many clocks, it is gain·control.
    """

    parameters: ClassVar[tuple[str, ...]] = ("gain", "c_sample", "c_hold")
    positive: ClassVar[tuple[str, ...]] = ("c_sample",)
    not_negative: ClassVar[tuple[str, ...]] = ("c_hold",)

    gain: Values | float = 1.0
    c_sample: Values | float
    c_hold: Values | float
    bits: int = 0
    full_scale: Volt = 0.0


def clocked_states(circuit: Topology) -> tuple[SampleHolds, ...]:
    """Return the arrays of clocked states; a circuit with any computes clock by clock, and has no other dynamics."""
    return tuple(circuit.of(SampleHolds))


def is_clocked(circuit: Topology) -> bool:
    """Whether a circuit computes clock by clock."""
    return bool(clocked_states(circuit))


def clocked_nodes(circuit: Topology) -> Nodes:
    """Return the numbers of the nodes whose voltages are clocked states, in order of the arrays."""
    return np.concatenate([np.zeros(0, dtype=np.intp), *(holds.plus for holds in clocked_states(circuit))])

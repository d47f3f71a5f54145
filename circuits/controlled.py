"""Controlled sources: voltages and currents that follow another voltage, or the current through a source of voltage."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.elements import Elements, Values
from circuits.nodes import Nodes

_OUTPUT = ("plus", "minus")
_CONTROL = ("control_plus", "control_minus")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoltageControlledVoltageSources(Elements):
    """Voltages from `plus` to `minus` of `gain` times the voltage from `control_plus` to `control_minus` (SPICE's E)."""

    terminals: ClassVar[tuple[str, ...]] = (*_OUTPUT, *_CONTROL)
    parameters: ClassVar[tuple[str, ...]] = ("gain",)

    plus: Nodes
    minus: Nodes
    control_plus: Nodes
    control_minus: Nodes
    gain: Values | float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoltageControlledCurrentSources(Elements):
    """Currents from `a` to `b` inside the source of `gm` [S] times the voltage from `control_plus` to `control_minus` (SPICE's G)."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b", *_CONTROL)
    parameters: ClassVar[tuple[str, ...]] = ("gm",)

    a: Nodes
    b: Nodes
    control_plus: Nodes
    control_minus: Nodes
    gm: Values | float

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """Those that are controlled by their own voltage: they are conductances."""
        conductances = (self.a == self.control_plus) & (self.b == self.control_minus)
        return ((self.a[conductances], self.b[conductances]),)


def _sense(element: "CurrentControlled") -> None:
    """Spread the places of the sensed sources over all elements."""
    place = np.array(np.broadcast_to(np.asarray(element.place, dtype=np.intp), (len(element),)))
    place.flags.writeable = False
    object.__setattr__(element, "place", place)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurrentControlledCurrentSources(Elements):
    """Currents from `a` to `b` inside the source of `gain` times a sensed current (SPICE's F).

    That current flows from the first terminal to the second through number `place` of the element array `source`, which holds voltages.
    """

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")
    parameters: ClassVar[tuple[str, ...]] = ("gain",)

    a: Nodes
    b: Nodes
    source: str
    place: NDArray[np.intp]
    gain: Values | float

    def __post_init__(self) -> None:
        """Spread the places as well."""
        Elements.__post_init__(self)
        _sense(self)

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """None: a current source gives a node no defined voltage."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurrentControlledVoltageSources(Elements):
    """Voltages from `plus` to `minus` of `rm` [ohm] times a sensed current, as for CurrentControlledCurrentSources (SPICE's H)."""

    terminals: ClassVar[tuple[str, ...]] = _OUTPUT
    parameters: ClassVar[tuple[str, ...]] = ("rm",)

    plus: Nodes
    minus: Nodes
    source: str
    place: NDArray[np.intp]
    rm: Values | float

    def __post_init__(self) -> None:
        """Spread the places as well."""
        Elements.__post_init__(self)
        _sense(self)


CurrentControlled = CurrentControlledCurrentSources | CurrentControlledVoltageSources

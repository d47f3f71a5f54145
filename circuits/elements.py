"""Elements as frozen arrays, one class a kind; a lone resistor is an array of one. Those that learning changes are in arrays.py.

Terminals are node numbers (0 is ground); parameters hold one value an element. A branch current flows from the first terminal
to the second inside the element. Trainable conductances are passed separately from the circuit, never stored in it.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.diode import BAND_GAP, XTI
from circuits.element_array import Elements, Values, check_bounds, check_shape, check_values
from circuits.nodes import Nodes

__all__ = [
    "Amplifiers",
    "Capacitors",
    "CurrentSources",
    "Diodes",
    "Elements",
    "IdealDiodes",
    "Inductors",
    "InputCurrents",
    "InputSources",
    "Nudges",
    "Resistors",
    "Values",
    "VoltageSources",
    "check_bounds",
    "check_shape",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resistors(Elements):
    """Fixed resistors `r` [ohm]."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")
    parameters: ClassVar[tuple[str, ...]] = ("r",)
    positive: ClassVar[tuple[str, ...]] = ("r",)

    a: Nodes
    b: Nodes
    r: Values | float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diodes(Elements):
    """Junction diodes: saturation current `i_sat` [A] and emission coefficient `n` at 27 °C, energy gap `eg` [eV] and exponent `xti`.

    The last two set how `i_sat` grows with temperature.
    """

    terminals: ClassVar[tuple[str, ...]] = ("anode", "cathode")
    parameters: ClassVar[tuple[str, ...]] = ("i_sat", "n", "eg", "xti")
    positive: ClassVar[tuple[str, ...]] = ("i_sat", "n")

    anode: Nodes
    cathode: Nodes
    i_sat: Values | float
    n: Values | float
    eg: Values | float = BAND_GAP
    xti: Values | float = XTI


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdealDiodes(Elements):
    """Diodes that conduct without a voltage drop and block without leakage. A netlist stands in sharp diodes for them."""

    terminals: ClassVar[tuple[str, ...]] = ("anode", "cathode")

    anode: Nodes
    cathode: Nodes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoltageSources(Elements):
    """Fixed voltages `v` [V] from `plus` to `minus`."""

    terminals: ClassVar[tuple[str, ...]] = ("plus", "minus")
    parameters: ClassVar[tuple[str, ...]] = ("v",)

    plus: Nodes
    minus: Nodes
    v: Values | float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputSources(Elements):
    """Voltages from `plus` to ground that carry the data: `scale` times the feature numbered `feature`, plus `offset` [V]."""

    terminals: ClassVar[tuple[str, ...]] = ("plus", "feature")
    parameters: ClassVar[tuple[str, ...]] = ("scale", "offset")

    plus: Nodes
    feature: NDArray[np.intp]
    scale: Values | float = 1.0
    offset: Values | float = 0.0

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """Each source stands between its node and ground."""
        return self.plus, np.zeros_like(self.plus)

    @property
    def driven(self) -> Nodes:
        """The nodes that the data reach first."""
        return self.plus


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputCurrents(Elements):
    """Currents from `a` to `b` inside the source that carry the data: `scale` times the feature numbered `feature`, plus `offset` [A]."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b", "feature")
    parameters: ClassVar[tuple[str, ...]] = ("scale", "offset")

    a: Nodes
    b: Nodes
    feature: NDArray[np.intp]
    scale: Values | float = 1.0
    offset: Values | float = 0.0

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """None: a current source gives a node no defined voltage."""
        return ()

    @property
    def driven(self) -> Nodes:
        """The nodes that the data reach first, ground left out."""
        both = np.concatenate([self.a, self.b])
        return both[both > 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurrentSources(Elements):
    """Fixed currents `i` [A] that flow from `a` to `b` inside the source."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")
    parameters: ClassVar[tuple[str, ...]] = ("i",)

    a: Nodes
    b: Nodes
    i: Values | float

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """None: a current source gives a node no defined voltage."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amplifiers(Elements):
    """Bidirectional amplifiers: v_out = `gain`·(v_in + `offset`), and the input draws `back` times the current i_out of the output.

    Behind an `output_resistance` [ohm] the output has v_out = gain·(v_in + offset) − output_resistance·i_out.
    """

    terminals: ClassVar[tuple[str, ...]] = ("input", "output")
    parameters: ClassVar[tuple[str, ...]] = ("gain", "back", "offset", "output_resistance")
    positive: ClassVar[tuple[str, ...]] = ("gain", "back")
    not_negative: ClassVar[tuple[str, ...]] = ("output_resistance",)

    input: Nodes
    output: Nodes
    gain: Values | float
    back: Values | float
    offset: Values | float = 0.0
    output_resistance: Values | float = 0.0

    def check(self, parameter: str, values: Values) -> None:
        """Refuse output resistances some of which are 0 as well: ngspice knows no resistor of 0 ohm.

        Raises
        ------
        CircuitError
            Naming the element, the index, the value and what it must be.

        """
        Elements.check(self, parameter, values)
        if parameter == "output_resistance" and values.any():
            check_values(values > 0, values, self.name, parameter, "positive, as that of others is")

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """The output is a source to ground; the input gives no path."""
        return ((self.output, np.zeros_like(self.output)),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nudges(Elements):
    """The outputs ŷ = v(plus) − v(minus), read in every phase, and what pushes them: `beta`·(y − ŷ) + i flows into `plus`, out of `minus`.

    A single-ended output has ground as its `minus`. In the free phase `beta` and `i` are 0. What is pushed comes out `gain` times as
    strong, and a read-out has an `offset` [V] added: 1 and 0 unless a chip is imperfect.
    """

    terminals: ClassVar[tuple[str, ...]] = ("plus", "minus")
    parameters: ClassVar[tuple[str, ...]] = ("gain", "offset")
    positive: ClassVar[tuple[str, ...]] = ("gain",)

    plus: Nodes
    minus: Nodes
    gain: Values | float = 1.0
    offset: Values | float = 0.0

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """None: the free phase must stand without it."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capacitors(Elements):
    """Capacitors `c` [F]; open at an equilibrium."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")
    parameters: ClassVar[tuple[str, ...]] = ("c",)
    positive: ClassVar[tuple[str, ...]] = ("c",)

    a: Nodes
    b: Nodes
    c: Values | float

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """None: a capacitor carries no direct current."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inductors(Elements):
    """Inductors `l` [H]; a short circuit at an equilibrium."""

    terminals: ClassVar[tuple[str, ...]] = ("a", "b")
    parameters: ClassVar[tuple[str, ...]] = ("l",)
    positive: ClassVar[tuple[str, ...]] = ("l",)

    a: Nodes
    b: Nodes
    l: Values | float  # noqa: E741 - the letter of an inductance

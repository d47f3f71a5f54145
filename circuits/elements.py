"""Elements as frozen arrays, one class a kind; a lone resistor is an array of one. Those that learning changes are in arrays.py.

Terminals are node numbers (0 is ground); parameters hold one value an element. A branch current flows from the first terminal
to the second inside the element. Trainable conductances are passed separately from the circuit, never stored in it.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.diode import BAND_GAP, XTI
from circuits.errors import CircuitError, ElementError
from circuits.nodes import Nodes

Values = NDArray[np.float64]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.array(array)  # a copy: the caller keeps the right to write on its own
    array.flags.writeable = False
    return array


def _check(condition: NDArray[np.bool_], values: Values, element: str, parameter: str, must: str) -> None:
    if not np.all(condition):
        place = int(np.argmin(condition))
        index = tuple(map(int, np.unravel_index(place, condition.shape)))
        raise ElementError(element, index, place, f"= {float(values[index]):g} must be {must}", parameter)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elements:
    """An array of equal elements. Subclasses declare terminals, parameters and which of these must be positive, or at least 0."""

    terminals: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[str, ...]] = ()
    positive: ClassVar[tuple[str, ...]] = ()
    not_negative: ClassVar[tuple[str, ...]] = ()

    name: str

    def __post_init__(self) -> None:
        """Broadcast terminals and parameters to one length, check them and make them read-only."""
        names = (*self.terminals, *self.parameters)
        try:
            arrays = np.broadcast_arrays(*(np.atleast_1d(getattr(self, f)) for f in names))
        except ValueError:
            shapes = ", ".join(f"{f} {np.shape(getattr(self, f))}" for f in names)
            msg = f"{self.name}: the lengths of its terminals and parameters differ ({shapes})"
            raise CircuitError(msg) from None
        for name, array in zip(names, arrays, strict=True):
            self._set(name, array.astype(np.intp if name in self.terminals else np.float64))

    def _set(self, name: str, array: NDArray[Any]) -> None:
        if name in self.parameters:
            self.check(name, array)
        object.__setattr__(self, name, _frozen(array))

    def check(self, parameter: str, values: Values) -> None:
        """Refuse values that a parameter cannot have, on paper or on a chip.

        Raises
        ------
        CircuitError
            Naming the element, the index, the value and what it must be.

        """
        where = self.name, parameter
        _check(~np.isnan(values), values, *where, "a number")
        if parameter != "g_max":  # a conductance may do without a ceiling
            _check(np.isfinite(values), values, *where, "finite")
        if parameter in self.positive:
            _check(values > 0, values, *where, "positive")
        if parameter in self.not_negative:
            _check(values >= 0, values, *where, "at least 0")

    def __len__(self) -> int:
        return len(getattr(self, self.terminals[0]))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return self is other or all(one is another or np.array_equal(one, another) for one, another in pairs)

    def __hash__(self) -> int:
        return hash((type(self), self.name, len(self)))

    @property
    def ends(self) -> tuple[Nodes, Nodes]:
        """The two nodes of each single element; a branch current flows from the first to the second inside it."""
        a, b = (getattr(self, terminal) for terminal in self.terminals[:2])
        return a, b

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """Node pairs between which the element conducts a direct current; what a path to ground may use."""
        return (self.ends,)


def check_bounds(element: str, g_min: Values, g_max: Values) -> None:
    """Refuse bounds that are crossed; a device that is stuck has two equal ones.

    Raises
    ------
    CircuitError
        Naming the element, the index and the value.

    """
    in_order = g_max >= g_min
    must = "above g_min, or equal to it for a device that is stuck"
    _check(in_order, np.broadcast_to(g_max, in_order.shape), element, "g_max", must)


def check_shape(element: str, name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Refuse a parameter that is neither one number nor one a device.

    Raises
    ------
    CircuitError
        Naming the element, the parameter and both shapes.

    """
    if shape not in {(), wanted}:
        msg = f"{element}: {name} has shape {shape}; it must be one number or have shape {wanted}"
        raise CircuitError(msg)


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
            _check(values > 0, values, self.name, parameter, "positive, as that of others is")

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

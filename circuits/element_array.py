"""An array of equal elements: its terminals, its parameters, and the checks of both.

Terminals are node numbers (0 is ground); parameters hold one value an element.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.errors import CircuitError, ElementError
from circuits.nodes import Nodes

Values = NDArray[np.float64]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.array(array)  # a copy: the caller keeps the right to write on its own
    array.flags.writeable = False
    return array


def check_values(condition: NDArray[np.bool_], values: Values, element: str, parameter: str, must: str) -> None:
    """Refuse values of a parameter where a condition does not hold.

    Raises
    ------
    ElementError
        Naming the element, the parameter, the first such value and what it must be.

    """
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
        check_values(~np.isnan(values), values, *where, "a number")
        if parameter != "g_max":  # a conductance may do without a ceiling
            check_values(np.isfinite(values), values, *where, "finite")
        if parameter in self.positive:
            check_values(values > 0, values, *where, "positive")
        if parameter in self.not_negative:
            check_values(values >= 0, values, *where, "at least 0")

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
    check_values(in_order, np.broadcast_to(g_max, in_order.shape), element, "g_max", must)


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

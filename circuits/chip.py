"""Chip: one manufactured instance of a circuit, as values that replace the nominal ones element by element."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.constants import TEMPERATURE, ZERO_CELSIUS
from circuits.diode import junction_at
from circuits.elements import Diodes, check_bounds
from circuits.errors import CircuitError
from circuits.quoting import quote_all, quoted
from circuits.units import Kelvin

_BOUNDS = {"g_min", "g_max"}


class AnyChip(Protocol):
    """A chip, or what stands in a chip's place while a compiled program maps over many."""

    def __call__(self, element: str, parameter: str) -> Any:
        """Return the values of an element's parameter, one an element."""
        ...


@dataclass(frozen=True)
class Chip:
    """Parameter arrays of one chip: `values[element][parameter]`, one value an element. What is not there is nominal.

    Values of diodes are those at 27 °C, whatever the `temperature` [K] is that all of them have, and bounds of conductances those of fresh
    devices at 27 °C. `heat` is by what the temperature multiplies the conductances of all trainable elements, `aged` by what time has
    multiplied them since they were programmed, by the element's name, one factor a device.

    Raises
    ------
    CircuitError
        When an element or parameter is not the circuit's, a shape does not fit, or a value is one that the element refuses.

    Examples
    --------
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, layers=[hw.Layer(3)], outputs=1).compile()
    >>> nominal = hw.Chip.nominal(circuit)
    >>> shifted = hw.Chip(circuit, {"h1_v_high": {"v": [0.10, 0.12, 0.09]}})
    >>> nominal("h1_v_high", "v").tolist(), shifted("h1_v_high", "v").tolist()
    ([0.1, 0.1, 0.1], [0.1, 0.12, 0.09])

    """

    circuit: Circuit
    values: Mapping[str, Mapping[str, NDArray[Any]]] = field(default_factory=lambda: MappingProxyType({}))
    temperature: Kelvin = TEMPERATURE
    heat: float = 1.0
    aged: Mapping[str, NDArray[np.float64]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Check names, shapes and values against the circuit."""
        if not self.temperature > 0:
            msg = f"chip: temperature = {self.temperature:g} K must be positive"
            raise CircuitError(msg)
        for name, parameters in self.values.items():
            element = self.circuit[name]
            for parameter, value in parameters.items():
                if parameter not in element.parameters:
                    msg = f"{name} has no parameter {quoted(parameter)}; it has {quote_all(element.parameters, 'none')}"
                    raise CircuitError(msg)
                shape = getattr(element, "shape", (len(element),))
                if np.shape(value) != shape:
                    msg = f"chip: {name}.{parameter} has shape {np.shape(value)}; the circuit's is {shape}"
                    raise CircuitError(msg)
                element.check(parameter, np.asarray(value))
            if _BOUNDS & set(parameters):
                check_bounds(f"chip: {name}", *(self.reference(name, bound) for bound in ("g_min", "g_max")))
        self._check_heat()

    def _check_heat(self) -> None:
        """Refuse a temperature at which no 64-bit number holds a diode's saturation current."""
        for diodes in self.circuit.of(Diodes) if self.temperature != TEMPERATURE else ():
            with np.errstate(over="ignore", under="ignore"):
                i_sat = self(diodes.name, "i_sat")
            if not (np.isfinite(i_sat) & (i_sat > 0)).all():
                celsius = round(self.temperature - ZERO_CELSIUS, 9)
                msg = f"chip: at {celsius:g} °C the saturation current of {diodes.name} is no number that 64 bits hold; check n, eg and xti"
                raise CircuitError(msg)

    @classmethod
    def nominal(cls, circuit: Circuit) -> Self:
        """Return the chip without any spread."""
        return cls(circuit)

    @property
    def changed(self) -> set[tuple[str, str]]:
        """Element arrays and parameters whose values may differ from the circuit's."""
        drawn = {(name, parameter) for name, parameters in self.values.items() for parameter in parameters}
        heated = () if self.temperature == TEMPERATURE else self.circuit.of(Diodes)
        moved = [element for element in self.circuit.trainable if self.heat != 1.0 or element.name in self.aged]
        return (
            drawn
            | {(diodes.name, parameter) for diodes in heated for parameter in ("i_sat", "n")}
            | {(element.name, bound) for element in moved for bound in _BOUNDS}
        )

    @property
    def members(self) -> tuple["Chip", ...]:
        """The chips of single circuits: the chip itself; of a chain's, each of them."""
        return (self,)

    @property
    def fresh(self) -> Self:
        """The chip as it was when its devices were programmed."""
        return replace(self, aged={})

    def of(self, circuit: Circuit) -> "Chip":
        """Return the same values for a circuit with the same elements, some of which may stand for others."""
        return replace(self, circuit=circuit)

    def reference(self, element: str, parameter: str) -> NDArray[Any]:
        """Return the values of an element's parameter on this chip, those of diodes at 27 °C; a crossbar's bounds may be scalars."""
        values = self.values.get(element, {}).get(parameter)
        return np.asarray(getattr(self.circuit[element], parameter) if values is None else values)

    def __call__(self, element: str, parameter: str) -> NDArray[Any]:
        """Return the values at the chip's temperature and age: `i_sat` and `n` of diodes are those that put diode_current at it."""
        values = self.reference(element, parameter)
        if parameter in _BOUNDS and (self.heat != 1.0 or element in self.aged):
            return np.asarray(values * self.heat * self.aged.get(element, 1.0))
        if self.temperature == TEMPERATURE or not isinstance(self.circuit[element], Diodes):
            return values
        i_sat, n, eg, xti = (self.reference(element, name) for name in Diodes.parameters)
        at_temperature = dict(zip(("i_sat", "n"), junction_at(i_sat, n, self.temperature, eg=eg, xti=xti), strict=True))
        return np.asarray(at_temperature.get(parameter, values))

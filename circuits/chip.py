"""Chip: one manufactured instance of a circuit, as values that replace the nominal ones element by element."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.errors import CircuitError


class AnyChip(Protocol):
    """A chip, or what stands in a chip's place while a compiled program maps over many."""

    def __call__(self, element: str, parameter: str) -> Any:
        """Give the values of an element's parameter, one an element."""
        ...


@dataclass(frozen=True)
class Chip:
    """Parameter arrays of one chip: `values[element][parameter]`, one value an element. What is not there is nominal.

    Raises
    ------
    CircuitError
        When an element or parameter is not the circuit's, a shape does not fit, or a value is one that the element refuses.

    """

    circuit: Circuit
    values: Mapping[str, Mapping[str, NDArray[Any]]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Check names, shapes and values against the circuit."""
        for name, parameters in self.values.items():
            element = self.circuit[name]
            for parameter, value in parameters.items():
                if parameter not in element.parameters:
                    msg = f"{name} has no parameter {parameter!r}; it has {', '.join(element.parameters) or 'none'}"
                    raise CircuitError(msg)
                shape = getattr(element, "shape", (len(element),))
                if np.shape(value) != shape:
                    msg = f"chip: {name}.{parameter} has shape {np.shape(value)}; the circuit's is {shape}"
                    raise CircuitError(msg)
                element.check(parameter, np.asarray(value))

    @classmethod
    def nominal(cls, circuit: Circuit) -> Self:
        """Give the chip without any spread."""
        return cls(circuit)

    def __call__(self, element: str, parameter: str) -> NDArray[Any]:
        """Give the values of an element's parameter on this chip, one an element (a crossbar's bounds may be scalars)."""
        values = self.values.get(element, {}).get(parameter)
        return np.asarray(getattr(self.circuit[element], parameter) if values is None else values)

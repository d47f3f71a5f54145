"""The engine for a few equilibria, as finely as 64 bits settle."""

from circuits.circuit import Circuit
from circuits.elements import Diodes, IdealDiodes
from hwsim.core.protocol import Engine
from hwsim.numeric.general.general_solver import GeneralEngine

_MANY = 400
"""Diodes; more of them are solved by layers sooner than by ports."""


def exact_engine(circuit: Circuit) -> Engine:
    """Return the numeric engine in 64 bits, as finely as it settles, for a few samples: without compiling, unless there are many diodes."""
    if sum(map(len, circuit.of(Diodes, IdealDiodes))) > _MANY:
        from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

        return NumericEngine()
    return GeneralEngine()

"""The engines for small circuits, as finely as 64 bits settle, without compiling: in NumPy, before JAX would be loaded."""

from circuits.circuit import Circuit
from circuits.elements import Diodes, IdealDiodes
from hwsim.core.protocol import Engine
from hwsim.numeric.general.general_solver import TOLERANCE, GeneralEngine
from hwsim.settings.sections import SolverSettings

_MANY = 400
"""Diodes; more of them are solved by layers sooner than by ports, even for a few samples."""

_FEW, _SMALL = 32, 160
"""Diodes and nodes of a circuit of which some thousand samples are solved by ports sooner than JAX is loaded."""


def _diodes(circuit: Circuit) -> int:
    return sum(map(len, circuit.of(Diodes, IdealDiodes)))


def exact_engine(circuit: Circuit) -> Engine:
    """Return the numeric engine in 64 bits, as finely as it settles, for a few samples: without compiling, unless there are many diodes."""
    if _diodes(circuit) > _MANY:
        from hwsim.numeric.numeric_engine import NumericEngine  # noqa: PLC0415 - JAX takes a second to load

        return NumericEngine()
    return GeneralEngine()


def small_engine(circuit: Circuit, settings: SolverSettings) -> Engine | None:
    """Return the numeric engine for the reported numbers of a small circuit; None: of a larger one, or settings are about its layers."""
    of_layers = settings.newton is not None or settings.max_steps != SolverSettings().max_steps
    if of_layers or _diodes(circuit) > _FEW or circuit.size > _SMALL:
        return None
    return GeneralEngine(tolerance=TOLERANCE if settings.tolerance is None else settings.tolerance)

"""The settings of SPICE that a deck carries."""

from collections.abc import Iterator
from dataclasses import dataclass

from circuits.circuit import Circuit
from circuits.constants import GMIN, TEMPERATURE, ZERO_CELSIUS
from circuits.elements import IdealDiodes
from circuits.units import Ampere, Kelvin, Volt
from netlists.text.numbers import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """When SPICE takes an iteration for the solution: all voltages and currents moved by less than this.

    SPICE's own (1e-3, 1e-6, 1e-12) leave errors of 7e-4 V, as large as what a nudge moves.
    """

    relative: float = 1e-11
    voltage: Volt = 1e-13
    current: Ampere = 1e-16

    def __post_init__(self) -> None:
        """Check that all are positive."""
        for name in ("relative", "voltage", "current"):
            value = getattr(self, name)
            if not 0 < value < 1:
                msg = f"tolerances: {name} = {value:g} must be above 0 and below 1"
                raise ValueError(msg)


SHARP = Tolerances(relative=1e-10)
"""For circuits with sharp diodes: rounding at their large conductances keeps tighter ones from being met."""

FALLBACK = Tolerances(relative=1e-6, voltage=1e-9, current=1e-12)
"""For circuits whose rounding keeps them from ever meeting tight tolerances."""


def fitting(circuit: Circuit) -> Tolerances:
    """Return the tolerances that a circuit can meet."""
    return SHARP if circuit.of(IdealDiodes) else Tolerances()


def options(tolerances: Tolerances, temperature: Kelvin = TEMPERATURE) -> Iterator[str]:
    """Write the tolerances, the temperature, the conductance across junctions, and what keeps the iteration from going astray.

    pivrel chooses large pivots: with ngspice's own 1e-3, rounding in circuits of very unlike conductances stops convergence, and large
    crossbars solve more slowly. pivtol is below any conductance, gmin aside.
    """
    celsius, nominal = (round(kelvin - ZERO_CELSIUS, 9) for kelvin in (temperature, TEMPERATURE))
    names = ("reltol", "vntol", "abstol", "gmin", "temp", "tnom")
    values = (tolerances.relative, tolerances.voltage, tolerances.current, GMIN, celsius, nominal)
    yield ".options " + " ".join(f"{name}={value}" for name, value in zip(names, plain(values, "options"), strict=True))
    yield ".options itl1=200 itl2=200 pivrel=0.5 pivtol=1e-18"

"""Physical constants and conventions that every engine must share to agree to the last digit."""

from typing import Final

from circuits.units import Kelvin, Siemens, Volt

BOLTZMANN: Final = 1.38064852e-23
"""J/K, CODATA 2014: the value compiled into ngspice 39. Today's exact value moves solutions by up to 2e-7 V."""

ELEMENTARY_CHARGE: Final = 1.6021766208e-19
"""C, CODATA 2014, as in ngspice 39."""

TEMPERATURE: Final[Kelvin] = 300.15
"""27 degrees Celsius, SPICE's nominal temperature."""

ZERO_CELSIUS: Final[Kelvin] = 273.15
"""0 degrees Celsius."""

V_T: Final[Volt] = BOLTZMANN * TEMPERATURE / ELEMENTARY_CHARGE
"""Thermal voltage kT/q at the nominal temperature: 0.025864917 V."""

GMIN: Final[Siemens] = 1e-18
"""Conductance that SPICE adds across each junction. Its default, 1e-12 S, moves voltages by up to 2e-8 V, so decks set this one."""

SHARP_I_SAT: Final = 1e-10
"""A; with SHARP_N, the diode that stands in for an ideal clamp in a netlist."""

SHARP_N: Final = 2e-4
"""Emission coefficient of the stand-in for an ideal clamp: 1 mA pass at 0.08 mV of forward voltage. With 1e-4 ngspice begins to fail."""

"""The section of an experiment file about energy: what is spent outside of the circuit that is solved, and how it is counted."""

from typing import Annotated

from pydantic import Field

from circuits.units import Joule, Watt
from hwsim.settings.sections import Section
from hwsim.settings.variation_settings import Bits

Watts = Annotated[Watt, Field(ge=0)]
Joules = Annotated[Joule, Field(ge=0)]


class EnergySettings(Section):
    """What amplifiers and converters take, which no equilibrium shows: stated by the user, and counted by hwsim datasheet.

    Nothing here changes what a circuit computes or learns.

    Parameters
    ----------
    amplifier_watts
        What one amplifier takes from its supply at equilibrium [W]; absent: not counted, and which the datasheet states.
    dac_joules
        What the converter of one input takes a sample [J].
    adc_joules
        What the converter of one output takes a reading [J].
    converter_bits
        Of both, where variation.dac_bits and variation.adc_bits are absent: outputs count as settled within one step of them.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.EnergySettings(amplifier_watts=1e-5).converter_bits
    8

    References
    ----------
    A. Shafiee et al., ISAAC (ISCA 2016), 32 nm: an ADC of 8 bits at 1.28 GS/s takes 2 mW, which is 1.6 pJ a reading. A converter by
    successive approximation contains a DAC of as many bits, so that the same number is an upper bound for one.

    """

    amplifier_watts: Watts | None = None
    dac_joules: Joules = 1.6e-12
    adc_joules: Joules = 1.6e-12
    converter_bits: Bits = 8

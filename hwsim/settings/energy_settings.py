"""The section of an experiment file about energy: what is spent outside of the circuit that is solved, and how it is counted."""

from typing import Annotated

from pydantic import Field, field_validator

from circuits.quoting import quoted
from circuits.units import Joule, Watt
from hwsim.settings.grid_intensity import JOULES_PER_KWH, KG_PER_KWH
from hwsim.settings.sections import Section
from hwsim.settings.variation_settings import Bits

Watts = Annotated[Watt, Field(ge=0)]
Joules = Annotated[Joule, Field(ge=0)]


class EnergySettings(Section):
    """What amplifiers and converters take, which no equilibrium shows, and what the computer takes that simulates; both are stated here.

    The first is counted by hwsim datasheet, the second in each run's summary. Nothing here changes what a circuit computes or learns.

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
    core_watts
        What a busy core of the computer takes [W], where its own counters cannot be read; 4 is codecarbon's for an unknown processor.
    pue
        Power usage effectiveness: what the whole computing centre takes for each watt of its computers.
    country
        Whose electricity the computer takes, by its ISO 3166 code of three letters; absent: kilograms of CO2 are not stated.
    intensity
        Of that electricity [kg of CO2 equivalents a kWh], in place of the country's.

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
    core_watts: Watts = 4.0
    pue: Annotated[float, Field(ge=1)] = 1.0
    country: str | None = None
    intensity: Annotated[float, Field(ge=0)] | None = None

    @field_validator("country")
    @classmethod
    def _in_table(cls, country: str | None) -> str | None:
        if country is not None and country not in KG_PER_KWH:
            msg = f"country = {quoted(country)} is not in the table ({', '.join(KG_PER_KWH)}); state energy.intensity in kg a kWh instead"
            raise ValueError(msg)
        return country

    @property
    def kg_per_kwh(self) -> float | None:
        """What a kilowatt-hour weighs [kg of CO2 equivalents]; None: not known."""
        return self.intensity if self.intensity is not None or self.country is None else KG_PER_KWH[self.country]

    def simulated(self, joules: Joule) -> dict[str, float]:
        """Describe what a simulation took: kilowatt-hours, and kilograms of CO2 equivalents where the electricity is known."""
        kwh = joules * self.pue / JOULES_PER_KWH
        weight = self.kg_per_kwh
        return {"simulation_kWh": kwh} | ({} if weight is None else {"simulation_kg_CO2e": kwh * weight})

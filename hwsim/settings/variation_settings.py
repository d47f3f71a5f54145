"""The sections of an experiment file that make a chip differ from its design: how parts vary, how voltages are converted, what is noisy."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, model_validator

from circuits.constants import TEMPERATURE, ZERO_CELSIUS
from circuits.units import Hertz, Kelvin, Ohm, Second, Volt
from hwsim.settings.sections import PositiveVolt, Section, Share

Spread = NonNegativeFloat
Bits = Annotated[int, Field(ge=2, le=32)]


class VariationSettings(Section):
    """How chips differ from the design, and from one another.

    Spreads are standard deviations from part to part, drawn once a chip. With all at 0 every chip is the design itself.

    Parameters
    ----------
    chip
        Seed of all that is drawn: each seed is another chip. What one spread draws does not depend on the others.
    diode_i_sat
        Spread of the logarithm of the diodes' saturation currents.
    diode_n
        Relative spread of their emission coefficients.
    rails
        Spread of the voltages at which neurons' diodes end [V].
    gain, back
        Relative spreads of the amplifiers' gains, in voltage forward and in current backward.
    offset
        Spread of the amplifiers' input offsets [V].
    output_resistance
        What all amplifiers' output resistances have beyond the design's [ohm].
    output_resistance_spread
        Spread of the logarithm of the output resistances.
    capacitance
        Relative spread of the capacitances.
    g_min, g_max
        Spreads of the memristors' lowest and highest conductances, as shares of their range; absent: those of device.preset, or 0.
    step
        Relative spread of the length of a pulse's step; absent: that of device.preset.
    asymmetry
        Spread of b, which makes steps up 1 + max(b, 0) times as long and steps down 1 + max(−b, 0) times; absent: that of device.preset.
    stuck
        Share of the memristors that never change; absent: that of device.preset, or 0.
    stuck_at
        Where these are stuck: at `g_min`, at `g_max`, or `anywhere` between.
    dac_bits, dac_full_scale
        Inputs take one of 2^bits − 1 voltages, evenly from −full scale to +full scale [V], 0 among them; absent: any.
    dac_offset
        Spread of what an input's converter adds [V].
    adc_bits, adc_full_scale
        In the same way for the read-out of the outputs.
    adc_offset
        Spread of the offset that is added to the read-out of an output [V].
    nudge_gain
        Relative spread of the strength of the outputs' nudges.
    temperature
        Of the whole chip [°C]; it changes diodes, thermal noise, and memristors by their temperature coefficient.
    after
        Seconds since its memristors were programmed: what a trained chip is evaluated at. They drift as device.preset sets.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.VariationSettings(chip=7, stuck=0.01, rails=0.02).temperature
    27.0

    """

    chip: NonNegativeInt = 0
    diode_i_sat: Spread = 0.0
    diode_n: Spread = 0.0
    rails: Spread = 0.0
    gain: Spread = 0.0
    back: Spread = 0.0
    offset: Spread = 0.0
    output_resistance: Annotated[Ohm, Field(ge=0)] = 0.0
    output_resistance_spread: Spread = 0.0
    capacitance: Spread = 0.0
    g_min: Spread | None = None
    g_max: Spread | None = None
    step: Spread | None = None
    asymmetry: Spread | None = None
    stuck: Share | None = None
    stuck_at: Literal["g_min", "g_max", "anywhere"] = "anywhere"
    dac_bits: Bits | None = None
    dac_full_scale: PositiveVolt | None = None
    dac_offset: Spread = 0.0
    adc_bits: Bits | None = None
    adc_full_scale: PositiveVolt | None = None
    adc_offset: Spread = 0.0
    nudge_gain: Spread = 0.0
    temperature: Annotated[float, Field(ge=-100, le=300)] = round(TEMPERATURE - ZERO_CELSIUS, 9)
    after: Annotated[Second, Field(ge=0, le=1e11)] = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("dac", "adc"):
            bits, full_scale = getattr(self, f"{name}_bits"), getattr(self, f"{name}_full_scale")
            if bits is not None and full_scale is None:
                msg = f"variation.{name}_bits = {bits} needs variation.{name}_full_scale, the largest voltage that it resolves [V]"
                raise ValueError(msg)
        return self

    @property
    def kelvin(self) -> Kelvin:
        """The temperature [K]."""
        return self.temperature + ZERO_CELSIUS

    @property
    def nominal(self) -> "VariationSettings":
        """The same design without any spread: what all chips have in common stays."""
        kept = {"output_resistance", "dac_bits", "dac_full_scale", "adc_bits", "adc_full_scale", "temperature", "after"}
        return VariationSettings(**{name: getattr(self, name) for name in kept}, g_min=0.0, g_max=0.0, step=0.0, asymmetry=0.0, stuck=0.0)


class NoiseSettings(Section):
    """Noise of the circuit and of its read-out, drawn independently for every sample and phase.

    Parameters
    ----------
    thermal
        Whether memristors and resistors have thermal noise: currents of variance 4·k·T·g·bandwidth.
    shot
        Whether diodes have shot noise: currents of variance 2·q·|i|·bandwidth.
    bandwidth
        Of what settles and is read: faster noise averages out [Hz].
    read
        Relative standard deviation of every voltage that is read, of nodes for learning and of outputs.
    read_floor
        Standard deviation of every voltage that is read, however small it is [V]; it adds to the relative one.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.NoiseSettings(thermal=True, bandwidth=1e6).shot
    False

    """

    thermal: bool = False
    shot: bool = False
    bandwidth: Annotated[Hertz, Field(gt=0)] = 1e6
    read: Spread = 0.0
    read_floor: Annotated[Volt, Field(ge=0)] = 0.0

    @property
    def in_currents(self) -> bool:
        """Whether the circuit itself is noisy."""
        return self.thermal or self.shot

    @property
    def in_readings(self) -> bool:
        """Whether what reads its voltages is noisy."""
        return bool(self.read or self.read_floor)

"""Device: one kind of memristor as a file declares it, with its source; every key, its unit and what it may be.

Steps, noise and spreads are shares of the conductance range, x = (g − g_min)/(g_max − g_min), unless stated otherwise.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from circuits.units import Second, Siemens, Volt
from hwsim.devices.kinds.shapes import (
    ConstantStep,
    ExponentialStep,
    IdealStep,
    LevelsStep,
    LinearStep,
    PowerStep,
    SoftBoundsStep,
    TableStep,
)
from hwsim.settings.sections import Coefficient, Section, Share

Step = Annotated[
    IdealStep | ConstantStep | LinearStep | SoftBoundsStep | ExponentialStep | PowerStep | LevelsStep | TableStep,
    Field(discriminator="kind"),
]


class DeviceNoise(Section):
    """What differs from pulse to pulse and from reading to reading.

    Parameters
    ----------
    cycle
        Standard deviation of one pulse's step: relative to the step, or to `even_step` when that is given.
    even_step
        A step of this length makes all noise alike, however long the pulse's own step is; absent: noise goes with the step.
    write
        Standard deviation of what is seen around the state that pulses move.
    read
        Relative standard deviation of one reading.

    """

    cycle: NonNegativeFloat = 0.0
    even_step: PositiveFloat | None = None
    write: NonNegativeFloat = 0.0
    read: NonNegativeFloat = 0.0


class DeviceSpread(Section):
    """What differs from device to device, drawn once a chip.

    Parameters
    ----------
    step
        Relative standard deviation of the steps, up and down alike.
    law
        How these are distributed: `normal`, or `log-normal` (`step` is then that of the logarithm).
    asymmetry
        Standard deviation of b, which makes steps up 1 + max(b, 0) times as long and steps down 1 + max(−b, 0) times; the device's own
        `asymmetry` is its mean.
    low, high
        Standard deviations of the lower and the upper bound.

    """

    step: NonNegativeFloat = 0.0
    law: Literal["normal", "log-normal"] = "normal"
    asymmetry: NonNegativeFloat = 0.0
    low: NonNegativeFloat = 0.0
    high: NonNegativeFloat = 0.0


class DevicePulse(Section):
    """A programming pulse: volts and seconds, up and down. Its energy is v²·t·g."""

    v_up: Volt = 1.0
    v_down: Volt = -1.0
    t_up: Annotated[Second, Field(gt=0)] = 1e-7
    t_down: Annotated[Second, Field(gt=0)] = 1e-7


class DeviceStuck(Section):
    """Devices that never change: which share of all, and whether `at` g_min, g_max or anywhere between."""

    share: Share
    at: Literal["g_min", "g_max", "anywhere"] = "anywhere"


class DeviceDrift(Section):
    """g·(t/t0)^−nu, t seconds after programming, at any temperature; `nu_spread` is nu's standard deviation from device to device."""

    nu: NonNegativeFloat
    nu_spread: NonNegativeFloat = 0.0
    t0: Annotated[Second, Field(gt=0)] = 1.0


class DeviceLeak(Section):
    """Per update the state loses 1/lifetime of its distance from `rest`, a state from 0 (g_min) to 1 (g_max)."""

    lifetime: Annotated[float, Field(gt=1)]
    rest: Share = 0.0


class Device(Section):
    """One kind of device.

    Parameters
    ----------
    name, about
        How it is called, and a line about it.
    source
        Who measured or defined it, AuthorYear, and where the numbers stand.
    valid
        For which range the numbers are good.
    approximate
        Keys whose values are not from the source; the text names where they are from.
    g_min, g_max
        Conductance range [S]; absent: the crossbar's own.
    step
        What one pulse does; `kind` chooses the law.
    asymmetry
        Mean of b (see `spread.asymmetry`): longer steps up, or down where it is negative, than whoever sends the pulses takes them for.
    one_sided
        Only pulses up change it; a reset brings it to its lower bound.
    reset_noise
        Standard deviation of the state after a reset.
    temperature_coefficient
        Relative change of the conductance per kelvin, from 27 °C on [1/K]; absent: none is known.
    noise, spread, pulse, stuck, drift, leak
        Sections of their own.

    """

    name: str = Field(default="device", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    about: str = ""
    source: str = ""
    valid: str = ""
    approximate: dict[str, str] = Field(default_factory=dict)
    g_min: Annotated[Siemens, Field(gt=0)] | None = None
    g_max: Annotated[Siemens, Field(gt=0)] | None = None
    step: Step
    asymmetry: float = 0.0
    one_sided: bool = False
    reset_noise: NonNegativeFloat = 0.0
    temperature_coefficient: Coefficient | None = None
    noise: DeviceNoise = DeviceNoise()
    spread: DeviceSpread = DeviceSpread()
    pulse: DevicePulse = DevicePulse()
    stuck: DeviceStuck | None = None
    drift: DeviceDrift | None = None
    leak: DeviceLeak | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.one_sided and self.step.kind in {"ideal", "levels"}:
            msg = f"one_sided = true and step.kind = {self.step.kind!r}: such steps go both ways; leave one_sided out"
            raise ValueError(msg)
        if (self.g_min is None) != (self.g_max is None):
            given, missing = ("g_max", "g_min") if self.g_min is None else ("g_min", "g_max")
            msg = f"{given} is given and {missing} is not; give both, or neither for the crossbar's own range"
            raise ValueError(msg)
        if self.g_min is not None and self.g_max is not None and self.g_min >= self.g_max:
            msg = f"g_min = {self.g_min:g} S must be below g_max = {self.g_max:g} S"
            raise ValueError(msg)
        for key in self.approximate:
            if key.partition(".")[0] not in type(self).model_fields:
                msg = f"approximate names {key!r}, which is no key of a device"
                raise ValueError(msg)
        return self

    @property
    def on_off(self) -> float | None:
        """The ratio g_max/g_min, when the device has a range of its own."""
        return None if self.g_min is None or self.g_max is None else self.g_max / self.g_min

    def table(self) -> dict[str, Any]:
        """Return all keys that differ from their defaults, for a file."""
        settings: dict[str, Any] = self.model_dump(exclude_defaults=True, mode="json")
        settings["step"] = {"kind": self.step.kind} | settings["step"]
        return settings

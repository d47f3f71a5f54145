"""What the memristors are, and how they are programmed: the section `device` of an experiment file."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from hwsim.settings.sections import Coefficient, Section

OF_PULSES = frozenset(
    {
        "scheme",
        "rounding",
        "threshold",
        "max_pulses",
        "verify_tolerance",
        "verify_rounds",
        "transfer",
        "pairs",
        "refresh",
        "common",
        "cycle",
        "asymmetry",
    }
)
"""Keys about the pulses of devices."""

_OF_LEVELS = frozenset({"level_spacing", "level_rounding", "coding", "shadow", "flips", "flips_decay"})
"""Keys about devices of few levels."""


class DeviceSettings(Section):
    """What the memristors are, and how they are programmed.

    Parameters
    ----------
    preset
        A kind of device by its name (`hwsim devices` lists them), or a `.toml` file; absent: conductances become what was computed, without
        pulses. A device's own range is mapped on the upper end of the circuit's.
    scheme
        `pulses` (sent without looking), `write-verify` or `tiki-taka` (learning on a second array, whose content moves the weights).
    rounding
        How the wanted change becomes whole pulses: `nearest`, `stochastic`, `sign` (one pulse) or `accumulate` (what is less than
        `threshold` pulses waits for more).
    threshold
        Pulses that must be wanted before `sign` sends one, and before `accumulate` and `write-verify` begin.
    max_pulses
        Pulses that one device is sent at most in an update, or in a round of `write-verify`.
    verify_tolerance, verify_rounds
        How near, in pulses, a written device must come to its target, and how often it is looked at.
    transfer
        Share of the second array's content that `tiki-taka` moves at each update.
    pairs
        Treat the two devices of a differential pair (of a feature and its negative, or of an output's two columns) as one weight: only
        pulses up are used, and pairs whose smaller device exceeds `common` are reset and reprogrammed with write-verify. Devices without
        a partner are pulsed as usual. For devices that only go up, or whose steps down are too long.
    refresh, common
        After how many updates pairs are looked at, and the share of its range that the smaller device of a pair may have by then.
    cycle
        Noise of every pulse, relative to its step; absent: the preset's.
    asymmetry
        b, which makes all steps up 1 + max(b, 0) times as long and steps down 1 + max(−b, 0) times, unknown to what sends the pulses;
        absent: the preset's.
    spread
        Whether the preset's own spreads from device to device count; otherwise only those of the section `variation` do.
    temperature_coefficient
        Relative change of all conductances per kelvin, from 27 °C on [1/K]; absent: the preset's, or 0 where none is known.
    levels
        How many conductances a device can have, 2 to 256; it is written to these without error, and only when its level changes. Absent:
        any, or what the preset's pulses make. Of a preset then only range, spreads, stuck devices, drift and the energy of a pulse count.
    level_spacing
        Levels are `linear`, evenly spaced between the device's bounds, or `logarithmic`, in equal ratios.
    level_rounding
        A wanted conductance becomes the `nearest` level, or in every update one of the two around it, so that the mean is right
        (`stochastic`).
    coding
        What is rounded: `single` devices; or the weight of a differential pair, which `mirrored` pairs have by opposite levels (two levels:
        +1 and −1; their sum, and so the load of their node, stays), and `one-sided` ones by one device alone, the other being at its lowest
        level (two levels: +1, 0 and −1). Devices without a partner are single.
    shadow
        Whether a digital memory adds up the steps in full precision, and is rounded. Without, a device changes its level where a single
        step, from its level on, is nearer to another one: binary equilibrium propagation, with `training.optimizer.kind = "momentum"`.
    flips
        Without a shadow: largest share of a crossbar's devices that may flip in an update; where more would, the step that a flip takes
        grows until no more do. Absent: any.
    flips_decay
        By what share of itself `flips` falls in an update.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.DeviceSettings(levels=2, coding="one-sided").shadow
    True
    >>> hw.DeviceSettings(preset="pcm", pairs=True).scheme
    'pulses'

    """

    preset: str | None = None
    scheme: Literal["pulses", "write-verify", "tiki-taka"] = "pulses"
    rounding: Literal["nearest", "stochastic", "sign", "accumulate"] = "stochastic"
    threshold: NonNegativeFloat = 1.0
    max_pulses: PositiveInt = 100
    verify_tolerance: PositiveFloat = 0.5
    verify_rounds: Annotated[PositiveInt, Field(le=100)] = 5
    transfer: Annotated[float, Field(gt=0, le=1)] = 0.1
    pairs: bool = False
    refresh: PositiveInt = 20
    common: Annotated[float, Field(gt=0, lt=1)] = 0.05
    cycle: NonNegativeFloat | None = None
    asymmetry: float | None = None
    spread: bool = True
    temperature_coefficient: Coefficient | None = None
    levels: Annotated[int, Field(ge=2, le=256)] | None = None
    level_spacing: Literal["linear", "logarithmic"] = "linear"
    level_rounding: Literal["nearest", "stochastic"] = "nearest"
    coding: Literal["single", "mirrored", "one-sided"] = "single"
    shadow: bool = True
    flips: Annotated[float, Field(gt=0, lt=1)] | None = None
    flips_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.preset is None and (idle := self._set(OF_PULSES | {"spread"})):
            msg = f"{idle} is about pulses, and without preset none are sent; name a preset, or leave it out"
            raise ValueError(msg)
        if self.levels is None and (idle := self._set(_OF_LEVELS)):
            msg = f"{idle} is about devices of few levels, and levels is absent; set it, from 2 to 256, or leave the other out"
            raise ValueError(msg)
        if self.coding != "single" and self.level_spacing == "logarithmic":
            msg = f"coding = '{self.coding}' makes differences of levels weights; set level_spacing to 'linear', or coding to 'single'"
            raise ValueError(msg)
        if self.flips is not None and self.shadow:
            msg = f"flips = {self.flips:g} limits devices without a memory, and shadow = true; set shadow to false, or omit flips"
            raise ValueError(msg)
        if self.flips_decay and self.flips is None:
            msg = f"flips_decay = {self.flips_decay:g} lets the limit of flips fall, and flips is absent; set it, or omit flips_decay"
            raise ValueError(msg)
        return self

    def _set(self, keys: frozenset[str]) -> str:
        """Return the first of some keys that has another value than its default, with the value; empty if all have theirs."""
        fields = type(self).model_fields
        return next((f"{key} = {value!r}" for key in fields if key in keys and (value := getattr(self, key)) != fields[key].default), "")

    @property
    def idle(self) -> str:
        """A line on a key of pulses without effect, as devices of few levels are not pulsed; empty where there is none."""
        given = "" if self.levels is None else self._set(OF_PULSES)
        return given and f"device.{given} is about pulses and has no effect: devices of few levels are written to their level"

    @property
    def programmed(self) -> bool:
        """Whether devices are written, which is counted and takes energy; otherwise conductances become what was computed."""
        return self.preset is not None or self.levels is not None

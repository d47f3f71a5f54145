"""The kinds of steps that a device file may declare, and the step laws that devices drawn from them follow."""

from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, model_validator

from hwsim.devices.kinds.steps import Affine, Bounds, Exact, Exponential, Levels, Noise, PowerLaw, Table
from hwsim.settings.sections import Section
from hwsim.typing import Array

StepSize = Annotated[float, Field(gt=0, le=1)]
State = Annotated[float, Field(ge=0, le=1)]
Slope = Annotated[float, Field(le=1)]
Curve = Annotated[tuple[State, ...], Field(min_length=2)]

NOMINAL = Bounds(0.0, 1.0)

_NARROWEST = 0.02
"""Share of the range; a device's own bound comes no nearer to the state in which its step is given."""


class Lengths(NamedTuple):
    """How much longer than nominal each device's steps are, up and down: numbers or one value a device."""

    up: Array = 1.0
    down: Array = 1.0


class IdealStep(Section):
    """Any change is made exactly, in one pulse."""

    kind: Literal["ideal"] = "ideal"

    def law(self, lengths: Lengths, bounds: Bounds) -> Exact:  # noqa: ARG002 - all kinds have these parameters
        """Return the law of devices with these lengths and bounds."""
        return Exact()


class LinearStep(Section):
    """Steps delta_up·(1 − gamma_up·y) and delta_down·(1 − gamma_down·y): y is 0 at `reference` and 1 at the bound ahead.

    Without a reference, steps are given where they begin: up at the lower bound, down at the upper one. gamma = 1 is a soft bound, 0 a
    constant step. With `own_slope` false a device's slope is the nominal one, wherever its own bounds are.
    """

    kind: Literal["linear"] = "linear"
    delta_up: StepSize
    delta_down: StepSize
    gamma_up: Slope
    gamma_down: Slope
    reference: State | None = None
    own_slope: bool = True

    def law(self, lengths: Lengths, bounds: Bounds) -> Affine:
        """Return the law of devices with these lengths and bounds."""
        low, high = bounds if self.own_slope else NOMINAL
        start_up, start_down = (0.0, 1.0) if self.reference is None else (self.reference, self.reference)
        up, down = self.delta_up * lengths.up, self.delta_down * lengths.down
        if self.gamma_up == self.gamma_down == 0:
            return Affine(up, None, down, None)
        # delta·(1 − gamma·(x − start)/(high − start)) = delta + slope·start − slope·x, and the same for down
        up_slope = up * self.gamma_up / np.maximum(high - start_up, _NARROWEST)
        down_slope = down * self.gamma_down / np.maximum(start_down - low, _NARROWEST)
        return Affine(up + up_slope * start_up, up_slope, down - down_slope * start_down, down_slope)


class ConstantStep(Section):
    """Every step has one length; the bounds cut it off."""

    kind: Literal["constant"] = "constant"
    delta_up: StepSize
    delta_down: StepSize

    def law(self, lengths: Lengths, bounds: Bounds) -> Affine:
        """Return the law of devices with these lengths and bounds."""
        return LinearStep(delta_up=self.delta_up, delta_down=self.delta_down, gamma_up=0.0, gamma_down=0.0).law(lengths, bounds)


class SoftBoundsStep(Section):
    """Steps delta_up·(1 − x) and delta_down·x: they vanish at the bound ahead. `reference` as in linear steps."""

    kind: Literal["soft-bounds"] = "soft-bounds"
    delta_up: StepSize
    delta_down: StepSize
    reference: State | None = None

    def law(self, lengths: Lengths, bounds: Bounds) -> Affine:
        """Return the law of devices with these lengths and bounds."""
        settings = self.model_dump(exclude={"kind"})
        return LinearStep(gamma_up=1.0, gamma_down=1.0, **settings).law(lengths, bounds)


class ExponentialStep(Section):
    """Steps delta_up·max(0, 1 − a_up·exp(gamma_up·z)) and delta_down·max(0, 1 − a_down·exp(−gamma_down·z)), z = slope·x + start."""

    kind: Literal["exponential"] = "exponential"
    delta_up: StepSize
    delta_down: StepSize
    a_up: float
    a_down: float
    gamma_up: float
    gamma_down: float
    slope: float = 1.0
    start: float = 0.0

    def law(self, lengths: Lengths, bounds: Bounds) -> Exponential:  # noqa: ARG002 - all kinds have these parameters
        """Return the law of devices with these lengths and bounds."""
        shape = (self.a_up, self.a_down, self.gamma_up, self.gamma_down, self.slope, self.start)
        return Exponential(self.delta_up * lengths.up, self.delta_down * lengths.down, *shape)


class PowerStep(Section):
    """Steps delta_up·(1 − x)^gamma_up and delta_down·x^gamma_down, x within the device's own bounds."""

    kind: Literal["power"] = "power"
    delta_up: StepSize
    delta_down: StepSize
    gamma_up: NonNegativeFloat
    gamma_down: NonNegativeFloat

    def law(self, lengths: Lengths, bounds: Bounds) -> PowerLaw:  # noqa: ARG002 - all kinds have these parameters
        """Return the law of devices with these lengths and bounds."""
        return PowerLaw(self.delta_up * lengths.up, self.delta_down * lengths.down, self.gamma_up, self.gamma_down)


class LevelsStep(Section):
    """`count` equally spaced levels, each written and verified."""

    kind: Literal["levels"] = "levels"
    count: Annotated[int, Field(ge=2)]

    def law(self, lengths: Lengths, bounds: Bounds) -> Levels:  # noqa: ARG002 - all kinds have these parameters
        """Return the law of devices with these lengths and bounds."""
        return Levels(float(self.count))


class TableStep(Section):
    """Measured curves: the state after 0, 1, 2 … pulses up (always rising) and down (always falling)."""

    kind: Literal["table"] = "table"
    up: Curve
    down: Curve

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, curve, sign in (("up", self.up, 1), ("down", self.down, -1)):
            for k, (before, after) in enumerate(pairwise(curve)):
                if sign * (after - before) <= 0:
                    must = "raise" if key == "up" else "lower"
                    at, must = f"step.{key}[{k + 1}] = {after:g} after {before:g}", "raise" if key == "up" else "lower"
                    msg = f"{at}: every pulse {key} must {must} it; smooth the curve, or fit a law"
                    raise ValueError(msg)
        return self

    def law(self, lengths: Lengths, bounds: Bounds) -> Table:  # noqa: ARG002 - all kinds have these parameters
        """Return the law of devices with these lengths and bounds."""
        return Table(np.array(self.up), np.array(self.down), lengths.up, lengths.down)


def middle(step: Any) -> tuple[float, float]:
    """Return the mean step of a nominal device from the middle of its range, up and down [share of the range]."""
    x = np.full(2, 0.5)
    moved = step.law(Lengths(), NOMINAL).walk(x, np.array([1, -1]), Noise(), NOMINAL).mean
    return float(moved[0]), float(-moved[1])

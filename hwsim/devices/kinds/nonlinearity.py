"""Devices given by a nonlinearity label and a number of pulses, as NeuroSim's users publish them, turned into linear steps.

Their curve is x(P) = B·(1 − exp(−P/A)), x(0) = 0 and x(pulses) = 1, up and back along another curve of this form; A has the label's sign.
"""

import math
from typing import Annotated, Any

from pydantic import Field

from hwsim.settings.sections import Section

LABEL_PER_DEVIATION = 10.1
"""A label over the curve's largest distance from the straight line between its ends: found from published pairs of label and A.

It gives A/pulses of 2.52, 1.25, 0.702, 0.499, 0.387, 0.200 and 0.100 for 0.5, 1, 1.75, 2.4, 3, 4.88 and 6.76, as they have it.
"""

_LEAST, _LARGEST = 1e-4, 1e3
"""Between these lies pulses/A of every label."""


class Curve(Section):
    """A pulse curve: how many pulses go from end to end, and how bent it is; 0 is straight, ±9 bent most."""

    pulses: Annotated[int, Field(ge=2)]
    nl_up: Annotated[float, Field(ge=-8.5, le=8.5)]
    nl_down: Annotated[float, Field(ge=-8.5, le=8.5)]

    def sections(self) -> dict[str, Any]:
        """Return the same device as sections of a device file."""
        if not self.nl_up or not self.nl_down:
            least = 1e-3  # straight to within 1e-4 of the range
            return self.model_copy(update={"nl_up": self.nl_up or least, "nl_down": self.nl_down or -least}).sections()
        up, down = (math.copysign(characteristic(abs(label)) * self.pulses, label) for label in (self.nl_up, self.nl_down))
        # up: x ← x + (B − x)(1 − exp(−1/A)); down: x ← x − (B − x)(exp(1/A) − 1)
        b_up, b_down = (-1 / math.expm1(-self.pulses / a) for a in (up, down))
        return {
            "step": {
                "kind": "linear",
                "delta_up": -b_up * math.expm1(-1 / up),
                "gamma_up": 1 / b_up,
                "delta_down": (b_down - 1) * math.expm1(1 / down),
                "gamma_down": -1 / (b_down - 1),
            }
        }


def deviation(bend: float) -> float:
    """Return the largest distance of (1 − exp(−bend·p))/(1 − exp(−bend)) from p, for p from 0 to 1."""
    full = -math.expm1(-bend)
    return 1 / full - 1 / bend - math.log(bend / full) / bend


def characteristic(label: float) -> float:
    """Return A as a share of the pulses for a positive label: the inverse of `deviation`, by bisection."""
    low, high = _LEAST, _LARGEST
    for _ in range(100):
        bend = math.sqrt(low * high)
        low, high = (bend, high) if LABEL_PER_DEVIATION * deviation(bend) < label else (low, bend)
    return 1 / math.sqrt(low * high)

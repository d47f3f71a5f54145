"""What tests of benchmarks share: small data, a clock that counts, and one point of a curve."""

import itertools
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from hwsim.benchmarks import cases, scaling

LOAD = partial(cases.synthetic, 800)
DATA = LOAD()
TURNS: dict[str, Any] = {"rounds": 3, "seconds": 1.0}


def ticking() -> Callable[[], float]:
    """Return a clock on which every look takes a second."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def point(tolerance: float) -> scaling.ScalingPoint:
    """Return a small circuit in 64 bits."""
    return scaling.ScalingPoint(series="tolerance", hidden=(4,), batch=8, tolerance=tolerance, precision="float64")


@cache
def measured(tolerance: float) -> scaling.Measured:
    """Time a small circuit."""
    return scaling.measure(point(tolerance), DATA, **TURNS, clock=ticking())

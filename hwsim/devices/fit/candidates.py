"""The step kinds that are fitted to measured pulses: their free parameters, where the search begins and what they may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.devices.fit.pulse_train import PulseTrain

Values = Mapping[str, float]

_ALMOST = 1e-3
"""Share of the measured range by which a bound, at first, lies outside of it."""

_WIDEST = 10.0
"""No bound is sought farther out than so many times the measured range."""

_LEAST_STEP = 1e-7
"""Share of the range."""


@dataclass(frozen=True, slots=True)
class Free:
    """A free parameter: where the search may begin, and between what it stays."""

    starts: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of step with its free parameters; `span` holds g_min and g_max where these are not free [S]."""

    kind: str
    free: dict[str, Free]
    span: dict[str, float]
    two_sided: bool

    def settings(self, values: Values) -> dict[str, Any]:
        """Return the step and the range of a device file for values of the free parameters."""
        bounds = self.span | {key: values[key] for key in ("g_min", "g_max") if key in values}
        step = {key: float(value) for key, value in values.items() if key not in bounds}
        if not self.two_sided:
            step |= {key.replace("_up", "_down"): value for key, value in step.items()}
        fixed = {"slope": 1.0, "start": 0.0} if self.kind == "exponential" else {}
        return {key: float(value) for key, value in bounds.items()} | {"step": {"kind": self.kind} | step | fixed}


def candidates(train: PulseTrain) -> dict[str, Candidate]:
    """List the kinds that can be fitted to a train."""
    low, high = float(train.g.min()), float(train.g.max())
    range_ = high - low
    delta = {way: _mean_step(train, sign) / range_ for way, sign in (("up", 1), ("down", -1)) if train.along(sign)}
    measured = {"g_min": low, "g_max": high}
    bounds = {
        "g_min": Free((max(low - _ALMOST * range_, low / 2),), max(low - _WIDEST * range_, low * _ALMOST), low),
        "g_max": Free((high + _ALMOST * range_,), high, high + _WIDEST * range_),
    }

    def kind(name: str, factor: float, shape: Mapping[str, Free], span: Mapping[str, Free] | None) -> Candidate:
        free = {}
        for way, step in delta.items():
            free[f"delta_{way}"] = Free((float(np.clip(factor * step, 10 * _LEAST_STEP, 0.5)),), _LEAST_STEP, 1.0)
            free |= {f"{key}_{way}": limits for key, limits in shape.items()}
        return Candidate(name, free | dict(span or {}), {} if span else measured, len(delta) > 1)

    return {
        "constant": kind("constant", 1, {}, None),
        "soft-bounds": kind("soft-bounds", 2, {}, bounds),
        "linear": kind("linear", 1.5, {"gamma": Free((0.7, -1.0), -20.0, 1.0)}, None),
        "power": kind("power", 2, {"gamma": Free((1.0, 3.0), 0.0, 12.0)}, bounds),
        "exponential": kind("exponential", 1, {"a": Free((-0.5, 0.5), -40.0, 40.0), "gamma": Free((-2.0, 0.5), -20.0, 20.0)}, None),
    }


def _mean_step(train: PulseTrain, sign: int) -> float:
    """Return the mean change of a pulse in one direction [S]."""
    runs = train.along(sign)
    pulses = sum(abs(int(run.n[-1])) for run in runs)
    return max(sign * sum(float(run.g[-1] - run.g[0]) for run in runs) / pulses, 0.0)

"""How likely a pulse train is for a device: an extended Kalman filter, in which pulses scatter the state and readings scatter around it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.devices.fit.pulse_train import PulseTrain
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.shapes import NOMINAL, Lengths
from hwsim.devices.kinds.steps import Noise
from hwsim.typing import Floats

_MOST_READINGS = 500
"""Readings that are used; of longer trains, so many are picked evenly, with all pulses between them."""

_SLOPE_STEP = 1e-5
"""Share of the range; over this distance the slope of a law is taken."""

_LEAST_VARIANCE = 1e-14
"""Share of the range, squared; noise below is none."""


class Readings(NamedTuple):
    """A train, reading by reading: the signed pulses before each, its conductance [S], and whether it starts a new cycle."""

    n: NDArray[np.int64]
    g: Floats
    starts: NDArray[np.bool_]

    @classmethod
    def of(cls, train: PulseTrain) -> "Readings":
        """Lay out a train."""
        n: list[int] = []
        g: list[float] = []
        starts: list[bool] = []
        share = min(1.0, _MOST_READINGS / sum(len(run.n) for run in train.runs))
        for run in train.runs:
            kept = np.unique(np.linspace(0, len(run.n) - 1, max(round(share * len(run.n)), 2)).round().astype(int))
            first = 1 if run.continues else 0
            n += np.diff(run.n[kept], prepend=0).tolist()[first:]
            g += run.g[kept].tolist()[first:]
            starts += [True, *[False] * (len(kept) - 1)][first:]
        return cls(np.array(n), np.array(g), np.array(starts))


class Noises(NamedTuple):
    """Standard deviation of one pulse (of its step, or of the range when `even`) and of one reading, relative."""

    cycle: float
    read: float
    even: bool


class Surprise(NamedTuple):
    """What every reading differs from its forecast by, and the variance that this should have, each (readings, devices) [S, S²]."""

    error: Floats
    variance: Floats

    def cost(self) -> Floats:
        """Return minus the logarithm of the likelihood of each device."""
        of_each = self.error**2 / self.variance + np.log(2 * np.pi * self.variance)
        total: Floats = np.where(np.isfinite(of_each), of_each, 1e6).sum(axis=0) / 2
        return total


def surprise(devices: Sequence[Device], noises: Sequence[Noises], readings: Readings) -> Surprise:
    """Forecast every reading from those before it, for several devices of one kind of step at once."""
    law, g_min, size = _stacked(devices)
    cycle, read = np.array([noise.cycle for noise in noises]), np.array([noise.read for noise in noises])
    noise = Noise(even=cycle) if noises[0].even else Noise(cycle)
    mean, variance = np.zeros(len(devices)), np.zeros(len(devices))
    errors, variances = [], []
    with np.errstate(all="ignore"):
        for n, g, starts in zip(readings.n.tolist(), readings.g.tolist(), readings.starts.tolist(), strict=True):
            x, of_reading = (g - g_min) / size, (read * g / size) ** 2 + _LEAST_VARIANCE
            if starts:
                mean, variance = x, of_reading
                continue
            both = np.stack([mean, mean + _SLOPE_STEP])
            moved = law.walk(both, np.full(both.shape, n), noise, NOMINAL)
            low, high = np.clip(both + moved.mean, 0.0, 1.0)
            slope = (high - low) / _SLOPE_STEP
            variance = slope**2 * variance + moved.variance[0]
            error, total = x - low, variance + of_reading
            trust = variance / total
            mean, variance = low + trust * error, (1 - trust) * variance
            errors.append(error * size)
            variances.append(total * size**2)
    return Surprise(np.array(errors), np.array(variances))


def _stacked(devices: Sequence[Device]) -> tuple[Any, Floats, Floats]:
    """Return one law whose parameters are arrays with a value for each of the devices, and their ranges."""
    laws = [device.step.law(Lengths(), NOMINAL) for device in devices]
    of_each = zip(*laws, strict=True)
    law = type(laws[0])(*(None if values[0] is None else np.array(values, dtype=np.float64) for values in of_each))
    g_min, g_max = (np.array([getattr(device, key) for device in devices], dtype=np.float64) for key in ("g_min", "g_max"))
    return law, g_min, g_max - g_min

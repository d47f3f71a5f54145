"""Fit of a device to a measured pulse train: steps by least squares of the forecasts' errors, noise by likelihood, with intervals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.devices.fit.candidates import Candidate, candidates
from hwsim.devices.fit.likelihood import Noises, Readings, surprise
from hwsim.devices.fit.pulse_train import PulseTrain, Run
from hwsim.devices.kinds.declared import Device
from hwsim.devices.kinds.presets import make
from hwsim.files.raw import DataError
from hwsim.typing import Floats

CONFIDENCE = 0.95

_ROUNDS = 2
"""Times that steps and noise are fitted by turns, each with the other held."""

_TOLERANCE, _MOST_STEPS = 1e-6, 15
"""Relative change of misfit and parameters at which a search ends, and its steps at most."""

_STEP = 1e-6
"""Share of a parameter's size; over this distance slopes are taken."""

_NOISE_STEP = 0.02
"""The same for the logarithm of a noise, over which curvatures are taken."""

_NOISES = (1e-6, 30.0)
"""Between these a noise is sought."""

_GRID = 9
"""Values of each noise that are tried at once; the next round tries as many around the best."""


_ALIKE = 2.0
"""Difference in Akaike's criterion that decides nothing."""

_PLATEAU = 1e-4
"""Share of the range by which a table is tilted as a whole, so that every pulse moves a device."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A parameter: its value, and the ends of its interval at `CONFIDENCE`."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A kind of step fitted to a train.

    Parameters
    ----------
    device
        The device, ready for use.
    estimates
        Its parameters with intervals, those of the noise last.
    aic
        Akaike's criterion: less is better, and a difference of 10 decides.
    rms
        Root of the mean square error of the forecast of the next reading [S].

    """

    device: Device
    estimates: tuple[Estimate, ...]
    aic: float
    rms: float


def fit(train: PulseTrain, kinds: Sequence[str] | None = None, observe: Callable[[str], None] = lambda _: None) -> list[Fit]:
    """Fit kinds of steps to a train, the best first; `observe` is called with the next kind.

    The best is the kind with the fewest parameters among those within 2 of the least value of Akaike's criterion; the rest follow by it.
    Noise goes with the step or is the same for all pulses: what forecasts better at first is kept.
    """
    by_kind = candidates(train)
    readings = Readings.of(train)
    fits = []
    for kind in kinds or by_kind:
        observe(kind)
        searches = [_Search(train.name, by_kind[kind], readings, even=even) for even in (False, True)]
        fits.append(min(searches, key=lambda one: one.begin()).fit())
    fits.sort(key=lambda one: one.aic)
    best = min((one for one in fits if one.aic <= fits[0].aic + _ALIKE), key=lambda one: len(one.estimates))
    return [best, *(one for one in fits if one is not best)]


class _Search:
    """The fit of one kind of step with one kind of noise."""

    def __init__(self, name: str, candidate: Candidate, readings: Readings, *, even: bool) -> None:
        self.name, self.candidate, self.readings, self.even = name, candidate, readings, even
        free = candidate.free.values()
        self.low, self.high = (np.array([getattr(one, end) for one in free]) for end in ("low", "high"))
        self.scale = np.maximum([max(abs(start) for start in one.starts) for one in free], 1e-3 * (self.high - self.low))

    def begin(self) -> float:
        """Make a first fit, from every start; gives minus the logarithm of its likelihood."""
        free = list(self.candidate.free.values())
        self.noises = Noises(0.02 if self.even else 0.3, 0.01, self.even)
        tries = [np.array([one.starts[k % len(one.starts)] for one in free]) for k in range(max(len(one.starts) for one in free))]
        self.solution = min((self._steps(start, self.noises) for start in tries), key=lambda one: one.cost)
        self.noises = self._noises(self.solution.x, self.noises, math.log(1e3))
        return float(surprise([self._device(self.solution.x)], [self.noises], self.readings).cost()[0])

    def fit(self) -> Fit:
        """Fit steps and noise by turns."""
        for _ in range(_ROUNDS):
            self.solution = self._steps(self.solution.x, self.noises)
            self.noises = self._noises(self.solution.x, self.noises, math.log(3))
        free, best, noises = self.candidate.free, self.solution, self.noises
        last = surprise([self._device(best.x)], [noises], self.readings)
        estimates = (*self._intervals(best), *self._noise_intervals(best.x, noises))
        settings = self.candidate.settings({estimate.name: estimate.value for estimate in estimates[: len(free)]})
        settings |= _origin("fitted to", self.name) | {"one_sided": not self.candidate.two_sided}
        settings["noise"] = {"cycle": noises.cycle, "read": noises.read} | ({"even_step": 1.0} if self.even else {})
        aic = 2 * float(last.cost()[0]) + 2 * (len(free) + 2)
        return Fit(make(settings, self.name), estimates, aic, float(np.sqrt(np.mean(last.error**2))))

    def _device(self, values: Floats) -> Device:
        inside = np.clip(values, self.low, self.high)
        return make(self.candidate.settings(dict(zip(self.candidate.free, inside.tolist(), strict=True))), self.name)

    def _steps(self, start: Floats, noises: Noises) -> Any:
        """Find the steps that forecast best when noise is known."""
        from scipy import optimize  # noqa: PLC0415 - only fits need it

        start = np.clip(start, self.low + 1e-9 * self.scale, self.high - 1e-9 * self.scale)
        weight = surprise([self._device(start)], [noises], self.readings).variance[:, 0] ** -0.5

        def errors(points: Floats) -> Floats:
            forecast_errors = surprise([self._device(point) for point in points], [noises] * len(points), self.readings).error
            white: Floats = np.clip(np.nan_to_num(forecast_errors * weight[:, None], nan=1e6), -1e6, 1e6)
            return white

        def slopes(values: Floats) -> Floats:
            steps = np.where(values + _STEP * self.scale > self.high, -_STEP, _STEP) * self.scale
            here, *there = errors(np.concatenate([values[None], values + np.diag(steps)])).T
            along: Floats = (np.array(there) - here).T / steps
            return along

        return optimize.least_squares(
            lambda values: errors(values[None])[:, 0],
            start,
            slopes,
            bounds=(self.low, self.high),
            x_scale=self.scale,
            ftol=_TOLERANCE,
            xtol=_TOLERANCE,
            max_nfev=_MOST_STEPS,
        )

    def _noises(self, values: Floats, start: Noises, width: float) -> Noises:
        """Find the noises that make the errors most likely, on a grid that closes in."""
        device = self._device(values)
        centre = np.log([start.cycle, start.read])
        while width > _NOISE_STEP:
            ticks = np.linspace(-width, width, _GRID)
            logs = np.clip(centre + np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), *np.log(_NOISES))
            tried = [Noises(math.exp(cycle), math.exp(read), self.even) for cycle, read in logs]
            centre = logs[int(surprise([device] * len(tried), tried, self.readings).cost().argmin())]
            width /= (_GRID - 1) / 3
        return Noises(math.exp(centre[0]), math.exp(centre[1]), self.even)

    def _intervals(self, best: Any) -> list[Estimate]:
        """Return each parameter with its interval, from the curvature of the sum of squares."""
        from scipy import stats  # noqa: PLC0415 - only fits need it

        left = max(len(best.fun) - len(best.x), 1)
        scaled = best.jac * self.scale
        covariance = np.linalg.pinv(scaled.T @ scaled, rcond=1e-12) * 2 * best.cost / left
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, left)) * np.sqrt(np.diag(covariance)) * self.scale
        half = np.where(np.abs(scaled).max(axis=0) > 0, half, np.inf)
        ends = zip(np.maximum(best.x - half, self.low).tolist(), np.minimum(best.x + half, self.high).tolist(), strict=True)
        return [Estimate(key, float(x), *end) for key, x, end in zip(self.candidate.free, best.x, ends, strict=True)]

    def _noise_intervals(self, values: Floats, noises: Noises) -> list[Estimate]:
        """Return both noises with intervals, from the curvature over their logarithms; one that the data do not need reaches down to 0."""
        logs, h = np.log([noises.cycle, noises.read]), _NOISE_STEP
        moves = [np.zeros(2), *(sign * h * np.eye(2)[k] for k in range(2) for sign in (1, -1))]
        tried = [Noises(math.exp(cycle), math.exp(read), self.even) for cycle, read in (logs + move for move in moves)]
        here, *costs = surprise([self._device(values)] * len(tried), tried, self.readings).cost().tolist()
        estimates = []
        for k, name in enumerate(("noise.cycle", "noise.read")):
            value = math.exp(logs[k])
            curvature = (costs[2 * k] - 2 * here + costs[2 * k + 1]) / h**2
            determined = curvature > 1.0  # to less than a factor e
            factor = math.exp(1.96 / math.sqrt(curvature)) if determined else math.inf
            estimates.append(Estimate(name, value, value / factor if determined else 0.0, value * factor))
        return estimates


def smoothed(train: PulseTrain) -> Fit:
    """Return the measured points themselves as a table: the mean curve of all runs up and of all down, made to rise and to fall.

    Raises
    ------
    DataError
        When one of the directions was not measured.

    """
    low, high = float(train.g.min()), float(train.g.max())
    curves = {}
    for key, sign in (("up", 1), ("down", -1)):
        runs = train.along(sign)
        if not runs:
            msg = f"{train.name}: it has no pulses {key}; a table needs both directions: fit another model"
            raise DataError(msg)
        curves[key] = _monotone(runs, sign, low, high)
    table = {"step": {"kind": "table"} | curves, "g_min": low, "g_max": high} | _origin("measured in", train.name)
    return Fit(make(table, train.name), (), math.nan, math.nan)


def _origin(how: str, name: str) -> dict[str, Any]:
    return {"source": f"{how} {name}", "approximate": {"pulse": "not in the table: 1 V for 100 ns is assumed"}}


def _monotone(runs: Sequence[Run], sign: int, low: float, high: float) -> list[float]:
    """Return the mean state after 0, 1, 2 … pulses, by isotonic regression; a plateau gets the least slope."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - only tables need it

    counts, states = np.concatenate([abs(run.n) for run in runs]), (np.concatenate([run.g for run in runs]) - low) / (high - low)
    numbers = np.arange(int(counts.max()) + 1)
    curve = IsotonicRegression(increasing=sign > 0, out_of_bounds="clip").fit(counts, states).predict(numbers)
    tilt = _PLATEAU * numbers / numbers[-1]
    tilted = curve * (1 - _PLATEAU) + (tilt if sign > 0 else _PLATEAU - tilt)
    return [float(value) for value in np.clip(tilted, 0.0, 1.0)]

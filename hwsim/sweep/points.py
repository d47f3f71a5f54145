"""Points of a sweep: on a grid of the varied keys, one key at a time, at random, or in Saltelli's scheme for Sobol indices."""

import itertools
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.overriding import override
from hwsim.random.streams import stream
from hwsim.sweep.axes import Axis, Value
from hwsim.sweep.sweep_errors import SweepError

Kind = Literal["grid", "alone", "random", "sobol"]

REFUSED = {
    "training.seed": "--seeds N takes seeds from training.seed on",
    "variation.chip": "--chips N takes chips from variation.chip on",
    "name": "it changes no result",
    "about": "it changes no result",
    "reached": "it changes no result",
    "data.task": "errors of different tasks cannot be compared",
    "data.targets": "errors of different targets cannot be compared",
}
"""Keys that cannot be varied, and the reasons."""

MOST = 100_000
"""Largest number of points of a sweep."""


class SweepPoint(NamedTuple):
    """One point: its number, from 1 on, and the values of the varied keys."""

    number: int
    settings: Mapping[str, Value]

    def experiment(self, base: Experiment) -> Experiment:
        """Return the experiment at this point.

        Raises
        ------
        SweepError
            When a key is unknown or its value wrong.

        """
        return _at(base, self.settings)

    @property
    def text(self) -> str:
        """Format the settings in a line."""
        return ", ".join(f"{key} = {shown(value)}" for key, value in self.settings.items()) or "as it is"


def shown(value: Value) -> str:
    """Format a value for people."""
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def written(key: str, value: Value) -> str:
    """Write a key and its value as they are typed; None, which no text is, as the default, which it is of every key that may be none."""
    return f"{key}=" if value is None else f"{key}={json.dumps(value)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Choice of the points.

    Parameters
    ----------
    kind
        `grid` (all combinations), `alone` (one at a time, the other keys unchanged), `random` (anywhere in the ranges) or
        `sobol` (Saltelli's scheme for Sobol indices).
    count
        Points of `random`; base samples N of `sobol`, with N·(k + 2) points for k keys; else 0.

    """

    kind: Kind = "grid"
    count: int = 0

    def points(self, axes: Sequence[Axis], base: Experiment) -> list[SweepPoint]:
        """Choose the points, each of them checked; the same every time.

        Raises
        ------
        SweepError, ExperimentError
            When they cannot be chosen, or one of them is no experiment.

        """
        settings = self.settings(axes, base)
        for one in settings:
            _at(base, one)
        return [SweepPoint(number, one) for number, one in enumerate(settings, start=1)]

    def settings(self, axes: Sequence[Axis], base: Experiment) -> list[dict[str, Value]]:
        """Choose the values of the varied keys at all points.

        Raises
        ------
        SweepError
            When they cannot be chosen.

        """
        self._check(axes)
        match self.kind:
            case "grid":
                return [dict(zip([axis.key for axis in axes], at, strict=True)) for at in itertools.product(*_grids(axes))]
            case "alone":
                return [{}, *({axis.key: value} for axis in axes for value in axis.values)]
            case "random":
                shares = stream(base.training.seed, "sweep/points").random((self.count, len(axes)))
                return [{axis.key: _drawn(axis, share) for axis, share in zip(axes, row, strict=True)} for row in shares.tolist()]
            case "sobol":
                return [{axis.key: axis.at(share) for axis, share in zip(axes, row, strict=True)} for row in saltelli(axes, self.count)]

    def _check(self, axes: Sequence[Axis]) -> None:
        if not axes:
            msg = "nothing is varied; use --vary KEY=START:STOP:COUNT or KEY=a,b,c, once or more"
            raise SweepError(msg)
        keys = [axis.key for axis in axes]
        for axis in axes:
            if keys.count(axis.key) > 1:
                msg = f"--vary {axis.key} is given twice; give all its values at once"
                raise SweepError(msg)
            if axis.key in REFUSED:
                msg = f"--vary {axis.key}: it cannot be varied: {REFUSED[axis.key]}"
                raise SweepError(msg)
            if self.kind in {"grid", "alone"} and not axis.size:
                msg = f"--vary {axis.key} has a range without a count; write START:STOP:COUNT, or add --random N or --sobol N"
                raise SweepError(msg)
            if self.kind == "sobol" and not axis.ranged:
                msg = f"--sobol: {axis.key} has listed values; Sobol indices take a range, START:STOP"
                raise SweepError(msg)
        sizes = [axis.size for axis in axes]
        counts = {"grid": math.prod(sizes), "alone": sum(sizes) + 1, "random": self.count, "sobol": self.count * (len(axes) + 2)}
        if counts[self.kind] > MOST:
            msg = f"{counts[self.kind]:,} points are more than {MOST:,}; take fewer"
            raise SweepError(msg)
        if self.kind == "sobol" and (self.count < 2 or self.count & (self.count - 1)):  # noqa: PLR2004 - the least power of two that SALib takes
            msg = f"--sobol {self.count}: Sobol's sequence is balanced at powers of two; take 16, 32, 64 …"
            raise SweepError(msg)


def fitted(axes: Sequence[Axis], base: Experiment) -> tuple[Axis, ...]:
    """Mark the ranges of whole numbers, such as bits or epochs."""
    return tuple(replace(axis, whole=_whole(axis, base)) for axis in axes)


def saltelli(axes: Sequence[Axis], count: int) -> list[list[float]]:
    """Return the rows of Saltelli's scheme as shares of the ranges, 0 to 1."""
    from SALib.sample import sobol  # noqa: PLC0415 - loads pandas, and only Sobol indices need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SALib's own affair
        rows = sobol.sample(problem(axes), count, calc_second_order=False, scramble=True, seed=1)
    listed: list[list[float]] = rows.tolist()
    return listed


def problem(axes: Sequence[Axis]) -> dict[str, Any]:
    """Describe the ranges to SALib, each from 0 to 1."""
    return {"num_vars": len(axes), "names": [axis.key for axis in axes], "bounds": [[0.0, 1.0]] * len(axes)}


def _grids(axes: Sequence[Axis]) -> list[tuple[Value, ...]]:
    return [axis.values for axis in axes]


def _drawn(axis: Axis, share: float) -> Value:
    return axis.at(share) if axis.ranged else axis.listed[int(share * len(axis.listed))]


def _at(base: Experiment, settings: Mapping[str, Value]) -> Experiment:
    try:
        return override(base, [written(key, value) for key, value in settings.items()])
    except ExperimentError as error:
        raise SweepError(str(error).replace("--set", "--vary")) from None


def _whole(axis: Axis, base: Experiment) -> bool:
    """Whether a range's ends are whole numbers, and its key only takes whole numbers."""
    if axis.low is None or axis.high is None or axis.low != round(axis.low) or axis.high != round(axis.high):
        return False
    between = min(axis.low, axis.high) + 0.5
    return not _fits(base, axis.key, between) and _fits(base, axis.key, round(axis.low))


def _fits(base: Experiment, key: str, value: Value) -> bool:
    try:
        _at(base, {key: value})
    except SweepError:
        return False
    return True

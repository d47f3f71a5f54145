"""Sensitivity to each varied key: the slope of the error along it, and its share of the error's variance (Sobol's indices)."""

from typing import Any, NamedTuple

import numpy as np

from hwsim.experiment.experiment import Experiment
from hwsim.settings.flat_training import canonical
from hwsim.sweep.axes import Axis
from hwsim.sweep.mean_interval import Interval, of_differences
from hwsim.sweep.points import SweepPoint, problem
from hwsim.sweep.recorded import Recorded
from hwsim.sweep.statistics import per_unit, summary
from hwsim.typing import Floats

_ROUNDING = 1e-12
"""Of the largest error: what a slope may be over its whole span by rounding alone, and is then 0."""


class Slope(NamedTuple):
    """Change of the error per unit of a key.

    Parameters
    ----------
    key, log
        The key; whether its unit is a decade.
    slope, interval
        Change of the mean error per unit or decade, by least squares.
    span
        From the least to the largest value tried, in units or decades.

    """

    key: str
    log: bool
    slope: float
    interval: Interval
    span: float


class Index(NamedTuple):
    """Sobol's indices of a key, each with half the width of its 95 % interval.

    `first` is the share of the error's variance due to the key alone; `total` includes its interactions with others.
    """

    key: str
    first: float
    first_half: float
    total: float
    total_half: float


def slopes(recorded: Recorded) -> list[Slope]:
    """Compute the slope along every numeric key: the others fixed (one at a time), or fitted together with them.

    A slope is a weighted sum of errors, and so the slope of the mean is the mean of the chips' slopes; the interval is that of this mean.
    """
    axes = [axis for axis in recorded.definition.axes if axis.numeric]
    if recorded.definition.design.kind == "alone":
        return [slope for axis in axes for slope in _fitted(recorded, [axis], _along(recorded, axis))]
    return _fitted(recorded, axes, recorded.points)


def _along(recorded: Recorded, axis: Axis) -> list[SweepPoint]:
    """Return the points that differ in one key only, and the unchanged experiment where it has a number there."""
    present = value_of(recorded.definition.experiment, axis.key)
    usable = isinstance(present, int | float) and not isinstance(present, bool) and not (axis.log and present <= 0)
    varied = [point for point in recorded.points if axis.key in point.settings]
    return [SweepPoint(point.number, {axis.key: present}) for point in recorded.points if usable and not point.settings] + varied


def _fitted(recorded: Recorded, axes: list[Axis], points: list[SweepPoint]) -> list[Slope]:
    by_point = recorded.by_point()
    usable = [point for point in points if by_point[point.number]]
    places = np.array([[axis.scaled(point.settings[axis.key]) for axis in axes] for point in usable]).reshape(len(usable), len(axes))
    matrix = np.column_stack([np.ones(len(usable)), places])
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return []
    errors = [per_unit(by_point[point.number]) for point in usable]
    units = sorted(set.intersection(*map(set, errors)))
    values = np.array([[of[unit] for unit in units] for of in errors]).reshape(len(usable), len(units))
    each, spans = np.linalg.pinv(matrix)[1:] @ values, np.ptp(places, axis=0)
    rounding = _ROUNDING * np.abs(values).max(initial=0)
    each[np.abs(each) * spans[:, None] < rounding] = 0
    return [
        Slope(
            axis.key, axis.log, mean if abs(mean := float(slopes.mean())) * span >= rounding else 0.0, of_differences(slopes), float(span)
        )
        for axis, slopes, span in zip(axes, each, spans, strict=True)
        if len(slopes)
    ]


def value_of(experiment: Experiment, key: str) -> Any:
    """Return an experiment's value at a dotted key; None without one."""
    inside: Any = experiment.model_dump()
    for part in canonical(key).replace("[", ".").replace("]", "").split("."):
        try:
            inside = inside[int(part)] if isinstance(inside, list | tuple) else inside[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return inside


def indices(recorded: Recorded) -> list[Index]:
    """Compute Sobol's indices of the mean error of a finished sweep with Saltelli's scheme; else nothing."""
    definition = recorded.definition
    if definition.design.kind != "sobol" or len(recorded.results) < recorded.total:
        return []
    errors = np.array([summary(results).mean for results in recorded.by_point().values()])
    return sobol(definition.axes, errors) if np.isfinite(errors).all() and np.ptp(errors) > 0 else []


def sobol(axes: tuple[Axis, ...], values: Floats) -> list[Index]:
    """Compute Sobol's indices of values at the points of Saltelli's scheme, in its order (Saltelli 2010, Jansen 1999; by SALib)."""
    from SALib.analyze import sobol as analysis  # noqa: PLC0415 - loads pandas, and only Sobol indices need it

    indices = analysis.analyze(problem(axes), values, calc_second_order=False, print_to_console=False, seed=1)  # 0 counts for none
    columns = [np.asarray(indices[name], dtype=np.float64).tolist() for name in ("S1", "S1_conf", "ST", "ST_conf")]
    return [Index(axis.key, *row) for axis, row in zip(axes, zip(*columns, strict=True), strict=True)]

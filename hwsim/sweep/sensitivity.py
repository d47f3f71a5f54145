"""Sensitivity: what each varied key costs: the slope of the error along it, and its share of the error's variance (Sobol's indices)."""

from typing import Any, NamedTuple

import numpy as np

from hwsim.experiment.experiment import Experiment
from hwsim.settings.flat_training import canonical
from hwsim.sweep.axes import Axis
from hwsim.sweep.mean_interval import Interval, of_differences
from hwsim.sweep.points import Point, problem
from hwsim.sweep.recorded import Recorded
from hwsim.sweep.statistics import per_unit, summary
from hwsim.typing import Floats

_ROUNDING = 1e-12
"""Of the largest error: what a slope may be over its whole span by rounding alone, and is then 0."""


class Slope(NamedTuple):
    """What one more of a key costs.

    Parameters
    ----------
    key, log
        The key; whether one more of it is a decade.
    slope, interval
        How much the mean error rises per unit or decade, by least squares.
    span
        From the least to the largest value that was tried, in units or decades.

    """

    key: str
    log: bool
    slope: float
    interval: Interval
    span: float


class Index(NamedTuple):
    """Sobol's indices of a key, each with half the width of its 95 % interval.

    `first` is the share of the error's variance that the key makes alone; `total` is what it makes together with others too.
    """

    key: str
    first: float
    first_half: float
    total: float
    total_half: float


def slopes(recorded: Recorded) -> list[Slope]:
    """Give the slope along every key of numbers: the others held (one at a time), or fitted together with them.

    A slope is a weighted sum of errors, and so the slope of the mean is the mean of the chips' own slopes, whose interval is given.
    """
    axes = [axis for axis in recorded.definition.axes if axis.numeric]
    if recorded.definition.design.kind == "alone":
        return [slope for axis in axes for slope in _fitted(recorded, [axis], _along(recorded, axis))]
    return _fitted(recorded, axes, recorded.points)


def _along(recorded: Recorded, axis: Axis) -> list[Point]:
    """Give the points that differ in one key only, and the experiment as it is where it has a number there."""
    own = value_of(recorded.definition.experiment, axis.key)
    usable = isinstance(own, int | float) and not isinstance(own, bool) and not (axis.log and own <= 0)
    found = [point for point in recorded.points if axis.key in point.settings]
    return [Point(point.number, {axis.key: own}) for point in recorded.points if usable and not point.settings] + found


def _fitted(recorded: Recorded, axes: list[Axis], points: list[Point]) -> list[Slope]:
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
        Slope(axis.key, axis.log, mean if abs(mean := float(own.mean())) * span >= rounding else 0.0, of_differences(own), float(span))
        for axis, own, span in zip(axes, each, spans, strict=True)
        if len(own)
    ]


def value_of(experiment: Experiment, key: str) -> Any:
    """Return what an experiment holds at a dotted key; None where there is nothing."""
    inside: Any = experiment.model_dump()
    for part in canonical(key).replace("[", ".").replace("]", "").split("."):
        try:
            inside = inside[int(part)] if isinstance(inside, list | tuple) else inside[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return inside


def indices(recorded: Recorded) -> list[Index]:
    """Give Sobol's indices of the mean error, of a finished sweep that was made for them; else nothing."""
    definition = recorded.definition
    if definition.design.kind != "sobol" or len(recorded.results) < recorded.total:
        return []
    errors = np.array([summary(results).mean for results in recorded.by_point().values()])
    return sobol(definition.axes, errors) if np.isfinite(errors).all() and np.ptp(errors) > 0 else []


def sobol(axes: tuple[Axis, ...], values: Floats) -> list[Index]:
    """Give Sobol's indices of values at the points of Saltelli's scheme, in its order (Saltelli 2010, Jansen 1999; by SALib)."""
    from SALib.analyze import sobol as analysis  # noqa: PLC0415 - loads pandas, and only Sobol indices need it

    found = analysis.analyze(problem(axes), values, calc_second_order=False, print_to_console=False, seed=1)  # 0 counts for none
    columns = [np.asarray(found[name], dtype=np.float64).tolist() for name in ("S1", "S1_conf", "ST", "ST_conf")]
    return [Index(axis.key, *row) for axis, row in zip(axes, zip(*columns, strict=True), strict=True)]

"""Axes of a sweep's pictures: the positions of a key's values, and points with their intervals."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hwsim.formatting import brief
from hwsim.inspection.palette import SERIES
from hwsim.report.learning_curves import logarithmic
from hwsim.report.picture import grid
from hwsim.sweep.axes import Axis, Value
from hwsim.sweep.axis_labels import axis_label
from hwsim.sweep.points import SweepPoint
from hwsim.sweep.statistics import Summary

FEW = 6
"""Points up to which each has its error bar; more have bands."""

_DECADES = 50.0
"""Ratio of listed values from which their axis is logarithmic."""

_LETTERS = 12
"""Letters of a value's name that are shown."""


class KeyPositions:
    """Positions of the values of a key: numbers at their value, others side by side in their order."""

    def __init__(self, axis: Axis, values: Sequence[Value], names: tuple[str, ...] = ()) -> None:
        self.axis = axis
        self.numeric = axis.numeric
        self.names = names or tuple(dict.fromkeys(brief(value) for value in values))
        self.x = [float(value) if self.numeric else float(self.names.index(brief(value))) for value in values]

    def axes(self, figure: Any) -> Any:
        """Return axes whose abscissa is the key."""
        axes = figure.add_subplot()
        grid(axes)
        axes.set_xlabel(axis_label(self.axis.key))
        if not self.numeric:
            ticks(axes.set_xticks, self.names, most=9)
            axes.set_xlim(-0.5, len(self.names) - 0.5)
        elif self.axis.log or (min(self.x, default=0) > 0 and max(self.x) / min(self.x) > _DECADES):
            logarithmic(axes.xaxis, axes.set_xscale, self.x)
        return axes


def band(  # noqa: PLR0913 - how it looks
    axes: Any,
    places: KeyPositions,
    sums: Sequence[Summary],
    *,
    factor: float,
    colour: str = SERIES[0],
    label: str = "",
    spread: bool = True,
) -> None:
    """Draw means, times a factor, with their intervals: few points, and values in no order, with bars, others as a line within bands."""
    means = [factor * one.mean for one in sums]
    low, high = ([factor * (one.interval[k] if math.isfinite(one.interval[k]) else one.mean) for one in sums] for k in (0, 1))
    order = np.argsort(places.x)
    x, middle, lower, upper = (np.array(values)[order] for values in (places.x, means, low, high))
    if not places.numeric or len(x) <= FEW:
        reach = np.abs(np.array([lower, upper]) - middle)
        reach[reach == 0] = np.nan  # no caps without a bar between them
        form = "o-" if places.numeric else "o"
        style = {"color": colour, "markersize": 4.5, "capsize": 4, "linewidth": 1.0, "label": label or None, "clip_on": False}
        axes.errorbar(x, middle, reach, fmt=form, **style)
        return
    if spread:
        outer = [np.array([factor * one.quantiles[k] for one in sums])[order] for k in (0, -1)]
        axes.fill_between(x, *outer, color=colour, alpha=0.12, linewidth=0, label="5 % to 95 %")
    axes.fill_between(x, lower, upper, color=colour, alpha=0.28, linewidth=0)
    axes.plot(x, middle, "o-", color=colour, markersize=3, label=label or None, clip_on=False)


def ticks(set_ticks: Callable[..., Any], values: Sequence[Value], *, most: int) -> None:
    """Name places by their values, every second, third … of them where there are many."""
    stride = -(-len(values) // most)
    chosen = range(0, len(values), stride)
    set_ticks(list(chosen), [text if len(text := brief(values[k])) <= _LETTERS else f"{text[: _LETTERS - 1]}…" for k in chosen])


def point_text(point: SweepPoint) -> str:
    """Format a point's settings by their keys."""
    return ", ".join(f"{key} = {brief(value)}" for key, value in point.settings.items()) or "as the experiment has it"


def some(values: Sequence[Any], most: int) -> list[Any]:
    """Return all, or the first, the last and some between."""
    if len(values) <= most:
        return list(values)
    return [values[round(k)] for k in np.linspace(0, len(values) - 1, most)]

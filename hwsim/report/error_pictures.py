"""Pictures of a sweep's error: along one key, over two as a map and as curves, and every point where many keys vary at once."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.formatting import brief, counted
from hwsim.inspection.palette import SERIES, SOFT
from hwsim.report.picture import Sketch
from hwsim.report.sweep_axes import FEW, KeyPositions, band, point_text, some, ticks
from hwsim.report.sweep_results import LINES, SweepResults
from hwsim.sweep.axes import Axis
from hwsim.sweep.axis_labels import axis_label
from hwsim.sweep.points import SweepPoint
from hwsim.sweep.statistics import per_unit

_CELLS = 12
"""Rows or columns of a map up to which its cells show their numbers."""


def curve(results: SweepResults, name: str, axis: Axis, points: Sequence[SweepPoint], base: Sequence[SweepPoint]) -> Sketch:
    """Draw the mean error along a key, its 95 % interval, the range of most chips, and each chip; the `base` point as a level line."""
    places = KeyPositions(axis, [point.settings[axis.key] for point in points])
    sums = [results.summaries[point.number] for point in points]
    level = results.summaries[base[0].number].mean if base else math.nan

    def draw(figure: Any) -> None:
        axes = places.axes(figure)
        axes.set_ylabel(results.error_axis())
        factor = results.measure.factor
        each = [(x, factor * e) for x, p in zip(places.x, points, strict=True) for e in per_unit(results.by_point[p.number]).values()]
        if len(each) > len(points):
            style = {"alpha": 0.6, "markersize": 7, "markeredgewidth": 0, "clip_on": False, "label": f"each {results.unit}"}
            axes.plot(*zip(*each, strict=True), ".", color=SERIES[0], **style)
        band(axes, places, sums, factor=factor, label="mean, 95 % interval" if len(each) > len(points) else results.error)
        if math.isfinite(level):
            axes.axhline(factor * level, color=SOFT, linestyle="--", linewidth=1, label="the experiment as it is")
        axes.set_ylim(0, axes.get_ylim()[1] or None)
        axes.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))  # above the curve, which may fill the axes

    means = [f"{results.measure.text(one.mean)} at {brief(point.settings[axis.key])}" for one, point in zip(sums, points, strict=True)]
    least = means[min(range(len(sums)), key=lambda k: sums[k].mean)]
    unit, bars = results.unit, not places.numeric or len(points) <= FEW
    interval = "bars: its 95 % interval" if bars else "dark band: its 95 % interval; light band: 5 % to 95 % of them"
    return Sketch(
        name=name,
        title=f"Error over {axis.key}",
        draw=draw,
        alt=f"Curve of the mean {results.error} over {axis.key} with its spread: {means[0]}, {means[-1]}.",
        caption=f"{'Large dots' if bars else 'Line'}: mean over {unit}s; {interval}; small dots: each {unit}. Least: {least}.",
        wide=True,
        height=3.3,
    )


def error_map(results: SweepResults) -> Sketch:
    """Draw the mean error as a map over two keys."""
    across, down = results.axes
    table = np.full((len(down.values), len(across.values)), math.nan)
    for point in results.points:
        place = down.values.index(point.settings[down.key]), across.values.index(point.settings[across.key])
        table[place] = results.measure.factor * results.summaries[point.number].mean

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        image = axes.imshow(table, cmap="viridis", aspect="auto", interpolation="none", origin="lower")
        ticks(axes.set_xticks, across.values, most=9)
        ticks(axes.set_yticks, down.values, most=12)
        axes.set(xlabel=axis_label(across.key), ylabel=axis_label(down.key))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        if max(table.shape) <= _CELLS:
            _numbers(axes, table)
        bar = figure.colorbar(image, ax=axes, label=results.error_axis("mean"), aspect=30)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)

    best, worst = _extreme(results, min), _extreme(results, max)
    return Sketch(
        name=f"{results.name}-map",
        title="Map of the error",
        draw=draw,
        alt=f"Coloured map of the mean {results.error} over {across.key} and {down.key}: least {best}; most {worst}.",
        caption=f"Mean {results.error}. Least: {best}. Most: {worst}.",
        wide=True,
        height=3.6,
    )


def _numbers(axes: Any, table: NDArray[np.float64]) -> None:
    """Write a map's numbers into its cells, light on dark and dark on light."""
    low, high = np.nanmin(table), np.nanmax(table)
    for (row, column), value in np.ndenumerate(table):
        if math.isfinite(value):
            dark = value < low + 0.6 * (high - low)
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color="#fdfdfd" if dark else "#111111")


def _extreme(results: SweepResults, choose: Callable[..., SweepPoint]) -> str:
    point = choose(results.finite, key=lambda point: results.summaries[point.number].mean, default=None)
    return "none" if point is None else f"{results.measure.text(results.summaries[point.number].mean)} at {point_text(point)}"


def family(results: SweepResults) -> Sketch:
    """Draw the mean error along one key, a curve a value of the other."""
    across, other = results.axes
    chosen = some(other.values, LINES)

    def draw(figure: Any) -> None:
        places = KeyPositions(across, across.values)
        axes = places.axes(figure)
        axes.set_ylabel(results.error_axis("mean"))
        for k, value in enumerate(chosen):
            points = [point for point in results.finite if point.settings[other.key] == value]
            if points:
                line = KeyPositions(across, [point.settings[across.key] for point in points], places.names)
                sums = [results.summaries[point.number] for point in points]
                band(axes, line, sums, factor=results.measure.factor, colour=SERIES[k], label=brief(value), spread=False)
        axes.set_ylim(bottom=0)
        figure.legend(loc="outside lower center", ncols=3, title=axis_label(other.key))

    omitted = "" if len(chosen) == len(other.values) else f" {counted(len(chosen), 'value')} of {len(other.values)} are shown."
    shown = "bars" if not across.numeric or len(across.values) <= FEW else "bands"
    return Sketch(
        name=f"{results.name}-curves",
        title=f"Error over {across.key}",
        draw=draw,
        alt=f"Curves of the mean {results.error} over {across.key}, one for each of {counted(len(chosen), 'value')} of {other.key}.",
        caption=f"Mean over {results.unit}s, a curve a value of {other.key}; {shown}: its 95 % interval.{omitted}",
        wide=True,
        height=3.9,
    )


def cloud(results: SweepResults, name: str, axis: Axis) -> Sketch:
    """Draw every point's mean error over one key, whatever the values of the others."""
    points = results.finite
    values = [point.settings[axis.key] for point in points]

    def draw(figure: Any) -> None:
        places = KeyPositions(axis, values, tuple(dict.fromkeys(brief(value) for value in axis.listed)))
        axes = places.axes(figure)
        errors = [results.measure.factor * results.summaries[point.number].mean for point in points]
        axes.plot(places.x, errors, ".", color=SERIES[0], alpha=0.6, markersize=5, markeredgewidth=0, clip_on=False)
        axes.set_ylabel(results.error_axis("mean"))
        axes.set_ylim(bottom=0)

    return Sketch(
        name=name,
        title=f"Error over {axis.key}",
        draw=draw,
        alt=f"Dots: the mean {results.error} of {counted(len(points), 'point')} over {axis.key}, at any value of the other keys.",
        caption="Each dot is a point of the sweep; the other keys differ between dots.",
        wide=True,
        height=3.0,
    )

"""Plots of a sweep, as PNG: curves with bands over one key, a map over two, bars of named values, Sobol's indices."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hwsim.files.png import METADATA
from hwsim.sweep.axes import Axis
from hwsim.sweep.points import shown
from hwsim.sweep.recorded import Recorded
from hwsim.sweep.sensitivity import Index, value_of
from hwsim.sweep.statistics import PointNumbers

TWO = 2


def draw(recorded: Recorded, numbers: Sequence[PointNumbers], shares: Sequence[Index] = ()) -> bytes:
    """Draw the error, and the yield where one was specified; gives the PNG's bytes."""
    axes, kind = recorded.definition.axes, recorded.definition.design.kind
    specified = any(one.yields for one in numbers)
    if kind == "grid" and len(axes) == TWO:
        return _map(recorded, numbers, specified=specified)
    columns = len(axes) + bool(shares)
    figure = _figure(1 + 4 * columns, 3.6 * (1 + specified))
    panels = figure.subplots(1 + specified, columns, squeeze=False)
    for panel, axis in zip(panels.T, axes, strict=False):
        places = _places(recorded, axis, numbers)
        panel[0].set_ylabel(f"{recorded.definition.experiment.data.held_out} error [%]")
        _errors(panel[0], axis, places, joined=kind == "alone" or (kind == "grid" and len(axes) == 1))
        if specified:
            _yields(panel[1], axis, places)
    top = max(panel.get_ylim()[1] for panel in panels[0, : len(axes)])
    for panel in panels[0, : len(axes)]:
        panel.set_ylim(0, 1.15 * top)  # keys compare at a glance, and legends have room
    if shares:
        _indices(panels[0, -1], shares)
        for panel in panels[1:, -1]:
            panel.set_axis_off()
    return _png(figure, recorded)


Places = list[tuple[Any, PointNumbers]]
"""Where points lie on an axis, in its order."""


def _places(recorded: Recorded, axis: Axis, numbers: Sequence[PointNumbers]) -> Places:
    """Find the points that say something about a key: those that have it, and the experiment as it is."""
    settings = {point.number: point.settings for point in recorded.points}
    own = value_of(recorded.definition.experiment, axis.key)
    found = [(settings[one.point].get(axis.key, own), one) for one in numbers if axis.key in settings[one.point] or not settings[one.point]]
    if axis.numeric:
        usable = [(value, one) for value, one in found if _number(value) and not (axis.log and value <= 0)]
        return sorted(usable, key=lambda pair: pair[0])
    return [(shown(value), one) for value, one in found]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(axis: Axis, places: Places) -> tuple[Any, list[str]]:
    """Give where points are drawn, and the names of the places of an axis without numbers."""
    if axis.numeric:
        return np.array([value for value, _ in places], dtype=float), []
    names = list(dict.fromkeys(value for value, _ in places))
    return np.array([names.index(value) for value, _ in places]), names


def _label(axes: Any, axis: Axis, names: list[str]) -> None:
    axes.set_xlabel(axis.key)
    axes.grid(visible=True, alpha=0.3)
    axes.set_ylim(bottom=0)
    if axis.log:
        axes.set_xscale("log")
    if names:
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(names) - 0.4)


def _errors(axes: Any, axis: Axis, places: Places, *, joined: bool) -> None:
    """Draw mean, interval and quantiles of the error."""
    at, names = _at(axis, places)
    summaries = [one.summary for _, one in places]
    mean = 100 * np.array([one.mean for one in summaries])
    low, high = 100 * np.array([one.interval for one in summaries]).reshape(-1, 2).T
    quantiles = 100 * np.array([one.quantiles for one in summaries]).reshape(len(summaries), -1)
    if joined and axis.numeric:
        axes.fill_between(at, quantiles[:, 0], quantiles[:, -1], color="C0", alpha=0.12, linewidth=0, label="5 % to 95 % of the chips")
        axes.fill_between(at, low, high, color="C0", alpha=0.35, linewidth=0, label="95 % interval of the mean")
        axes.plot(at, mean, color="C0", marker="o", markersize=4, linewidth=1.3, label="mean")
        axes.plot(at, quantiles[:, 2], color="C1", linewidth=1.0, linestyle="--", label="median")
        axes.legend(fontsize=7)
    else:
        whiskers = np.nan_to_num(np.array([mean - low, high - mean]))
        axes.errorbar(
            at, mean, yerr=whiskers, color="C0", marker="o", markersize=4, capsize=3, linestyle="none", label="mean, 95 % interval"
        )
        if names:
            axes.plot(at, quantiles[:, -1], color="C1", marker="_", linestyle="none", label="95 % of the chips are better")
            axes.legend(fontsize=7)
    _label(axes, axis, names)


def _yields(axes: Any, axis: Axis, places: Places) -> None:
    at, names = _at(axis, places)
    yields = [one.yields for _, one in places if one.yields]
    share = 100 * np.array([one.share for one in yields])
    low, high = 100 * np.array([one.interval for one in yields]).reshape(-1, 2).T
    whiskers = np.clip([share - low, high - share], 0, None)
    axes.errorbar(at, share, yerr=whiskers, color="C2", marker="o", markersize=4, capsize=3, linestyle="none")
    axes.set_ylabel("yield [%], 95 % interval")
    _label(axes, axis, names)
    axes.set_ylim(-4, 104)


def _map(recorded: Recorded, numbers: Sequence[PointNumbers], *, specified: bool) -> bytes:
    """Draw a map over two keys, of the error and of the yield."""
    across, up = recorded.definition.axes
    values = {f"mean {recorded.definition.experiment.data.held_out} error [%]": {one.point: 100 * one.summary.mean for one in numbers}}
    if specified:
        values["yield [%]"] = {one.point: 100 * one.yields.share for one in numbers if one.yields}
    figure = _figure(1 + 5.5 * len(values), 4.4)
    panels = figure.subplots(1, len(values), squeeze=False)[0]
    shape = len(across.values), len(up.values)
    each = np.reshape([point.number for point in recorded.points], shape)
    for panel, (title, value) in zip(panels, values.items(), strict=True):
        cells = np.array([[value.get(number, np.nan) for number in column] for column in each.T.tolist()])
        image = panel.imshow(cells, origin="lower", aspect="auto", cmap="viridis_r" if "error" in title else "viridis")
        figure.colorbar(image, ax=panel, label=title)
        panel.set(xlabel=across.key, ylabel=up.key)
        panel.set_xticks(range(shape[0]), [_short(one) for one in across.values], rotation=30, ha="right", rotation_mode="anchor")
        panel.set_yticks(range(shape[1]), [_short(one) for one in up.values])
        _write_cells(panel, image, cells)
    return _png(figure, recorded)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _write_cells(panel: Any, image: Any, cells: Any) -> None:
    """Write each cell's number into it, dark on light and light on dark, while they are few."""
    if cells.size > 150:  # noqa: PLR2004 - more would run together
        return
    for (row, column), value in np.ndenumerate(cells):
        if np.isfinite(value):
            shade = np.dot(image.cmap(image.norm(value))[:3], (0.3, 0.59, 0.11))
            panel.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color="black" if shade > 0.5 else "white")  # noqa: PLR2004 - half as bright as white


def _indices(axes: Any, shares: Sequence[Index]) -> None:
    at = np.arange(len(shares))
    alone, alone_half, total, total_half = np.array([one[1:] for one in shares]).T
    axes.barh(at - 0.2, alone, xerr=alone_half, height=0.38, capsize=3, label="alone")
    axes.barh(at + 0.2, total, xerr=total_half, height=0.38, capsize=3, label="with others")
    axes.set_yticks(at, [one.key.rpartition(".")[2] for one in shares])
    axes.invert_yaxis()
    axes.set(xlabel="share of the error's variance", xlim=(min(0.0, float(axes.get_xlim()[0])), None))
    axes.legend(fontsize=7)
    axes.grid(visible=True, axis="x", alpha=0.3)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second, only at the end of a sweep
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any, recorded: Recorded) -> bytes:
    definition = recorded.definition
    each = f"{definition.chips} chips × {definition.seeds} seeds a point"
    figure.suptitle(f"{definition.experiment.name}, {definition.mode}, {each}", fontsize=10)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata=METADATA)
    return png.getvalue()

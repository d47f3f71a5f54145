"""Pictures of a sweep: the error along each key with its bands, maps over two keys, yield, and what each key costs."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.formatting import brief, counted, percent, quantity
from hwsim.palette import SERIES, SOFT
from hwsim.report.learning_curves import logarithmic
from hwsim.report.picture import Picture, grid, picture
from hwsim.sweep.axes import Axis, Value
from hwsim.sweep.points import Point
from hwsim.sweep.recorded import Recorded, Result
from hwsim.sweep.sensitivity import indices
from hwsim.sweep.statistics import Summary, per_unit, summary, yield_at

Results = Sequence[Result]

_LINES = 6
"""Curves of one picture; more would hide each other."""

_CELLS = 12
"""Rows or columns of a map up to which its cells show their numbers."""


@dataclass(frozen=True)
class SweepPictures:
    """All pictures of one sweep."""

    recorded: Recorded
    name: str

    @cached_property
    def _by_point(self) -> dict[int, list[Result]]:
        return {number: results for number, results in self.recorded.by_point().items() if results}

    @cached_property
    def _points(self) -> list[Point]:
        """The points that have results."""
        return [point for point in self.recorded.points if point.number in self._by_point]

    @cached_property
    def _summaries(self) -> dict[int, Summary]:
        return {number: summary(results) for number, results in self._by_point.items()}

    @property
    def _axes(self) -> tuple[Axis, ...]:
        return self.recorded.definition.axes

    def errors(self) -> Iterator[Picture]:
        """Draw the error over the varied keys."""
        kind = self.recorded.definition.design.kind
        if not self._finite:
            return
        if kind == "alone":
            for k, axis in enumerate(self._axes, start=1):
                along = [point for point in self._finite if axis.key in point.settings]
                if along:
                    yield self._curve(f"{self.name}-error-{k}", axis, along, [point for point in self._finite if not point.settings])
        elif kind == "grid" and len(self._axes) == 1:
            yield self._curve(f"{self.name}-error", self._axes[0], self._finite, [])
        elif kind == "grid" and len(self._axes) == 2:  # noqa: PLR2004 - a map has two sides
            yield self._map()
            yield self._family()
        else:
            for k, axis in enumerate(self._axes, start=1):
                yield self._cloud(f"{self.name}-error-{k}", axis)

    def _curve(self, name: str, axis: Axis, points: Sequence[Point], base: Sequence[Point]) -> Picture:
        """Draw the mean error along a key, its 95 % interval, the range of most chips, and each chip."""
        places = _Places(axis, [point.settings[axis.key] for point in points])
        sums = [self._summaries[point.number] for point in points]
        own = self._summaries[base[0].number].mean if base else math.nan

        def draw(figure: Any) -> None:
            axes = places.axes(figure)
            axes.set_ylabel(f"{self._error} [%]")
            for x, point in zip(places.x, points, strict=True):
                each = [100 * error for error in per_unit(self._by_point[point.number]).values()]
                axes.plot([x] * len(each), each, ".", color=SERIES[0], alpha=0.35, markersize=4, markeredgewidth=0)
            _band(axes, places, sums)
            if math.isfinite(own):
                axes.axhline(100 * own, color=SOFT, linestyle="--", linewidth=1, label="as the experiment has it")
                axes.legend()
            axes.set_ylim(bottom=0)

        told = [f"{percent(one.mean)} at {brief(point.settings[axis.key])}" for one, point in zip(sums, points, strict=True)]
        least = told[min(range(len(sums)), key=lambda k: sums[k].mean)]
        unit = self._unit
        return picture(
            name,
            f"Error over {axis.key}",
            draw,
            alt=f"Curve of the mean {self._error} over {axis.key} with its spread: {told[0]}, {told[-1]}.",
            caption=(
                f"Line: mean over {unit}s; dark band: its 95 % interval; light band: 5 % to 95 % of them; dots: each {unit}. "
                if places.numeric
                else f"Large dots: mean over {unit}s; bars: its 95 % interval; small dots: each {unit}. "
            )
            + f"Least: {least}.",
            wide=True,
            height=3.3,
        )

    @property
    def _error(self) -> str:
        return f"{self.recorded.definition.experiment.data.held_out} error"

    @property
    def _unit(self) -> str:
        return "chip" if self.recorded.definition.chips > 1 else "seed"

    def _map(self) -> Picture:
        """Draw the mean error as a map over two keys."""
        across, down = self._axes
        table = np.full((len(down.values), len(across.values)), math.nan)
        for point in self._points:
            place = down.values.index(point.settings[down.key]), across.values.index(point.settings[across.key])
            table[place] = 100 * self._summaries[point.number].mean

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            image = axes.imshow(table, cmap="viridis", aspect="auto", interpolation="none", origin="lower")
            _ticks(axes.set_xticks, across.values, most=9)
            _ticks(axes.set_yticks, down.values, most=12)
            axes.set(xlabel=across.key, ylabel=down.key)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            if max(table.shape) <= _CELLS:
                _numbers(axes, table)
            bar = figure.colorbar(image, ax=axes, label=f"mean {self._error} [%]", aspect=30)
            bar.outline.set_visible(False)
            bar.ax.tick_params(length=0)

        best, worst = self._extreme(min), self._extreme(max)
        return picture(
            f"{self.name}-map",
            "Map of the error",
            draw,
            alt=f"Coloured map of the mean {self._error} over {across.key} and {down.key}: least {best}; most {worst}.",
            caption=f"Mean {self._error}. Least: {best}. Most: {worst}.",
            wide=True,
            height=3.6,
        )

    def _extreme(self, choose: Callable[..., Point]) -> str:
        point = choose(self._finite, key=lambda point: self._summaries[point.number].mean, default=None)
        return "none" if point is None else f"{percent(self._summaries[point.number].mean)} at {_text(point)}"

    @cached_property
    def _finite(self) -> list[Point]:
        return [point for point in self._points if math.isfinite(self._summaries[point.number].mean)]

    def _family(self) -> Picture:
        """Draw the mean error along one key, a curve a value of the other."""
        across, other = self._axes
        chosen = _some(other.values, _LINES)

        def draw(figure: Any) -> None:
            places = _Places(across, across.values)
            axes = places.axes(figure)
            axes.set_ylabel(f"mean {self._error} [%]")
            for k, value in enumerate(chosen):
                points = [point for point in self._finite if point.settings[other.key] == value]
                if not points:
                    continue
                line = _Places(across, [point.settings[across.key] for point in points], places.names)
                sums = [self._summaries[point.number] for point in points]
                _band(axes, line, sums, colour=SERIES[k], label=brief(value), spread=False)
            axes.set_ylim(bottom=0)
            figure.legend(loc="outside lower center", ncols=3, title=other.key)

        left_out = "" if len(chosen) == len(other.values) else f" {counted(len(chosen), 'value')} of {len(other.values)} are shown."
        return picture(
            f"{self.name}-curves",
            f"Error over {across.key}",
            draw,
            alt=f"Curves of the mean {self._error} over {across.key}, one for each of {counted(len(chosen), 'value')} of {other.key}.",
            caption=f"Lines: mean over {self._unit}s, one a value of {other.key}; bands: its 95 % interval.{left_out}",
            wide=True,
            height=3.9,
        )

    def _cloud(self, name: str, axis: Axis) -> Picture:
        """Draw every point's mean error over one key, whatever the others are."""
        points = self._finite
        values = [point.settings[axis.key] for point in points]

        def draw(figure: Any) -> None:
            places = _Places(axis, values, tuple(dict.fromkeys(brief(value) for value in axis.listed)))
            axes = places.axes(figure)
            errors = [100 * self._summaries[point.number].mean for point in points]
            axes.plot(places.x, errors, ".", color=SERIES[0], alpha=0.6, markersize=5, markeredgewidth=0)
            axes.set_ylabel(f"mean {self._error} [%]")
            axes.set_ylim(bottom=0)

        return picture(
            name,
            f"Error over {axis.key}",
            draw,
            alt=f"Dots: the mean {self._error} of {counted(len(points), 'point')} over {axis.key}, the other keys being anywhere.",
            caption="Each dot is a point of the sweep; the other keys differ from dot to dot.",
            wide=True,
            height=3.0,
        )

    def yields(self) -> Iterator[Picture]:
        """Draw the share of chips whose error is at most a specification, over that specification."""
        if self.recorded.definition.chips == 1 or not self._finite:
            return
        chosen = _some(self._points, _LINES)
        each = {point.number: sorted(per_unit(self._by_point[point.number]).values()) for point in chosen}
        most = 1.05 * max(max(errors, default=0.0) for errors in each.values()) + 0.005
        specs = {number: [0.0, *errors, most] for number, errors in each.items()}  # the share changes where a chip's error is
        shares = {number: [100 * yield_at(self._by_point[number], spec).share for spec in at] for number, at in specs.items()}

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            grid(axes)
            for k, point in enumerate(chosen):
                axes.step(
                    [100 * spec for spec in specs[point.number]], shares[point.number], where="post", color=SERIES[k], label=_text(point)
                )
            axes.set(xlabel="specification: largest error allowed [%]", ylabel="chips that fulfil it [%]", ylim=(-2, 102))
            figure.legend(loc="outside lower center", ncols=1 if any(len(_text(point)) > 30 for point in chosen) else 2)  # noqa: PLR2004 - two fit

        halves = [f"{percent(float(np.median(each[point.number])))} ({_text(point)})" for point in chosen if each[point.number]]
        left_out = "" if len(chosen) == len(self._points) else f" {counted(len(chosen), 'point')} of {len(self._points)} are shown."
        yield picture(
            f"{self.name}-yield",
            "Yield",
            draw,
            alt=f"Curves of the share of chips whose error is at most a specification, over it. Half of them reach {', '.join(halves)}.",
            caption=f"Share of chips whose {self._error}, the mean over their seeds, is at most the specification.{left_out}",
            wide=True,
            height=3.4 + 0.17 * len(chosen),
        )

    def costs(self) -> Iterator[Picture]:
        """Draw Sobol's indices, and what programming took."""
        found = indices(self.recorded)
        if found:
            keys = [index.key for index in found]
            places = np.arange(len(found))

            def draw(figure: Any) -> None:
                axes = figure.add_subplot()
                grid(axes)
                for shift, kind, colour in ((-0.19, "first", SERIES[0]), (0.19, "total", SERIES[1])):
                    heights = [getattr(index, kind) for index in found]
                    halves = [getattr(index, f"{kind}_half") for index in found]
                    label = "alone" if kind == "first" else "with others too"
                    style = {"color": colour, "label": label, "ecolor": SOFT, "error_kw": {"linewidth": 1}}
                    axes.barh(places + shift, heights, 0.36, xerr=halves, **style)
                axes.set_yticks(places, keys)
                axes.invert_yaxis()
                axes.set_xlabel("share of the variance of the error")
                axes.legend()

            told = "; ".join(f"{index.key} {index.first:.2f} alone, {index.total:.2f} in all" for index in found)
            yield picture(
                f"{self.name}-sobol",
                "Sobol's indices",
                draw,
                alt=f"Bars: the share of the error's variance that each key makes. {told}.",
                caption="How much of the variance of the mean error each key makes, alone and together with others; lines: 95 % intervals.",
                wide=True,
                height=1.2 + 0.5 * len(found),
            )
        pulsed = [point for point in self._points if any(result.joules is not None for result in self._by_point[point.number])]
        if pulsed and len(self._axes) == 1 and self.recorded.definition.design.kind == "grid":
            yield self._energy(self._axes[0], pulsed)

    def _energy(self, axis: Axis, points: Sequence[Point]) -> Picture:
        means = [
            float(np.mean([result.joules for result in self._by_point[point.number] if result.joules is not None])) for point in points
        ]
        places = _Places(axis, [point.settings[axis.key] for point in points])

        def draw(figure: Any) -> None:
            axes = places.axes(figure)
            if places.numeric:
                axes.plot(places.x, means, "o-", color=SERIES[3], markersize=3)
            else:
                axes.bar(places.x, means, 0.6, color=SERIES[3])
            axes.set_ylabel("mean energy of programming [J]")
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(lambda value, _: quantity(value, "J") if value else "0")

        return picture(
            f"{self.name}-energy",
            "Programming energy",
            draw,
            alt=f"Curve of the mean programming energy over {axis.key}: {quantity(min(means), 'J')} to {quantity(max(means), 'J')}.",
            caption="Energy of all programming pulses of a training, mean over chips and seeds.",
            wide=True,
            height=3.4,
        )


class _Places:
    """Where the values of a key stand: numbers at themselves, others side by side in their order."""

    def __init__(self, axis: Axis, values: Sequence[Value], names: tuple[str, ...] = ()) -> None:
        self.axis = axis
        self.numeric = axis.numeric
        self.names = names or tuple(dict.fromkeys(brief(value) for value in values))
        self.x = [float(value) if self.numeric else float(self.names.index(brief(value))) for value in values]

    def axes(self, figure: Any) -> Any:
        """Give axes whose abscissa is the key."""
        axes = figure.add_subplot()
        grid(axes)
        axes.set_xlabel(self.axis.key)
        if not self.numeric:
            _ticks(axes.set_xticks, self.names, most=9)
            axes.set_xlim(-0.5, len(self.names) - 0.5)
        elif self.axis.log or (min(self.x, default=0) > 0 and max(self.x) / min(self.x) > 50):  # noqa: PLR2004 - listed over decades
            logarithmic(axes.xaxis, axes.set_xscale, self.x)
        return axes


def _text(point: Point) -> str:
    return ", ".join(f"{key} = {brief(value)}" for key, value in point.settings.items()) or "as the experiment has it"


def _band(axes: Any, places: _Places, sums: Sequence[Summary], *, colour: str = SERIES[0], label: str = "", spread: bool = True) -> None:
    """Draw means as a line within bands; where values have no order, as points with bars."""
    means = [100 * one.mean for one in sums]
    low, high = ([100 * (one.interval[k] if math.isfinite(one.interval[k]) else one.mean) for one in sums] for k in (0, 1))
    if not places.numeric:
        reach = np.abs(np.array([low, high]) - means)
        axes.errorbar(places.x, means, reach, fmt="o", color=colour, markersize=5, capsize=4, label=label or None)
        return
    order = np.argsort(places.x)
    x, middle, lower, upper = (np.array(values)[order] for values in (places.x, means, low, high))
    if spread:
        outer = [np.array([100 * one.quantiles[k] for one in sums])[order] for k in (0, -1)]
        axes.fill_between(x, *outer, color=colour, alpha=0.12, linewidth=0)
    axes.fill_between(x, lower, upper, color=colour, alpha=0.28, linewidth=0)
    axes.plot(x, middle, "o-", color=colour, markersize=3, label=label or None)


def _ticks(set_ticks: Callable[..., Any], values: Sequence[Value], *, most: int) -> None:
    """Name places by their values, every second, third … of them where there are many."""
    stride = -(-len(values) // most)
    chosen = range(0, len(values), stride)
    set_ticks(list(chosen), [text if len(text := brief(values[k])) <= 12 else f"{text[:11]}…" for k in chosen])  # noqa: PLR2004 - room for a name


def _numbers(axes: Any, table: NDArray[np.float64]) -> None:
    """Write a map's numbers into its cells, light on dark and dark on light."""
    low, high = np.nanmin(table), np.nanmax(table)
    for (row, column), value in np.ndenumerate(table):
        if math.isfinite(value):
            dark = value < low + 0.6 * (high - low)
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color="#fdfdfd" if dark else "#111111")


def _some(values: Sequence[Any], most: int) -> list[Any]:
    """Give all, or the first, the last and some between."""
    if len(values) <= most:
        return list(values)
    return [values[round(k)] for k in np.linspace(0, len(values) - 1, most)]

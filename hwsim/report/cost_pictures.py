"""Pictures of a sweep's key costs: yield over a specification, Sobol's indices, energy of programming."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hwsim.formatting import brief, counted, percent, quantity
from hwsim.inspection.palette import SERIES, SOFT
from hwsim.report.picture import Sketch, grid
from hwsim.report.sweep_axes import KeyPositions, point_text, some
from hwsim.report.sweep_results import LINES, SweepResults
from hwsim.sweep.axes import Axis
from hwsim.sweep.axis_labels import axis_label
from hwsim.sweep.points import SweepPoint
from hwsim.sweep.sensitivity import Index, indices
from hwsim.sweep.statistics import per_unit, yield_at


def yields(results: SweepResults, spec: float | None = None) -> Iterator[Sketch]:
    """Plot the share of chips whose error is at most a specification, over that specification; `spec` is marked."""
    if results.recorded.definition.chips == 1 or not results.finite:
        return
    chosen, measure = some(results.points, LINES), results.measure
    each = {point.number: sorted(per_unit(results.by_point[point.number]).values()) for point in chosen}
    most = 1.05 * max(max(errors, default=0.0) for errors in each.values()) + (0.005 if measure.unit == "%" else 0.0)
    specs = {number: [0.0, *errors, most] for number, errors in each.items()}  # the share changes where a chip's error is
    shares = {number: [100 * yield_at(results.by_point[number], spec).share for spec in at] for number, at in specs.items()}
    single = len(results.axes) == 1
    labels = {point.number: brief(next(iter(point.settings.values()))) if single and point.settings else _short(point) for point in chosen}

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        for k, point in enumerate(chosen):
            at = [measure.factor * error for error in specs[point.number]]
            axes.step(at, shares[point.number], where="post", color=SERIES[k], label=labels[point.number], clip_on=False)
        if spec is not None:
            axes.axvline(measure.factor * spec, color=SOFT, linestyle="--", linewidth=1)
        axes.set(
            xlabel=f"specification: {measure.head('largest')} allowed", ylabel="chips that fulfil it [%]", ylim=(0, 102), xlim=(0, None)
        )
        columns = 1 if max(map(len, labels.values())) > 30 else 2 if not single else 3  # noqa: PLR2004 - two fit
        figure.legend(loc="outside lower center", ncols=columns, title=axis_label(results.axes[0].key) if single else None)

    halves = [f"{measure.text(float(np.median(each[point.number])))} ({point_text(point)})" for point in chosen if each[point.number]]
    omitted = "" if len(chosen) == len(results.points) else f" {counted(len(chosen), 'point')} of {len(results.points)} are shown."
    yield Sketch(
        name=f"{results.name}-yield",
        title="Yield",
        draw=draw,
        alt=f"Curves of the share of chips whose error is at most a specification, over it. Half of them reach {', '.join(halves)}.",
        caption=f"Share of chips whose {results.error}, the mean over their seeds, is at most the specification.{omitted}",
        wide=True,
        height=3.4 + 0.17 * len(chosen),
    )


def yield_along(results: SweepResults, axis: Axis, spec: float) -> Sketch:
    """Plot the share of chips that fulfil a specification over a key, with its 95 % interval."""
    points = [point for point in results.points if axis.key in point.settings]
    rows = [yield_at(results.by_point[point.number], spec) for point in points]
    most = f"{results.measure.factor * spec:.3g} {results.measure.unit}".rstrip() + f" {results.measure.name}"
    places = KeyPositions(axis, [point.settings[axis.key] for point in points])

    def draw(figure: Any) -> None:
        axes = places.axes(figure)
        share, low, high = (100 * np.array(values) for values in zip(*((one.share, *one.interval) for one in rows), strict=True))
        reach = np.clip([share - low, high - share], 0, None)
        axes.errorbar(places.x, share, reach, fmt="o", color=SERIES[2], markersize=4.5, capsize=4, linewidth=1.0, clip_on=False)
        axes.set(ylabel=f"chips with at most {most} [%]", ylim=(0, 102))

    shares = ", ".join(f"{percent(one.share)} at {brief(point.settings[axis.key])}" for one, point in zip(rows, points, strict=True))
    return Sketch(
        name=f"{results.name}-yield-{axis.key}",
        title=f"Yield over {axis.key}",
        draw=draw,
        alt=f"Dots: the share of chips whose {results.error} is at most {results.measure.text(spec)}, over {axis.key}: {shares}.",
        caption=f"Share of chips whose {results.error} is at most {results.measure.text(spec)}; bars: its 95 % interval.",
        wide=True,
        height=3.3,
    )


def _short(point: SweepPoint) -> str:
    return ", ".join(f"{key.rpartition('.')[2]} = {brief(value)}" for key, value in point.settings.items()) or "the experiment as it is"


def costs(results: SweepResults) -> Iterator[Sketch]:
    """Draw Sobol's indices, and the energy of programming."""
    if shares := indices(results.recorded):
        yield _indices(results.name, shares)
    pulsed = [point for point in results.points if any(result.joules is not None for result in results.by_point[point.number])]
    if pulsed and len(results.axes) == 1 and results.recorded.definition.design.kind == "grid":
        yield _energy(results, pulsed)


def _indices(name: str, shares: Sequence[Index]) -> Sketch:
    places = np.arange(len(shares))

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        for shift, kind, colour in ((-0.19, "first", SERIES[0]), (0.19, "total", SERIES[1])):
            heights = [getattr(index, kind) for index in shares]
            halves = [getattr(index, f"{kind}_half") for index in shares]
            label = "first order" if kind == "first" else "total"
            style = {"color": colour, "label": label, "ecolor": SOFT, "error_kw": {"linewidth": 1}}
            axes.barh(places + shift, heights, 0.36, xerr=halves, **style)
        axes.set_yticks(places, ["\n".join(textwrap.wrap(axis_label(index.key), 28)) for index in shares])
        axes.invert_yaxis()
        axes.set_xlabel("share of the variance of the error")
        axes.legend()

    indices = "; ".join(f"{index.key} {index.first:.2f} first order, {index.total:.2f} total" for index in shares)
    return Sketch(
        name=f"{name}-sobol",
        title="Sobol's indices",
        draw=draw,
        alt=f"Bars: the share of the error's variance due to each key. {indices}.",
        caption="Share of the error's variance due to each key, alone (first order) and with interactions (total); lines: 95 % intervals.",
        wide=True,
        height=1.2 + 0.5 * len(shares),
    )


def _energy(results: SweepResults, points: Sequence[SweepPoint]) -> Sketch:
    axis = results.axes[0]
    spent = [[result.joules for result in results.by_point[point.number] if result.joules is not None] for point in points]
    means = [float(np.mean(joules)) for joules in spent]
    places = KeyPositions(axis, [point.settings[axis.key] for point in points])

    def draw(figure: Any) -> None:
        axes = places.axes(figure)
        if places.numeric:
            axes.plot(places.x, means, "o-", color=SERIES[3], markersize=3, clip_on=False)
        else:
            axes.bar(places.x, means, 0.6, color=SERIES[3])
        axes.set_ylabel("mean energy of programming [J]")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: quantity(value, "J") if value else "0")

    return Sketch(
        name=f"{results.name}-energy",
        title="Programming energy",
        draw=draw,
        alt=f"Curve of the mean programming energy over {axis.key}: {quantity(min(means), 'J')} to {quantity(max(means), 'J')}.",
        caption="Energy of all programming pulses of a training, mean over chips and seeds.",
        wide=True,
        height=3.4,
    )

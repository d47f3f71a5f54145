"""Plots of benchmarks, as PNG: ratios as bars, times over the varied size; error bars reach from the least to the most."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from hwsim.benchmarks.device_cost import Cost
from hwsim.benchmarks.engine_speed import EngineComparison
from hwsim.benchmarks.scaling import Measured
from hwsim.benchmarks.training import Race
from hwsim.benchmarks.turns import Spread
from hwsim.files.figures import new_figure, png_bytes

_AXES = {
    "width": "hidden units",
    "depth": "hidden layers",
    "batch": "images in a batch",
    "tolerance": "tolerance / largest voltage",
    "chips": "chips side by side",
    "length": "samples of a sequence",
}


def drawn(what: str, spreads: Iterable[Spread]) -> str:
    """Return what bars or points are: medians with whiskers, or numbers of a single round, which have none."""
    return f"{what}: one round" if all(spread.single for spread in spreads) else f"{what}: median; whiskers: least and most of the rounds"


def engines(comparisons: Sequence[EngineComparison]) -> bytes:
    """Draw equilibria per second of both engines, and their ratio; returns the PNG's bytes."""
    figure = new_figure(9, 3.8, dpi=150)
    left, right = figure.subplots(1, 2)
    names = [comparison.name.replace(", ", "\n") for comparison in comparisons]
    for k, engine in enumerate(("numeric", "ngspice")):
        rates = [_inverted(comparison.timings[k].milliseconds, 1e3) for comparison in comparisons]
        _bars(left, np.arange(len(names)) + 0.4 * k - 0.2, rates, width=0.38, label=engine, color=f"C{k}")
    left.set(yscale="log", ylabel="equilibria per second", title="Speed")
    left.legend()
    _bars(right, np.arange(len(names)), [comparison.ratio for comparison in comparisons], width=0.5, color="C2", named=True)
    right.set(yscale="log", ylabel="time of ngspice / time of numeric", title="Ratio")
    for axes in (left, right):
        axes.set_xticks(np.arange(len(names)), names)
        axes.grid(visible=True, axis="y", alpha=0.3)
    return _png(figure, f"Free and nudged equilibria, both engines in turn ({drawn('bars', (one.ratio for one in comparisons))})")


def training(races: Sequence[Race]) -> bytes:
    """Draw the times of circuit and perceptron, and their ratios; returns the PNG's bytes."""
    figure = new_figure(11, 4.2, dpi=150)
    left, right = figure.subplots(1, 2)
    sizes = list(dict.fromkeys(race.layers for race in races))
    batches = sorted({race.batch for race in races})
    width = 0.8 / len(sizes)
    for k, layers in enumerate(sizes):
        of_size = [race for race in races if race.layers == layers]
        name, color = "-".join(map(str, layers)), f"C{k}"
        at = [race.batch for race in of_size]
        _line(left, at, [race.circuit for race in of_size], color=color, marker="o", label=f"{name}: circuit")
        _line(left, at, [race.perceptron for race in of_size], color=color, marker="s", linestyle="--", label="perceptron")
        places = np.array([batches.index(batch) for batch in at]) + (k - (len(sizes) - 1) / 2) * width
        _bars(right, places, [race.ratio for race in of_size], width=0.92 * width, color=color, label=name, named=True)
        floors = [race.floor_ratio.median for race in of_size]
        right.scatter(places, floors, marker="_", s=2500 * width**2, color="black", zorder=3, label=None if k else "without any sweep")
    left.set(xscale="log", yscale="log", xlabel="images in a batch", ylabel="time of an image [µs]", title="Time")
    left.set_xticks(batches, [str(batch) for batch in batches])
    left.minorticks_off()
    left.set_ylim(top=left.get_ylim()[1] * 4)  # room for the legend
    right.set(xlabel="images in a batch", ylabel="time of circuit / time of perceptron", title="Ratio")
    right.set_xticks(np.arange(len(batches)), [str(batch) for batch in batches])
    right.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
    right.set_ylim(top=right.get_ylim()[1] * 1.25)  # as above
    for axes, columns in ((left, len(sizes)), (right, 2)):
        axes.grid(visible=True, axis="y", alpha=0.3)
        axes.legend(fontsize=8 if columns < 3 else 6, ncols=columns, loc="upper center")  # noqa: PLR2004 - three of usual size would overflow
    return _png(
        figure,
        f"Equilibrium propagation in a circuit against back-propagation in a perceptron ({drawn('bars', (race.ratio for race in races))})",
    )


def scaling(points: Sequence[Measured]) -> bytes:
    """Draw how time and sweeps grow, a column of panels a series; returns the PNG's bytes."""
    kinds = list(dict.fromkeys(measured.point.series for measured in points))
    figure = new_figure(1 + 3.1 * len(kinds), 7.2, dpi=150)
    panels = figure.subplots(3, len(kinds), squeeze=False, sharex="col", gridspec_kw={"height_ratios": [2, 1, 1]})
    for (above, below, lowest), kind in zip(panels.T, kinds, strict=True):
        of_kind = [measured for measured in points if measured.point.series == kind]
        _series(above, below, of_kind)
        _memory(lowest, of_kind)
        lowest.set(xlabel=_AXES[kind])
        if kind == "tolerance":
            lowest.invert_xaxis()
    panels[0, 0].set(ylabel="time of a sample [µs]")
    panels[1, 0].set(ylabel="sweeps of a phase")
    panels[2, 0].set(ylabel="memory [MB]")
    return _png(figure, f"Growth of time and memory ({drawn('points', (measured.training for measured in points))})")


def _series(above: Any, below: Any, points: list[Measured]) -> None:
    precisions = list(dict.fromkeys(measured.point.precision for measured in points))
    for precision, marker, linestyle in zip(precisions, "os", ("-", "--"), strict=False):
        part = [measured for measured in points if measured.point.precision == precision]
        at, bits = [measured.at for measured in part], f", {precision[-2:]} bit" if len(precisions) > 1 else ""
        _line(above, at, [measured.training for measured in part], color="C0", marker=marker, linestyle=linestyle, label=f"training{bits}")
        equilibria = [measured.equilibria for measured in part if measured.equilibria is not None]
        if not equilibria:
            continue  # of chips and sequences
        only = f"its equilibria only{bits}"
        _line(above, at, equilibria, color="C1", marker=marker, linestyle=linestyle, label=only)
        for phase, color in (("free", "C2"), ("nudged", "C3")):
            sweeps = [getattr(measured.settling, f"steps_{phase}") for measured in part]
            below.plot(at, sweeps, color=color, marker=marker, linestyle=linestyle, markersize=4, label=f"{phase}{bits}")
    above.set(xscale="log", yscale="log")
    below.set_ylim(0, 1.8 * below.get_ylim()[1])  # room for the legend
    if points[0].point.series == "depth":
        above.set_xscale("linear")
        above.set_xticks(sorted({measured.at for measured in points}))
    for axes, columns in ((above, 1), (below, len(precisions))):
        axes.grid(visible=True, alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, ncols=columns)
    if len(precisions) > 1:
        above.set_ylim(top=4 * above.get_ylim()[1])  # room for the longer legend
        above.legend(fontsize=7, loc="upper left")


def _memory(axes: Any, points: list[Measured]) -> None:
    for precision, marker, linestyle in zip(
        dict.fromkeys(measured.point.precision for measured in points), "os", ("-", "--"), strict=False
    ):
        part = [measured for measured in points if measured.point.precision == precision]
        at, memory = [measured.at for measured in part], [measured.memory for measured in part]
        axes.plot(at, memory, color="C4", marker=marker, linestyle=linestyle, markersize=4)
    axes.set(yscale="log")
    axes.grid(visible=True, alpha=0.3)


def relative(costs: Sequence[Cost], title: str, *, logarithmic: bool = False) -> bytes:
    """Draw how many times as long each takes as its baseline, `logarithmic` where that is far from 1; returns the PNG's bytes."""
    figure = new_figure(max(1.5 + 1.6 * len(costs), 8.0), 3.4, dpi=150)  # as wide as the title
    axes = figure.subplots()
    _bars(axes, np.arange(len(costs)), [cost.ratio for cost in costs], named=True, color="C0", width=0.6)
    axes.set_xticks(np.arange(len(costs)), [cost.name.replace(", ", "\n") + f"\nover {cost.baseline}" for cost in costs], fontsize=7)
    axes.set(ylabel="time / time of the baseline", yscale="log" if logarithmic else "linear")
    axes.grid(visible=True, axis="y", alpha=0.3)
    return _png(figure, f"{title} ({drawn('bars', (cost.ratio for cost in costs))})")


def _png(figure: Any, title: str) -> bytes:
    figure.suptitle(title, fontsize=10)
    return png_bytes(figure)


def _inverted(spread: Spread, over: float) -> Spread:
    return Spread(median=over / spread.median, least=over / spread.most, most=over / spread.least)


def _whiskers(spreads: Sequence[Spread]) -> tuple[list[float], list[list[float]] | None]:
    """Return medians, and the distances of the least and the most below and above them; None where all are of a single round."""
    if all(spread.single for spread in spreads):
        return [spread.median for spread in spreads], None
    below = [spread.median - spread.least for spread in spreads]
    above = [spread.most - spread.median for spread in spreads]
    return [spread.median for spread in spreads], [below, above]


def _bars(axes: Any, places: Any, spreads: Sequence[Spread], *, named: bool = False, **style: Any) -> None:
    medians, whiskers = _whiskers(spreads)
    axes.bar(places, medians, yerr=whiskers, capsize=3, error_kw={"linewidth": 1}, **style)
    if named:
        for place, spread in zip(places, spreads, strict=True):
            text = f"{spread.median:.3g}"
            axes.annotate(text, (place, spread.most), (0, 4), textcoords="offset points", ha="center", fontsize=8)
        axes.margins(y=0.12)


def _line(axes: Any, at: Sequence[float], spreads: Sequence[Spread], **style: Any) -> None:
    medians, whiskers = _whiskers(spreads)
    axes.errorbar(at, medians, yerr=whiskers, capsize=3, linewidth=1.3, markersize=4, **style)


DRAW: dict[str, Callable[[Any], bytes]] = {
    "engines": engines,
    "training": training,
    "scaling": scaling,
    "epochs": partial(relative, title="Whole epochs of a circuit as hwsim train runs them"),
    "devices": partial(relative, title="Cost of real devices, and of many chips at once"),
    "convolutions": partial(relative, title="Convolutions as products over patches"),
    "blocks": partial(relative, title="Epochs of chains of circuits over their digital twins"),
    "transient": partial(relative, title="A sample of a circuit in time over ngspice's .tran", logarithmic=True),
    "company": partial(relative, title="Chips in company over the same chips one by one"),
}
"""The plot of each benchmark, by its name."""

"""Conductances before and after training: maps, histograms, and the first layer's weights as images when samples are images."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.circuit import Circuit
from circuits.rows import row_runs
from hwsim.files.figures import powers_as_ticks
from hwsim.formatting import counted, percent, prefix, quantity
from hwsim.inspection.palette import LINE, SERIES
from hwsim.inspection.pictures import name_rows
from hwsim.report.learning_curves import logarithmic
from hwsim.report.picture import INTERVALS, Picture, grid, picture
from hwsim.report.run_files import RunRecord
from hwsim.typing import Floats

_WIDE = 30.0
"""Ratio of conductances beyond which their scale is logarithmic."""

_PIXELS = 200
"""Rows and columns of a map; larger crossbars are shown in blocks, as their mean."""

_FIELDS, _ACROSS = 40, 8
"""Hidden columns whose weights are shown as images, and how many of them in a row."""

_LEAST_FIELD = 5
"""Pixels along an image's side; smaller ones show nothing."""

_EDGE = 0.02
"""Share of a bound within which a conductance counts as at that bound."""


def of_run(record: RunRecord, name: str) -> list[Picture]:
    """Draw map and histogram of every array of memristors, and the first one's weights as images."""
    sketches = []
    for circuit in (chip.circuit for chip in record.chip.members):
        for element in circuit.memristive:
            after = None if record.g is None else record.g[element.name]
            pair = _Pair(circuit, element, record.before[element.name], after)
            sketches += [pair.maps(f"{name}-{element.name}-map"), pair.histogram(f"{name}-{element.name}-histogram")]
            driven = element is record.circuit.memristive[0] and circuit.input_count == record.circuit.input_count
            if after is not None and driven and isinstance(element, Divisible):
                sketches += _fields(circuit, element, after, f"{name}-fields")
    return sketches


@dataclass(frozen=True, slots=True)
class _Pair:
    """The conductances of an array of memristors before and, unless there are none yet, after training [S]."""

    circuit: Circuit
    element: Trainable
    before: Floats
    after: Floats | None

    @property
    def states(self) -> list[tuple[str, Floats, str]]:
        """List the states: name, conductances and colour."""
        trained = [] if self.after is None else [("after training", self.after, SERIES[1])]
        return [("before training", self.before, SERIES[5]), *trained]

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest conductance of all [S]."""
        return min(float(g.min()) for _, g, _ in self.states), max(float(g.max()) for _, g, _ in self.states)

    def maps(self, name: str) -> Picture:
        """Draw each state as a map, in one scale of colours."""
        low, high = self.ends
        factor, letter = prefix(high)
        tables = [(title, _blocks(_table(g)), _table(g).shape) for title, g, _ in self.states]
        rows, columns = tables[0][2]
        down, across = self.element.axes if isinstance(self.element, Divisible) else ("row", "number")

        def draw(figure: Any) -> None:
            from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415 - loaded already by whoever draws

            scale = (LogNorm if high > _WIDE * low else Normalize)(low / factor, high / factor)
            places = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
            for axes, (title, blocks, _) in zip(places, tables, strict=True):
                extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
                image = axes.imshow(blocks / factor, norm=scale, cmap="viridis", aspect="auto", interpolation="none", extent=extent)
                axes.set(title=title, xlabel=across)
                axes.xaxis.get_major_locator().set_params(integer=True, nbins=INTERVALS)
                axes.tick_params(length=0, bottom=False, left=False)
                axes.spines[:].set_visible(False)
            self._name_rows(places[0], rows)
            bar = figure.colorbar(image, ax=list(places), label=f"conductance [{letter}S]", aspect=30)
            bar.outline.set_visible(False)
            bar.ax.tick_params(length=0, right=False)
            if high > _WIDE * low:
                powers_as_ticks(bar.ax.yaxis, low / factor, high / factor)

        coarse = "" if tables[0][1].shape == (rows, columns) else " Each point is the mean of a block of memristors."
        size = f"{rows} {down}s by {columns} {across}s" if rows > 1 else f"{columns} memristors side by side"
        summary = f"{size}, {quantity(low, 'S')} to {quantity(high, 'S')}"
        shown = " and ".join(title for title, *_ in tables)
        return picture(
            name,
            f"Map of {self.element.name}",
            draw,
            alt=f"Coloured map of the conductances of {self.element.name} {shown}: {summary}.",
            caption=f"{self.element.name}: {summary}.{coarse}",
            height=3.1,
        )

    def _name_rows(self, axes: Any, rows: int) -> None:
        """Write the names of the rows next to them, and draw lines between those of different sources."""
        if rows == 1:
            axes.set_yticks([])
        elif self.element.grid:
            name_rows(axes, self.circuit, self.element)
            for run in row_runs(self.circuit, self.element)[1:]:
                axes.axhline(run.first - 0.5, color=LINE, linewidth=0.8)
        elif isinstance(self.element, Divisible):
            axes.set_ylabel(self.element.axes[0])

    def histogram(self, name: str) -> Picture:
        """Draw a histogram of the conductances."""
        low, high = self.ends
        factor, letter = prefix(high)
        wide = high > _WIDE * low
        edges = (np.geomspace if wide else np.linspace)(low, high if high > low else 1.001 * low, 41) / factor
        edges[0], edges[-1] = edges[0] * (1 - 1e-9), edges[-1] * (1 + 1e-9)

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            grid(axes)
            for title, g, colour in self.states:
                shares = 100 * np.histogram(g / factor, edges)[0] / g.size
                axes.stairs(shares, edges, color=colour, fill=True, alpha=0.28)
                axes.stairs(shares, edges, color=colour, linewidth=1.3, label=title)
            if wide:
                logarithmic(axes.xaxis, axes.set_xscale, self.ends)
            axes.set(xlabel=f"conductance [{letter}S]", ylabel="memristors [%]")
            axes.legend()

        summary = "; ".join(f"{title} median {quantity(float(np.median(g)), 'S')}" for title, g, _ in self.states)
        return picture(
            name,
            f"Histogram of {self.element.name}",
            draw,
            alt=f"Histogram of the conductances of {self.element.name}: {summary}.",
            caption=f"{counted(self.before.size, 'conductance' if self.element.shared else 'memristor')}; {summary}. {self._at_bounds()}",
            height=3.1,
        )

    def _at_bounds(self) -> str:
        """Report how many are at a bound in the last state."""
        title, g, _ = self.states[-1]
        floor, ceiling = (np.asarray(getattr(self.element, bound)) for bound in ("g_min", "g_max"))
        low, high = float(np.mean(g <= floor * (1 + _EDGE))), float(np.mean(g >= ceiling * (1 - _EDGE)))
        top = f" and {percent(high)} at the ceiling of {quantity(float(ceiling.max()), 'S')}" if np.isfinite(ceiling).all() else ""
        return f"{title.capitalize()}, {percent(low)} are at the floor of {quantity(float(floor.min()), 'S')}{top}."


def _table(g: Floats) -> Floats:
    """Return conductances as rows and columns; an array with one index becomes one row."""
    return g if g.ndim == 2 else g.reshape(1, -1)  # noqa: PLR2004 - rows and columns


def _blocks(table: Floats) -> Floats:
    """Average blocks, so that a map can show them all."""
    for axis in (0, 1):
        size = table.shape[axis]
        if size > _PIXELS:
            cuts = np.linspace(0, size, _PIXELS + 1).astype(int)[:-1]
            counts = np.diff([*cuts, size])
            table = np.add.reduceat(table, cuts, axis=axis) / (counts[:, None] if axis == 0 else counts)
    return table


def _signed(circuit: Circuit, array: Divisible, g: Floats) -> Floats:
    """Return what each column, or channel, conducts from each feature, or tap of a window, less what it does from its negative."""
    runs = [run for run in row_runs(circuit, array) if run.features is not None and run.source is not None]
    signs = [np.sign(np.asarray(circuit[run.source or ""].scale)[run.places]) for run in runs]
    if not array.grid:  # each run is one window, which sees all features by the same taps
        drawn = [array.part(run.span).drawn(g[run.of_g]) for run in runs]
        return np.asarray(sum(sign[0] * values for values, sign in zip(drawn, signs, strict=True)))
    signed = np.zeros((circuit.input_count, g.shape[1]))
    for run, sign in zip(runs, signs, strict=True):
        np.add.at(signed, np.asarray(run.features), sign[:, None] * g[run.of_g])
    return signed


def _fields(circuit: Circuit, crossbar: Divisible, g: Floats, name: str) -> list[Picture]:
    """Draw each hidden column's conductances, or each kernel, as an image, if these are square."""
    signed = _signed(circuit, crossbar, g)
    side = math.isqrt(len(signed))
    if side < _LEAST_FIELD or side**2 != len(signed):
        return []
    shown = min(signed.shape[1], _FIELDS)
    across = min(shown, _ACROSS)
    down = -(-shown // across)

    def draw(figure: Any) -> None:
        for k, axes in enumerate(figure.subplots(down, across, squeeze=False).flatten()):
            axes.set_axis_off()
            if k < shown:
                top = float(np.abs(signed[:, k]).max()) or 1.0
                axes.imshow(signed[:, k].reshape(side, side), cmap="RdBu_r", vmin=-top, vmax=top, interpolation="none")

    which = f"the first {shown} of {signed.shape[1]}" if shown < signed.shape[1] else f"all {shown}"
    return [
        picture(
            name,
            f"Weights of {crossbar.name} as images",
            draw,
            alt=f"Images of {side} by {side} pixels, one for each of {which} hidden columns: red where the weight of a pixel is positive.",
            caption=f"Conductance from x less that from −x, pixel by pixel, for {which} columns; red is positive, each in its own scale.",
            height=3.6 / _ACROSS * down + 0.15,
        )
    ]

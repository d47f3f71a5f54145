"""One picture of a circuit: its schematic or graph, maps of its conductances, and the current of its neurons."""

from typing import Any

import numpy as np

from circuits.arrays import Divisible, Trainable
from circuits.circuit import Circuit
from hwsim.files.figures import new_figure, png_bytes, powers_as_ticks
from hwsim.formatting import prefix
from hwsim.inspection.bundles import MOST_COLUMNS, row_labels, short
from hwsim.inspection.inspection import Inspection
from hwsim.inspection.neurons import NeuronGroup
from hwsim.inspection.palette import SERIES
from hwsim.inspection.schematic import Drawable
from hwsim.typing import Floats

_MAPS, _CURVES = 4, 6
"""Most conductance maps and transfer curves of one picture."""

_BESIDE = 0.4
"""V; how far beyond their rails neurons are shown."""

_BELOW = 3.3
"""Inches: the height of maps and curves."""

_TITLE = 0.45
"""Inches."""


def overview(inspection: Inspection, drawing: Drawable, name: str) -> bytes:
    """Draw everything about a circuit below its `drawing`; returns the PNG's bytes."""
    arrays = inspection.circuit.trainable[:_MAPS]
    shown = [one for one in inspection.neurons if one.kind not in {"dead zone", "diode between nodes"}][:_CURVES]
    below = len(arrays) + bool(shown)
    wide, high = drawing.size
    under = _BELOW if below else 0.0
    width, height = max(9.0, 3.3 * below, wide), _TITLE + high + under
    figure = new_figure(width, height, dpi=130, constrained=bool(below))
    figure.text(0.5, 1 - _TITLE / height / 2, name, ha="center", va="center", fontsize=13)
    halves: Any = figure.subfigures(2, 1, height_ratios=(_TITLE + high, under)) if below else ()
    drawing.show(figure.add_axes(((1 - wide / width) / 2, under / height, wide / width, high / height)))
    for place, element in zip(halves[1].subplots(1, below, squeeze=False)[0] if below else (), [*arrays, None], strict=False):
        if element is None:
            _neurons(place, shown)
        else:
            _conductances(halves[1], place, inspection.circuit, element, inspection.g[element.name])
    return png_bytes(figure)


def _conductances(figure: Any, axes: Any, circuit: Circuit, element: Trainable, g: Floats) -> None:
    """Draw a crossbar as a map with named rows, a kernel as a map of its taps, and other devices as a histogram; all logarithmic."""
    factor, letter = prefix(float(g.max()))
    label = f"conductance [{letter}S]"
    if isinstance(element, Divisible):
        from matplotlib.colors import LogNorm  # noqa: PLC0415 - loaded with the figure

        low, high = float(g.min()) / factor, float(g.max()) / factor
        image = axes.imshow(g / factor, aspect="auto", interpolation="nearest", cmap="viridis", norm=LogNorm(low, max(high, low * 1.01)))
        powers_as_ticks(figure.colorbar(image, ax=axes, label=label).ax.yaxis, low, high)
        axes.set_title(f"{element.name}: {g.shape[0]} × {g.shape[1]}", fontsize=9)
        if element.grid:
            name_rows(axes, circuit, element)
        else:
            axes.set_ylabel(element.axes[0])
            axes.yaxis.get_major_locator().set_params(integer=True)
        if element.grid and g.shape[1] <= MOST_COLUMNS:
            names = [short(circuit.node_names[node]) for node in element.columns.tolist()]
            axes.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) * len(names) > 24 else 0, fontsize=8)  # noqa: PLR2004 - letters that fit side by side
        else:
            axes.set_xlabel(element.axes[1])
            axes.xaxis.get_major_locator().set_params(integer=True)
        return
    g = g / factor
    wide = 1.01 if g.max() > 3 * g.min() else 2.0  # else ticks would repeat and cover each other
    low, high = float(g.min()) / wide, float(g.max()) * wide
    axes.hist(g, bins=np.geomspace(low, high, 30), color=SERIES[0])
    axes.set_title(f"{element.name}: {len(element)} trainable", fontsize=9)
    axes.set(xlabel=label, ylabel="resistors", xscale="log")
    powers_as_ticks(axes.xaxis, low, high)
    axes.yaxis.get_major_locator().set_params(integer=True)
    for bound in (float(np.min(element.g_min)) / factor, float(np.max(element.g_max)) / factor):
        if low <= bound <= high:
            axes.axvline(bound, color=SERIES[1], linewidth=1)


def name_rows(axes: Any, circuit: Circuit, element: Trainable) -> None:
    """Write the names of a crossbar's rows next to its map, those of long runs along it."""
    labels = row_labels(circuit, element)
    axes.set_yticks([at for at, *_ in labels], [name for _, name, _ in labels], fontsize=8)
    for text, (_, _, along) in zip(axes.get_yticklabels(), labels, strict=True):
        text.set(rotation=90 if along else 0, va="center")


def _neurons(axes: Any, kinds: list[NeuronGroup]) -> None:
    """Draw the current that each kind of neuron draws from its node."""
    rails = [rail for one in kinds for rail in one.rails]
    v = np.linspace(min(rails) - _BESIDE, max(rails) + _BESIDE, 400)
    for k, one in enumerate(kinds):
        i = 1e6 * one.current(v)
        i[~np.isfinite(i)] = np.nan
        axes.plot(v, i, color=SERIES[k], linewidth=1.4, label=f"{one.kind} ({len(one.nodes)})")
        if not any(clamp.i_sat for clamp in one.clamps):
            for rail in one.rails:
                axes.axvline(rail, color=SERIES[k], linestyle="--", linewidth=1)
    axes.set_title("Current out of a node", fontsize=9)
    axes.set(xlabel="its voltage [V]", ylabel="current [µA]")
    axes.set_ylim(-30, 30)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)

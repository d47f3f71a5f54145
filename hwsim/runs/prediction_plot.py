"""Predictions against the truth: a point for each sample, a panel for each target, as PNG and for reports."""

from typing import Any

import numpy as np

from hwsim.files.figures import new_figure, png_bytes
from hwsim.learning.predictions import Predictions

MOST = 6
"""Targets that are drawn; more panels would be too small to read."""

_ACROSS = 3

_DENSE = 400
"""Samples from which on points are drawn smaller and fainter."""


def shape(targets: int) -> tuple[int, int]:
    """Return the rows and columns of panels for a number of targets."""
    shown = min(targets, MOST)
    across = min(shown, _ACROSS)
    return -(-shown // across), across


def draw(panels: Any, predictions: Predictions, unit: str, *, colour: str, line: str, titled: bool) -> None:
    """Draw the first targets into an array of axes; a point on the line is predicted exactly. `unit` is empty without one."""
    each = zip(panels.flatten(), predictions.names[:MOST], predictions.true.T, predictions.predicted.T, predictions.scores(), strict=False)
    dense = len(predictions.true) > _DENSE
    for axes, name, true, predicted, scores in each:
        ends = [float(function([true.min(), true.max(), *predicted])) for function in (np.min, np.max)]
        room = 0.04 * ((ends[1] - ends[0]) or 1.0)
        limits = ends[0] - room, ends[1] + room
        axes.plot(limits, limits, color=line, linewidth=1.0)
        axes.plot(true, predicted, ".", color=colour, markersize=3 if dense else 8, alpha=0.35 if dense else 0.6, markeredgewidth=0)
        called = name if len(name) <= 24 else f"{name[:23]}…"  # noqa: PLR2004 - room for a name
        axes.set(xlim=limits, ylim=limits, xlabel=f"true {called}{unit and f' [{unit}]'}", ylabel=f"predicted{unit and f' [{unit}]'}")
        if titled:
            axes.set_title(f"RMSE {scores['rmse']:.4g}{unit and f' {unit}'}, R² {scores['r2']:.3f}", fontsize=9)
        axes.set_aspect("equal", adjustable="box")
    for axes in panels.flatten()[min(len(predictions.names), MOST) :]:
        axes.set_axis_off()


def prediction_plot(predictions: Predictions, title: str, unit: str) -> bytes:
    """Draw the predictions of a run; returns the PNG's bytes."""
    down, across = shape(len(predictions.names))
    figure = new_figure(1 + 3.4 * across, 0.6 + 3.5 * down, dpi=150)
    panels = figure.subplots(down, across, squeeze=False)
    draw(panels, predictions, unit, colour="C0", line="0.5", titled=True)
    for axes in panels.flatten():
        axes.grid(visible=True, alpha=0.3)
    figure.suptitle(title)
    return png_bytes(figure)

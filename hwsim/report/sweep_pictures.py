"""Pictures of a sweep: those that its design has, and one PNG of all."""

from collections.abc import Iterator

from hwsim.files.figures import new_figure, png_bytes
from hwsim.formatting import counted
from hwsim.inspection.palette import PAPER
from hwsim.report import cost_pictures, error_pictures
from hwsim.report.picture import WIDE, Sketch, style
from hwsim.report.sweep_results import SweepResults
from hwsim.sweep.recorded import Recorded

_TITLE = 0.4
"""Inches above all pictures of a PNG."""


def sketches(recorded: Recorded, name: str, spec: float | None = None) -> list[Sketch]:
    """List the pictures of a sweep: the error over the varied keys, the yield with `spec` marked, the cost of each key."""
    results = SweepResults(recorded, name)
    single = results.axes if len(results.axes) == 1 and recorded.definition.design.kind == "grid" and results.finite else ()
    specified = [cost_pictures.yield_along(results, axis, spec) for axis in single if spec is not None]
    return [*_errors(results), *specified, *cost_pictures.yields(results, spec), *cost_pictures.costs(results)]


def _errors(results: SweepResults) -> Iterator[Sketch]:
    kind, axes = results.recorded.definition.design.kind, results.axes
    if not results.finite:
        return
    if kind == "alone":
        for k, axis in enumerate(axes, start=1):
            along = [point for point in results.finite if axis.key in point.settings]
            if along:
                base = [point for point in results.finite if not point.settings]
                yield error_pictures.curve(results, f"{results.name}-error-{k}", axis, along, base)
    elif kind == "grid" and len(axes) == 1:
        yield error_pictures.curve(results, f"{results.name}-error", axes[0], results.finite, [])
    elif kind == "grid" and len(axes) == 2:  # noqa: PLR2004 - a map has two sides
        yield error_pictures.error_map(results)
        yield error_pictures.family(results)
    else:
        for k, axis in enumerate(axes, start=1):
            yield error_pictures.cloud(results, f"{results.name}-error-{k}", axis)


def sheet(recorded: Recorded, spec: float | None = None) -> bytes:
    """Draw all pictures of a sweep side by side; returns the PNG's bytes."""
    definition, drawn = recorded.definition, sketches(recorded, "sweep", spec)
    across = 1 if len(drawn) < 2 else 2  # noqa: PLR2004 - two are readable side by side
    heights = [max(sketch.height for sketch in drawn[k : k + across]) for k in range(0, len(drawn), across)]
    seeds = f"{counted(definition.seeds, 'seed')} {'each' if definition.chips > 1 else 'a point'}"
    each = f", {counted(definition.chips, 'chip')} with {seeds}" if definition.chips > 1 else f", {seeds}" if definition.seeds > 1 else ""
    with style("sweep"):
        figure = new_figure(across * WIDE, max(sum(heights), 1.0) + _TITLE)
        figure.suptitle(f"{definition.experiment.name}, {definition.mode}{each}", fontsize=10)
        if drawn:
            rows = figure.subfigures(len(heights), across, height_ratios=heights, squeeze=False).flatten()
            for part, sketch in zip(rows, drawn, strict=False):
                sketch.draw(part)
        return png_bytes(figure, dpi=150, facecolor=PAPER)

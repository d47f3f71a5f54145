"""Predictions against the truth, for a run with real targets: a picture, and a table of each target's scores."""

from typing import Any

from hwsim.formatting import Measure, counted
from hwsim.inspection.palette import SERIES, SOFT
from hwsim.learning.predictions import Predictions
from hwsim.report.picture import Picture, grid, picture
from hwsim.report.section import PageTable
from hwsim.runs.prediction_plot import MOST, draw, shape
from hwsim.settings.sections import DataSettings


def predictions(predicted: Predictions, name: str, held_out: str, measure: Measure) -> Picture:
    """Draw the predictions of the held-out set, a point for each sample."""
    down, across = shape(len(predicted.names))

    def draw_all(figure: Any) -> None:
        panels = figure.subplots(down, across, squeeze=False)
        draw(panels, predicted, measure.unit, colour=SERIES[0], line=SOFT, titled=False)
        for axes in panels.flatten()[: len(predicted.names)]:
            grid(axes)

    scores = [f"{one['target']}: RMSE {measure.text(one['rmse'])}, R² {one['r2']:.3f}" for one in predicted.scores()]
    left_out = f" The first {MOST} of {len(predicted.names)} targets are shown." if len(predicted.names) > MOST else ""
    return picture(
        f"{name}-predictions",
        "Predictions",
        draw_all,
        alt=f"Points: predicted over true targets of {counted(len(predicted.true), 'sample')} of the {held_out} set. {'; '.join(scores)}.",
        caption=f"Each point is a sample of the {held_out} set; on the line, a prediction is exact.{left_out}",
        wide=across > 1,
        height=(3.7, 3.2, 1.8)[across - 1] * down,
    )


def target_table(predicted: Predictions, data: DataSettings) -> PageTable:
    """List RMSE and R² of each target."""
    rows = [[one["target"], data.measure.text(one["rmse"]), f"{one['r2']:.4f}"] for one in predicted.scores()]
    return PageTable(caption=f"Targets of the {data.held_out} set", header=("target", "RMSE", "R²"), rows=rows)

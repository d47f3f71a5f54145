"""Plots of a run, as PNG."""

from hwsim.files.line_charts import FIRST, SECOND, ChartCurve, Panel, charts
from hwsim.files.records import Row
from hwsim.formatting import WRONG_ANSWERS, Measure


def curves(rows: list[Row], title: str, held_out: str = "test", measure: Measure = WRONG_ANSWERS) -> bytes:
    """Draw loss and error over the epochs, of the training set and of the set that is `held_out`; returns the PNG's bytes."""
    epochs, losses = [row["epoch"] for row in rows], [row["loss"] for row in rows]
    loss = ChartCurve(losses, FIRST, "training set", f"{losses[-1]:.3g} V²")
    trained, tested = ([measure.factor * row[f"{part}_error"] for row in rows] for part in ("train", "test"))
    errors = ChartCurve(trained, FIRST, "training set"), ChartCurve(tested, SECOND, f"{held_out} set", measure.text(rows[-1]["test_error"]))
    panels = [
        Panel("Loss", "epoch", "mean loss of a sample [V²]", epochs, [loss], logarithmic=all(value > 0 for value in losses)),
        Panel("Error", "epoch", measure.axis, epochs, errors),
    ]
    return charts(panels, title, 9, 3.6)

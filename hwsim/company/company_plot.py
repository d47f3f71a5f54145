"""The plot of a company: errors of each chip and of all together, and how often two chips answer differently."""

from hwsim.files.line_charts import FIRST, SECOND, THIRD, ChartCurve, Panel, charts
from hwsim.files.records import Row
from hwsim.settings.sections import DataSettings


def company_plot(rows: list[Row], title: str, data: DataSettings) -> bytes:
    """Draw them over the epochs; returns the PNG's bytes."""
    measure, epochs = data.measure, [row["epoch"] for row in rows]
    chips = sum(name.startswith("test_error/") for name in rows[-1])
    each = [
        ChartCurve([measure.factor * row[f"test_error/{k}"] for row in rows], FIRST, None if k else "each chip", width=0.8, alpha=0.6)
        for k in range(chips)
    ]
    whole = [measure.factor * row["together_error"] for row in rows]
    together = ChartCurve(whole, SECOND, "mean of their outputs", measure.text(rows[-1]["together_error"]), width=1.6)
    panels = [Panel(f"Error on the {data.held_out} set", "epoch", measure.axis, epochs, [*each, together])]
    if "churn" in rows[-1]:
        churn = [100 * row["churn"] for row in rows]
        panels.append(
            Panel("Churn", "epoch", "two chips answer differently [%]", epochs, [ChartCurve(churn, THIRD, end=f"{churn[-1]:.2f} %")])
        )
    return charts(panels, title, 9 if len(panels) > 1 else 5, 3.6)

"""The plot of a company: errors of each chip and of all together, and how often two chips answer differently."""

from typing import Any

from hwsim.files.figures import new_figure, png_bytes
from hwsim.files.records import Row
from hwsim.runs.training_plot import label_end
from hwsim.settings.sections import DataSettings


def company_plot(rows: list[Row], title: str, data: DataSettings) -> bytes:
    """Draw them over the epochs; returns the PNG's bytes."""
    measure, churns = data.measure, "churn" in rows[-1]
    figure = new_figure(9 if churns else 5, 3.6, dpi=150)
    panels: list[Any] = list(figure.subplots(1, 1 + churns, squeeze=False)[0])
    epochs = [row["epoch"] for row in rows]
    marker = {"marker": ".", "markersize": 4} if len(rows) < 50 else {}  # noqa: PLR2004 - closer points would run together
    for k in range(sum(name.startswith("test_error/") for name in rows[-1])):
        label = "each chip" if k == 0 else None
        panels[0].plot(epochs, [measure.factor * row[f"test_error/{k}"] for row in rows], color="C0", linewidth=0.8, alpha=0.6, label=label)
    whole = [measure.factor * row["together_error"] for row in rows]
    panels[0].plot(epochs, whole, color="C1", linewidth=1.6, label="mean of their outputs", **marker)
    label_end(panels[0], epochs, whole, measure.text(rows[-1]["together_error"]), "C1")
    panels[0].set(title=f"Error on the {data.held_out} set", ylabel=measure.axis)
    panels[0].legend()
    if churns:
        churn = [100 * row["churn"] for row in rows]
        panels[1].plot(epochs, churn, color="C2", linewidth=1.3, **marker)
        label_end(panels[1], epochs, churn, f"{churn[-1]:.2f} %", "C2")
        panels[1].set(title="Churn", ylabel="two chips answer differently [%]")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    return png_bytes(figure)

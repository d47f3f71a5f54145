"""Plots of a run, as PNG."""

from collections.abc import Sequence
from typing import Any

from hwsim.files.figures import new_figure, png_bytes
from hwsim.files.records import Row
from hwsim.formatting import WRONG_ANSWERS, Measure


def curves(rows: list[Row], title: str, held_out: str = "test", measure: Measure = WRONG_ANSWERS) -> bytes:
    """Draw loss and error over the epochs, of the training set and of the set that is `held_out`; returns the PNG's bytes."""
    figure = new_figure(9, 3.6, dpi=150)
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    marker = {"marker": ".", "markersize": 4} if len(rows) < 50 else {}  # noqa: PLR2004 - closer points would run together
    _line(left, epochs, [row["loss"] for row in rows], label="training set", color="C0", **marker)
    left.set(title="Loss", ylabel="mean loss of a sample [V²]")
    if all(row["loss"] > 0 for row in rows):
        left.set_yscale("log")
    label_end(left, epochs, [row["loss"] for row in rows], f"{rows[-1]['loss']:.3g} V²", "C0")
    errors = {part: [measure.factor * row[f"{part}_error"] for row in rows] for part in ("train", "test")}
    _line(right, epochs, errors["train"], label="training set", color="C0", **marker)
    _line(right, epochs, errors["test"], label=f"{held_out} set", color="C1", **marker)
    label_end(right, epochs, errors["test"], measure.text(rows[-1]["test_error"]), "C1")
    right.set(title="Error", ylabel=measure.axis)
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)  # what is written at the end of a curve crosses them
        axes.legend()
    figure.suptitle(title)
    return png_bytes(figure)


def _line(axes: Any, epochs: list[float | int], values: list[float], **style: Any) -> None:
    axes.plot(epochs, values, linewidth=1.3, **style)


def label_end(axes: Any, x: Sequence[float], y: Sequence[float], text: str, colour: str) -> None:
    """Write the last value of a curve to the right of its end."""
    axes.annotate(text, (x[-1], y[-1]), (4, 1), textcoords="offset points", va="bottom", color=colour, annotation_clip=False)

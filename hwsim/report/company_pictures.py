"""Pictures of a company: errors of all chips, how often they answer differently, chip by chip too, and the bytes that they sent."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hwsim.files.records import Row
from hwsim.formatting import quantity
from hwsim.inspection.palette import INK, PAPER, SERIES
from hwsim.report.learning_curves import marks, over_epochs
from hwsim.report.picture import Picture, label_end, picture
from hwsim.settings.sections import DataSettings
from hwsim.typing import Floats

_MOST_NUMBERS = 12
"""Chips up to which the table of churn shows its numbers."""

_DARK = 0.6
"""Share of the largest churn above which a number is written in the background's colour."""


def pictures(rows: Sequence[Row], data: DataSettings, name: str, churn: Floats | None) -> Iterator[Picture]:
    """Draw what a company's rows hold, and the churn of each two chips, (chips, chips)."""
    yield _errors(rows, data, name)
    if "churn" in rows[-1]:
        yield _churn(rows, data, name)
    if churn is not None and len(churn) > 1:
        yield _between(churn, data, name)
    if any(row["sent_bytes"] for row in rows):
        yield _bytes(rows, name)


def _errors(rows: Sequence[Row], data: DataSettings, name: str) -> Picture:
    measure, epochs = data.measure, [row["epoch"] for row in rows]
    chips = sum(key.startswith("test_error/") for key in rows[-1])
    whole = [measure.factor * row["together_error"] for row in rows]

    def draw(figure: Any) -> None:
        axes = over_epochs(figure, measure.axis)
        for k in range(chips):
            errors = [measure.factor * row[f"test_error/{k}"] for row in rows]
            axes.plot(epochs, errors, color=SERIES[0], linewidth=0.7, alpha=0.6, label=None if k else "each chip")
        axes.plot(epochs, whole, color=SERIES[1], label="mean of their outputs", **marks(epochs))
        for row in rows:
            if "eliminated" in row:
                at = measure.factor * row[f"test_error/{row['eliminated']}"]
                axes.plot(row["epoch"], at, "x", color=INK, markersize=5)
        label_end(axes, epochs, whole, measure.text(rows[-1]["together_error"]), SERIES[1])
        axes.set_ylim(bottom=0)
        axes.legend()

    last = [rows[-1][f"test_error/{k}"] for k in range(chips)]
    ends = f"{measure.text(min(last))} to {measure.text(max(last))}"
    again = " A cross is a chip that begins again." if any("eliminated" in row for row in rows) else ""
    return picture(
        f"{name}-errors",
        "Error of each chip",
        draw,
        alt=f"Curves of the {data.held_out} set's {measure.long} over the epochs, one a chip: {ends} at the end; and of their mean output.",
        caption=f"After the last epoch {ends}; the mean of their outputs has {measure.text(rows[-1]['together_error'])}.{again}",
    )


def _churn(rows: Sequence[Row], data: DataSettings, name: str) -> Picture:
    epochs, churn = [row["epoch"] for row in rows], [100 * row["churn"] for row in rows]

    def draw(figure: Any) -> None:
        axes = over_epochs(figure, "two chips answer differently [%]")
        axes.plot(epochs, churn, color=SERIES[2], **marks(epochs))
        axes.set_ylim(bottom=0)
        label_end(axes, epochs, churn, f"{churn[-1]:.2f} %", SERIES[2])

    return picture(
        f"{name}-churn",
        "Churn",
        draw,
        alt=f"Curve of the churn over the epochs: from {churn[0]:.2f} % to {churn[-1]:.2f} %.",
        caption=f"How often two chips answer a sample of the {data.held_out} set differently, in the mean over all pairs.",
    )


def _between(churn: Floats, data: DataSettings, name: str) -> Picture:
    """Draw the churn of each two chips."""
    percent, pairs = 100 * churn, ~np.eye(len(churn), dtype=bool)
    least, most = float(percent[pairs].min()), float(percent[pairs].max())

    def draw(figure: Any) -> None:
        from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415 - loaded already by whoever draws

        axes = figure.add_subplot()
        shades = LinearSegmentedColormap.from_list("churn", [PAPER, SERIES[2]])
        axes.imshow(np.where(pairs, percent, np.nan), cmap=shades, vmin=0, vmax=max(most, 1e-9))
        axes.set(xlabel="chip", ylabel="chip")
        axes.tick_params(length=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_major_locator().set_params(integer=True)
        if len(churn) <= _MOST_NUMBERS:
            for (row, column), value in np.ndenumerate(percent):
                if row != column:
                    colour = PAPER if value > _DARK * most else INK
                    axes.text(column, row, f"{value:.2g}", color=colour, fontsize=7, ha="center", va="center")

    return picture(
        f"{name}-between",
        "Churn between chips",
        draw,
        alt=f"Table of squares, chips down and across: the churn of two chips is {least:.2f} to {most:.2f} %.",
        caption=f"Per cent of the {data.held_out} set that two chips answer differently after the last epoch: {least:.2f} to {most:.2f}.",
        height=3.4,
    )


def _bytes(rows: Sequence[Row], name: str) -> Picture:
    epochs, sent = [row["epoch"] for row in rows], np.cumsum([row["sent_bytes"] for row in rows])

    def draw(figure: Any) -> None:
        axes = over_epochs(figure, "sent so far")
        axes.step(epochs, sent, where="post", color=SERIES[3])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: quantity(value, "B") if value else "0")

    whole = quantity(float(sent[-1]), "B")
    return picture(
        f"{name}-bytes",
        "Bytes sent",
        draw,
        alt=f"Steps of the bytes that all chips sent, over the epochs: {whole} at the end.",
        caption=f"{whole} by all chips together, common samples not counted.",
    )

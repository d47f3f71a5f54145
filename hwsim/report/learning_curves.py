"""Pictures of a training: loss, errors, pulses and energy over the epochs, and the final confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwsim.files.figures import powers_as_ticks
from hwsim.files.records import Row
from hwsim.formatting import WRONG_ANSWERS, Measure, quantity
from hwsim.inspection.palette import INK, PAPER, SERIES
from hwsim.report.picture import Picture, grid, label_end, picture
from hwsim.report.run_files import Confusion
from hwsim.runs.programming_cost import counts_in

_MOST_NUMBERS = 26
"""Classes up to which a confusion matrix shows its counts."""

_DARK = 0.55
"""Share of samples above which a count is written in the background's colour."""


def learning(rows: Sequence[Row], name: str, held_out: str, measure: Measure = WRONG_ANSWERS) -> list[Picture]:
    """Draw loss and errors, of the training set and of the held-out set."""
    epochs = [row["epoch"] for row in rows]
    loss = [row["loss"] for row in rows]
    errors = {part: [measure.factor * row[f"{part}_error"] for row in rows] for part in ("train", "test")}

    def draw_loss(figure: Any) -> None:
        axes = over_epochs(figure, "mean loss of a sample [V²]")
        axes.plot(epochs, loss, color=SERIES[0], **marks(epochs))
        if min(loss) > 0:
            logarithmic(axes.yaxis, axes.set_yscale, loss)
        label_end(axes, epochs, loss, f"{loss[-1]:.3g} V²", SERIES[0])

    def draw_errors(figure: Any) -> None:
        axes = over_epochs(figure, measure.axis)
        axes.plot(epochs, errors["train"], color=SERIES[0], label="training set", **marks(epochs))
        axes.plot(epochs, errors["test"], color=SERIES[1], label=f"{held_out} set", **marks(epochs))
        axes.set_ylim(bottom=0)
        label_end(axes, epochs, errors["test"], measure.text(rows[-1]["test_error"]), SERIES[1])
        axes.legend()

    best = min(rows, key=lambda row: row["test_error"])
    ends = [measure.text(row["test_error"]) for row in (rows[0], rows[-1])]
    change = f"from {ends[0]} after the first epoch to {ends[1]} after epoch {epochs[-1]}"
    return [
        picture(
            f"{name}-error",
            "Error",
            draw_errors,
            alt=(
                f"Curves of {measure.long} over the epochs. {held_out.capitalize()} set: {change}. "
                f"Training set: {measure.text(rows[-1]['train_error'])} at the end."
            ),
            caption=(
                f"{measure.long.capitalize()}; the least on the {held_out} set is {measure.text(best['test_error'])}, "
                f"after epoch {best['epoch']}."
            ),
        ),
        picture(
            f"{name}-loss",
            "Loss",
            draw_loss,
            alt=f"Curve of the mean loss over the epochs: from {loss[0]:.3g} V² to {loss[-1]:.3g} V².",
            caption="Mean loss of a sample of the training set during the epoch.",
        ),
    ]


def programming(rows: Sequence[Row], memristors: int, name: str) -> list[Picture]:
    """Draw pulses or flips, and energy of programming, where devices were written."""
    counts = counts_in(rows[0]) if rows else ()
    if not counts:
        return []
    epochs = [row["epoch"] for row in rows]
    joules = np.cumsum([row["programming_J"] for row in rows])

    def draw_energy(figure: Any) -> None:
        axes = over_epochs(figure, "energy so far [J]")
        axes.plot(epochs, joules, color=SERIES[3], **marks(epochs))
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: quantity(value, "J") if value else "0")

    return [
        *(_writes(count, rows, memristors, name) for count in counts),
        picture(
            f"{name}-energy",
            "Programming energy",
            draw_energy,
            alt=f"Curve of the energy spent on programming: {quantity(joules[-1], 'J')} at the end.",
            caption=f"{quantity(joules[-1], 'J')} in all, {quantity(joules[-1] / memristors, 'J')} a memristor.",
        ),
    ]


def _writes(count: str, rows: Sequence[Row], memristors: int, name: str) -> Picture:
    """Draw pulses, or flips."""
    epochs, writes = [row["epoch"] for row in rows], [row[count] / memristors for row in rows]
    what = "Programming pulses" if count == "pulses" else "Flips of devices from level to level"

    def draw(figure: Any) -> None:
        axes = over_epochs(figure, f"{count} a memristor")
        axes.bar(epochs, writes, color=SERIES[2], width=0.8)

    total = sum(writes)
    return picture(
        f"{name}-{count}",
        count.capitalize(),
        draw,
        alt=f"Bars: {what[0].lower()}{what[1:]} a memristor in each epoch; {writes[0]:.3g} in the first, {writes[-1]:.3g} in the last.",
        caption=f"{what} in each epoch; {total:.3g} a memristor in all, {total * memristors:,.0f} together.",
    )


def confusion(matrix: Confusion, name: str, held_out: str) -> Picture:
    """Draw the confusion matrix."""
    counts, names = matrix.counts, [text if len(text) <= 12 else f"{text[:11]}…" for text in matrix.class_names]  # noqa: PLR2004 - room for a name
    size = len(names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xlabel="read as", ylabel="true class", aspect="equal")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, bottom=False, left=False)
        places = range(size) if size <= _MOST_NUMBERS else range(0, size, -(-size // _MOST_NUMBERS))
        long = max(map(len, names)) > 2 and size > 5  # noqa: PLR2004 - names that would run together
        axes.set_xticks(places, [names[k] for k in places], rotation=90 if long else 0)
        axes.set_yticks(places, [names[k] for k in places])
        for (row, column), share in np.ndenumerate(shares):
            if share:
                right = row == column
                axes.add_patch(_square(column, row, SERIES[0] if right else SERIES[1], max(float(share), 0.12)))
                if size <= _MOST_NUMBERS:
                    colour = PAPER if share > _DARK else INK
                    fit = {"color": colour, "fontsize": min(8.0, 100 / size), "ha": "center", "va": "center"}
                    axes.text(column, row, f"{counts[row, column]}", **fit)

    wrong = [(int(counts[at]), at) for at in np.ndindex(counts.shape) if at[0] != at[1] and counts[at]]
    worst = sorted(wrong, reverse=True)[:3]
    mistakes = "; ".join(f"{matrix.class_names[a]} as {matrix.class_names[b]}: {count}" for count, (a, b) in worst)
    accuracy = f"{int(np.trace(counts))} of {int(counts.sum())} samples of the {held_out} set are classified correctly"
    return picture(
        f"{name}-confusion",
        "Confusion matrix",
        draw,
        alt=f"Table of squares, true classes down, predicted classes across: {accuracy}. Most frequent mistakes: {mistakes or 'none'}.",
        caption=f"{accuracy.capitalize()}. Most frequent mistakes: {mistakes or 'none'}.",
        height=3.7,
    )


def _square(x: float, y: float, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - loaded already by whoever draws

    return Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=colour, alpha=alpha)


def over_epochs(figure: Any, label: str) -> Any:
    """Return axes with the epoch as abscissa."""
    axes = figure.add_subplot()
    grid(axes)
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return axes


def logarithmic(axis: Any, set_scale: Any, values: Sequence[float]) -> None:
    """Make an axis logarithmic, its ticks plain text."""
    set_scale("log")
    powers_as_ticks(axis, min(values), max(values))


def marks(points: Sequence[Any]) -> dict[str, Any]:
    """Return markers for short curves; those of longer ones would run together."""
    return {"marker": "o", "markersize": 2.5} if len(points) < 30 else {}  # noqa: PLR2004 - as many as fit

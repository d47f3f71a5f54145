"""The tornado plot: how far each imperfection may go, from the mildest value that was tried to the harshest, the tightest at the top."""

from typing import Any

from hwsim.datasheet.margins import Margins
from hwsim.inspection.palette import INK, SERIES
from hwsim.report.picture import Sketch, grid

_ROW = 0.34
"""Inches of a bar."""


def tornado(margins: Margins) -> Sketch:
    """Draw a bar for each imperfection, with the interval of its limit."""
    rows = margins.margins

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        axes.grid(visible=False, axis="y")
        for place, one in enumerate(rows):
            limit, certain, possible = one.reach
            axes.barh(place, max(limit, 0.004), height=0.55, color=SERIES[0])
            axes.plot([certain, possible], [place, place], color=INK, linewidth=1.6, solid_capstyle="butt")
            axes.text(max(limit, possible) + 0.015, place, one.spelled[0], va="center", fontsize=8)
        axes.set(
            yticks=range(len(rows)),
            yticklabels=[one.label for one in rows],
            ylim=(len(rows) - 0.5, -0.5),
            xlim=(0, 1.3),
            xticks=[0, 0.5, 1],
            xticklabels=["mildest", "half", "harshest"],
            xlabel="where the limit is in the values that were tried",
        )

    limits = "; ".join(f"{one.label}: {one.spelled[0]}" for one in rows)
    return Sketch(
        name="tornado",
        title="How far each may go",
        draw=draw,
        alt=f"A bar for each imperfection, the tightest at the top. {limits}.",
        caption=f"Limits, each imperfection alone, while {margins.condition}; thin lines: their 95 % intervals over chips.",
        height=0.9 + _ROW * len(rows),
        wide=True,
    )

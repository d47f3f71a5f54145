"""Pictures are drawn once, and look as matplotlib draws them by itself."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib import artist

from hwsim.files.figures import new_figure, png_bytes
from hwsim.files.png import METADATA


def panels(figure: Any) -> None:
    """Draw panels with a legend outside of them, and text beyond an axis."""
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [1e-3, 1e-2, 1e-1], label="a curve")
    left.set_yscale("log")
    left.annotate("its end", (3, 1e-1), (4, 1), textcoords="offset points", annotation_clip=False)
    figure.colorbar(right.imshow([[1.0, 2.0], [3.0, 4.0]]), ax=right)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center")
    figure.suptitle("title")


def halves(figure: Any) -> None:
    """Draw two figures in one, the second in axes that are square."""
    upper, lower = figure.subfigures(2, 1)
    upper.subplots().bar([1, 2], [3, 4])
    lower.subplots().set_aspect("equal")


def fixed(figure: Any) -> None:
    """Draw axes at a place of their own."""
    figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([0, 1])


@pytest.mark.parametrize(("draw", "constrained"), [(panels, True), (halves, True), (fixed, False)])
def test_a_layout_computed_before_is_the_layout(draw: Callable[[Any], None], constrained: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The bytes are those that matplotlib writes when it lays out by itself."""
    figure, twin = (new_figure(6, 3, dpi=60, constrained=constrained) for _ in range(2))
    draw(figure)
    draw(twin)
    usual = io.BytesIO()
    twin.savefig(usual, format="png", metadata=METADATA)
    assert png_bytes(figure) == usual.getvalue()


def test_what_is_left_out_while_matplotlib_loads_is_there_afterwards() -> None:
    """Tables of properties are made for whoever asks for them later."""
    line = new_figure(2, 2).subplots().plot([0, 1])[0]
    assert "linewidth" in artist.kwdoc(line)

"""Pictures are drawn once, and look as matplotlib draws them by itself."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib import artist, rc_context
from numpy.typing import NDArray
from PIL import Image

from hwsim.files.figures import keep_labels, lay_out, new_figure, png_bytes, powers_as_ticks


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Return the red, green and blue of a PNG, as PIL reads them."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


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
    """The pixels are those that matplotlib draws when it lays out by itself."""
    figure, twin = (new_figure(6, 3, dpi=60, constrained=constrained) for _ in range(2))
    draw(figure)
    draw(twin)
    usual = io.BytesIO()
    twin.savefig(usual, format="png")
    np.testing.assert_array_equal(pixels(png_bytes(figure)), pixels(usual.getvalue()))


def test_a_figure_that_is_laid_out_is_drawn_once_for_each_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """No format lays it out again: an SVG, by a renderer that may mix in pixels, and a PNG."""
    figure, drawn = new_figure(6, 3), list[str]()
    panels(figure)
    lay_out(figure)
    draw = type(figure).draw
    monkeypatch.setattr(type(figure), "draw", lambda figure, renderer: (drawn.append(type(renderer).__name__), draw(figure, renderer)))
    figure.savefig(io.StringIO(), format="svg")
    png_bytes(figure, dpi=90)
    assert drawn == ["MixedModeRenderer", "RendererAgg"]


def test_kept_labels_are_where_they_were_drawn() -> None:
    """At the same resolution to the pixel; at another one, next to the ticks that have moved with them."""
    figure = new_figure(6, 3, dpi=80)
    left, right = figure.subplots(1, 2)
    left.set(xlabel="across", ylabel="up")
    right.yaxis.set_label_position("right")
    right.set_ylabel("on the other side")
    drawn = pixels(png_bytes(figure))
    keep_labels(figure)
    np.testing.assert_array_equal(pixels(png_bytes(figure)), drawn)
    png_bytes(figure, dpi=160)
    words = [label.get_window_extent() for label in left.yaxis.get_ticklabels()]
    assert 0 < left.yaxis.label.get_window_extent().x1 < min(word.x0 for word in words if word.width)


@pytest.mark.parametrize("engine", ["constrained_layout.use", "autolayout"])
def test_layouts_do_not_depend_on_the_user_s_settings(engine: str) -> None:
    """Whatever engine a matplotlibrc names: a figure is laid out for good, and one whose axes have places of their own is never."""
    with rc_context({f"figure.{engine}": True}):
        figure = new_figure(6, 3)
        panels(figure)
        lay_out(figure)
        assert figure.get_layout_engine() is None
        assert new_figure(6, 3, constrained=False).get_layout_engine() is None


@pytest.mark.parametrize("low", [1.0, 1.5, 2.1, 4.9, 5.1, 15.0])
@pytest.mark.parametrize("ratio", [5.0, 49.0, 51.0, 57.0, 99.0, 101.0, 1e4])
def test_a_logarithmic_range_has_at_least_two_ticks(low: float, ratio: float) -> None:
    """From a factor of 5 on: one tick would not show the scale."""
    axes = new_figure(4, 2).subplots()
    axes.set(xscale="log", xlim=(low, ratio * low))
    powers_as_ticks(axes.xaxis, low, ratio * low)
    locations = axes.xaxis.get_majorticklocs()
    assert np.count_nonzero((locations >= low) & (locations <= ratio * low)) >= 2


def test_a_png_has_its_own_ground_and_resolution() -> None:
    """A figure that is transparent elsewhere is opaque there, and as large as its inches at that resolution."""
    figure = new_figure(2, 1, constrained=False)
    figure.set_facecolor("none")
    image = pixels(png_bytes(figure, dpi=120, facecolor="#ff8000"))
    assert image.shape == (120, 240, 3)
    assert (image == (255, 128, 0)).all()


def test_what_is_left_out_while_matplotlib_loads_is_there_afterwards() -> None:
    """Tables of properties are made for whoever asks for them later."""
    line = new_figure(2, 2).subplots().plot([0, 1])[0]
    assert "linewidth" in artist.kwdoc(line)


def test_classes_that_are_made_later_are_described() -> None:
    """Matplotlib describes the `set` of whoever's class again, and those that were not described work as ever."""
    code = """
import inspect
from hwsim.files.figures import new_figure
line, = new_figure(2, 2).subplots().plot([0, 1])
line.set(linewidth=3, color="red")
assert line.get_linewidth() == 3
assert "linewidth" in inspect.signature(type("Own", (type(line),), {}).set).parameters
"""
    subprocess.run([sys.executable, "-c", code], check=True)

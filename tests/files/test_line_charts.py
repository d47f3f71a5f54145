"""Line charts that are drawn without matplotlib: ticks are round numbers in range, and what is drawn is where the numbers are."""

import io
import itertools
import math

import numpy as np
import pytest
from PIL import Image

from hwsim.files.line_charts import FIRST, SECOND, ChartCurve, Panel, charts
from hwsim.files.pixels import Pixels
from hwsim.files.png import is_ours
from hwsim.files.ticks import linear, logarithmic


def read(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2e-7, 5e-6), (0.95, 1.05), (1.0, 2e9), (99.5, 100.1)])
def test_linear_ticks_are_equally_far_apart_in_range_and_written_as_they_are(low, high):
    ticks = linear(low, high)
    assert 2 <= len(ticks.places) <= 9
    steps = np.diff(ticks.places)
    assert steps == pytest.approx(steps[0])
    room = 1e-9 * (high - low)
    assert min(ticks.places) >= low - room
    assert max(ticks.places) <= high + room
    assert [float(label) for label in ticks.labels] == pytest.approx(ticks.places, rel=1e-4, abs=1e-12)
    assert len(set(ticks.labels)) == len(ticks.labels)


def test_whole_ticks_are_whole():
    for high in range(2, 60):
        assert all(place == round(place) for place in linear(1, high, whole=True).places)


def test_logarithmic_ticks_are_in_range_and_ordered():
    for low, width in itertools.product((3.1e-9, 0.2, 0.52, 17.0), (1.05, 1.8, 6.0, 40.0, 1e7, 1e30)):
        ticks = logarithmic(low, low * width)
        assert 2 <= len(ticks.places) <= 12, (low, width)
        assert all(low * (1 - 1e-9) <= place <= low * width * (1 + 1e-9) for place in (*ticks.places, *ticks.small))
        assert list(ticks.places) == sorted(ticks.places)
        assert len(set(ticks.labels)) == len(ticks.labels)


def test_a_line_covers_what_its_length_times_its_width_is():
    picture = Pixels(200, 100, dpi=72)
    picture.line([(20.0, 30.0), (170.0, 70.0)], 3.0, (0, 0, 0))
    ink = (255 - read(picture.png())[:, :, 0].astype(float)).sum() / 255
    assert ink == pytest.approx(3.0 * math.hypot(150, 40) + math.pi * 1.5**2, rel=0.01)


def test_lines_are_cut_at_the_edges_and_break_where_a_value_is_missing():
    picture = Pixels(60, 40, dpi=72)
    picture.line([(-50.0, 20.0), (20.0, 20.0), (30.0, math.nan), (40.0, 20.0)], 2.0, (0, 0, 0))
    row = read(picture.png())[20, :, 0]
    assert (row[:20] < 200).all()
    assert (row[24:36] == 255).all()
    assert (row[40:] == 255).all()


def test_curves_are_drawn_where_their_numbers_are():
    """A falling curve goes down to the right, another one stays at its height; both have their colours; the file has our mark."""
    flat = ChartCurve([1.0] * 5, SECOND, "flat", "end")
    png = charts([Panel("t", "x", "y", range(1, 6), [ChartCurve([5.0, 4.0, 3.0, 2.0, 1.5], FIRST, "falls"), flat])], "title", 5, 3.6)
    assert is_ours(png[:200])
    image = read(png).astype(int)
    assert image.shape == (540, 750, 3)
    rows, columns = np.nonzero((image == FIRST).all(axis=-1))
    curve = rows > 200  # below the legend
    assert np.corrcoef(rows[curve], columns[curve])[0, 1] > 0.9
    rows, _ = np.nonzero((image == SECOND).all(axis=-1))
    values, counts = np.unique(rows, return_counts=True)
    assert values[counts.argmax()] > 300


@pytest.mark.parametrize(
    "values", [[0.0], [0.0, 0.0], [math.nan, 1.0], [1e-300, 1e300], [-1.0, -2.0], [1.7e308, 1e308], [5e-324, 1.0], [math.inf, 2.0]]
)
def test_any_values_are_drawn(values):
    """Both panels have something of the curve's colour, whatever the numbers."""
    panel = Panel("", "", "", range(len(values)), [ChartCurve(values)])
    image = read(charts([panel, panel._replace(logarithmic=min(values) > 0)], "", 9, 3.6))
    for half in np.split(image.astype(int), 2, axis=1):
        assert (half == FIRST).all(axis=-1).any()


def test_charts_of_nothing_are_drawn():
    """Where no value is a number that can be shown, there are axes alone."""
    for values in ([math.inf], [math.nan, math.inf], [5e-324]):
        panel = Panel("", "", "", range(len(values)), [ChartCurve(values)], logarithmic=True)
        assert not (read(charts([panel], "", 9, 3.6)) == FIRST).all(axis=-1).any()


def test_a_long_title_ends_within_the_picture():
    """Whatever its length, nothing touches the edges."""
    panels = [Panel("error, " * 40, "epoch", "%", (1, 2, 3), [ChartCurve((1.0, 2.0, 1.5))])] * 2
    picture = read(charts(panels, "a name that goes further than a picture is wide, " * 9, 8, 3))
    assert (picture[:, [0, 1, -2, -1]] == 255).all()


def test_a_curve_of_many_points_looks_as_its_every_point_does(monkeypatch):
    """Of what falls into one column of pixels the extremes are enough."""
    values = 1.0 + np.sin(np.arange(9000) / 700) + 0.3 * np.random.default_rng(0).normal(size=9000)
    panel = Panel("loss", "epoch", "V²", range(9000), [ChartCurve(values.tolist())])
    few = read(charts([panel], "one", 3, 2)).astype(float)
    monkeypatch.setattr("hwsim.files.line_charts._DENSE", np.inf)
    every = read(charts([panel], "one", 3, 2)).astype(float)
    assert abs(few - every).mean() < 0.05 * (255 - every).mean()

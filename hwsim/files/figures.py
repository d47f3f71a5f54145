"""Pictures by matplotlib: loaded only when one is drawn, without the tables of its own manual, and laid out once."""

import sys
from functools import cache
from typing import Any

import numpy as np

from hwsim.files.png import encode
from hwsim.formatting import power

_DECADES = 100.0
"""Ratio of values from which at least two powers of ten are among them."""


def new_figure(width: float, height: float, *, dpi: int | None = None, constrained: bool = True) -> Any:
    """Return an empty matplotlib figure of this size [inches]; `constrained`: what it holds makes room for each other."""
    canvas, figure = _classes()
    made = figure(figsize=(width, height), dpi=dpi, layout="constrained" if constrained else "none")
    canvas(made)
    return made


def lay_out(figure: Any) -> None:
    """Lay out a figure for good, so that all of it is drawn once: matplotlib draws what it lays out itself a second time."""
    engine = figure.get_layout_engine()
    if engine is not None:
        from matplotlib import rc_context  # noqa: PLC0415 - loaded with the figure

        engine.execute(figure)
        with rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):  # None follows the user's settings
            figure.set_layout_engine(None)


def png_bytes(figure: Any, **settings: Any) -> bytes:
    """Draw a figure, with a `dpi` or `facecolor` of the PNG's own, and return the PNG's bytes; what is transparent there is black.

    The figure's layout is final then.
    """
    figure.set(**settings)
    lay_out(figure)
    figure.canvas.draw()
    return encode(np.asarray(figure.canvas.buffer_rgba())[:, :, :3], figure.dpi)


def powers_as_ticks(axis: Any, low: float, high: float) -> None:
    """Write the ticks of a logarithmic axis as plain numbers: powers of ten, with 2 and 5 times these where they are few.

    Any range whose ends are a factor of 5 or more apart has at least two. There are no minor ones: they would take most of the time that
    such an axis takes.
    """
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415 - loaded with the figure

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < _DECADES * low else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: power(value))


@cache
def _classes() -> tuple[Any, Any]:
    """Load matplotlib's canvas and figure.

    A third of the time that it takes to load goes into tables of all properties, for the manual of its classes. They are left out, unless
    whoever uses hwsim has loaded matplotlib before.
    """
    first = "matplotlib.figure" not in sys.modules
    from matplotlib import artist  # noqa: PLC0415 - half a second, only for those who draw

    table: Any = artist.kwdoc
    if first:
        artist.kwdoc = lambda artist: ""  # noqa: ARG005 - its signature
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    finally:
        artist.kwdoc = table
    return FigureCanvasAgg, Figure

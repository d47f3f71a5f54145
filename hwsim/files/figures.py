"""Pictures by matplotlib: loaded only when one is drawn, without the tables of its own manual, and laid out once."""

import io
import sys
from functools import cache
from typing import Any

from hwsim.files.png import METADATA


def new_figure(width: float, height: float, *, dpi: int | None = None, constrained: bool = True) -> Any:
    """Return an empty matplotlib figure of this size [inches]; `constrained`: what it holds makes room for each other."""
    canvas, figure = _classes()
    made = figure(figsize=(width, height), dpi=dpi, layout="constrained" if constrained else None)
    canvas(made)
    return made


def lay_out(figure: Any) -> None:
    """Lay out a figure for good, so that all of it is drawn once: matplotlib draws what it lays out itself a second time."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def png_bytes(figure: Any) -> bytes:
    """Draw a figure, and return the PNG's bytes. Its layout is final then."""
    lay_out(figure)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata=METADATA)
    return png.getvalue()


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

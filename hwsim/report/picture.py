"""Pictures: drawn once, saved as SVG in the page's own colours, light or dark, and as PNG on white."""

import io
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from hwsim.files.figures import keep_labels, new_figure, png_bytes
from hwsim.inspection.palette import INK, LINE, PAPER, SERIES, SOFT
from hwsim.inspection.schematic import Drawable

VARIABLES = {INK: "--ink", SOFT: "--soft", LINE: "--line", PAPER: "--paper"} | {colour: f"--s{k}" for k, colour in enumerate(SERIES, 1)}
"""The page's names for these colours, which have other values on a dark page."""

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # the one that is found anyway: every word would look for all others
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # above the axes: nothing else of ours is there that it would have to avoid
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "patch.linewidth": 0.0,
    "text.color": INK,
    "text.parse_math": False,  # a $ in someone's class name is a $
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "svg.fonttype": "none",
}

_WIDTH, WIDE = 3.7, 4.7
"""Inches: such that text is readable where a phone or a column of the page sets the size."""

INTERVALS = 5
"""Most intervals of an axis: more of them show no more, and words take most of the time that a picture takes."""

_NO_METADATA: dict[str, None] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture and its texts.

    Parameters
    ----------
    name
        Of its PNG file, without the ending; no two pictures of a page share it.
    title, caption
        Texts below it.
    alt
        Its description, for those who do not see it.
    svg
        An `<svg>` element for the page.
    png
        The same on white, as a file.
    wide
        Whether it is drawn larger than the others.
    inches
        The width at which its words are readable, of a picture that has a row of its own; 0 for others.

    """

    name: str
    title: str
    caption: str
    alt: str
    svg: str
    png: bytes
    wide: bool = False
    inches: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Source of a picture: its texts, as in `Picture`, and `draw`, which draws on a figure of `height` inches."""

    name: str
    title: str
    draw: Callable[[Any], None]
    alt: str
    caption: str = ""
    height: float = 2.6
    wide: bool = False
    inches: float = 0.0

    def picture(self) -> Picture:
        """Draw it."""
        with style(self.name):
            figure = new_figure(self.inches or (WIDE if self.wide else _WIDTH), self.height, dpi=180, constrained=not self.inches)
            self.draw(figure)
            png = png_bytes(figure, facecolor=PAPER)
            keep_labels(figure)
            vector = io.StringIO()
            figure.savefig(vector, format="svg", metadata=_NO_METADATA, dpi=180, facecolor="none")
        return Picture(
            name=self.name,
            title=self.title,
            caption=self.caption,
            alt=self.alt,
            svg=_inline(vector.getvalue(), self.name),
            png=png,
            wide=self.wide,
            inches=self.inches,
        )


def style(name: str) -> AbstractContextManager[None]:
    """Set fonts, lines and colours while pictures are drawn; ids in an SVG come from its name."""
    from matplotlib import rc_context  # noqa: PLC0415 - takes half a second, and only reports need it

    return rc_context({**_STYLE, "svg.hashsalt": name})


def picture(name: str, title: str, draw: Callable[[Any], None], *, alt: str, **others: Any) -> Picture:
    """Draw a sketch at once."""
    return Sketch(name=name, title=title, draw=draw, alt=alt, **others).picture()


def drawing(name: str, title: str, drawn: Drawable, *, alt: str, caption: str) -> Picture:
    """Draw a circuit, as large as it needs."""

    def draw(figure: Any) -> None:
        drawn.show(figure.add_axes((0, 0, 1, 1)))

    wide, high = drawn.size
    return picture(name, title, draw, alt=alt, caption=caption, height=high, inches=wide)


def grid(axes: Any) -> None:
    """Draw lines behind the curves and leave out the ticks, without which the sides of the axes need no room either."""
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, bottom=False, left=False)
    axes.locator_params(nbins=INTERVALS)
    axes.spines[:].set_in_layout(False)


def label_end(axes: Any, x: Sequence[float], y: Sequence[float], text: str, colour: str) -> None:
    """Write the last value of a curve to the right of its end."""
    axes.annotate(text, (x[-1], y[-1]), (4, 1), textcoords="offset points", va="bottom", color=colour, annotation_clip=False)


def _inline(svg: str, name: str) -> str:
    """Make of an SVG file an element that stands in a page with others: ids of its own, the page's font and colours, nothing to load."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<defs>\s*</defs>|<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    return re.sub(r"<[^>]+>", lambda tag: _tag(tag[0], name, used), svg).strip()


def _tag(tag: str, name: str, used: set[str]) -> str:
    """Rewrite one tag."""
    if tag.startswith("<svg"):
        box = re.search(r'viewBox="[^"]*"', tag)
        return f'<svg {box[0] if box else ""} role="img" aria-labelledby="{name}-alt">'
    href = ' href="data:'
    head, mark, data = tag.replace("xlink:href", "href").partition(href)  # what a picture holds stays as it is
    head = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", head)
    head = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", head)
    head = re.sub(r"font-family: [^;\"]*;? ?", "", head)
    head = re.sub(r"(?<=\d\.\d\d)\d+", "", head)
    for colour, variable in VARIABLES.items():
        head = head.replace(colour, f"var({variable})")
    return re.sub(r"\s+", " ", head) + mark + data

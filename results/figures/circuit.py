"""Draws the circuit of README.md and the guides: `python results/figures/circuit.py` writes hwsim/docs/circuit.svg or the named file."""

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon

WIRE, INK, GREY = "#334155", "#0f172a", "#64748b"
SOURCE, MEMRISTOR, NEURON, AMPLIFIER, NUDGE = "#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626"

ROWS = {r"$x_1$": 9.4, r"$x_2$": 8.0, r"$-x_1$": 6.6, r"$-x_2$": 5.2, "1 V": 3.8}
HIDDEN_X = (4.0, 5.8, 7.6)
HIDDEN_Y = (-5.2, -2.4, 0.4)  # the left column turns last, so that no two cross
OUT_X = (17.5, 20.5)
BIAS_Y = -7.4
REACH = 0.85  # of a memristor, from its row to its column


class CircuitDrawing:
    """A drawing with the few symbols that the circuit needs."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width * 0.5, height * 0.5))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_aspect("equal")

    def wire(self, *points: tuple[float, float], colour: str = WIRE) -> None:
        """Draw a wire through points."""
        self.axes.plot(*np.transpose(points), color=colour, lw=1.5, solid_capstyle="round", solid_joinstyle="round", zorder=2)

    def dot(self, x: float, y: float) -> None:
        """Draw a joint of wires."""
        self.axes.add_patch(Circle((x, y), 0.085, color=WIRE, zorder=5))

    def text(self, x: float, y: float, words: str, colour: str = INK, size: float = 11, **style: str) -> None:
        """Write centred words; `style` is matplotlib's ha, va and weight."""
        place = {"ha": "center", "va": "center"} | style
        self.axes.text(x, y, words, color=colour, fontsize=size, zorder=8, **place)

    def panel(self, corners: tuple[float, float, float, float], words: str, colour: str, *, below: bool = False) -> None:
        """Draw the tinted ground of a part (left, bottom, right, top), with its name above or below."""
        left, bottom, right, top = corners
        box = FancyBboxPatch(
            (left, bottom),
            right - left,
            top - bottom,
            boxstyle="round,pad=0,rounding_size=0.35",
            fc=colour,
            ec="none",
            alpha=0.07,
            zorder=0,
        )
        self.axes.add_patch(box)
        self.text((left + right) / 2, bottom - 0.4 if below else top + 0.4, words, colour, 12, weight="bold")

    def ground(self, x: float, y: float) -> None:
        """Draw the ground symbol below a point."""
        for k, half in enumerate((0.34, 0.22, 0.1)):
            self.wire((x - half, y - 0.13 * k), (x + half, y - 0.13 * k))

    def source(self, x: float, y: float, words: str) -> None:
        """Draw a voltage source with its value in it, grounded on its left."""
        self.axes.add_patch(Circle((x, y), 0.56, fc="white", ec=SOURCE, lw=1.6, zorder=4))
        self.text(x, y, words, SOURCE, 10.5)

    def memristor(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a memristor between two joints: a box with a pulse and a thick end."""
        a, b = np.array(start), np.array(end)
        along = (b - a) / np.linalg.norm(b - a)
        across = np.array([-along[1], along[0]])
        centre, half, thick = (a + b) / 2, 0.36, 0.15
        self.wire(start, tuple(centre - half * along))
        self.wire(tuple(centre + half * along), end)
        corners = [centre + s * half * along + t * thick * across for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        self.axes.add_patch(Polygon(corners, closed=True, fc="white", ec=MEMRISTOR, lw=1.3, zorder=4))
        end_corners = [centre + s * along + t * thick * across for s, t in ((half, -1), (half, 1), (half - 0.1, 1), (half - 0.1, -1))]
        self.axes.add_patch(Polygon(end_corners, closed=True, fc=MEMRISTOR, ec=MEMRISTOR, lw=1, zorder=4))
        steps = [(-0.36, 0), (-0.22, 0), (-0.22, 1), (-0.06, 1), (-0.06, -1), (0.1, -1), (0.1, 0), (0.26, 0)]
        pulse = [centre + s * along + t * 0.08 * across for s, t in steps]
        self.axes.plot(*np.transpose(pulse), color=MEMRISTOR, lw=1.0, zorder=5)
        self.dot(*start)
        self.dot(*end)

    def diode_up(self, x: float, bottom: float, top: float) -> None:
        """Draw a diode whose current flows upwards."""
        middle = (bottom + top) / 2
        self.wire((x, bottom), (x, top))
        triangle = [(x - 0.24, middle - 0.2), (x + 0.24, middle - 0.2), (x, middle + 0.2)]
        self.axes.add_patch(Polygon(triangle, closed=True, fc="white", ec=NEURON, lw=1.5, zorder=4))
        self.wire((x - 0.24, middle + 0.2), (x + 0.24, middle + 0.2), colour=NEURON)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], colour: str, bend: float = 0.0) -> None:
        """Draw an arrow, bent or straight."""
        style = f"arc3,rad={bend}"
        self.axes.add_patch(
            FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, connectionstyle=style, color=colour, lw=1.4, zorder=6)
        )


def crossbar(sheet: CircuitDrawing, rows: Sequence[float], columns: Sequence[float]) -> None:
    """Join every row to every column by a memristor."""
    for y in rows:
        for x in columns:
            sheet.memristor((x - REACH, y), (x, y - REACH))


def inputs(sheet: CircuitDrawing) -> None:
    """Draw the sources of the rows, the first crossbar and its columns."""
    sheet.panel((-1.0, 2.4, 1.85, 10.4), "inputs", SOURCE)
    sheet.panel((2.3, 2.4, 8.3, 10.4), "crossbar $w_1$", MEMRISTOR)
    for words, y in ROWS.items():
        sheet.wire((-0.4, y), (8.1, y))
        sheet.source(1.0, y, words)
    sheet.wire((-0.4, max(ROWS.values())), (-0.4, 2.95))
    sheet.ground(-0.4, 2.95)
    for y in list(ROWS.values())[1:]:
        sheet.dot(-0.4, y)
    crossbar(sheet, list(ROWS.values()), HIDDEN_X)


def hidden(sheet: CircuitDrawing) -> None:
    """Draw the columns' way down, each with its diode pair and its amplifier."""
    sheet.panel((8.75, -6.75, 11.65, 1.9), "neurons", NEURON)
    sheet.panel((12.0, -6.75, 15.1, 1.9), "amplifiers", AMPLIFIER)
    for k, (x, y) in enumerate(zip(HIDDEN_X, HIDDEN_Y, strict=True), start=1):
        sheet.wire((x, max(ROWS.values()) - REACH), (x, y), (12.6, y))
        sheet.text(x + 0.32, 1.75, f"$h_{k}$", GREY)
        sheet.dot(10.0, y)
        for towards, rail in ((1, r"$+v$"), (-1, r"$-v$")):
            end = y + towards * 1.05
            sheet.diode_up(10.0, min(y, end), max(y, end))
            sheet.wire((9.72, end), (10.28, end))
            sheet.text(10.72, end, rail, NEURON, 10.5)
        triangle = [(12.6, y - 0.72), (12.6, y + 0.72), (14.0, y)]
        sheet.axes.add_patch(Polygon(triangle, closed=True, fc="white", ec=AMPLIFIER, lw=1.6, zorder=4))
        sheet.text(13.03, y, r"$\times 4$", AMPLIFIER)
        sheet.arrow((14.2, y - 0.22), (12.35, y - 0.6), AMPLIFIER, bend=-0.42)
        sheet.text(13.75, y - 1.08, r"$\frac{1}{4}\,i$", AMPLIFIER, 12)
        sheet.wire((14.0, y), (OUT_X[1] + 0.4, y))
        sheet.text(15.5, y + 0.28, f"$a_{k}$", GREY)


def outputs(sheet: CircuitDrawing) -> None:
    """Draw the second crossbar, the pair of outputs, how it is read and what pushes it."""
    sheet.panel((15.9, -8.75, 21.2, 1.9), "crossbar $w_2$", MEMRISTOR, below=True)
    sheet.wire((12.4, BIAS_Y), (OUT_X[1] + 0.4, BIAS_Y))
    sheet.wire((12.4, BIAS_Y), (12.4, BIAS_Y - 0.65))
    sheet.ground(12.4, BIAS_Y - 0.65)
    sheet.source(13.6, BIAS_Y, "1 V")
    crossbar(sheet, [*HIDDEN_Y, BIAS_Y], OUT_X)
    sheet.panel((15.9, 3.4, 21.2, 10.4), "output", NUDGE)
    plus, minus = OUT_X
    for x, words in ((plus, "$v_+$"), (minus, "$v_-$")):
        sheet.wire((x, BIAS_Y - REACH), (x, 8.2))
        sheet.axes.add_patch(Circle((x, 8.3), 0.12, fc="white", ec=WIRE, lw=1.5, zorder=5))
        sheet.text(x, 8.75, words, INK, 12)
    middle, y = (plus + minus) / 2, 5.6
    sheet.text(middle, 9.7, r"$\hat{y} = v_+ - v_-$", INK, 13)
    sheet.wire((plus, y), (minus, y))
    sheet.dot(plus, y)
    sheet.dot(minus, y)
    diamond = [(middle - 0.62, y), (middle, y + 0.62), (middle + 0.62, y), (middle, y - 0.62)]
    sheet.axes.add_patch(Polygon(diamond, closed=True, fc="white", ec=NUDGE, lw=1.6, zorder=4))
    sheet.arrow((middle + 0.42, y), (middle - 0.44, y), NUDGE)
    sheet.text(middle, y + 1.25, r"$\beta\,(y - \hat{y})$", NUDGE, 12.5)
    sheet.text(middle, 4.5, "the nudge", NUDGE, 10.5)


def phases(sheet: CircuitDrawing) -> None:
    """Write in the corner how the circuit is read and how it learns."""
    sheet.panel((-1.0, -8.75, 8.3, -6.3), "one step of learning", GREY)
    lines = {
        "free": r"$\beta = 0$: the circuit settles, $\hat{y}$ is read",
        "nudged": r"$+\beta$, then $-\beta$: pushed to and from the target $y$",
        "update": r"each memristor: $\Delta g \propto \Delta v_{-\beta}^2 - \Delta v_{+\beta}^2$",
    }
    for k, (name, words) in enumerate(lines.items()):
        y = -6.8 - 0.73 * k
        sheet.text(-0.6, y, name, INK, 10.5, ha="left", weight="bold")
        sheet.text(1.35, y, words, INK, 10.5, ha="left")


def draw(path: Path) -> None:
    """Draw everything and write it; the format is that of the file's ending."""
    sheet = CircuitDrawing(22.8, 20.8)
    inputs(sheet)
    hidden(sheet)
    outputs(sheet)
    phases(sheet)
    sheet.axes.set_xlim(-1.3, 21.5)
    sheet.axes.set_ylim(-9.5, 11.3)
    with mpl.rc_context({"svg.hashsalt": "hwsim", "mathtext.fontset": "cm"}):
        sheet.figure.savefig(path, facecolor="white", dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "hwsim/docs/circuit.svg")

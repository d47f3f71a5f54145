"""The schematic of a small circuit, with the symbols that people draw."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.files.png import METADATA
from hwsim.inspection.node_layout import placed
from hwsim.inspection.routing import ROW, Level, Route, route
from hwsim.inspection.symbols import AMPLIFIER, Part, parts, unknown

PARTS, NODES = 45, 24
"""Most parts and nodes of a circuit whose schematic can be read."""

_LENGTH = 2.0
"""Units; of a symbol with its leads."""

_INCH = 0.3
"""Of a unit."""

_LETTERS = 20
"""Of a node's name that are shown."""

_NAME, _OUTPUT = "#1f6fb2", "#2f8a57"


def too_much(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> str:
    """Say why a circuit has no schematic that could be read; nothing when it has one."""
    if unknown(circuit):
        return f"{unknown(circuit)} holds what has no symbol here"
    if circuit.size > NODES:
        return f"there are {circuit.size} nodes, and of more than {NODES} none can be read"
    count = len(list(parts(circuit, chip, g)))
    return f"there are {count} parts, and of more than {PARTS} none can be read" if count > PARTS else ""


def schematic(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Draw a circuit that is not too much; gives the PNG's bytes."""
    import schemdraw  # noqa: PLC0415 - only those who draw need it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    inputs = [int(node) for source in circuit.inputs for node in source.plus]
    outputs = [int(node) for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node and node not in inputs]
    names = {node: _short(circuit.node_names[node]) for node in range(1, circuit.size + 1)}
    found = route(list(parts(circuit, chip, g)), placed(circuit), names, inputs, outputs)
    figure = Figure(figsize=(_INCH * (max(found.x.values()) + 5), _INCH * (ROW * found.rows + 6)), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    drawing = schemdraw.Drawing(canvas=axes, show=False)
    drawing.config(fontsize=8, lw=1.1, unit=_LENGTH)
    sheet = _Sheet(drawing, found)
    for level in found.levels:
        sheet.level(level)
    for node in found.order:
        sheet.node(node, names[node], _reads(circuit, node))
    drawing.draw(show=False)
    for x, y, text, style in sheet.texts:
        axes.text(x, y, text, fontsize=7.5, **style)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata=METADATA, bbox_inches="tight", pad_inches=0.15)
    return png.getvalue()


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS // 2]}…{name[1 - _LETTERS // 2 :]}"


def _reads(circuit: Circuit, node: int) -> str:
    """Say which outputs are read at a node."""
    ends = [(circuit.outputs.plus.tolist(), "+"), (circuit.outputs.minus.tolist(), "−")]
    return " ".join(f"ŷ{k}{sign}" for nodes, sign in ends for k, other in enumerate(nodes) if other == node)


def _amplifier() -> Any:
    from schemdraw import dsp  # noqa: PLC0415 - loaded with the drawing

    return dsp.Amp


class _Sheet:
    """What is drawn on; rows lie below 0, the parts that hang below all rows."""

    def __init__(self, drawing: Any, found: Route) -> None:
        self.drawing, self.found = drawing, found
        self.bottom = -ROW * found.rows + 0.4
        self.ends: dict[int, list[float]] = {node: [] for node in found.order}
        self.texts: list[tuple[float, float, str, dict[str, Any]]] = []

    def level(self, level: Level) -> None:
        """Draw a part between two wires."""
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        part, y, x = level.part, -ROW * level.row, self.found.x
        left, right = sorted((x[part.a], x[part.b]))
        middle = (x[self.found.order[level.gap]] + x[self.found.order[level.gap + 1]]) / 2
        start, end = middle - _LENGTH / 2, middle + _LENGTH / 2
        self._line((left, y), (start, y))
        self._line((end, y), (right, y))
        forward = x[part.a] < x[part.b] or part.symbol.startswith("Resistor")
        self._symbol(part, (start if forward else end, y), (end if forward else start, y))
        self._text((middle, y + (0.35 if part.symbol == "Resistor" else 0.55)), part.label)
        for node in (part.a, part.b):
            self.drawing.add(elm.Dot(radius=0.07).at((x[node], y)))
            self.ends[node].append(y)

    def node(self, node: int, name: str, reads: str) -> None:
        """Draw a node's wire, its name above, and below it what leads to ground."""
        x, hanging = self.found.x[node], self.found.hanging.get(node, [])
        ends = self.ends[node] + [self.bottom] * bool(hanging)
        top, below = max(ends, default=0.0), min(ends, default=0.0)
        self._line((x, top), (x, below))
        if hanging:
            self._line((hanging[0][0], self.bottom), (hanging[-1][0], self.bottom))
        for at, part in hanging:
            self._hang(part, at)
        self._text((x, top + 0.15), name, _NAME)
        self._text((x, top + 0.6), reads, _OUTPUT)

    def _hang(self, part: Part, x: float) -> None:
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        ends = (x, self.bottom), (x, self.bottom - _LENGTH)
        self._symbol(part, *(ends if part.a else ends[::-1]))
        self.drawing.add(elm.Ground().at(ends[1]))
        self._text((x + 0.6, self.bottom - _LENGTH / 2), part.label, beside=True)

    def _symbol(self, part: Part, start: tuple[float, float], end: tuple[float, float]) -> None:
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        if part.symbol != AMPLIFIER:
            self.drawing.add(getattr(elm, part.symbol)().endpoints(start, end))
            return
        to = 1.0 if end[0] > start[0] else -1.0
        begin = (start[0] + to * (_LENGTH - 0.75) / 2, start[1])
        self._line(start, begin)
        self.drawing.add(_amplifier()().at(begin).theta(0 if to > 0 else 180))
        self._line((begin[0] + 0.75 * to, begin[1]), end)

    def _line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        if start != end:
            self.drawing.add(elm.Line().endpoints(start, end))

    def _text(self, at: tuple[float, float], text: str, color: str = "#1c2430", *, beside: bool = False) -> None:
        """Write above a place, or `beside` it to the right, once all else is drawn."""
        style = {"ha": "left", "va": "center"} if beside else {"ha": "center", "va": "bottom"}
        self.texts.append((*at, text, style | {"color": color}))

"""The schematic of a small circuit of any form, part by part, with the usual symbols."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.inspection.node_layout import placed
from hwsim.inspection.palette import INK, SERIES
from hwsim.inspection.routing import LETTER, ROW, Level, Route, route
from hwsim.inspection.simplified import simplified
from hwsim.inspection.symbols import AMPLIFIER, PAIR, DrawnPart, parts, unknown

PARTS, NODES = 45, 24
"""Most parts and nodes of a legible schematic."""

_LENGTH = 2.0
"""Units; of a symbol with its leads."""

_INCH = 0.3
"""Of a unit."""

_LETTERS = 20
"""Letters of a node's name that are shown."""

_MARGIN = 0.6
"""Units around everything."""


def single_route(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Route | str:
    """Lay out a circuit's parts, or return the reason why they cannot be drawn legibly."""
    if unknown(circuit):
        return f"{unknown(circuit)} has no symbol"
    inputs = [int(node) for source in circuit.inputs for node in source.driven]
    outputs = [int(node) for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node and node not in inputs]
    if circuit.size > PARTS + NODES:  # so many that rails cannot make the difference
        return f"there are {circuit.size} nodes, and a schematic of more than {NODES} is not legible"
    every = list(parts(circuit, chip, g))
    shown = simplified(every, {*inputs, *outputs})
    gone = {node for part in every for node in (part.a, part.b)} - {node for part in shown for node in (part.a, part.b)}
    names = {node: _short(circuit.node_names[node]) for node in range(1, circuit.size + 1) if node not in gone}
    if len(names) > NODES:
        return f"there are {len(names)} nodes, and a schematic of more than {NODES} is not legible"
    if len(shown) > PARTS:
        return f"there are {len(shown)} parts, and a schematic of more than {PARTS} is not legible"
    return route(shown, {node: at for node, at in placed(circuit).items() if node in names}, names, inputs, outputs)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS // 2]}…{name[1 - _LETTERS // 2 :]}"


class SingleSheet:
    """A laid out circuit, drawn on axes of its size; rows lie below 0, the parts that hang below all rows."""

    def __init__(self, circuit: Circuit, layout: Route) -> None:
        self.circuit, self.layout = circuit, layout
        self.bottom = -ROW * layout.rows + 0.4
        self.ends: dict[int, list[float]] = {node: [] for node in layout.order}
        self.texts: list[tuple[float, float, str, dict[str, Any]]] = []
        half = max(LETTER * len(layout.names[node]) / 2 for node in layout.order)
        hangs = [at + LETTER * len(part.label) + 1 for hanging in layout.hanging.values() for at, part in hanging]
        self.low = -half - _MARGIN, (self.bottom - _LENGTH - 1.0 if hangs else -ROW * layout.rows) - _MARGIN
        self.high = max(max(layout.x.values()) + half, *hangs, 0.0) + _MARGIN, 1.1 + _MARGIN

    @property
    def size(self) -> tuple[float, float]:
        """Width and height [inches]."""
        return _INCH * (self.high[0] - self.low[0]), _INCH * (self.high[1] - self.low[1])

    def show(self, axes: Any) -> None:
        """Draw everything."""
        import schemdraw  # noqa: PLC0415 - only those who draw need it

        self.drawing = schemdraw.Drawing(canvas=axes, show=False)
        self.drawing.config(fontsize=8, lw=1.1, unit=_LENGTH, color=INK)
        for level in self.layout.levels:
            self._level(level)
        for node in self.layout.order:
            self._node(node)
        self.drawing.draw(show=False)
        for x, y, text, style in self.texts:
            axes.text(x, y, text, fontsize=7.5, **style)
        axes.set_axis_off()
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), aspect="equal")

    def _level(self, level: Level) -> None:
        """Draw a part between two wires."""
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        part, y, x = level.part, -ROW * level.row, self.layout.x
        left, right = sorted((x[part.a], x[part.b]))
        middle = (x[self.layout.order[level.gap]] + x[self.layout.order[level.gap + 1]]) / 2
        start, end = middle - _LENGTH / 2, middle + _LENGTH / 2
        self._line((left, y), (start, y))
        self._line((end, y), (right, y))
        forward = x[part.a] < x[part.b] or part.symbol.startswith("Resistor")
        self._symbol(part, (start if forward else end, y), (end if forward else start, y))
        self._text((middle, y + (0.35 if part.symbol == "Resistor" else 0.55)), part.label)
        for node in (part.a, part.b):
            self.drawing.add(elm.Dot(radius=0.07).at((x[node], y)))
            self.ends[node].append(y)

    def _node(self, node: int) -> None:
        """Draw a node's wire, its name above, and below it the parts to ground and rails."""
        x, hanging = self.layout.x[node], self.layout.hanging.get(node, [])
        ends = self.ends[node] + [self.bottom] * bool(hanging)
        top, below = max(ends, default=0.0), min(ends, default=0.0)
        self._line((x, top), (x, below))
        if hanging:
            self._line((min(x, hanging[0][0]), self.bottom), (max(x, hanging[-1][0]), self.bottom))
        for at, part in hanging:
            self._hang(part, at)
        self._text((x, top + 0.15), self.layout.names[node], SERIES[0])
        self._text((x, top + 0.6), self._reads(node), SERIES[2])

    def _reads(self, node: int) -> str:
        """Return the outputs of a node."""
        outputs = self.circuit.outputs
        ends = [(outputs.plus.tolist(), "+"), (outputs.minus.tolist(), "−")]
        return " ".join(f"ŷ{k}{sign}" for nodes, sign in ends for k, other in enumerate(nodes) if other == node)

    def _hang(self, part: DrawnPart, x: float) -> None:
        """Draw a part from a wire down to ground or its rails; a pair of diodes in two branches."""
        low = self.bottom - _LENGTH
        if part.symbol == PAIR:
            apart = max(1.6, *(LETTER * len(rail) + 0.4 for rail in part.rails))
            self._line((x - apart / 2, self.bottom), (x + apart / 2, self.bottom))
            for side, rail in zip((-apart / 2, apart / 2), part.rails, strict=True):
                ends = (x + side, self.bottom), (x + side, low)
                self._symbol(DrawnPart("Diode", 0, 0, ""), *(ends if side < 0 else ends[::-1]))
                self._rail(x + side, low, rail)
            return
        ends = (x, self.bottom), (x, low)
        self._symbol(part, *(ends if part.a else ends[::-1]))
        self._rail(x, low, *part.rails)
        self._text((x + 0.6, self.bottom - _LENGTH / 2), part.label, right=True)

    def _rail(self, x: float, y: float, volts: str = "") -> None:
        """Draw the bar of a rail with its voltage below, or ground."""
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        if not volts:
            self.drawing.add(elm.Ground().at((x, y)))
            return
        self._line((x - 0.35, y), (x + 0.35, y))
        self._text((x, y - 0.55), volts.replace("-", "−"), SERIES[3])

    def _symbol(self, part: DrawnPart, start: tuple[float, float], end: tuple[float, float]) -> None:
        from schemdraw import dsp  # noqa: PLC0415 - loaded with the drawing
        from schemdraw import elements as elm  # noqa: PLC0415

        to = 1.0 if end[0] > start[0] else -1.0
        if part.symbol == PAIR:
            near, far = start[0] + 0.3 * to, end[0] - 0.3 * to
            for side, (one, other) in ((0.22, (near, far)), (-0.22, (far, near))):
                self._line((one, start[1]), (one, start[1] + side))
                self._line((other, start[1]), (other, start[1] + side))
                diode: Any = elm.Diode
                self.drawing.add(diode().scale(0.7).endpoints((one, start[1] + side), (other, start[1] + side)))
            self._line(start, (near, start[1]))
            self._line((far, start[1]), end)
        elif part.symbol == AMPLIFIER:
            begin = (start[0] + to * (_LENGTH - 0.75) / 2, start[1])
            self._line(start, begin)
            amplifier: Any = dsp.Amp
            self.drawing.add(amplifier().at(begin).theta(0 if to > 0 else 180))
            self._line((begin[0] + 0.75 * to, begin[1]), end)
        else:
            self.drawing.add(getattr(elm, part.symbol)().endpoints(start, end))

    def _line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        from schemdraw import elements as elm  # noqa: PLC0415 - loaded with the drawing

        if start != end:
            self.drawing.add(elm.Line().endpoints(start, end))

    def _text(self, at: tuple[float, float], text: str, color: str = INK, *, right: bool = False) -> None:
        """Write above a place, or to its `right`, once everything else is drawn."""
        style = {"ha": "left", "va": "center"} if right else {"ha": "center", "va": "bottom"}
        self.texts.append((*at, text, style | {"color": color}))

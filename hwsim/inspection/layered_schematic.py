"""The schematic of a chain of layers: crossbars as grids with named rows, neurons, amplifiers, outputs; similar wires as a bus."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.nodes import Nodes
from hwsim.formatting import counted, quantity
from hwsim.inspection.bundles import SchematicWire, as_wires, between, rows_of, span, voltages
from hwsim.inspection.palette import SOFT
from hwsim.inspection.sheet import AMPLIFIER, LETTER, MEMRISTOR, NEURON, OUTPUT, REACH, Sheet
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.layered.stage import Junctions, Stage

_PITCH, _BUS_PITCH = 1.3, 3.9
"""Units between the columns of a crossbar, single ones and those of buses."""

_BUS_REACH, _GRID = 1.9, 1.9
"""Units that the grid of a bus takes downwards, and to the left of its column."""

_TITLES = {"diodes": "diode pair", "ideal": "ideal clamp", "dead-zone": "dead zone"}

_HEIGHTS = {"diodes": 2.2, "ideal": 2.2, "dead-zone": 1.5, "linear": 1.3}
"""Units between two neurons of a kind."""

_TITLE = 1.4 * LETTER
"""Units: the width of a letter of a title."""


_INSIDE = 3
"""Digits that a triangle has room for."""


class _Row(NamedTuple):
    """A row of a crossbar: where its wire begins, and what it stands for."""

    x: float
    y: float
    wire: SchematicWire


def layered_sheet(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Sheet:
    """Draw a circuit that `stages` accepts as a chain of layers, with its conductances [S]."""
    drawing = _Drawing(circuit, chip, g)
    before: list[_Row] = []
    for stage in (chain := stages(circuit)):
        before = drawing.stage(stage, before, last=stage is chain[-1])
    drawing.legend()
    return drawing.sheet


class _Drawing:
    """The drawing so far. Columns go down and turn right, so that stages go from the upper left to the lower right and no wires cross."""

    def __init__(self, circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> None:
        self.circuit, self.chip, self.g, self.sheet = circuit, chip, g, Sheet()
        every = np.concatenate([np.log(g[element.name].ravel()) for element in circuit.trainable])
        self.low, self.high = float(every.min()), float(every.max())
        self.single = False

    def legend(self) -> None:
        """Explain the fill of memristors, where they are drawn one by one."""
        if self.single and self.high > self.low:
            low, high = (quantity(float(np.exp(log)), "S") for log in (self.low, self.high))
            at = float(self.sheet.low[0]) + 0.15, float(self.sheet.low[1]) - 0.5
            self.sheet.text(*at, f"the fuller a memristor, the better it conducts: {low} to {high}", SOFT, ha="left")

    def stage(self, stage: Stage, before: Sequence[_Row], *, last: bool) -> list[_Row]:
        """Draw a crossbar and what follows it; returns the rows that lead to the next one."""
        columns = as_wires(self.circuit, stage.columns)
        fixed = rows_of(self.circuit, self.chip, stage)
        bus = any(wire.number > 1 for wire in (*columns, *fixed, *(row.wire for row in before)))
        step, x, y = (_BUS_REACH + 0.4 if bus else _PITCH), 0.0, 0.0
        if before:
            x, y = before[0].x, min(row.y for row in before) - 1.9
        rows = [*before, *(_Row(x, y - step * k, wire) for k, wire in enumerate(fixed))]
        for row in rows[len(before) :]:
            self.sheet.flag(x, row.y, row.wire.label)
        left = x + max(LETTER * len(row.wire.name) + 0.9 * (row.wire.number > 1) for row in rows) + 0.4
        at = [left + (_BUS_PITCH if bus else _PITCH) * (k + 1) for k in range(len(columns))]
        top, bottom = max(row.y for row in rows), min(row.y for row in rows) - (_BUS_REACH if bus else REACH)
        self._crossbar(stage, rows, columns, at, bus=bus)
        array = self.circuit[stage.crossbar]
        title = f"{stage.crossbar}, {' × '.join(map(str, array.shape)) if stage.crossbar in self.g else f'{len(array)} fixed'}"
        right = max(at[-1] + 0.4, left + _TITLE * len(title))
        self.sheet.panel(left, bottom - 0.3, right, top + 0.5, title, MEMRISTOR)
        top -= _BUS_REACH if bus else REACH
        if last:
            self._outputs(stage.columns, columns, at, top, bottom - 0.9)
            return []
        height = max(_HEIGHTS[stage.kind], 1.9 * (stage.amplifier is not None), step if len(columns) > 1 else 0.0)
        levels = [bottom - 1.5 - height * (len(columns) - 1 - k) for k in range(len(columns))]
        for one, from_x, to_y in zip(columns, at, levels, strict=True):
            self.sheet.wire((from_x, top), (from_x, to_y), (right + 0.4, to_y), bus=one.number > 1)
        return self._neurons_and_amplifiers(stage, columns, levels, right + 0.4)

    def _crossbar(self, stage: Stage, rows: Sequence[_Row], columns: Sequence[SchematicWire], x: Sequence[float], *, bus: bool) -> None:
        """Draw rows, and the devices that join them to the columns."""
        g = np.zeros(()) if bus else self._conductances(stage)
        join = "×" if self.circuit[stage.crossbar].grid else "→"  # windows see some of the rows
        for row in rows:
            self._name(row.x, row.y, row.wire)
            self.sheet.wire((row.x, row.y), (x[-1] - (_GRID if bus else REACH), row.y), bus=row.wire.number > 1)
            for at, column in zip(x, columns, strict=True):
                if row.wire.fixed is None and bus:
                    self.sheet.grid(at, row.y, f"{row.wire.number} {join} {column.number}")
                elif row.wire.fixed is None:
                    self._device(at, row.y, float(g[row.wire.places[0], column.places[0]]), learned=stage.crossbar in self.g)
                elif np.isin(column.places, row.wire.fixed).any():
                    self.sheet.grid(at, row.y, "fixed") if bus else self.sheet.device(at, row.y, None)

    def _conductances(self, stage: Stage) -> NDArray[np.float64]:
        """Return what joins each row to each column, (rows, columns) [S]; 0: nothing."""
        array, g = self.circuit[stage.crossbar], self.g.get(stage.crossbar)
        matrix: NDArray[np.float64] = array.matrix(1 / self.chip(stage.crossbar, "r") if g is None else g)
        return matrix

    def _device(self, x: float, y: float, g: float, *, learned: bool) -> None:
        """Draw what joins a row to a column, if anything does: fuller the better it conducts, or as a fixed resistor."""
        if g == 0:
            return
        if not learned:
            self.sheet.device(x, y, None)
            return
        self.single = True
        self.sheet.device(x, y, (np.log(g) - self.low) / (self.high - self.low) if self.high > self.low else 1.0)

    def _name(self, x: float, y: float, wire: SchematicWire) -> None:
        """Write a wire's name above it, and the number of its wires when it is a bus."""
        self.sheet.text(x + 0.1, y + 0.06, wire.name, SOFT, ha="left", va="bottom")
        if wire.number > 1:
            self.sheet.slash(x + LETTER * len(wire.name) + 0.45, y, wire.number)

    def _neurons_and_amplifiers(self, stage: Stage, columns: Sequence[SchematicWire], y: Sequence[float], left: float) -> list[_Row]:
        """Draw neurons and amplifiers of the columns; returns where they end, as rows of the next stage."""
        at = left + max(LETTER * len(wire.name) + 0.9 * (wire.number > 1) for wire in columns) + 0.4
        for wire, level in zip(columns, y, strict=True):
            self._name(left, level, wire)
            self.sheet.wire((left, level), (at, level), bus=wire.number > 1)
        rows = columns
        if stage.kind != "linear":
            at = self._neurons(stage, columns, y, at)
        if stage.amplifier is not None:
            at = self._amplifiers(stage.amplifier, columns, y, at)
        if stage.rows is not None and not np.array_equal(stage.rows, stage.columns):
            rows = as_wires(self.circuit, stage.rows)
        else:
            rows = [wire._replace(name="") for wire in columns]
        return [_Row(at, level, wire) for wire, level in zip(rows, y, strict=True)]

    def _neurons(self, stage: Stage, columns: Sequence[SchematicWire], y: Sequence[float], left: float) -> float:
        """Draw neurons on their wires; returns where the wires end."""
        rails = [[self._rail(side, wire) for wire in columns] for side in (stage.high, stage.low)]
        single = stage.kind == "diodes" and all(None in pair for pair in zip(*rails, strict=True))
        title = counted(stage.size, "diode" if single else _TITLES[stage.kind])
        words = max((len(rail or "") for side in rails for rail in side), default=0)
        right = left + max(1.6 + LETTER * words, _TITLE * len(title))
        self.sheet.panel(left, min(y) - 1.05, right, max(y) + 1.05, title, NEURON)
        for wire, level, high, low in zip(columns, y, *rails, strict=True):
            if stage.kind == "dead-zone":
                self._dead_zone(left, right, level, bus=wire.number > 1)
                continue
            middle = left + 0.8
            self.sheet.wire((left, level), (right, level), bus=wire.number > 1)
            self.sheet.dot(middle, level)
            if high is not None:
                self.sheet.diode((middle, level), (middle, level + 0.62), ideal=stage.kind == "ideal")
                self.sheet.rail(middle, level + 0.62, high)
            if low is not None:
                self.sheet.diode((middle, level - 0.62), (middle, level), ideal=stage.kind == "ideal")
                self.sheet.rail(middle, level - 0.62, low)
        return right

    def _rail(self, side: Sequence[Junctions], wire: SchematicWire) -> str | None:
        """Write the voltages to which diodes of one direction lead from a wire; None where there are none."""
        rails = [
            voltages(self.chip, one.rail, one.rails[here])
            for one in side
            if len(one.rails) and (here := np.isin(one.columns, wire.places)).any()
        ]
        return span(rails) if rails else None

    def _dead_zone(self, left: float, right: float, y: float, *, bus: bool) -> None:
        a, b = (left + right) / 2 - 0.6, (left + right) / 2 + 0.6
        for side, start, end in ((0.3, a, b), (-0.3, b, a)):
            self.sheet.wire((a, y), (a, y + side))
            self.sheet.wire((b, y), (b, y + side))
            self.sheet.diode((start, y + side), (end, y + side))
        self.sheet.wire((left, y), (a, y), bus=bus)
        self.sheet.wire((b, y), (right, y), bus=bus)

    def _amplifiers(self, name: str, columns: Sequence[SchematicWire], y: Sequence[float], left: float) -> float:
        """Draw amplifiers on their wires; returns where the wires end."""
        title = counted(len(self.circuit[name]), "amplifier")
        left, start = left + 0.4, left
        labels = [self._factors(name, wire) for wire in columns]
        right = left + max(1.4 + LETTER * max(len(below) for _, below in labels), _TITLE * len(title))
        self.sheet.panel(left, min(y) - 1.05, right, max(y) + 1.05, title, AMPLIFIER)
        for wire, level, factors in zip(columns, y, labels, strict=True):
            self.sheet.wire((start, level), (right, level), bus=wire.number > 1)
            self.sheet.amplifier(left + 0.4, level, *factors)
        return right

    def _factors(self, name: str, wire: SchematicWire) -> tuple[str, str]:
        """Return gain and back-action of amplifiers, to write in and below their triangle."""
        gain, back, r = (between(self.chip(name, one)[wire.places]) for one in ("gain", "back", "output_resistance"))
        below = f"×{back} back" + (f", {r} Ω out" if r != "0" else "")
        return (f"×{gain}", below) if len(gain) <= _INSIDE else ("", f"×{gain}, {below}")

    def _outputs(self, nodes: Nodes, columns: Sequence[SchematicWire], x: Sequence[float], top: float, bottom: float) -> None:
        """Lead the last columns down to their terminals, and label the outputs below them."""
        outputs = self.circuit.outputs
        for wire, at in zip(columns, x, strict=True):
            self.sheet.wire((at, top), (at, bottom), bus=wire.number > 1)
            self.sheet.terminal(at, bottom)
        pairs = list(zip(outputs.plus.tolist(), outputs.minus.tolist(), strict=True))
        if columns[0].number > 1:
            what = "pair" if outputs.minus.any() else "output"
            self.sheet.text(x[0], bottom - 0.3, f"{counted(len(pairs), what)}: ŷ0 … ŷ{len(pairs) - 1}", OUTPUT, va="top")
            return
        for wire, at in zip(columns, x, strict=True):
            self.sheet.text(at, bottom - 0.25, wire.name, SOFT, va="top", rotation=90)
        place = {node: k for k, node in enumerate(nodes.tolist())}
        low = bottom - 0.7 - max(LETTER * len(wire.name) for wire in columns)
        adjacent = all(minus and abs(place[plus] - place[minus]) == 1 for plus, minus in pairs)
        for k, (plus, minus) in enumerate(pairs):
            if adjacent:
                left, right = sorted((x[place[plus]], x[place[minus]]))
                self.sheet.brace(left, right, low, f"ŷ{k}")
                continue
            for node, sign in ((plus, "+"), (minus, "−")) if minus else ((plus, ""),):
                self.sheet.text(x[place[node]], low, f"ŷ{k}{sign}", OUTPUT, va="top")

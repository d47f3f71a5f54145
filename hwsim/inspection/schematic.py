"""The schematic of a small circuit, with the symbols that people draw."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Crossbar, CurrentSources, Diodes, IdealDiodes, InputSources, Memristors, Nudges, Resistors, VoltageSources
from hwsim.inspection.placing import placed

_PARTS, _NODES = 40, 24
"""Most parts and nodes of a circuit that is drawn."""

_KNOWN = (Crossbar, CurrentSources, Diodes, IdealDiodes, InputSources, Memristors, Nudges, Resistors, VoltageSources)

_OPEN = 1e11
"""Ohm; what resists more, as the conductance that ngspice puts beside each diode, is not drawn."""

_WIDTH, _HEIGHT, _DROP = 4.2, 3.4, 2.0
"""Units of the drawing from one column of nodes to the next, from one node to the one below, and from a node to its ground."""


class _Part(NamedTuple):
    """A part between two nodes; 0 is ground."""

    symbol: str
    a: int
    b: int
    label: str


def fits(circuit: Circuit) -> bool:
    """Say whether a circuit is small enough, and of parts that have a symbol."""
    parts = sum(len(element) for element in circuit.elements if not isinstance(element, Nudges))
    return parts <= _PARTS and circuit.size <= _NODES and all(isinstance(element, _KNOWN) for element in circuit.elements)


def _parts(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> Iterator[_Part]:
    for element in circuit.elements:
        match element:
            case Crossbar() | Memristors():
                values = np.asarray(g[element.name]).ravel()
                rows, columns = (element.rows, element.columns) if isinstance(element, Crossbar) else (element.a, element.b)
                if isinstance(element, Crossbar):
                    rows, columns = np.repeat(rows, len(element.columns)), np.tile(columns, len(element.rows))
                yield from (_Part("ResistorVar", *ends) for ends in zip(*_ends(rows, columns), _ohms(1 / values), strict=True))
            case Resistors(a=a, b=b):
                r = chip(element.name, "r")
                parts = zip(*_ends(a, b), _ohms(r), r < _OPEN, strict=True)
                yield from (_Part("Resistor", *ends) for *ends, counts in parts if counts)
            case Diodes(anode=a, cathode=b) | IdealDiodes(anode=a, cathode=b):
                yield from (_Part("Diode", one, other, "") for one, other in zip(*_ends(a, b), strict=True))
            case VoltageSources(plus=a, minus=b):
                labels = [f"{v:g} V" for v in chip(element.name, "v")]
                yield from (_Part("SourceV", *ends) for ends in zip(*_ends(b, a), labels, strict=True))  # its + is where it ends
            case CurrentSources(a=a, b=b):
                labels = [f"{1e6 * i:g} µA" for i in chip(element.name, "i")]
                yield from (_Part("SourceI", *ends) for ends in zip(*_ends(a, b), labels, strict=True))
            case InputSources(plus=a, feature=feature):
                scales = [
                    f"{'' if s == 1 else '−' if s == -1 else f'{s:g}·'}x{k}"
                    for k, s in zip(feature, chip(element.name, "scale"), strict=True)
                ]
                yield from (_Part("SourceV", 0, int(node), label) for node, label in zip(a, scales, strict=True))


def _ends(*terminals: Any) -> list[list[int]]:
    return [terminal.tolist() for terminal in terminals]


def _ohms(values: Any) -> list[str]:
    scales = ((1e6, "M"), (1e3, "k"), (1.0, ""))
    return [next((f"{r / scale:.3g}{prefix}" for scale, prefix in scales if r >= scale), f"{r:.3g}") for r in values]


def schematic(circuit: Circuit, chip: Chip, g: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Draw a circuit that fits; gives the PNG's bytes."""
    import schemdraw  # noqa: PLC0415 - only those who draw need it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from schemdraw import elements as elm  # noqa: PLC0415

    spread = placed(circuit)
    levels = sorted({round(x, 3) for x, _ in spread.values()})
    most = max(Counter(round(x) for x, _ in spread.values()).values())
    places = {node: (_WIDTH * len(levels) * x, _HEIGHT * most * y) for node, (x, y) in spread.items()}
    figure = Figure(figsize=(max(7.0, 1.6 * len(levels) + 2), max(5.0, 1.1 * most + 2)), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    drawing = schemdraw.Drawing(canvas=axes, show=False)
    drawing.config(fontsize=8, lw=1.1, unit=2)
    _draw(drawing, elm, list(_parts(circuit, chip, g)), places)
    for node, place in places.items():
        drawing.add(elm.Dot(radius=0.07).at(place))
        drawing.add(elm.Label().at((place[0] + 0.15, place[1] + 0.2)).label(circuit.node_names[node], fontsize=8, color="#1f6fb2"))
    for k, ends in enumerate(zip(circuit.outputs.plus.tolist(), circuit.outputs.minus.tolist(), strict=True)):
        for node, sign in zip(ends, "+−", strict=True):
            if node:
                at = (places[node][0] + 0.75, places[node][1] + 0.35)
                drawing.add(elm.Label().at(at).label(f"ŷ{k}{sign}", fontsize=9, color="#2f8a57"))
    drawing.draw(show=False)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None}, bbox_inches="tight")
    return png.getvalue()


def _draw(drawing: Any, elm: Any, parts: list[_Part], places: Mapping[int, tuple[float, float]]) -> None:
    """Draw each part between its nodes, or down to a ground of its own; several between the same nodes lie side by side."""
    beside: Counter[tuple[int, int]] = Counter()
    total = Counter((min(part.a, part.b), max(part.a, part.b)) for part in parts)
    for part in parts:
        key = min(part.a, part.b), max(part.a, part.b)
        shift = beside[key] - (total[key] - 1) / 2
        beside[key] += 1
        if key[0]:
            start, end = (np.array(places[node]) for node in (part.a, part.b))
            along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
            off = 0.9 * shift * np.array([-along[1], along[0]])
            if shift:
                drawing.add(elm.Line().endpoints(tuple(start), tuple(start + off + 0.7 * along)))
                drawing.add(elm.Line().endpoints(tuple(end), tuple(end + off - 0.7 * along)))
                start, end = start + off + 0.7 * along, end + off - 0.7 * along
        else:
            node = np.array(places[key[1]]) + np.array([0.9 * shift, 0.0])
            ground = node + np.array([0.0, -_DROP])
            start, end = (node, ground) if part.a else (ground, node)
            drawing.add(elm.Ground().at(tuple(ground)))
            if shift:
                drawing.add(elm.Line().endpoints(places[key[1]], tuple(node)))
        symbol = getattr(elm, part.symbol)().endpoints(tuple(start), tuple(end))
        drawing.add(symbol.label(part.label, fontsize=7) if part.label else symbol)

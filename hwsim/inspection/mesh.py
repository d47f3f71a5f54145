"""Graphs of any circuit: every node and its connections, or, for large ones, the number of nodes at each distance from the inputs."""

from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, Elements, IdealDiodes, Resistors, VoltageSources
from circuits.passed import Passed
from hwsim.inspection.neurons import neurons
from hwsim.inspection.node_layout import placed
from hwsim.inspection.palette import INK, PAPER, SERIES, SOFT
from hwsim.typing import Floats, Weights

NODES = 120
"""Most nodes that are drawn one by one."""

_INPUT, _DIODE, _OUTPUT, _FIXED = SERIES[:4]


class Mesh:
    """Every node, and its connections; the better a trainable device conducts, the thicker its line.

    Fixed voltages that no trainable device joins, such as the rails of diodes, are left out.
    """

    size = (9.0, 3.9)
    """Width and height [inches]."""

    def __init__(self, circuit: Circuit, g: Weights) -> None:
        self.circuit, self.g = circuit, g
        fixed = {int(n) for source in circuit.of(VoltageSources) for n in (*source.plus, *source.minus) if n}
        joined = {node for array in circuit.trainable for end in _lists(array) for node in end}
        self.rails = {0, *(fixed - joined)}
        self.places = {node: at for node, at in placed(circuit).items() if node not in self.rails}
        self.kinds = {
            "at diodes": (_DIODE, [int(node) for one in neurons(circuit) for node in one.nodes]),
            "output": (_OUTPUT, [int(node) for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node]),
            "fixed voltage": (_FIXED, sorted(fixed - self.rails)),
            "input": (_INPUT, [int(node) for source in circuit.inputs for node in source.driven]),
        }

    def show(self, axes: Any) -> None:
        """Draw lines, nodes, names and the legend."""
        axes.set_axis_off()
        learned = [np.log(self.g[array.name]).ravel() for array in self.circuit.trainable]
        every = np.concatenate(learned) if learned else np.zeros(1)
        low, high = every.min(), max(every.max(), every.min() + 1e-9)
        for element in self.circuit.elements:
            match element:
                case Trainable():
                    widths = 0.3 + 1.7 * (np.log(element.expand(self.g[element.name]).g) - low) / (high - low)
                    self._lines(axes, _lists(element), widths, color=SOFT, alpha=0.75)
                case Resistors():
                    self._lines(axes, _lists(element), np.full(len(element), 0.4), color=SOFT, linestyle=":")
                case Amplifiers():
                    self._lines(axes, _lists(element), np.full(len(element), 1.6), color=_FIXED)
                case Diodes() | IdealDiodes():
                    for one, other in zip(*_lists(element), strict=True):
                        if not {one, other} & self.rails:
                            arrow = {"arrowstyle": "-|>", "color": _DIODE, "linewidth": 1.0, "shrinkA": 3, "shrinkB": 3}
                            axes.annotate("", xy=self.places[other], xytext=self.places[one], arrowprops=arrow, zorder=2)
                case Passed():
                    self._lines(axes, _lists(element), np.full(len(element.joined), 1.0), color=_DIODE, linestyle="--")
        self._points(axes)
        self._legend(axes)

    def _lines(self, axes: Any, ends: tuple[list[int], list[int]], widths: Floats, **style: Any) -> None:
        for one, other, width in zip(*ends, widths.tolist(), strict=True):
            if not {one, other} & self.rails:
                axes.plot(*zip(self.places[one], self.places[other], strict=True), linewidth=width, zorder=1, **style)

    def _points(self, axes: Any) -> None:
        """Draw the nodes with their names: inputs, fixed voltages, outputs, those at diodes, and all others."""
        colours = dict.fromkeys(self.places, INK)
        for colour, nodes in self.kinds.values():
            colours |= dict.fromkeys(set(nodes) & set(self.places), colour)
        axes.scatter(*zip(*self.places.values(), strict=True), s=26, c=list(colours.values()), zorder=3)
        for node, (x, y) in self.places.items():
            (right, up), side = ((-5, 0), "right") if x == 0 else ((5, 0), "left") if x == 1 else ((0, 4), "center")
            ground = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.4}
            style = {"ha": side, "va": "center" if right else "bottom", "fontsize": 7, "color": INK, "zorder": 4, "bbox": ground}
            axes.annotate(self.circuit.node_names[node], (x, y), (right, up), textcoords="offset points", **style)
        axes.set(xlim=(-0.12, 1.12), ylim=(-0.12, 1.08))

    def _legend(self, axes: Any) -> None:
        for name, (colour, nodes) in self.kinds.items():
            if nodes:
                axes.scatter([], [], s=26, c=colour, label=name)
        axes.plot([], [], color=SOFT, linewidth=1.4, label="trainable; thicker conducts better")
        if self.circuit.of(Passed):
            axes.plot([], [], color=_DIODE, linestyle="--", linewidth=1.0, label="solved by ngspice only")
        axes.legend(loc="lower center", ncols=3 if self.circuit.of(Passed) else 5, fontsize=7.5, frameon=False)


def _lists(element: Elements) -> tuple[list[int], list[int]]:
    a, b = element.ends
    return a.tolist(), b.tolist()


class LevelCounts:
    """The number of nodes at each distance from the inputs, for circuits with too many to draw one by one."""

    size = (9.0, 1.3)
    """Width and height [inches]."""

    def __init__(self, circuit: Circuit) -> None:
        places = placed(circuit)
        x, count = np.unique([round(at[0], 2) for at in places.values()], return_counts=True)
        step = max(len(x) // 12, 1)
        self.boxes = [(float(x[k]), int(count[k : k + step].sum())) for k in range(0, len(x), step)]

    def show(self, axes: Any) -> None:
        """Draw a box a level."""
        axes.set_axis_off()
        axes.plot([at for at, _ in self.boxes], [0.5] * len(self.boxes), color=SOFT, linewidth=2, zorder=1)
        for k, (at, many) in enumerate(self.boxes):
            colour = _INPUT if k == 0 else _OUTPUT if k == len(self.boxes) - 1 else INK
            style = {"boxstyle": "round,pad=0.5", "facecolor": PAPER, "edgecolor": colour, "linewidth": 1.4}
            axes.text(at, 0.5, f"{many}\nnodes", ha="center", va="center", fontsize=8.5, bbox=style, zorder=3, color=INK)
        axes.text(0.5, 0.02, "nodes by their distance from the inputs (left) to the outputs (right)", ha="center", fontsize=7.5, color=SOFT)
        axes.set(xlim=(-0.08, 1.08), ylim=(0, 1))

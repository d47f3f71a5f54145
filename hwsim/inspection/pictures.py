"""Pictures of a circuit: its blocks from left to right, its conductances, what its neurons draw."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Diodes, Elements, IdealDiodes, Resistors, VoltageSources
from circuits.passed import Passed
from hwsim.files.png import METADATA
from hwsim.inspection.inspection import Inspection
from hwsim.inspection.neurons import Neurons
from hwsim.inspection.node_layout import placed
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.layered.stage import Stage
from hwsim.typing import Floats

Point = tuple[float, float]

_NODES = 120
"""Most nodes that are drawn one by one."""

_MAPS, _CURVES = 4, 6
"""Most conductance maps and transfer curves of one picture."""

_BESIDE = 0.4
"""V; how far beyond their rails neurons are shown."""

_INPUT, _OUTPUT, _DIODE, _SOFT = "#1f6fb2", "#2f8a57", "#c8551b", "#5b6675"


def overview(found: Inspection, name: str) -> bytes:
    """Draw all that is known of a circuit; gives the PNG's bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only those who draw need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    arrays = found.circuit.trainable[:_MAPS]
    shown = [one for one in found.neurons if one.kind not in {"dead zone", "diode between nodes"}][:_CURVES]
    below = len(arrays) + bool(shown)
    share = 1.15 if found.layers is None and found.circuit.size <= _NODES else 0.4
    figure = Figure(figsize=(max(9.0, 3.0 * below), 3.3 * (1.0 + share)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    halves: Any = figure.subfigures(2, 1, height_ratios=(share, 1.0))
    top, bottom = halves
    axes = top.subplots()
    axes.set_axis_off()
    if found.layers:
        _chain(axes, found)
    elif found.circuit.size <= _NODES:
        _mesh(axes, found)
    else:
        _levels(axes, found.circuit)
    for place, element in zip(bottom.subplots(1, below, squeeze=False)[0], [*arrays, None], strict=False):
        if element is None:
            _neurons(place, shown)
        else:
            _conductances(bottom, place, element, found.g[element.name])
    figure.suptitle(name)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata=METADATA)
    return png.getvalue()


def _box(axes: Any, x: float, text: str, colour: str) -> None:
    style = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
    axes.text(x, 0.5, text, ha="center", va="center", fontsize=8.5, bbox=style, zorder=3)


def _chain(axes: Any, found: Inspection) -> None:
    """Draw inputs, crossbars, neurons, amplifiers and outputs of a chain of layers."""
    circuit = found.circuit
    boxes = [(f"inputs\n{circuit.input_count} features", _INPUT)]
    for stage in stages(circuit):
        element: Trainable = circuit[stage.crossbar]
        boxes.append((f"{element.name}\ncrossbar\n{element.shape[0]} × {element.shape[1]}", "#1c2430"))
        if stage.kind != "linear":
            boxes.append((f"{stage.size} neurons\n{_neuron(found, stage)}", _DIODE))
        if stage.amplifier is not None:
            boxes.append((_amplifier(circuit, stage.amplifier), "#8e4fa8"))
    boxes.append(
        (f"outputs\n{len(circuit.outputs)} {'pair' if circuit.outputs.minus.any() else 'node'}{'s' * (len(circuit.outputs) > 1)}", _OUTPUT)
    )
    places = np.linspace(0, 1, len(boxes))
    axes.plot(places, np.full(len(boxes), 0.5), color=_SOFT, linewidth=2, zorder=1)
    for x, (text, colour) in zip(places, boxes, strict=True):
        _box(axes, float(x), text, colour)
    axes.set(xlim=(-0.08, 1.08), ylim=(0, 1))


def _neuron(found: Inspection, stage: Stage) -> str:
    kinds = [one for one in found.neurons if np.isin(one.nodes, stage.columns).any() or stage.kind == one.kind.replace(" ", "-")]
    return "\n".join(dict.fromkeys(f"{one.kind}{_rails(one)}" for one in kinds)) or stage.kind


def _rails(one: Neurons) -> str:
    return "" if one.kind in {"dead zone", "diode between nodes"} else "\n" + ", ".join(f"{rail:g} V" for rail in one.rails)


def _amplifier(circuit: Circuit, name: str) -> str:
    element: Amplifiers = circuit[name]
    gain, back = (float(np.mean(values)) for values in (element.gain, element.back))
    return f"{len(element)} amplifiers\n×{gain:.3g} forward\n×{back:.3g} back"


def _mesh(axes: Any, found: Inspection) -> None:
    """Draw every node, and what joins them; the better a device conducts, the thicker its line."""
    places = placed(found.circuit)
    every = np.concatenate([found.g[element.name].ravel() for element in found.circuit.trainable])
    low, high = np.log(every.min()), max(np.log(every.max()), np.log(every.min()) + 1e-9)
    for element in found.circuit.elements:
        match element:
            case Trainable():
                widths = 0.3 + 1.7 * (np.log(element.expand(found.g[element.name]).g) - low) / (high - low)
                _lines(axes, places, _lists(element), widths, color=_SOFT, alpha=0.75)
            case Resistors():
                _lines(axes, places, _lists(element), np.full(len(element), 0.4), color=_SOFT, linestyle=":")
            case Amplifiers():
                _lines(axes, places, _lists(element), np.full(len(element), 1.6), color="#8e4fa8")
            case Diodes() | IdealDiodes():
                for one, other in zip(*_lists(element), strict=True):
                    if one and other:
                        arrow = {"arrowstyle": "-|>", "color": _DIODE, "linewidth": 1.0, "shrinkA": 3, "shrinkB": 3}
                        axes.annotate("", xy=places[other], xytext=places[one], arrowprops=arrow, zorder=2)
            case Passed():
                _lines(axes, places, _lists(element), np.full(len(element.joined), 1.0), color=_DIODE, linestyle="--")
    _points(axes, found, places)


def _lines(axes: Any, places: Mapping[int, Point], ends: tuple[list[int], list[int]], widths: Floats, **style: Any) -> None:
    for one, other, width in zip(*ends, widths.tolist(), strict=True):
        if one and other:
            axes.plot(*zip(places[one], places[other], strict=True), linewidth=width, zorder=1, **style)


def _lists(element: Elements) -> tuple[list[int], list[int]]:
    a, b = element.ends
    return a.tolist(), b.tolist()


def _points(axes: Any, found: Inspection, places: Mapping[int, Point]) -> None:
    """Draw the nodes: inputs, fixed voltages, outputs, those that diodes bend, and all others."""
    circuit = found.circuit
    kinds = {
        "bent by diodes": (_DIODE, [int(node) for one in found.neurons for node in one.nodes]),
        "output": (_OUTPUT, [int(node) for node in (*circuit.outputs.plus, *circuit.outputs.minus) if node]),
        "fixed voltage": ("#8e4fa8", [int(n) for s in circuit.of(VoltageSources) for n in (*s.plus, *s.minus) if n]),
        "input": (_INPUT, [int(node) for source in circuit.inputs for node in source.plus]),
    }
    colours = dict.fromkeys(places, "#1c2430")
    for colour, nodes in kinds.values():
        colours |= dict.fromkeys(nodes, colour)
    axes.scatter(*zip(*places.values(), strict=True), s=26, c=list(colours.values()), zorder=3)
    for node, (x, y) in places.items():
        (right, up), side = ((-5, 0), "right") if x == 0 else ((5, 0), "left") if x == 1 else ((0, 4), "center")
        style = {"ha": side, "va": "center" if right else "bottom", "fontsize": 6, "color": "#1c2430", "zorder": 4}
        axes.annotate(circuit.node_names[node], (x, y), (right, up), textcoords="offset points", **style)
    for name, (colour, nodes) in kinds.items():
        if nodes:
            axes.scatter([], [], s=26, c=colour, label=name)
    axes.plot([], [], color=_SOFT, linewidth=1.4, label="learns; thicker conducts better")
    if circuit.of(Passed):
        axes.plot([], [], color=_DIODE, linestyle="--", linewidth=1.0, label="known to ngspice alone")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=5, fontsize=7.5, frameon=False)


def _levels(axes: Any, circuit: Circuit) -> None:
    """Draw how many nodes lie how far from the inputs, where there are too many to be drawn one by one."""
    places = placed(circuit)
    x, count = np.unique([place[0].__round__(2) for place in places.values()], return_counts=True)
    step = max(len(x) // 12, 1)
    boxes = [(float(x[k]), int(count[k : k + step].sum())) for k in range(0, len(x), step)]
    axes.plot([at for at, _ in boxes], [0.5] * len(boxes), color=_SOFT, linewidth=2, zorder=1)
    for k, (at, many) in enumerate(boxes):
        _box(axes, at, f"{many}\nnodes", _INPUT if k == 0 else _OUTPUT if k == len(boxes) - 1 else "#1c2430")
    axes.set(xlim=(-0.08, 1.08), ylim=(0, 1))


def _conductances(figure: Any, axes: Any, element: Trainable, g: Floats) -> None:
    """Draw a crossbar as a map, other devices as a histogram; both logarithmic."""
    if element.grid:
        from matplotlib.colors import LogNorm  # noqa: PLC0415 - loaded with the figure

        low, high = float(g.min()), float(g.max())
        image = axes.imshow(g, aspect="auto", interpolation="nearest", cmap="viridis", norm=LogNorm(low, max(high, low * 1.01)))
        figure.colorbar(image, ax=axes, label="conductance [S]")
        axes.set_title(f"{element.name}: {g.shape[0]} × {g.shape[1]}", fontsize=9)
        axes.set(xlabel="column", ylabel="row")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_locator().set_params(integer=True)
        return
    wide = 1.01 if g.max() > 3 * g.min() else 2.0  # else ticks would say the same and cover each other
    edges = np.geomspace(g.min() / wide, g.max() * wide, 30)
    axes.hist(g, bins=edges, color=_INPUT)
    axes.set_title(f"{element.name}: {len(element)} that learn", fontsize=9)
    axes.set(xlabel="conductance [S]", ylabel="resistors", xscale="log")
    axes.yaxis.get_major_locator().set_params(integer=True)
    for bound in (float(np.min(element.g_min)), float(np.max(element.g_max))):
        if edges[0] <= bound <= edges[-1]:
            axes.axvline(bound, color=_DIODE, linewidth=1)


def _neurons(axes: Any, kinds: list[Neurons]) -> None:
    """Draw the current that each kind of neuron draws from its node."""
    rails = [rail for one in kinds for rail in one.rails]
    v = np.linspace(min(rails) - _BESIDE, max(rails) + _BESIDE, 400)
    for k, one in enumerate(kinds):
        i = 1e6 * one.current(v)
        i[~np.isfinite(i)] = np.nan
        axes.plot(v, i, color=f"C{k}", linewidth=1.4, label=f"{one.kind} ({len(one.nodes)})")
        if not any(clamp.i_sat for clamp in one.clamps):
            for rail in one.rails:
                axes.axvline(rail, color=f"C{k}", linestyle="--", linewidth=1)
    axes.set_title("Current out of a node", fontsize=9)
    axes.set(xlabel="its voltage [V]", ylabel="current [µA]")
    axes.set_ylim(-30, 30)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)

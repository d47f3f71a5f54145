"""Layers: a circuit that is a chain of crossbars is recognized as one, whatever its nodes and parts are called and in which order.

Resistors that learn join each column to all of its rows. The rows of the first crossbar are held by sources; those of another are the
columns before it, or the nodes behind their dead zones, or the outputs of their amplifiers, and more rows that sources hold.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Crossbar, Trainable
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Capacitors, Diodes, Elements, IdealDiodes, InputSources, Nudges, Resistors, VoltageSources
from hwsim.experiment.rebuilt_deck import free_name, rebuilt, take
from netlists.deck import Deck, Places

Device = tuple[str, int]
"""A device that learns: its array and its place there."""

_KNOWN = (Amplifiers, Capacitors, Diodes, IdealDiodes, InputSources, Nudges, Resistors, Trainable, VoltageSources)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The columns of one crossbar, what they hand on, the rows that the layer before drives, in order, and those that sources hold."""

    columns: list[int]
    drivers: list[int]
    signal: list[int]
    held_rows: list[int]

    @property
    def rows(self) -> list[int]:
        return [*self.signal, *self.held_rows]


def with_layers(deck: Deck) -> Deck | None:
    """Describe the circuit by the crossbars, diodes and amplifiers of its layers; None when it is no chain of layers."""
    circuit = deck.circuit
    if any(not isinstance(element, _KNOWN) for element in circuit.elements):
        return None
    devices, source_nodes = _devices(circuit), _source_nodes(circuit)
    if devices is None or source_nodes is None:
        return None
    layers = _chain(circuit, devices, source_nodes)
    neurons = _neurons(circuit, layers, source_nodes)
    columns = {column for layer in layers for column in layer.columns}
    crossbars = [_used(layer, devices) for layer in layers]
    placed = {driver for layer in layers for driver in layer.drivers}
    loose = any(node not in placed for amplifiers in circuit.of(Amplifiers) for node in amplifiers.input.tolist())
    loose |= any(not columns & {a, b} for resistors in circuit.of(Resistors) for a, b in zip(*_lists(resistors, "a", "b"), strict=True))
    if neurons is None or loose or sum(map(len, crossbars)) != len(devices):
        return None
    return _described(deck, layers, crossbars, neurons)


def _devices(circuit: Circuit) -> dict[tuple[int, int], Device] | None:
    """Return all devices that learn by the nodes that they join, the lower first; None when two join the same nodes."""
    devices: dict[tuple[int, int], Device] = {}
    for element in circuit.trainable:
        a, b = element.ends
        for k, pair in enumerate(zip(np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), strict=True)):
            devices[pair] = element.name, k
    return devices if len(devices) == sum(map(len, circuit.trainable)) else None


def _source_nodes(circuit: Circuit) -> list[int] | None:
    """List the nodes whose voltage to ground sources fix, those of inputs first; None when a source stands between two others."""
    inputs = [node for source in circuit.inputs for node in source.driven.tolist()]
    for source in circuit.voltage_sources:
        if (source.plus * source.minus).any():
            return None
        inputs += (source.plus + source.minus).tolist()
    return inputs


def _chain(circuit: Circuit, devices: dict[tuple[int, int], Device], source_nodes: list[int]) -> list[_Layer]:
    """Follow the devices from the inputs: columns, what drives the next rows, the columns that these lead to, and so on."""
    import networkx as nx  # noqa: PLC0415 - a quarter of a second, for those alone who build graphs

    graph: nx.Graph[int] = nx.Graph(list(devices))
    behind = _behind(circuit, source_nodes)
    amplified = {a: b for amplifiers in circuit.of(Amplifiers) for a, b in zip(*_lists(amplifiers, "input", "output"), strict=True)}
    first = [node for source in circuit.inputs for node in source.driven.tolist()]
    seen, rows, layers = {*source_nodes, 0}, [node for node in first if node in graph], list[_Layer]()
    signal: list[int] = []
    while True:
        columns = sorted({node for row in rows for node in graph[row] if node not in seen})
        if not columns:
            return layers
        joined = {node for column in columns for node in graph[column]}
        drivers = [behind.get(column, column) for column in columns]
        layers.append(_Layer(columns, drivers, signal, [node for node in source_nodes if node in joined]))
        signal = [amplified.get(driver, driver) for driver in drivers]
        seen.update(columns, drivers, signal)
        rows = [row for row in signal if row in graph]


def _behind(circuit: Circuit, source_nodes: list[int]) -> dict[int, int]:
    """Return the node on the other side of each dead zone, both ways: two diodes join free nodes, one each way."""
    fixed = {*source_nodes, 0}
    pairs = [pair for diodes in circuit.of(Diodes) for pair in zip(*_lists(diodes, "anode", "cathode"), strict=True)]
    free = {pair for pair in pairs if pair[0] not in fixed and pair[1] not in fixed}
    return {a: b for a, b in free if (b, a) in free}


def _lists(element: Elements, *terminals: str) -> list[list[int]]:
    return [getattr(element, terminal).tolist() for terminal in terminals]


def _used(layer: _Layer, devices: dict[tuple[int, int], Device]) -> list[Device]:
    """Return a layer's devices, row by row; none at all when one is missing."""
    pairs = [(min(row, column), max(row, column)) for row in layer.rows for column in layer.columns]
    return [devices[pair] for pair in pairs] if all(pair in devices for pair in pairs) else []


def _neurons(circuit: Circuit, layers: list[_Layer], source_nodes: list[int]) -> list[Elements] | None:
    """Sort diodes by layer, direction and what they lead to, in the order of the columns; None when one is elsewhere."""
    place = {column: (k, j) for k, layer in enumerate(layers, start=1) for j, column in enumerate(layer.columns)}
    behind = _behind(circuit, source_nodes)
    rails = {int(node) for source in circuit.voltage_sources for node in source.plus + source.minus}
    groups: dict[tuple[int, type[Elements], str], list[tuple[int, Elements, int]]] = defaultdict(list)
    for diodes in circuit.of(Diodes, IdealDiodes):
        for k, (anode, cathode) in enumerate(zip(*_lists(diodes, "anode", "cathode"), strict=True)):
            near, far, way = (anode, cathode, "up") if anode in place else (cathode, anode, "down")
            to = "ground" if far == 0 else "rail" if far in rails else "core" if behind.get(near) == far else ""
            if near not in place or not to:
                return None
            layer, column = place[near]
            groups[layer, type(diodes), f"{to}_{way}"].append((column, diodes, k))
    made = []
    for (layer, kind, what), some in groups.items():
        pieces = [take(diodes, np.array([k])) for _, diodes, k in sorted(some, key=lambda one: one[0])]
        made.append(_joined(kind, f"h{layer}_{what}", pieces))
    return made


def _joined(kind: type[Elements], name: str, pieces: Sequence[Any]) -> Elements:
    """Make one array of several."""
    fields = (*kind.terminals, *kind.parameters)
    return kind(name=name, **{field: np.concatenate([getattr(piece, field) for piece in pieces]) for field in fields})


def _described(deck: Deck, layers: list[_Layer], crossbars: list[list[Device]], neurons: list[Elements]) -> Deck:
    circuit = deck.circuit
    made: list[Crossbar] = []
    for k, (layer, used) in enumerate(zip(layers, crossbars, strict=True), start=1):
        bounds = {name: _bounds(circuit, name, used).reshape(len(layer.rows), -1) for name in ("g_min", "g_max")}
        made.append(Crossbar(name=f"w{k}", rows=np.array(layer.rows), columns=np.array(layer.columns), **bounds))
    sources = [_normal(source) for source in circuit.voltage_sources]
    fixed = [_joined(VoltageSources, "fixed", sources)] if sources else []
    amplifiers = [amplifier for k, layer in enumerate(layers, start=1) for amplifier in _amplifiers(circuit, k, layer)]
    named: list[Elements] = [*fixed, *neurons, *amplifiers, *made]
    kept = [*circuit.inputs, *circuit.of(Resistors, Capacitors), circuit.outputs]
    taken = [element.name for element in kept]
    renamed = [replace(element, name=free_name(element.name, taken)) for element in named]
    members = {element.name: deck.members.get(element.name, []) for element in kept}
    g, places = {}, {}
    table = next(iter(deck.places.values())).table
    if fixed:
        members[renamed[0].name] = [name for source in circuit.voltage_sources for name in deck.members.get(source.name, [])]
    for crossbar, element, used in zip(made, renamed[-len(made) :], crossbars, strict=True):
        members[element.name] = [deck.members[name][k] for name, k in used]
        flat = {name: values.ravel() for name, values in deck.g.items()}
        g[element.name] = np.array([flat[name][k] for name, k in used]).reshape(crossbar.shape)
        places[element.name] = Places(table, [deck.places[name].rows[k] for name, k in used])
    layered = rebuilt(deck, [*kept[: len(circuit.inputs)], *renamed, *kept[len(circuit.inputs) :]], members, np.zeros(0, dtype=np.intp))
    return replace(layered, g=g, places=places)


def _bounds(circuit: Circuit, which: str, used: list[Device]) -> NDArray[np.float64]:
    """Return a bound of each device."""
    of = {e.name: np.broadcast_to(np.asarray(getattr(e, which)), e.shape).ravel() for e in circuit.trainable}
    return np.array([of[name][k] for name, k in used])


def _normal(source: VoltageSources) -> VoltageSources:
    """Let sources against ground have their ground as `minus`."""
    v = np.where(source.minus == 0, source.v, -np.asarray(source.v))
    return replace(source, plus=source.plus + source.minus, minus=np.zeros_like(source.minus), v=v)


def _amplifiers(circuit: Circuit, number: int, layer: _Layer) -> list[Elements]:
    """Return the amplifiers behind a layer's columns, in their order, as one array."""
    order = {driver: j for j, driver in enumerate(layer.drivers)}
    amplifiers = [(order[a], e, k) for e in circuit.of(Amplifiers) for k, a in enumerate(e.input.tolist()) if a in order]
    pieces = [take(element, np.array([k])) for _, element, k in sorted(amplifiers, key=lambda one: one[0])]
    return [_joined(Amplifiers, f"amp{number}", pieces)] if pieces else []

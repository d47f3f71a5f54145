"""Assembling: arrays of cards become the elements of a circuit, and the circuit is made."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Block, Circuit
from circuits.constants import GMIN, TEMPERATURE, ZERO_CELSIUS
from circuits.controlled import (
    CurrentControlledCurrentSources,
    CurrentControlledVoltageSources,
    VoltageControlledCurrentSources,
    VoltageControlledVoltageSources,
)
from circuits.diode import junction_at
from circuits.elements import (
    Capacitors,
    Crossbar,
    CurrentSources,
    Diodes,
    Elements,
    IdealDiodes,
    Inductors,
    InputSources,
    Memristors,
    Nudges,
    Resistors,
    VoltageSources,
)
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.passed import Passed
from netlists import subcircuits
from netlists.arrays import Array, Sorting, numbered
from netlists.findings import Finding
from netlists.numbers import read_number
from netlists.parts import Part, Settings

_MAKERS: dict[str, tuple[type[Elements], tuple[str, ...]]] = {
    "c": (Capacitors, ("c",)),
    "d": (Diodes, ("i_sat", "n")),
    "e": (VoltageControlledVoltageSources, ("gain",)),
    "f": (CurrentControlledCurrentSources, ("gain",)),
    "g": (VoltageControlledCurrentSources, ("gm",)),
    "h": (CurrentControlledVoltageSources, ("rm",)),
    "i": (CurrentSources, ("i",)),
    "l": (Inductors, ("l",)),
    "v": (VoltageSources, ("v",)),
}
"""The element of each kind of part, and its parameters in the order of the part's values."""

_CELSIUS = round(TEMPERATURE - ZERO_CELSIUS, 9)

_INPUT = {"scale": 1.0, "offset": 0.0}
"""What a source that carries data makes of its feature, where the deck does not say."""

_OUTPUT = {"gain": 1.0, "offset": 0.0}
"""Likewise, how an output is pushed and read."""

_G_MIN, _G_MAX, _ROOM = 1e-8, 1e-4, 100.0
"""S; bounds of conductances that learn, where the deck says none; those in it have at least so many times room to both sides."""


@dataclass
class Assembly:
    """Makes elements of arrays.

    Parameters
    ----------
    sorting
        The arrays and what they are made of.
    numbers
        Node numbers by their names in the deck.
    gmin
        The conductance that the deck has across each junction [S].
    rshunt
        The resistance that it has from each node to ground [ohm]; 0 for none.
    settings
        Its temperatures.

    """

    sorting: Sorting
    numbers: dict[str, int]
    gmin: float
    rshunt: float = 0.0
    settings: Settings = field(default_factory=lambda: Settings(_CELSIUS, _CELSIUS))
    elements: list[Elements] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    next_feature: int = 0

    def run(self) -> None:
        """Make all elements; what is wrong is noted."""
        table = self.sorting.flat.resistances
        self.place = {name: k for k, name in enumerate(table.names)}
        self.home = {m: (a.name, k) for a in self.sorting.arrays if a.kind in {"v", "e", "h"} for k, m in enumerate(a.members)}
        for array in self.sorting.arrays:
            try:
                self._array(array)
            except CircuitError as error:
                self._mistake(array, str(error))
            except ValueError as error:
                self._mistake(array, str(error))
        self._gmin()
        if self.rshunt:
            nodes = np.arange(1, len(self.numbers))
            self._add(Resistors(name=self._free("rshunt"), a=nodes, b=np.zeros_like(nodes), r=self.rshunt), [])

    def _free(self, name: str) -> str:
        while any(element.name == name or element.name.startswith(f"{name}_") for element in self.elements):
            name += "s"
        return name

    def _mistake(self, array: Array, text: str) -> None:
        if array.statement:
            self.sorting.findings.mistakes.append(array.statement.finding(text))
        else:
            self.sorting.findings.mistakes.append(self._at(array.members[0], text))

    def _at(self, member: str, text: str) -> Finding:
        table = self.sorting.flat.resistances
        line = table.lines[self.place[member]] if member in self.place else self.sorting.parts[member].line
        return Finding(line.source.name, line.number, text)

    def _add(self, element: Elements, members: Sequence[str]) -> None:
        self.elements.append(element)
        self.members[element.name] = list(members)

    def _nodes(self, names: Sequence[str]) -> Nodes:
        numbers = self.numbers
        return np.array([numbers[name] for name in names], dtype=np.intp)

    def _array(self, array: Array) -> None:
        match array.role, array.kind:
            case (("output" | "nudge"), _):
                self._outputs(array)
            case "block", _:
                self._block(array)
            case _, "r":
                self._resistors(array)
            case "input", _:
                self._inputs(array)
            case _, "x":
                self._amplifiers(array)
            case _, "p":
                self._passed(array)
            case _, ("f" | "h"):
                self._sensing(array)
            case _:
                self._parts(array)

    def _parts(self, array: Array) -> None:
        kind, parameters = _MAKERS[array.kind]
        parts = [self.sorting.parts[name] for name in array.members]
        terminals = {t: self._nodes([part.nodes[k] for part in parts]) for k, t in enumerate(kind.terminals)}
        if array.role == "ideal":
            self._add(IdealDiodes(name=array.name, **terminals), array.members)
            return
        values = {p: np.array([part.values[k] for part in parts]) for k, p in enumerate(parameters)}
        self._add(kind(name=array.name, **terminals, **values), array.members)

    def _sensing(self, array: Array) -> None:
        kind, (parameter,) = _MAKERS[array.kind]
        parts = [self.sorting.parts[name] for name in array.members]
        groups: dict[str, list[int]] = {}
        homes = []
        for k, part in enumerate(parts):
            if part.more not in self.home:
                self.sorting.findings.mistakes.append(self._at(part.name, f"{part.name}: there is no source {part.more} to sense"))
                return
            homes.append(self.home[part.more])
            groups.setdefault(homes[-1][0], []).append(k)
        if len(groups) > 1 and array.statement:
            msg = f"these sense sources of different arrays ({', '.join(groups)}); write a line for each"
            raise CircuitError(msg)
        for source, places in groups.items():
            chosen = [parts[k] for k in places]
            name = array.name if len(groups) == 1 else f"{array.name}_of_{source}"
            terminals = {t: self._nodes([part.nodes[k] for part in chosen]) for k, t in enumerate(kind.terminals)}
            values: dict[str, Any] = {parameter: np.array([part.values[0] for part in chosen])}
            sensed: dict[str, Any] = {"source": source, "place": np.array([homes[k][1] for k in places])}
            self._add(kind(name=name, **terminals, **values, **sensed), [part.name for part in chosen])

    def _passed(self, array: Array) -> None:
        places: dict[str, int] = {}
        models: dict[str, str] = {}
        cards, joined = [], []
        for name in array.members:
            part = self.sorting.parts[name]
            for node in part.nodes:
                places.setdefault(node, len(places))
            passage, text = part.more, part.more.text
            for k in reversed(range(len(part.nodes))):
                text = text.replace(f"{{{k}}}", f"{{#{places[part.nodes[k]]}}}")
            for k, source in enumerate(passage.sources):
                if source not in self.home:
                    self.sorting.findings.mistakes.append(
                        self._at(name, f"{name}: there is no source {source} whose current could be read")
                    )
                    return
                text = text.replace(f"{{s{k}}}", "{" + "{}:{}".format(*self.home[source]) + "}")
            if passage.model:
                text = text.replace("{m}", models.setdefault(passage.model, f"{array.name}_{len(models)}"))
            cards.append(text.replace("{#", "{"))
            joined += [(places[part.nodes[a]], places[part.nodes[b]]) for a, b in passage.joined]
        letter = self.sorting.parts[array.members[0]].more.letter
        called = [f".model {name} {text}" for text, name in models.items()]
        nodes = self._nodes(list(places))
        self._add(Passed(name=array.name, nodes=nodes, letter=letter, cards=cards, models=called, joined=joined), array.members)

    def _resistors(self, array: Array) -> None:
        table = self.sorting.flat.resistances
        if array.role != "trainable":
            places = [self.place[name] for name in array.members]
            a, b = self._nodes([table.a[k] for k in places]), self._nodes([table.b[k] for k in places])
            self._add(Resistors(name=array.name, a=a, b=b, r=np.array([table.ohm[k] for k in places])), array.members)
            return
        found = numbered(array)
        element: Elements
        crossbar = None if found is None else self._crossbar(array, found)
        if crossbar:
            element, members = crossbar
        else:
            members = array.members
            places = [self.place[name] for name in members]
            a, b = self._nodes([table.a[k] for k in places]), self._nodes([table.b[k] for k in places])
            element = Memristors(name=array.name, a=a, b=b, **self._bounds(array, (len(members),)))
        self._add(element, members)

    def _crossbar(self, array: Array, at: NDArray[np.intp]) -> tuple[Crossbar, list[str]] | None:
        """Make a crossbar of resistors called R_w_i_j, if there is one between each of the rows and each of the columns."""
        table = self.sorting.flat.resistances
        shape = tuple((at.max(axis=0) + 1).tolist())
        if math.prod(shape) != len(at):
            return None
        order = np.empty(len(at), dtype=np.intp)
        flat = at[:, 0] * shape[1] + at[:, 1]
        order[flat] = np.arange(len(at))
        members = [array.members[k] for k in order]
        places = [self.place[name] for name in members]
        rows = self._nodes([table.a[k] for k in places]).reshape(shape)
        columns = self._nodes([table.b[k] for k in places]).reshape(shape)
        if len(np.unique(flat)) != len(at) or (rows != rows[:, :1]).any() or (columns != columns[:1]).any():
            return None
        return Crossbar(name=array.name, rows=rows[:, 0], columns=columns[0], **self._bounds(array, shape)), members

    def _bounds(self, array: Array, shape: tuple[int, ...]) -> dict[str, Any]:
        said = array.statement.options if array.statement else {}
        g = [1.0 / self.sorting.flat.resistances.ohm[self.place[name]] for name in array.members]
        defaults = {"g_min": min(_G_MIN, min(g) / _ROOM), "g_max": max(_G_MAX, max(g) * _ROOM)}
        bounds = {name: numbers(said.get(name), default) for name, default in defaults.items()}
        return {name: values.reshape(shape) if len(values) > 1 else values[0] for name, values in bounds.items()}

    def _inputs(self, array: Array) -> None:
        parts = [self.sorting.parts[name] for name in array.members]
        options = array.statement.options if array.statement else {}
        said = numbers(options.get("feature"), float(self.next_feature))
        sources = sum(part.kind == "v" for part in self.sorting.flat.parts)
        if not ((said == np.floor(said)) & (said >= 0) & (said < sources)).all():
            msg = f"feature={options.get('feature')}: features are whole numbers from 0 to {sources - 1}, at most one a source"
            raise CircuitError(msg)
        feature = said.astype(np.intp) if len(said) > 1 else int(said[0]) + np.arange(len(parts))
        scale, offset = (np.broadcast_to(numbers(options.get(key), usual), (len(parts),)).copy() for key, usual in _INPUT.items())
        plus = []
        for k, part in enumerate(parts):
            if part.nodes[1] == "0":
                plus.append(part.nodes[0])
            elif part.nodes[0] == "0":
                plus.append(part.nodes[1])
                scale[k], offset[k] = -scale[k], -offset[k]
            else:
                msg = f"{part.name} stands between {part.nodes[0]} and {part.nodes[1]}; an input holds a node against ground"
                raise CircuitError(msg)
        element = InputSources(name=array.name, plus=self._nodes(plus), feature=feature, scale=scale, offset=offset)
        self._add(element, array.members)
        self.next_feature = max(self.next_feature, int(feature.max()) + 1)
        for k, part in enumerate(parts):
            v = (part.values[0] if part.nodes[1] == "0" else -part.values[0]) - offset[k]
            if scale[k]:
                self.shown.setdefault(int(feature[k]), v / scale[k] if scale[k] != 1.0 else v)

    def _amplifiers(self, array: Array) -> None:
        parts = [self.sorting.parts[name] for name in array.members]
        kind = parts[0].more[0] if parts[0].more[0] in subcircuits.AMPLIFIERS else "amplifier"
        wrong = next((part.name for part in parts if part.more[0] != kind), None)
        if wrong:
            msg = f"{wrong} is no {kind} of the library; only block, nudge and array know subcircuits that stay whole"
            raise CircuitError(msg)
        self._library(subcircuits.LIBRARY[kind][0], array.name, array, ("input", "output"))

    def _library(self, part: subcircuits.Part, name: str, array: Array, pins: tuple[str, ...], *, ideal: bool = False) -> None:
        """Make one array of the elements that a subcircuit of the library stands for."""
        parts = [self.sorting.parts[member] for member in array.members]
        terminals = {
            terminal: self._nodes(["0" if pin == "0" else p.nodes[pins.index(pin)] for p in parts]) for terminal, pin in part.pins.items()
        }
        values = {parameter: np.array([p.more[1][called] for p in parts]) for parameter, called in part.parameters.items()}
        if part.kind is Diodes:
            here, nominal = (celsius + ZERO_CELSIUS for celsius in (self.settings.temperature, self.settings.nominal))
            values["i_sat"], values["n"] = junction_at(values["i_sat"], values["n"], here, nominal=nominal)
        kind, values = (IdealDiodes, {}) if ideal else (part.kind, values)
        self._add(kind(name=name, **terminals, **values), array.members)

    def _block(self, array: Array) -> None:
        if array.statement is None:
            return
        kind, names = array.statement.words[1], array.parts
        parts = subcircuits.LIBRARY.get(kind, ())
        wrong = next((m for m in array.members if self.sorting.parts[m].more[0] != kind), None)
        if wrong or len(parts) != len(names):
            msg = f"{wrong or kind} is not what the library calls {kind} with {len(parts)} parts; remove the statement"
            raise CircuitError(msg)
        ideal = array.statement.options.get("ideal", "").split(",")
        pins = tuple(dict.fromkeys(pin for part in parts for pin in part.pins.values() if pin != "0"))
        for part, name in zip(parts, names, strict=True):
            self._library(part, name, array, pins, ideal=name in ideal)

    def _outputs(self, array: Array) -> None:
        said = self.sorting.roles.of("output")
        pairs = [(s.words[0], s.words[1] if len(s.words) > 1 else "0") for s in said]
        pairs = [(a, "0" if b == "gnd" else b) for a, b in pairs]
        unknown = [(s, name) for s, pair in zip(said, pairs, strict=True) for name in pair if name not in self.numbers]
        for statement, name in unknown:
            self.sorting.findings.mistakes.append(statement.finding(f"there is no node {name}"))
        if not pairs:
            msg = "no pair of nodes is said to be an output; add `*hwsim: output PLUS MINUS`"
            raise CircuitError(msg)
        if not unknown:
            plus, minus = (self._nodes([pair[k] for pair in pairs]) for k in (0, 1))
            own = {key: np.concatenate([numbers(s.options.get(key), usual) for s in said]) for key, usual in _OUTPUT.items()}
            self._add(Nudges(name=array.name, plus=plus, minus=minus, **own), [])

    def _gmin(self) -> None:
        """Put the conductance that the deck has across its junctions beside the diodes, which have GMIN of their own."""
        extra = self.gmin - GMIN
        pairs = [(e.anode, e.cathode) for e in self.elements if isinstance(e, Diodes)]
        pairs += [(self._nodes([part.nodes[k]]), self._nodes([part.nodes[j]])) for part, k, j in self._junctions()]
        if extra <= GMIN or not pairs:
            return
        a, b = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
        self._add(Resistors(name=self._free("gmin"), a=a, b=b, r=1.0 / extra), [])

    def _junctions(self) -> Iterator[tuple[Part, int, int]]:
        """Give the junctions of what is passed on, whose conductance ngspice is told like that of all others."""
        for part in self.sorting.flat.parts:
            if part.kind == "p" and part.name not in self.sorting.dropped:
                yield from ((part, k, j) for k, j in part.more.junctions)

    def circuit(self, name: str, groups: Any, *, grounded: bool) -> Circuit:
        """Make the circuit, in the order that the deck says; unless it must be `grounded`, nodes may float.

        Raises
        ------
        CircuitError
            When it does not pass its own checks.

        """
        roles = self.sorting.roles
        blocks = {s.words[0]: Block(s.words[0], s.words[1], s.words[2:]) for s in roles.of("block") if len(s.words) > 2}  # noqa: PLR2004 - as in arrays.py
        order = [word for s in roles.of("order") for word in s.words]
        elements = sorted(self.elements, key=lambda e: order.index(e.name) if e.name in order else len(order))
        wanted = [word for s in roles.of("blocks") for word in s.words]
        made = sorted(blocks.values(), key=lambda b: wanted.index(b.name) if b.name in wanted else len(wanted))
        return Circuit(name=name, groups=tuple(groups), elements=tuple(elements), blocks=tuple(made), grounded=grounded)


def numbers(text: str | None, default: float) -> NDArray[np.float64]:
    """Read one number, or several with commas between them, of a structured comment.

    Raises
    ------
    ValueError
        When one is no number.

    """
    if text is None:
        return np.array([default])
    return np.array([math.inf if word == "inf" else read_number(word)[0] for word in text.split(",")])
